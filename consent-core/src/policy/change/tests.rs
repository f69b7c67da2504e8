//! Every kind of edit of the reference site's policy, and what must come of it.

mod edits;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::policy::{Activity, Cookie, Data, Purpose, Region, Right, Role, SubProcessor};
use crate::{LegalBasis, PurposeId, Signal};
use edits::*;

fn reference() -> Policy {
    static REFERENCE: LazyLock<Policy> = LazyLock::new(|| {
        Policy::from_toml(include_str!("../../../../examples/cloud-pbs/policy.toml")).unwrap()
    });
    REFERENCE.clone()
}

fn edited(edit: Edit) -> Policy {
    let mut policy = reference();
    edit(&mut policy);
    policy
}

fn told(comparison: &Comparison) -> Vec<(Reason, String, Vec<String>)> {
    let asks = |d: &Difference| d.asks_again().iter().map(ToString::to_string).collect();
    let told = |d: &Difference| (d.reason(), d.path().to_owned(), asks(d));
    comparison.differences().iter().map(told).collect()
}

#[test]
fn every_kind_of_edit_is_told_and_weighed() {
    assert!(EDITS.len() >= 40);
    let old = reference();
    for (i, (edit, expected)) in EDITS.iter().enumerate() {
        let new = edited(*edit);
        let valid = Policy::from_canonical_json(&new.canonical_json());
        assert_eq!(valid.as_ref(), Ok(&new), "edit {i}");
        let comparison = Comparison::of(&old, &new);
        let expected: Vec<_> = expected
            .iter()
            .map(|(reason, path, asks)| {
                (*reason, (*path).to_owned(), asks.iter().map(ToString::to_string).collect())
            })
            .collect();
        assert_eq!(told(&comparison), expected, "edit {i}");
    }
}

/// The reasons that the table does not reach, because they are seen only backwards or in pairs.
#[test]
fn every_reason_is_reached() {
    let mut reached: BTreeSet<Reason> = BTreeSet::new();
    let old = reference();
    for (edit, _) in EDITS {
        let new = edited(*edit);
        for comparison in [Comparison::of(&old, &new), Comparison::of(&new, &old)] {
            reached.extend(comparison.differences().iter().map(Difference::reason));
        }
    }
    let mut german = reference();
    german.languages.push("de".to_owned());
    let two_cookies = edited(|p| analytics(p).cookies.push(cookie("_other", 30)));
    let mut longer = two_cookies.clone();
    analytics(&mut longer).cookies[1].days = 300;
    let mapped = |purposes: &[&str]| {
        let mut policy = reference();
        map(&mut policy, "acme", "on", purposes);
        policy
    };
    let (mapped, turned) = (mapped(MAPPED), mapped(&[MAPPED[1], MAPPED[0]]));
    let scored = edited(|p| p.automated_decisions = Some(text("A score.")));
    for (old, new) in [
        (&old, &german),
        (&german, &old),
        (&two_cookies, &longer),
        (&scored, &old),
        (&mapped, &turned),
    ] {
        let comparison = Comparison::of(old, new);
        assert_eq!(comparison.differences().len(), 1);
        assert!(comparison.asks_again().is_empty());
        reached.extend(comparison.differences().iter().map(Difference::reason));
    }
    let missing: Vec<_> = Reason::ALL.iter().filter(|reason| !reached.contains(reason)).collect();
    assert_eq!(missing, [&Reason::TransferGround; 0]);
}

/// Nothing that changes what is published goes unseen, and nothing is seen where nothing changed.
#[test]
fn two_policies_differ_if_and_only_if_a_difference_is_told() {
    let policies: Vec<Policy> = EDITS
        .iter()
        .map(|(edit, _)| Policy { number: 1, ..edited(*edit) })
        .chain([reference()])
        .collect();
    for (i, old) in policies.iter().enumerate() {
        for new in policies[i..].iter().take(8).chain(policies.last()) {
            let told = !Comparison::of(old, new).differences().is_empty();
            assert_eq!(told, old != new);
        }
    }
}

#[test]
fn languages_come_and_go_without_asking() {
    let both = reference();
    let only = |language: &str| {
        let file = include_str!("../../../../examples/cloud-pbs/policy.toml");
        let other = if language == "en" { "fr" } else { "en" };
        let line = |line: &&str| !line.contains(&format!(".{other} ="));
        let file: Vec<_> = file.lines().filter(line).collect();
        let file = file.join("\n").replace("[\"en\", \"fr\"]", &format!("[\"{language}\"]"));
        let mut policy: Policy = toml::from_str(&file).unwrap();
        policy.security.iter_mut().for_each(|text| text.retain(|tag, _| tag == language));
        policy
    };
    let english = only("en");
    for (old, new, reason) in
        [(&english, &both, Reason::LanguageAdded), (&both, &english, Reason::LanguageRemoved)]
    {
        let comparison = Comparison::of(old, new);
        let reasons: Vec<_> = comparison.differences().iter().map(Difference::reason).collect();
        assert_eq!(reasons, [reason]);
    }
    // With no language in common, nobody can say that the words are the same.
    let comparison = Comparison::of(&english, &only("fr"));
    assert_eq!(comparison.asks_again().len(), 3);
}

/// A signal is granted if all that it follows is, so one that follows less is granted sooner.
#[test]
fn signals_that_follow_more_or_less_ask() {
    let with = |signal: &str, purposes: Option<&[&str]>| {
        let mut policy = reference();
        map(&mut policy, "google", "ad_storage", &[]);
        if let Some(purposes) = purposes {
            map(&mut policy, "google", signal, purposes);
        }
        policy
    };
    let (both, one) = (&["analytics", "communications"][..], ANALYTICS);
    for (old, new, expected) in [
        (Some(one), Some(both), vec![(Reason::SignalFollows, MAIL)]),
        (Some(both), Some(one), vec![(Reason::SignalFollowsLess, ANALYTICS)]),
        (
            Some(one),
            Some(MAIL),
            vec![(Reason::SignalFollows, MAIL), (Reason::SignalFollowsLess, MAIL)],
        ),
        (Some(one), Some(&[]), vec![(Reason::SignalFollowsLess, NOBODY)]),
        // Unlisted, it is what the table of vendors says: perhaps always granted.
        (Some(one), None, vec![(Reason::SignalFollowsLess, ANALYTICS)]),
        (Some(&[]), None, vec![(Reason::VendorSignals, NOBODY)]),
        (Some(both), Some(&["communications", "analytics"]), vec![(Reason::VendorSignals, NOBODY)]),
    ] {
        let (old, new) = (with("security_storage", old), with("security_storage", new));
        let comparison = Comparison::of(&old, &new);
        let told: Vec<_> =
            told(&comparison).into_iter().map(|(reason, _, asks)| (reason, asks)).collect();
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(reason, asks)| (reason, asks.iter().map(ToString::to_string).collect()))
            .collect();
        assert_eq!(told, expected);
    }
    let comparison = Comparison::of(&with("security_storage", Some(one)), &reference());
    let gone: Vec<_> = comparison.differences().iter().map(Difference::reason).collect();
    assert_eq!(gone, [Reason::VendorRemoved, Reason::SignalFollowsLess]);
    assert!(comparison.asks_again().is_empty(), "told nothing any more");
}

#[test]
fn only_the_words_count() {
    let old = text("Kept for 1.5 years, then deleted.");
    for (new, same) in [
        ("kept  for 1.5 years; then deleted", true),
        ("Kept for 15 years, then deleted.", false),
        ("Kept for 1.5 years, then not deleted.", false),
        ("", false),
    ] {
        let mut policy = reference();
        purpose(&mut policy, "communications").retention = old.clone();
        let before = policy.clone();
        purpose(&mut policy, "communications").retention = text(new);
        let reason = Comparison::of(&before, &policy).differences()[0].reason();
        assert_eq!(reason == Reason::RetentionReworded, same, "{new}");
    }
}

#[test]
fn people_are_told_why() {
    let old = reference();
    let because = |edit: Edit, purpose: &str, language: &str| {
        let purpose: PurposeId = purpose.parse().unwrap();
        Comparison::of(&old, &edited(edit)).because(&purpose, language)
    };
    let hetzner: Edit = |p| processor(p, "Hetzner").purposes.push(id("analytics"));
    assert_eq!(
        because(hetzner, "analytics", "en").unwrap(),
        "Asked again because Hetzner now also receives data on how the website is used."
    );
    assert_eq!(
        because(hetzner, "analytics", "fr-FR").unwrap(),
        "La question vous est posée à nouveau, car Hetzner reçoit désormais aussi : data on how \
         the website is used."
            .replace("data on how the website is used", "données d’utilisation du site")
    );
    assert_eq!(because(hetzner, "communications", "en"), None);
    let two: Edit = |p| {
        analytics(p).retention_months = Some(25);
        analytics(p).recipients.push("{who}".into());
    };
    assert_eq!(
        because(two, "analytics", "en").unwrap(),
        "Asked again because {who} now also receives the data for “Audience measurement”; and the \
         data for “Audience measurement” are kept for longer: 25 months instead of 13."
    );
}

/// Each clause as it is read, so that a change of words is looked at.
#[test]
fn every_clause_is_a_clause() {
    let old = reference();
    for (edit, _) in EDITS {
        for difference in Comparison::of(&old, &edited(*edit)).differences() {
            for language in ["en", "fr"] {
                let text = difference.text(language);
                assert!(!text.contains(['{', '}']), "{text}");
                assert!(!text.contains("“”") && !text.contains("  "), "{text}");
                assert!(!text.ends_with('.') && !text.ends_with(": "), "{text}");
            }
        }
    }
}

proptest! {
    /// Two steps ask everybody whom one step over the same way asks: nothing material is reached in
    /// steps that are each editorial.
    #[test]
    fn a_detour_asks_no_fewer(one in 0..EDITS.len(), two in 0..EDITS.len(), three in 0..EDITS.len()) {
        let [one, two, three] = [one, two, three].map(|i| edited(EDITS[i].0));
        let (first, second) = (Comparison::of(&one, &two), Comparison::of(&two, &three));
        let direct = Comparison::of(&one, &three);
        for purpose in direct.asks_again() {
            prop_assert!(
                first.asks_again().contains(purpose) || second.asks_again().contains(purpose),
                "{purpose}"
            );
        }
    }
}
