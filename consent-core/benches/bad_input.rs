//! How the time to refuse a bad policy grows with its length: four times the length should take
//! four times as long, and anything near sixteen is a fault. Each is read as TOML and, where it is
//! TOML at all, as published JSON too. Best of ten; run with nothing else going on.

#[path = "../tests/bad_input/policies.rs"]
mod policies;

use std::time::{Duration, Instant};

use consent_core::Policy;

fn main() {
    println!("{:>9} {:>9} {:>9}  growth  what", "¼ MB", "½ MB", "1 MB");
    for (what, make, told) in policies::BAD_POLICIES {
        let texts = [250_000, 500_000, 1_000_000].map(make);
        report(what, texts.each_ref().map(|text| best(|| Policy::from_toml(text).is_err())));
        if told.contains("nested deeper") {
            continue;
        }
        let json = texts.map(|text| toml::from_str::<toml::Table>(&text).ok());
        if let [Some(a), Some(b), Some(c)] = json {
            let json = [a, b, c].map(|table| serde_json::to_vec(&table).expect("TOML is JSON"));
            let times = json.map(|json| best(|| Policy::from_canonical_json(&json).is_err()));
            report(&format!("{what}, in JSON"), times);
        }
    }
}

fn best(refuses: impl Fn() -> bool) -> Duration {
    let time = |_| {
        let started = Instant::now();
        assert!(refuses());
        started.elapsed()
    };
    (0..10).map(time).min().unwrap_or_default()
}

fn report(what: &str, times: [Duration; 3]) {
    let [quarter, half, whole] = times.map(|time| time.as_secs_f64() * 1e3);
    let growth = whole / quarter;
    println!("{quarter:>6.1} ms {half:>6.1} ms {whole:>6.1} ms {growth:>6.1}  {what}");
}
