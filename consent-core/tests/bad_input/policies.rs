//! Policies that are large and wrong, each made in any size, so that `benches/bad_input.rs` can
//! measure how the time to refuse one grows with it.

use consent_core::policy::EXAMPLE;

/// What is much, a policy of about so many bytes that has it, and what its author is told.
pub(crate) type BadPolicy = (&'static str, fn(usize) -> String, &'static str);

/// Each stresses a stack, or something that could take more time than its length.
#[rustfmt::skip]
pub(crate) const BAD_POLICIES: &[BadPolicy] = &[
    // Many entries of one list.
    ("purposes", |n| and(&fill(n, PURPOSE)), "purpose: at most 64 entries, not "),
    ("data", |n| and(&fill(n, DATA)), "data: at most 256 entries, not "),
    ("activities", |n| and(&fill(n, ACTIVITY)), "activity: at most 256 entries, not "),
    ("regions", |n| and(&fill(n, "[[region]]\nid = 'r#'\ntitle.en = 't'\ntransfers.en = 't'\n")), "region: at most 256 entries, not "),
    ("sub-processors", |n| and(&fill(n, PROCESSOR)), "sub_processor: at most 256 entries, not "),
    ("vendors", |n| and(&fill(n, "[mapping.v#]\na = ['analytics']\n")), "mapping: at most 256 entries, not "),
    ("signals of a vendor", |n| and(&format!("[mapping.v]\n{}", fill(n, "s# = []\n"))), "mapping.v: at most 256 entries, not "),
    ("purposes of a signal", |n| and(&format!("[mapping.v]\ns = [{}]", fill(n, "'analytics', "))), "mapping.v.s: at most 64 entries, not "),
    ("purposes of a sub-processor", |n| and(&PROCESSOR.replace("'analytics'", &fill(n, "'analytics', "))), "sub_processor[0].purposes: at most 64 entries, not "),
    ("languages", |n| edit("[\"en\"]", &format!("[{}]", fill(n, "'l#', "))), "line 3: languages: at most 64 entries, not "),
    ("rights", |n| edit("[\"access\"", &format!("[{}\"access\"", fill(n, "'access', "))), "line 5: rights[1]: 'access' is listed twice"),
    ("signals", |n| edit("rights", &format!("signals = [{}]\nrights", fill(n, "'gpc', "))), "line 5: signals[1]: 'gpc' is listed twice"),
    ("measures", |n| edit("rights", &format!("security = [{}]\nrights", fill(n, "{en = 'm'}, "))), "line 5: security: at most 256 entries, not "),
    ("services", |n| edit("[\"Measure\"]", &format!("[{}]", fill(n, "'s#', "))), "purpose[1].services: at most 256 entries, not "),
    ("cookies", |n| edit("[{ name", &format!("[{}{{ name", fill(n, "{name = 'c#', days = 1}, "))), "purpose[1].cookie: at most 256 entries, not "),
    ("data of a purpose", |n| edit("[\"usage\"]", &format!("[{}]", fill(n, "'usage', "))), "purpose[1].data: at most 256 entries, not "),
    ("data of an activity", |n| edit("[\"account\", \"usage\"]", &format!("[{}]", fill(n, "'d#', "))), "activity[0].data: at most 256 entries, not "),
    // Many of two things, so that one might be looked for in the other.
    ("data in activities", |n| and(&format!("{}{}", fill(n / 2, DATA), lists(n / 2, ACTIVITY, "'usage'", 256))), "data: at most 256 entries, not "),
    ("purposes in mappings", |n| and(&format!("{}{}", fill(n / 2, PURPOSE), lists(n / 2, "[mapping.v#]\na = ['x']\n", "'x'", 64))), "mapping.v0.a[0]: there is no purpose 'x0y"),
    ("purposes in sub-processors", |n| and(&format!("{}{}", fill(n / 2, PURPOSE), lists(n / 2, PROCESSOR, "'analytics'", 64))), "purpose: at most 64 entries, not "),
    ("unknown data, many known", |n| and(&format!("{}{}", fill(7_000, DATA), lists(n - 7_000, ACTIVITY, "'usage'", 256))), "line 61: data[2].id: no [[activity]] processes 'd0'"),
    ("languages and texts", |n| edit("[\"en\"]", &format!("[{}]", fill(n / 2, "'l#', "))) + &fill(n / 2, DATA), "languages: at most 64"),
    ("languages and presets", |n| format!("languages = [{}]\n{}", fill(n / 2, "'en', "), fill(n / 2, "[[purpose]]\npreset = 'analytics'\n")), "purpose[0].data: is missing"),
    ("texts in one place", |n| edit("name.en = \"Data", &format!("{}name.en = \"Data", fill(n, "name.l# = 't'\n"))), "line 13: officer.name.l0: 'l0' is none of the policy's languages (en)"),
    ("signals under a long name", |n| and(&format!("[mapping.{}]\n{}", "v".repeat(n / 2), fill(n / 2, "s# = ['x']\n"))), "v…: at most 200 bytes, not "),
    ("purposes under a long name", |n| and(&format!("[mapping.{}]\n{}", "v".repeat(n / 2), fill(n / 2, "s# = ['x', 'x', 'x', 'x', 'x', 'x', 'x', 'x', 'x', 'x', 'x', 'x']\n"))), "v…: at most 200 bytes, not "),
    // Many faults.
    ("empty purposes", |n| fill(n, "[[purpose]]\n"), "line 1: purpose[0].id: is missing, and has to be given"),
    ("unknown presets", |n| fill(n, "[[purpose]]\npreset = '#'\n"), "line 2: purpose[0].preset: there is no such preset"),
    ("purposes of no table", |n| format!("purpose = [{}]", fill(n, "#, ")), "line 1: purpose[0]: must be a table of fields, not a number"),
    ("purposes on many bases", |n| fill(n, "[[purpose]]\nbasis = [[], []]\nswitch = 1\n"), "line 2: purpose[0].basis: a purpose rests on exactly one"),
    ("wrong texts", |n| format!("officer = {{name = {{{}}}}}", fill(n, "l# = #, ")), "line 1: officer.name.l0: invalid type: integer"),
    ("unknown fields", |n| fill(n, "x# = 1\n"), "line 1: x0: unknown field; there are number, name, languages"),
    ("unknown fields in tables", |n| fill(n, "[x#]\n"), "line 1: x0: unknown field"),
    ("alike identifiers", |n| and(&fill(n.min(11_000), "[[region]]\nid = 'e.u'\ntitle.en = 't'\ntransfers.en = 't'\n")), "line 61: region[1].id: 'e.u' looks like 'eu'"),
    // One thing twice, and again.
    ("one key", |n| fill(n, "number = 1\n"), "line 2: duplicate key"),
    ("one dotted key", |n| fill(n, "officer.name.en = 't'\n"), "line 2: duplicate key"),
    ("one table", |n| fill(n, "[controller]\n"), "line 2: duplicate key"),
    ("one key in brackets", |n| format!("officer = {{{}}}", fill(n, "name = 1, ")), "line 1: duplicate key"),
    ("the whole policy", |n| fill(n, EXAMPLE), "line 66: duplicate key"),
    // One long thing.
    ("a long name", |n| edit("\"Example\"", &format!("'{}'", "n".repeat(n))), "line 2: name: at most 200 bytes, not "),
    ("a long text", |n| edit("\"13 months.\"", &format!("'{}'", "é".repeat(n / 2))), "purpose[1].retention.en: at most 4000 bytes, not "),
    ("a long text of escapes", |n| edit("\"13 months.\"", &format!("\"{}\"", fill(n, "\\u202e"))), "purpose[1].retention.en: holds the invisible character U+202E"),
    ("a long text of lines", |n| edit("\"13 months.\"", &format!("'''{}'''", "\n".repeat(n))), "purpose[1].retention.en: the text in 'en' is missing"),
    ("a long wrong value", |n| format!("number = '{}'", "n".repeat(n)), "line 1: number: invalid type: string"),
    ("a long identifier", |n| edit("\"eu\"", &format!("'{}'", "e".repeat(n))), "region[0].id: a region must be 1 to 64 characters"),
    ("a long basis", |n| edit("\"consent\"", &format!("'{}'", "c".repeat(n))), "purpose[1].basis: unknown variant"),
    ("a long preset", |n| format!("[[purpose]]\npreset = '{}'", "p".repeat(n)), "line 2: purpose[0].preset: there is no such preset"),
    ("a long address", |n| edit("dpo@", &format!("{}@", "d".repeat(n))), "line 14: officer.email: an e-mail address is at most"),
    ("a long language", |n| edit("[\"en\"]", &format!("['{}']", "a-".repeat(n / 2))), "line 3: languages[0]: a language is a BCP 47 tag"),
    ("a long field", |n| format!("{} = 1", "x".repeat(n)), "unknown field; there are number, name"),
    ("a long field in quotes", |n| format!("\"{}\" = 1", "[0].".repeat(n / 4)), "unknown field; there are number, name"),
    ("a long number", |n| format!("number = {}", "9".repeat(n)), "line 1: integer number overflowed"),
    ("a long comment", |n| format!("#{}\ncolour = 1", "#".repeat(n)), "line 2: colour: unknown field"),
    ("a long way down", |n| format!("{}colour = 1", "\n".repeat(n)), ": colour: unknown field"),
    ("a long space", |n| format!("{}=", " ".repeat(n)), "line 1: "),
    // Deep.
    ("brackets", |n| format!("name = {}", "[".repeat(n)), "line 1: nested deeper than 16 levels"),
    ("closed brackets", |n| format!("name = {}{}", "[".repeat(n / 2), "]".repeat(n / 2)), "line 1: nested deeper than 16 levels"),
    ("braces", |n| format!("name = {}", "{a=".repeat(n / 3)), "line 1: nested deeper than 16 levels"),
    ("dots", |n| format!("{}a = 1", "a.".repeat(n / 2)), "line 1: nested deeper than 16 levels"),
    ("dots in a head", |n| format!("[{}a]", "a.".repeat(n / 2)), "line 1: nested deeper than 16 levels"),
    ("dots in braces", |n| format!("name = {}1", "{a.a.a.a.a.a.a.a.a.a.a.a.a.a.a=".repeat(n / 32)), "line 1: nested deeper than 16 levels"),
    ("many deep heads", |n| fill(n, "[a.b.c.d.e.f.g.h.i.j.k.l.m.n.x#]\n"), "line 1: a: unknown field"),
    ("many deep keys", |n| fill(n, "a.b.c.d.e.f.g.h.i.j.k.l.m.n.x# = 1\n"), "line 1: a: unknown field"),
    // No TOML at all.
    ("zeros", |n| "\0".repeat(n), "line 1: "),
    ("quotes", |n| "\"".repeat(n), "line 1: "),
    ("equals signs", |n| "=".repeat(n), "line 1: "),
    ("closing brackets", |n| "]\n".repeat(n / 2), "line 1: "),
    ("an open text", |n| format!("name = '''{}", "'' ".repeat(n / 3)), "line 1: "),
];

const PURPOSE: &str = "[[purpose]]\nid = 'p#'\nbasis = 'consent'\ndata = ['usage']\n\
    title.en = 't'\ndescription.en = 'd'\nretention.en = 'r'\n";
const DATA: &str = "[[data]]\nid = 'd#'\ntitle.en = 't'\n";
const ACTIVITY: &str = "[[activity]]\nid = 'a#'\nrole = 'controller'\ntitle.en = 't'\n\
    description.en = 'd'\ndata = ['usage']\n";
const PROCESSOR: &str = "[[sub_processor]]\nname = 's#'\ncountry = 'FR'\nservice.en = 's'\n\
    purposes = ['analytics']\n";

/// About so many bytes of `unit`, with its number in each for `#`.
pub(crate) fn fill(bytes: usize, unit: &str) -> String {
    let mut text = String::new();
    for i in 0.. {
        text += &unit.replace('#', &i.to_string());
        if text.len() >= bytes {
            break;
        }
    }
    text
}

/// The example, and more.
fn and(more: &str) -> String {
    format!("{EXAMPLE}{more}")
}

/// The example with something else in one place.
fn edit(from: &str, to: &str) -> String {
    assert!(EXAMPLE.contains(from), "{from}");
    EXAMPLE.replacen(from, to, 1)
}

/// Some 200 of `unit`, each with a list of up to `most` unknown names in the place of `of`: so many
/// bytes of them, and every name is looked into.
fn lists(bytes: usize, unit: &str, of: &str, most: usize) -> String {
    let share = bytes / 200 - unit.len();
    let name = format!("'x#{}', ", "y".repeat((share / most).min(50)));
    fill(bytes, &unit.replace(of, &fill(share, &name)))
}
