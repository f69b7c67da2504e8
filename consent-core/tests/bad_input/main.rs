//! Anything may arrive: each parser of outside bytes is given a megabyte of each kind of rubbish,
//! on a small stack, and answers with an error that says what and where. Only the public interface
//! is used.
//!
//! Nothing is timed here: `benches/bad_input.rs` measures how the time grows with the length.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod parsers;
mod policies;
mod values;

use std::thread;

use consent_core::Policy;

use parsers::{PARSERS, Parser};

const MEGABYTE: usize = 1_000_000;

/// Half of what Rust gives a thread.
const STACK: usize = 1 << 20;

/// The longest error that is told: a hundred faults, each with a path and a message.
const MAX_ERROR: usize = 100_000;

/// Units that a megabyte is made of, and what stands in front of them.
#[rustfmt::skip]
const RUBBISH: &[(&[u8], &[u8])] = &[
    // Nothing that is written.
    (b"", b" "), (b"", b"\n"), (b"", b"\n\n"), (b"", b"\r\n"), (b"", b"\t"), (b"", b"\0"), (b"", b"\x7f"),
    // No text: bytes that are no UTF-8, a character cut in two, and what only looks like text.
    (b"", b"\xff"), (b"", b"\xc3"), (b"", b"\xed\xa0\x80"), (b"{\"a", b"\xf0\x9f\x98"),
    (b"", "а".as_bytes()), (b"", "\u{200b}".as_bytes()), (b"", "e\u{301}".as_bytes()), (b"\xef\xbb\xbf", b"a"),
    // One thing without end.
    (b"", b"a"), (b"", b"A"), (b"", b"0"), (b"-", b"9"), (b"0.", b"0"), (b"1e", b"9"), (b"", b"="), (b"", b"+"),
    (b"", b"-"), (b"", b"."), (b"", b":"), (b"", b"@"), (b"", b"a@"), (b"", b"/"), (b"", b"%00"), (b"", b"\\"),
    (b"", b"\""), (b"\"", b"a"), (b"\"", b"\\u0000"), (b"\"", b"\\ud800"), (b"'''", b"'' "), (b"#", b"#"),
    // Deep.
    (b"", b"["), (b"", b"]"), (b"", b"{"), (b"", b"}"), (b"", b"[["), (b"", b"{\"a\":"), (b"", b"[{\"a\":"),
    (b"{\"purposes\":", b"["), (b"{\"data\":", b"[{\"title\":"), (b"a=", b"[{a.a.a=["), (b"", b"a."), (b"a={", b"a={"),
    // Wide: of wrong types, unknown, twice.
    (b"[", b"0,"), (b"[", b"{},"), (b"[", b"[],"), (b"{", b"\"a\":0,"), (b"{", b"\"a\":\"granted\","),
    (b"{\"iss\":\"", b"a"), (b"{\"signals\":[", b"\"gpc\","), (b"{\"purposes\":{", b"\"a\":{\"basis\":\"consent\",\"state\":\"open\"},"),
    (b"", b"a=0\n"), (b"", b"[a]\n"), (b"", b"[[purpose]]\n"), (b"", "— a AAAAAAA=\n".as_bytes()),
    (b"a\n\n", "— a AAAAAAA=\n".as_bytes()), (b"a\n1\n", b"AAAAAAAA"), (b"a+00000000+", b"AAAA"),
    (b"c2sp.org/tlog-proof@v1\nindex 0\n", b"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"),
    (b"c2sp.org/tlog-proof@v1\nextra ", b"AAAA"), (b"consent-bundle@v1\nkind event\nsalt ", b"AAAA"),
    (b"tile/0/", b"x000/"), (b"browser:", b"A"), (b"+33", b"0"), (b"1.1.", b"z"), (b"1.1.hovs0.", b"g"),
];

/// Reads on a small stack, as the error's text; fails if it is accepted.
fn refused(read: impl FnOnce() -> Result<(), String> + Send, what: &str) -> String {
    thread::scope(|scope| {
        let reader = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, read).unwrap();
        reader.join().expect(what).expect_err(what)
    })
}

fn refused_by(parser: &Parser, bytes: &[u8], what: &str) {
    let what = format!("{} bytes of {what} as {}", bytes.len(), parser.name);
    let error = refused(|| (parser.read)(bytes).map(drop), &what);
    assert!(parser.says.iter().any(|says| error.contains(says)), "{what}: {error:.300}");
}

/// A megabyte of `unit` after `start`.
fn fill(start: &[u8], unit: &[u8]) -> Vec<u8> {
    let mut bytes = [start, &unit.repeat(MEGABYTE / unit.len())].concat();
    bytes.truncate(MEGABYTE);
    bytes
}

#[test]
fn a_megabyte_of_rubbish_is_refused_by_everything() {
    for (start, unit) in RUBBISH {
        let bytes = fill(start, unit);
        let what = format!("{:?}", String::from_utf8_lossy(&[*start, unit].concat()));
        for parser in PARSERS {
            refused_by(parser, &bytes, &what);
            // And as much as is not refused for its length alone.
            if parser.most < MEGABYTE {
                refused_by(parser, &bytes[..parser.most], &what);
            }
        }
    }
}

#[test]
fn rubbish_around_something_good_is_refused() {
    for unit in [&b"a"[..], b"\0", b"[", b"\xff", b"=\n"] {
        let rubbish = fill(b"", unit);
        for parser in PARSERS {
            let good = (parser.good)();
            refused_by(parser, &[&good, &rubbish[..]].concat(), "rubbish after something good");
            refused_by(parser, &[&rubbish[..], &good].concat(), "rubbish before something good");
        }
    }
}

/// A text that was cut off is refused, unless nothing is missing but white space, or what is left
/// is whole in itself, and says what it says: `e` of the region `eu`.
#[test]
fn nothing_cut_off_is_taken_for_the_whole() {
    for parser in PARSERS {
        let good = (parser.good)();
        let whole = (parser.read)(&good).expect(parser.name);
        for end in 0..good.len() {
            let (start, rest) = good.split_at(end);
            match (parser.read)(start) {
                Ok(read) if read == whole => {
                    assert!(rest.trim_ascii().is_empty(), "{}", parser.name);
                }
                Ok(read) => assert_eq!(read, start, "{}", parser.name),
                Err(error) => assert!(!error.is_empty()),
            }
        }
    }
}

#[test]
fn large_policies_are_refused_with_field_and_line() {
    for (what, make, expected) in policies::BAD_POLICIES {
        let text = make(MEGABYTE);
        let told = refused(
            || Policy::from_toml(&text).map(drop).map_err(|faults| faults.to_string()),
            what,
        );
        assert!(told.contains(expected), "{what}: {told:.300}");
        assert!(told.len() < MAX_ERROR, "{what}: {} bytes of error", told.len());
    }
}
