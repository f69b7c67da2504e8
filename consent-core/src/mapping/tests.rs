//! The table of vendors, what is told of it, and what may never be.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::policy::EXAMPLE;

/// The example with one purpose on consent more, `ads`, and a mapping.
fn policy(mapping: &str) -> Policy {
    Policy::from_toml(&text(mapping)).unwrap()
}

fn text(mapping: &str) -> String {
    format!(
        "{EXAMPLE}\n[[purpose]]\nid = 'ads'\nbasis = 'consent'\ndata = ['usage']\n\
         title.en = 'Ads'\ndescription.en = 'Ads.'\nretention.en = 'A year.'\n\n{mapping}\n"
    )
}

fn only(granted: &'static str) -> impl Fn(&PurposeId) -> bool {
    move |purpose| purpose.as_str() == granted
}

/// Every vendor that is known, at its defaults.
const ALL: &str = "[mapping]\ngoogle = {}\nclarity = {}\nuet = {}\nmeta = {}\nmatomo = {}";

#[test]
fn the_table_is_whole() {
    assert_eq!(known().keys().collect::<Vec<_>>(), ["clarity", "google", "matomo", "meta", "uet"]);
    let placeholder = |text: &Value| text == SIGNALS || text == HOURS;
    for (name, vendor) in known() {
        let protocol = vendor.protocol.as_ref().unwrap_or_else(|| panic!("{name} has no call"));
        for arguments in [&protocol.before, &protocol.granted, &protocol.denied] {
            assert!(!arguments.is_empty(), "{name}");
            for text in arguments.iter().filter(|text| text.as_str().unwrap().contains('{')) {
                assert!(placeholder(text), "{name}: {text}");
            }
        }
        // A call that does not name the signals can only tell of one.
        let named = protocol.granted.iter().any(|argument| argument == SIGNALS);
        assert!(named || vendor.signals.len() == 1, "{name}");
        assert!(!vendor.signals.is_empty(), "{name}");
        let follows_email = vendor.signals.values().any(|follows| {
            matches!(follows, Follows::Purposes(ids) if ids.iter().any(|id| id.as_str() == "communications"))
        });
        assert!(!follows_email, "{name}: a consent to e-mail grants no tag");
    }
    assert_eq!(known()["google"].signals.len(), 7);
}

#[test]
fn each_vendor_is_told_in_its_own_words() {
    let policy = policy(ALL);
    let mapping = Mapping::of(&policy);
    let call = |vendor: &str, allowed: &dyn Fn(&PurposeId) -> bool| {
        let call = mapping.vendor(vendor).unwrap().after(allowed).unwrap();
        (call.target.to_owned(), call.form, Value::from(call.arguments))
    };
    let before = |vendor: &str| {
        let call = mapping.vendor(vendor).unwrap().before().unwrap();
        (call.target.to_owned(), call.form, Value::from(call.arguments))
    };
    let google = |word: &str, ads: &str, analytics: &str| {
        let signals = json!({
            "ad_storage": ads, "ad_user_data": ads, "ad_personalization": ads,
            "analytics_storage": analytics, "functionality_storage": "denied",
            "personalization_storage": "denied", "security_storage": "granted",
        });
        ("dataLayer".to_owned(), Form::PushArguments, json!(["consent", word, signals]))
    };
    assert_eq!(before("google"), google("default", "denied", "denied"));
    assert_eq!(call("google", &|_| false), google("update", "denied", "denied"));
    assert_eq!(call("google", &only("ads")), google("update", "granted", "denied"));
    assert_eq!(call("google", &|_| true), google("update", "granted", "granted"));

    let clarity = |ads: &str, analytics: &str| {
        let signals = json!({ "ad_Storage": ads, "analytics_Storage": analytics });
        ("clarity".to_owned(), Form::Call, json!(["consentv2", signals]))
    };
    assert_eq!(before("clarity"), clarity("denied", "denied"));
    assert_eq!(call("clarity", &only("analytics")), clarity("denied", "granted"));
    assert_eq!(call("clarity", &only("ads")), clarity("granted", "denied"));

    let uet = |word: &str, ads: &str| {
        ("uetq".to_owned(), Form::Push, json!(["consent", word, { "ad_storage": ads }]))
    };
    assert_eq!(before("uet"), uet("default", "denied"));
    assert_eq!(call("uet", &only("ads")), uet("update", "granted"));
    assert_eq!(call("uet", &only("analytics")), uet("update", "denied"));

    let meta = |word: &str| ("fbq".to_owned(), Form::Call, json!(["consent", word]));
    assert_eq!(before("meta"), meta("revoke"));
    assert_eq!(call("meta", &only("ads")), meta("grant"));
    assert_eq!(call("meta", &only("analytics")), meta("revoke"));

    let matomo = |arguments: Value| ("_paq".to_owned(), Form::PushList, arguments);
    assert_eq!(before("matomo"), matomo(json!(["requireConsent"])));
    assert_eq!(call("matomo", &only("analytics")), matomo(json!(["setConsentGiven"])));
    let hours = 6 * 28 * 24;
    assert_eq!(call("matomo", &only("ads")), matomo(json!(["forgetConsentGiven", hours])));
}

#[test]
fn only_vendors_that_the_policy_names_are_told_anything() {
    assert!(Mapping::of(&policy("")).answers(|_| true).is_empty());
    let policy = policy("[mapping.meta]\n[mapping.acme]\nmeasure = ['analytics']\nsell = []");
    let mapping = Mapping::of(&policy);
    let answers = mapping.answers(only("analytics"));
    assert_eq!(answers.keys().copied().collect::<Vec<_>>(), ["acme", "meta"]);
    assert_eq!(answers["acme"]["measure"], Answer::Granted);
    assert_eq!(answers["acme"]["sell"], Answer::Denied, "it follows nothing");
    assert_eq!(mapping.vendor("acme").unwrap().before(), None);
}

#[test]
fn a_policy_replaces_the_signals_that_it_names() {
    let policy = policy(
        "[mapping.google]\nad_storage = ['analytics', 'ads']\nsecurity_storage = ['ads']\n\
         analytics_storage = []",
    );
    let mapping = Mapping::of(&policy);
    let told = |allowed: &dyn Fn(&PurposeId) -> bool| {
        let answers = mapping.answers(allowed);
        let granted = answers["google"].iter().filter(|(_, answer)| **answer == Answer::Granted);
        granted.map(|(signal, _)| (*signal).to_owned()).collect::<Vec<_>>()
    };
    let ads = ["ad_personalization", "ad_user_data", "security_storage"];
    assert_eq!(told(&only("ads")), ads, "ad_storage follows two, and one is not enough");
    let all = ["ad_personalization", "ad_storage", "ad_user_data", "security_storage"];
    assert_eq!(told(&|_| true), all);
    assert_eq!(told(&|_| false), [""; 0]);
}

#[test]
fn the_policy_holds_what_each_signal_follows() {
    let left_out = policy("[mapping.uet]");
    let written = policy("[mapping.uet]\nad_storage = ['ads']");
    assert_eq!(left_out.digest(), written.digest());
    let otherwise = policy("[mapping.uet]\nad_storage = []");
    assert_ne!(left_out.digest(), otherwise.digest());

    // What is read back is not filled in again: what it does not say is denied.
    let json = String::from_utf8(policy("[mapping.uet]").canonical_json()).unwrap();
    let empty = json.replace("{\"ad_storage\":[\"ads\"]}", "{}");
    assert_ne!(json, empty);
    let published = Policy::from_canonical_json(empty.as_bytes()).unwrap();
    assert_eq!(Mapping::of(&published).answers(|_| true)["uet"]["ad_storage"], Answer::Denied);
}

#[test]
fn what_does_not_rest_on_consent_grants_nothing() {
    // A checked policy cannot hold it, so it is put there by hand.
    let mut policy = policy("[mapping.uet]");
    let ids = policy.mappings.get_mut("uet").unwrap().get_mut("ad_storage").unwrap();
    ids.push("service".parse().unwrap());
    assert_eq!(Mapping::of(&policy).answers(|_| true)["uet"]["ad_storage"], Answer::Denied);
}

#[test]
fn each_broken_mapping_names_its_field_and_line() {
    for (mapping, expected) in [
        (
            "[mapping.google]\nad_store = ['ads']",
            "mapping.google.ad_store: 'google' has no signal 'ad_store'; there are \
             ad_personalization, ad_storage, ad_user_data, analytics_storage, \
             functionality_storage, personalization_storage, security_storage",
        ),
        ("[mapping.uet]\nad_Storage = ['ads']", "'uet' has no signal 'ad_Storage'"),
        (
            "[mapping.google]\nad_storage = ['ads', 'service']",
            "mapping.google.ad_storage[1]: 'service' rests on contract; a signal follows",
        ),
        ("[mapping.google]\nad_storage = ['x']", "mapping.google.ad_storage[0]: there is no purp"),
        ("[mapping.google]\nad_storage = ['ads', 'ads']", "ad_storage[1]: 'ads' is listed twice"),
        ("[mapping.google]\nad_storage = 'ads'", "mapping.google.ad_storage: must be a list"),
        ("[mapping.google]\nsecurity_storage = 'always'", "security_storage: must be a list"),
        ("[mapping]\ngoogle = 'ads'", "mapping.google: must be a table, not a text"),
        ("mapping = 1", "mapping: must be a table, not a number"),
        (
            "[mapping.gogle]",
            "mapping.gogle: 'gogle' is none of the known vendors (clarity: Microsoft Clarity, google: \
             Google Consent Mode v2, matomo: Matomo, meta: Meta pixel, uet: Microsoft Advertising \
             (UET)); name its signals, or correct it",
        ),
        ("[mapping]\n'a b' = { x = [] }", "a name is made of 1 to 64 letters"),
        ("[mapping.acme]\n'x y' = []", "mapping.acme.x y: a name is made of 1 to 64 letters"),
    ] {
        let first = mapping.starts_with("mapping = ");
        let text = if first { format!("{mapping}\n{}", text("")) } else { text(mapping) };
        let Err(faults) = Policy::from_toml(&text) else { panic!("accepted: {mapping}") };
        let message = faults.to_string();
        assert!(message.contains(expected), "{mapping}: {message}");
        let line = if first { 1 } else { text.trim_end().lines().count() };
        assert_eq!(faults.as_slice()[0].line, line, "{mapping}: {message}");
    }
}

#[test]
fn a_megabyte_of_mappings_is_refused_in_linear_time() {
    let many = |unit: &str, n: usize| {
        (0..n).map(|i| unit.replace('#', &i.to_string())).collect::<String>()
    };
    for mapping in [
        many("[mapping.v#]\nx = ['ads']\n", 30_000),
        format!("[mapping.google]\n{}", many("s# = []\n", 80_000)),
        format!("[mapping.acme]\n{}", many("s# = ['ads']\n", 50_000)),
        format!("[mapping.uet]\nad_storage = [{}]", many("'p#',", 100_000)),
    ] {
        let faults = Policy::from_toml(&text(&mapping)).unwrap_err();
        assert!(faults.to_string().contains("at most"), "{:.200}", faults.to_string());
    }
}

/// The loader reads this, so its shape must not change unnoticed.
#[test]
fn the_json_is_frozen() {
    let policy = policy("[mapping.acme]\non = ['ads']\n[mapping.matomo]\n[mapping.google]");
    let json = serde_json::to_string(&Mapping::of(&policy)).unwrap();
    assert_eq!(
        json,
        r#"{"acme":{"signals":{"on":["ads"]}},"google":{"signals":{"ad_personalization":["ads"],"ad_storage":["ads"],"ad_user_data":["ads"],"analytics_storage":["analytics"],"functionality_storage":[],"personalization_storage":[],"security_storage":"always"},"target":"dataLayer","form":"push_arguments","before":["consent","default","{signals}"],"granted":["consent","update","{signals}"],"denied":["consent","update","{signals}"]},"matomo":{"signals":{"tracking":["analytics"]},"target":"_paq","form":"push_list","before":["requireConsent"],"granted":["setConsentGiven"],"denied":["forgetConsentGiven",4032]}}"#
    );
}

/// The purposes on consent of the policies that properties are tested with.
const PURPOSES: [&str; 4] = ["analytics", "ads", "functionality", "a"];

/// A policy on those purposes, with a mapping that names any of them for any signals.
fn mapped() -> impl Strategy<Value = Policy> {
    let signals: Vec<(&str, &str)> = known()
        .iter()
        .flat_map(|(vendor, known)| known.signals.keys().map(|s| (vendor.as_str(), s.as_str())))
        .chain([("acme", "on"), ("acme", "off")])
        .collect();
    let purposes = prop::sample::subsequence(PURPOSES.to_vec(), 0..=PURPOSES.len());
    let entry = prop::option::of(purposes);
    prop::collection::vec(entry, signals.len()).prop_map(move |entries| {
        let mut policy = policy(ALL);
        let ads = policy.purposes.last().unwrap().clone();
        policy.purposes.extend(PURPOSES[2..].iter().map(|id| {
            let id = id.parse().unwrap();
            crate::policy::Purpose { id, ..ads.clone() }
        }));
        for ((vendor, signal), purposes) in signals.iter().zip(entries) {
            let Some(purposes) = purposes else { continue };
            let ids = purposes.iter().map(|id| id.parse().unwrap()).collect();
            policy
                .mappings
                .entry((*vendor).to_owned())
                .or_default()
                .insert((*signal).to_owned(), ids);
        }
        policy
    })
}

fn allowed() -> impl Strategy<Value = BTreeSet<&'static str>> {
    prop::sample::subsequence(PURPOSES.to_vec(), 0..=PURPOSES.len())
        .prop_map(|purposes| purposes.into_iter().collect())
}

proptest! {
    #[test]
    fn nothing_is_granted_when_nothing_is_allowed(policy in mapped()) {
        let mapping = Mapping::of(&policy);
        for (vendor, answers) in mapping.answers(|_| false) {
            for (signal, answer) in answers {
                let free = mapping.vendors[vendor].signals[signal] == Follows::Always;
                prop_assert_eq!(answer == Answer::Granted, free, "{} {}", vendor, signal);
                prop_assert!(!free || signal == "security_storage");
            }
        }
    }

    #[test]
    fn more_grants_never_turn_a_signal_off(
        policy in mapped(), some in allowed(), more in allowed(),
    ) {
        let mapping = Mapping::of(&policy);
        let fewer = mapping.answers(|purpose| some.contains(purpose.as_str()));
        let all = |purpose: &PurposeId| {
            some.contains(purpose.as_str()) || more.contains(purpose.as_str())
        };
        for (vendor, answers) in mapping.answers(all) {
            for (signal, answer) in answers {
                prop_assert!(answer >= fewer[vendor][signal], "{} {}", vendor, signal);
            }
        }
    }

    #[test]
    fn a_grant_is_never_wider_than_the_consent(policy in mapped(), some in allowed()) {
        let mapping = Mapping::of(&policy);
        for (vendor, answers) in mapping.answers(|purpose| some.contains(purpose.as_str())) {
            for (signal, answer) in answers {
                if let Follows::Purposes(ids) = &mapping.vendors[vendor].signals[signal] {
                    let refused = ids.iter().any(|id| !some.contains(id.as_str()));
                    prop_assert_eq!(answer == Answer::Denied, refused || ids.is_empty());
                }
            }
        }
    }
}
