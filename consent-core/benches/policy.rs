//! Reading the reference site's policy and comparing two editions of it, each beside a bare
//! ceiling and a simple alternative.

use consent_core::Policy;

const REFERENCE: &str = include_str!("../../examples/cloud-pbs/policy.toml");

fn main() {
    divan::main();
}

/// The reference site's policy, and an edition with three differences of which two are material.
fn editions() -> (Policy, Policy) {
    let edited = REFERENCE
        .replace("number = 1\n", "number = 2\n")
        .replace("retention_months = 13", "retention_months = 25")
        .replace("recipients = [\"AuthSMTP\"]", "recipients = [\"AuthSMTP\", \"Partners\"]")
        .replace("We run the measurement ourselves", "We measure ourselves");
    let read = |text| Policy::from_toml(text).expect("a valid policy");
    (read(REFERENCE), read(&edited))
}

#[divan::bench_group]
mod comparison {
    use consent_core::policy::Comparison;
    use divan::{Bencher, black_box};

    use super::editions;

    #[divan::bench]
    fn ours(bencher: Bencher<'_, '_>) {
        let (old, new) = editions();
        assert_eq!(Comparison::of(&old, &new).differences().len(), 3);
        bencher.bench(|| Comparison::of(black_box(&old), black_box(&new)));
    }

    /// Looking at every field of two equal policies and saying only that they are.
    #[divan::bench]
    fn bare_equality(bencher: Bencher<'_, '_>) {
        let (old, _) = editions();
        let new = old.clone();
        bencher.bench(|| black_box(&old) == black_box(&new));
    }

    /// Comparing digests, which tells that something changed, and nothing more.
    #[divan::bench]
    fn by_digest(bencher: Bencher<'_, '_>) {
        let (old, new) = editions();
        bencher.bench(|| black_box(&old).digest() == black_box(&new).digest());
    }
}

#[divan::bench_group]
mod reading {
    use divan::{Bencher, black_box};

    use super::{Policy, REFERENCE};

    /// Read field by field, filled in, checked.
    #[divan::bench]
    fn ours(bencher: Bencher<'_, '_>) {
        bencher.bench(|| Policy::from_toml(black_box(REFERENCE)));
    }

    /// The TOML alone.
    #[divan::bench]
    fn bare_toml(bencher: Bencher<'_, '_>) {
        bencher.bench(|| black_box(REFERENCE).parse::<toml::Table>());
    }

    /// By serde, which stops at the first fault and knows no lines.
    #[divan::bench]
    fn by_serde(bencher: Bencher<'_, '_>) {
        bencher.bench(|| toml::from_str::<Policy>(black_box(REFERENCE)));
    }
}
