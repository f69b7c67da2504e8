//! The committed JSON Schema of policies against policies, good and broken.
//!
//! That it is what the code generates is checked by `cargo xtask test`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::sync::LazyLock;

use consent_core::Policy;
use consent_core::policy::EXAMPLE;
use jsonschema::Validator;
use serde_json::Value;

const CLOUD_PBS: &str = include_str!("../../examples/cloud-pbs/policy.toml");

static SCHEMA: LazyLock<Validator> = LazyLock::new(|| {
    let schema: Value = include_str!("../../docs/policy.schema.json").parse().unwrap();
    assert!(jsonschema::meta::is_valid(&schema), "it is a schema of draft 2020-12");
    jsonschema::validator_for(&schema).unwrap()
});

/// What the schema says against a policy, each with its place.
fn faults(text: &str) -> Vec<String> {
    let policy: Value = toml::from_str(text).unwrap();
    SCHEMA.iter_errors(&policy).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// The example with `to` instead of `from`.
#[track_caller]
fn edited(from: &str, to: &str) -> String {
    assert!(EXAMPLE.contains(from), "{from}");
    EXAMPLE.replacen(from, to, 1)
}

#[test]
fn good_policies_fit() {
    for text in [EXAMPLE, CLOUD_PBS] {
        assert_eq!(faults(text), [""; 0]);
    }
    for (from, to) in GOOD {
        let text = edited(from, to);
        Policy::from_toml(&text).unwrap_or_else(|faults| panic!("{to}: {faults}"));
        assert_eq!(faults(&text), [""; 0], "{to}");
    }
}

#[test]
fn broken_policies_do_not_fit() {
    for (from, to, place) in BROKEN {
        let text = edited(from, to);
        assert!(Policy::from_toml(&text).is_err(), "it is a good policy: {to}");
        let faults = faults(&text);
        assert!(faults.iter().any(|fault| fault.starts_with(place)), "{to}: {faults:?}");
    }
}

/// The end of the example, where tables are added.
const END: &str = "[[region]]";

/// Edits after which the example is still good, at the ends of what is allowed.
const GOOD: &[(&str, &str)] = &[
    ("lifetime_months = 6\n", ""),
    ("months = 6", "months = 1"),
    ("months = 6", "months = 13"),
    ("days = 390", "days = 396"),
    ("\"_measure\"", "\"_measure*\""),
    ("months = 13", "months = 1"),
    (END, "[deadlines]\nanswer_months = 1\nextension_months = 0\nbreach_hours = 72\n[[region]]"),
    (END, "[deadlines]\n[[region]]"),
    ("rights = ", "signals = []\nrights = "),
    ("rights = ", "security = [{ en = 'locks' }]\nrights = "),
    ("rights = ", "automated_decisions.en = 'None that bind.'\nrights = "),
    ("email = \"c", "address = '1 Example Street'\nemail = \"c"),
    (END, "[[purpose]]\npreset = 'communications'\ndata = ['account']\n[[region]]"),
    (
        END,
        "[[purpose]]\npreset = 'communications'\nid = 'news'\nbasis = 'consent'\ndata = ['account']\ntitle.en = 'News'\n[[region]]",
    ),
    (
        END,
        "[[purpose]]\nid = 's'\nbasis = 'legitimate_interest'\ninterest.en = 'I'\ndata = ['account']\ntitle.en = 'T'\ndescription.en = 'D'\nretention.en = 'R'\ncookie = [{ name = 'c', days = 500 }]\n[[region]]",
    ),
    (
        END,
        "[[sub_processor]]\nname = 'A'\ncountry = 'IS'\nservice.en = 'B'\npurposes = ['service']\n[[region]]",
    ),
    (
        END,
        "[[sub_processor]]\nname = 'A'\ncountry = 'US'\ntransfer.en = 'T'\nservice.en = 'B'\npurposes = ['service']\n[[region]]",
    ),
    ("role = \"controller\"", "role = \"processor\""),
    (
        END,
        "[mapping.google]\nad_storage = ['analytics']\nsecurity_storage = []\n[mapping.meta]\n[mapping.acme]\nx = ['analytics']\n[[region]]",
    ),
];

/// Edits that break the example, and where the schema says so.
const BROKEN: &[(&str, &str, &str)] = &[
    ("number = 1", "number = 0", "/number"),
    ("number = 1", "number = 'x'", "/number"),
    ("number = 1\n", "", ": \"number\" is a required"),
    ("number = 1", "number = 1\ncolour = 1", ": Additional"),
    ("\"Example\"", "\" \"", "/name"),
    ("[\"en\"]", "[]", "/languages"),
    ("[\"en\"]", "[\"english\"]", "/languages/0"),
    ("[\"en\"]", "['en', 'en']", "/languages"),
    ("months = 6", "months = 0", "/lifetime_months"),
    ("months = 6", "months = 14", "/lifetime_months"),
    ("rights = [", "rights = ['all', ", "/rights/0"),
    ("rights = [", "rights = ['access', ", "/rights"),
    ("rights = ", "signals = ['tcf']\nrights = ", "/signals/0"),
    ("\"FR\"", "\"France\"", "/controller/country"),
    ("\"dpo@example.org\"", "\"dpo\"", "/officer/email"),
    ("https://www", "http://www", "/authority/url"),
    ("title.en = \"name", "title = \"name", "/data/0/title"),
    ("title.en = \"name", "title.English = \"name", "/data/0/title"),
    ("title.en = \"Your account\"", "title.en = \"\"", "/activity/0/title/en"),
    ("role = \"controller\"", "role = \"owner\"", "/activity/0/role"),
    ("basis = \"contract\"", "basis = \"vital\"", "/purpose/0/basis"),
    ("basis = \"contract\"", "basis = ['contract', 'consent']", "/purpose/0/basis"),
    ("basis = \"contract\"", "basis = \"contract\"\ntoggle = true", "/purpose/0: Additional"),
    ("basis = \"contract\"", "basis = \"consent\"", "/purpose/0/necessity"),
    ("basis = \"contract\"", "basis = \"legitimate_interest\"", "/purpose/0: \"interest\""),
    ("necessity.en = \"Without them there can be no account.\"", "", "/purpose/0: \"necessity\""),
    ("necessity.en", "interest.en = 'I'\nnecessity.en", "/purpose/0/interest"),
    ("retention.en = \"13 months.\"", "", "/purpose/1: \"retention\""),
    ("id = \"analytics\"", "id = \"Any thing\"", "/purpose/1/id"),
    ("data = [\"usage\"]", "data = []", "/purpose/1/data"),
    ("data = [\"usage\"]", "data = ['usage', 'usage']", "/purpose/1/data"),
    ("months = 13", "months = 0", "/purpose/1/retention_months"),
    ("services = [\"Measure\"]", "services = ['']", "/purpose/1/services/0"),
    ("_measure", "a=b", "/purpose/1/cookie/0/name"),
    ("_measure", "consent", "/purpose/1/cookie/0/name"),
    ("days = 390", "days = 397", "/purpose/1/cookie/0/days"),
    ("days = 390", "days = '390'", "/purpose/1/cookie/0/days"),
    (END, "[[purpose]]\npreset = 'ads'\ndata = ['account']\n[[region]]", "/purpose/2/preset"),
    (END, "[[purpose]]\npreset = 'communications'\n[[region]]", "/purpose/2: \"data\""),
    (
        END,
        "[[purpose]]\npreset = 'communications'\nbasis = 'contract'\ndata = ['account']\n[[region]]",
        "/purpose/2/basis",
    ),
    (
        END,
        "[[sub_processor]]\nname = 'A'\ncountry = 'US'\nservice.en = 'B'\npurposes = ['service']\n[[region]]",
        "/sub_processor/0: \"transfer\"",
    ),
    (
        END,
        "[[sub_processor]]\nname = 'A'\ncountry = 'FR'\nservice.en = 'B'\npurposes = []\n[[region]]",
        "/sub_processor/0/purposes",
    ),
    (
        "[[activity]]",
        "[[sub_processor]]\nname = 'A'\ncountry = 'FR'\nservice.en = 'B'\npurposes = ['service']\n\
         [[activity]]\nid = 'b'\nrole = 'processor'\ntitle.en = 'T'\ndescription.en = 'D'\n\
         data = ['usage']\n[[activity]]",
        ": \"sub_processor_changes\"",
    ),
    ("id = \"eu\"", "id = \"eu\"\ncountry = 'FR'", "/region/0: Additional"),
    (
        "transfers.en = \"Data are not transferred out of the European Union.\"",
        "",
        "/region/0: \"tr",
    ),
    (END, "[deadlines]\nanswer_months = 2\n[[region]]", "/deadlines/answer_months"),
    (END, "[deadlines]\nextension_months = 3\n[[region]]", "/deadlines/extension_months"),
    (END, "[deadlines]\nbreach_hours = 73\n[[region]]", "/deadlines/breach_hours"),
    (END, "[mapping.google]\nad_store = []\n[[region]]", "/mapping/google: Additional"),
    (END, "[mapping.uet]\nad_storage = ['A']\n[[region]]", "/mapping/uet/ad_storage/0"),
    (END, "[mapping.gogle]\n[[region]]", "/mapping/gogle"),
    (END, "[mapping.'x y']\na = []\n[[region]]", "/mapping"),
];
