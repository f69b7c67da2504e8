//! The table of edits: what is done to the reference site's policy, and what must be told of it.

use super::*;

pub(super) type Edit = fn(&mut Policy);
/// A reason, where, and who is asked again.
pub(super) type Expected = (Reason, &'static str, &'static [&'static str]);

pub(super) const ANALYTICS: &[&str] = &["analytics"];
pub(super) const MAIL: &[&str] = &["communications"];
pub(super) const USAGE: &[&str] = &["analytics", "email.open_tracking"];
pub(super) const ALL: &[&str] = &["analytics", "communications", "email.open_tracking"];
pub(super) const NOBODY: &[&str] = &[];
pub(super) const MAPPED: &[&str] = &["analytics", "communications"];

pub(super) fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

pub(super) fn text(words: &str) -> Text {
    ["en", "fr"].map(|language| (language.to_owned(), words.to_owned())).into()
}

pub(super) fn purpose<'p>(policy: &'p mut Policy, name: &str) -> &'p mut Purpose {
    policy.purposes.iter_mut().find(|purpose| purpose.id.as_str() == name).unwrap()
}

pub(super) fn analytics(policy: &mut Policy) -> &mut Purpose {
    purpose(policy, "analytics")
}

pub(super) fn processor<'p>(policy: &'p mut Policy, name: &str) -> &'p mut SubProcessor {
    policy.sub_processors.iter_mut().find(|processor| processor.name == name).unwrap()
}

pub(super) fn usage(policy: &mut Policy) -> &mut Data {
    policy.data.iter_mut().find(|data| data.id.as_str() == "usage").unwrap()
}

pub(super) fn word(text: &mut Text, from: &str, to: &str) {
    let english = text.get_mut("en").unwrap();
    assert!(english.contains(from), "{english}");
    *english = english.replacen(from, to, 1);
}

pub(super) fn cookie(name: &str, days: u16) -> Cookie {
    Cookie { name: name.to_owned(), days }
}

pub(super) fn sub_processor(country: &str, purposes: &[&str]) -> SubProcessor {
    SubProcessor {
        name: "Analyst".to_owned(),
        service: text("Counting"),
        country: country.to_owned(),
        purposes: purposes.iter().map(|purpose| id(purpose)).collect(),
        transfer: Some(text("A contract.")),
    }
}

pub(super) fn map(policy: &mut Policy, vendor: &str, signal: &str, purposes: &[&str]) {
    let purposes = purposes.iter().map(|purpose| id(purpose)).collect();
    policy.mappings.entry(vendor.to_owned()).or_default().insert(signal.to_owned(), purposes);
}

/// A purpose on another basis: what that basis needs to say, and nothing else.
pub(super) fn rest_on(purpose: &mut Purpose, basis: LegalBasis) {
    purpose.basis = basis;
    let words = |needed: bool| needed.then(|| text("Because."));
    purpose.interest = words(basis == LegalBasis::LegitimateInterest);
    purpose.necessity = words(matches!(basis, LegalBasis::Contract | LegalBasis::LegalObligation));
}

#[rustfmt::skip]
pub(super) const EDITS: &[(Edit, &[Expected])] = &[
    (|p| p.number += 1, &[]),
    (|p| p.name = "PBS".into(), &[(Reason::Renamed, "name", NOBODY)]),
    (|p| p.lifetime_months = 12, &[(Reason::LifetimeLonger, "lifetime_months", NOBODY)]),
    (|p| p.lifetime_months = 3, &[(Reason::LifetimeShorter, "lifetime_months", NOBODY)]),
    (|p| p.signals.push(Signal::Dnt), &[(Reason::SignalAdded, "signals", NOBODY)]),
    (|p| p.signals.clear(), &[(Reason::SignalRemoved, "signals", NOBODY)]),
    (|p| p.languages.reverse(), &[(Reason::Reordered, "languages", NOBODY)]),
    // Who.
    (|p| p.controller.name = "Other".into(), &[(Reason::ControllerChanged, "controller.name", ALL)]),
    (|p| p.controller.country = "DE".into(), &[(Reason::ControllerMoved, "controller.country", ALL)]),
    (|p| p.controller.email = "new@example.org".into(), &[(Reason::ControllerContact, "controller", NOBODY)]),
    (|p| p.controller.address = Some("Paris".into()), &[(Reason::ControllerContact, "controller", NOBODY)]),
    (|p| p.officer.email = "new@example.org".into(), &[(Reason::Officer, "officer", NOBODY)]),
    (|p| p.officer.name = text("Somebody"), &[(Reason::Officer, "officer", NOBODY)]),
    (|p| p.authority.name = "BfDI".into(), &[(Reason::Authority, "authority", NOBODY)]),
    (|p| p.authority.address = "Bonn".into(), &[(Reason::Authority, "authority", NOBODY)]),
    (|p| p.authority.url = "https://bfdi.bund.de".into(), &[(Reason::Authority, "authority", NOBODY)]),
    // Data.
    (|p| usage(p).title = text("all that you do"), &[(Reason::DataRedefined, "data.usage.title", USAGE)]),
    (|p| word(&mut usage(p).title, "data on", "Data, on"), &[(Reason::DataReworded, "data.usage.title", NOBODY)]),
    (|p| p.data[4].title = text("your files"), &[(Reason::DataRedefined, "data.backups.title", NOBODY)]),
    (|p| {
        p.data.push(Data { id: id("place"), title: text("where you are") });
        p.activities[0].data.push(id("place"));
    }, &[
        (Reason::DataDefined, "data.place", NOBODY),
        (Reason::ActivityData, "activity.account.data", NOBODY),
    ]),
    (|p| {
        p.data.retain(|data| data.id.as_str() != "incidents");
        p.activities[2].data.pop();
    }, &[
        (Reason::DataUndefined, "data.incidents", NOBODY),
        (Reason::ActivityData, "activity.requests.data", NOBODY),
    ]),
    (|p| p.data.reverse(), &[(Reason::Reordered, "data", NOBODY)]),
    // Activities.
    (|p| p.activities.push(Activity {
        id: id("shop"), role: Role::Controller, title: text("Shop"), description: text("A shop."), data: vec![id("usage")],
    }), &[(Reason::ActivityAdded, "activity.shop", NOBODY)]),
    (|p| p.activities[1].role = Role::Controller, &[(Reason::ActivityRole, "activity.backups.role", NOBODY)]),
    (|p| p.activities[1].title = text("Copies"), &[(Reason::ActivityReworded, "activity.backups.title", NOBODY)]),
    (|p| p.activities[1].description = text("Copies."), &[(Reason::ActivityReworded, "activity.backups.description", NOBODY)]),
    (|p| {
        p.activities[0].data.push(id("backups"));
        p.activities.remove(1);
    }, &[
        (Reason::ActivityData, "activity.account.data", NOBODY),
        (Reason::ActivityRemoved, "activity.backups", NOBODY),
    ]),
    // Purposes.
    (|p| {
        let added = Purpose { id: id("ads"), title: text("Advertising"), ..analytics(p).clone() };
        p.purposes.push(added);
    }, &[(Reason::PurposeAdded, "purpose.ads", &["ads"])]),
    (|p| {
        let added = Purpose { id: id("support"), ..p.purposes[0].clone() };
        p.purposes.push(added);
    }, &[(Reason::PurposeAdded, "purpose.support", NOBODY)]),
    (|p| p.purposes.retain(|purpose| purpose.id.as_str() != "email.open_tracking"),
        &[(Reason::PurposeRemoved, "purpose.email.open_tracking", NOBODY)]),
    (|p| p.purposes.swap(4, 5), &[(Reason::Reordered, "purpose", NOBODY)]),
    (|p| analytics(p).revision = Some(2), &[(Reason::PurposeRevised, "purpose.analytics.revision", ANALYTICS)]),
    (|p| p.purposes[0].revision = Some(2), &[(Reason::PurposeRevised, "purpose.service.revision", NOBODY)]),
    (|p| rest_on(purpose(p, "improvement"), LegalBasis::Consent), &[
        (Reason::BasisConsent, "purpose.improvement.basis", &["improvement"]),
        (Reason::InterestReworded, "purpose.improvement.interest", NOBODY),
    ]),
    (|p| rest_on(analytics(p), LegalBasis::LegitimateInterest), &[
        (Reason::BasisOther, "purpose.analytics.basis", NOBODY),
        (Reason::InterestReworded, "purpose.analytics.interest", NOBODY),
    ]),
    (|p| rest_on(purpose(p, "accounting"), LegalBasis::Contract), &[
        (Reason::BasisOther, "purpose.accounting.basis", NOBODY),
        (Reason::NecessityReworded, "purpose.accounting.necessity", NOBODY),
    ]),
    (|p| word(&mut analytics(p).title, "measurement", "figures"),
        &[(Reason::PurposeReworded, "purpose.analytics.title", NOBODY)]),
    (|p| word(&mut analytics(p).description, "Seeing", "Learning"),
        &[(Reason::PurposeReworded, "purpose.analytics.description", NOBODY)]),
    (|p| word(&mut analytics(p).description, "Seeing", "seeing"),
        &[(Reason::PurposeReworded, "purpose.analytics.description", NOBODY)]),
    (|p| purpose(p, "security").interest = Some(text("Safety.")),
        &[(Reason::InterestReworded, "purpose.security.interest", NOBODY)]),
    (|p| purpose(p, "service").necessity = Some(text("Needed.")),
        &[(Reason::NecessityReworded, "purpose.service.necessity", NOBODY)]),
    (|p| analytics(p).data.push(id("account")),
        &[(Reason::PurposeDataAdded, "purpose.analytics.data", ANALYTICS)]),
    (|p| purpose(p, "security").data.push(id("usage")),
        &[(Reason::PurposeDataAdded, "purpose.security.data", NOBODY)]),
    (|p| purpose(p, "email.open_tracking").data.truncate(1),
        &[(Reason::PurposeDataRemoved, "purpose.email.open_tracking.data", NOBODY)]),
    (|p| purpose(p, "service").data.reverse(),
        &[(Reason::Reordered, "purpose.service.data", NOBODY)]),
    (|p| analytics(p).services.push("Other".into()),
        &[(Reason::ServiceAdded, "purpose.analytics.services", ANALYTICS)]),
    (|p| analytics(p).services.clear(),
        &[(Reason::ServiceRemoved, "purpose.analytics.services", NOBODY)]),
    (|p| analytics(p).recipients.push("Partners".into()),
        &[(Reason::RecipientAdded, "purpose.analytics.recipients", ANALYTICS)]),
    (|p| purpose(p, "communications").recipients.clear(),
        &[(Reason::RecipientRemoved, "purpose.communications.recipients", NOBODY)]),
    (|p| analytics(p).retention_months = Some(14),
        &[(Reason::RetentionLonger, "purpose.analytics.retention", ANALYTICS)]),
    (|p| analytics(p).retention_months = Some(6),
        &[(Reason::RetentionShorter, "purpose.analytics.retention", NOBODY)]),
    (|p| analytics(p).retention_months = None,
        &[(Reason::RetentionUnclear, "purpose.analytics.retention", ANALYTICS)]),
    (|p| analytics(p).retention = text("13 months."),
        &[(Reason::RetentionReworded, "purpose.analytics.retention", NOBODY)]),
    (|p| purpose(p, "communications").retention = text("For ever."),
        &[(Reason::RetentionUnclear, "purpose.communications.retention", MAIL)]),
    (|p| {
        purpose(p, "communications").retention = text("For ever.");
        purpose(p, "communications").retention_months = Some(900);
    }, &[(Reason::RetentionUnclear, "purpose.communications.retention", MAIL)]),
    (|p| purpose(p, "communications").retention_months = Some(36),
        &[(Reason::RetentionReworded, "purpose.communications.retention", NOBODY)]),
    (|p| word(&mut purpose(p, "communications").retention, "Until", "until"),
        &[(Reason::RetentionReworded, "purpose.communications.retention", NOBODY)]),
    (|p| analytics(p).cookies.push(cookie("_other", 30)),
        &[(Reason::CookieAdded, "purpose.analytics.cookie", NOBODY)]),
    (|p| analytics(p).cookies.push(cookie("_other", 395)),
        &[(Reason::CookieLonger, "purpose.analytics.cookie", ANALYTICS)]),
    (|p| purpose(p, "communications").cookies.push(cookie("_mail", 1)),
        &[(Reason::CookieLonger, "purpose.communications.cookie", MAIL)]),
    (|p| analytics(p).cookies[0].days = 391,
        &[(Reason::CookieLonger, "purpose.analytics.cookie", ANALYTICS)]),
    (|p| analytics(p).cookies[0].days = 30,
        &[(Reason::CookieShorter, "purpose.analytics.cookie", NOBODY)]),
    (|p| analytics(p).cookies.clear(),
        &[(Reason::CookieRemoved, "purpose.analytics.cookie", NOBODY)]),
    // Sub-processors.
    (|p| p.sub_processors.push(sub_processor("FR", &["analytics", "service"])),
        &[(Reason::SubProcessorAdded, "sub_processor.Analyst", ANALYTICS)]),
    (|p| p.sub_processors.push(sub_processor("US", &["service"])),
        &[(Reason::SubProcessorAdded, "sub_processor.Analyst", NOBODY)]),
    (|p| p.sub_processors.truncate(4),
        &[(Reason::SubProcessorRemoved, "sub_processor.AuthSMTP", NOBODY)]),
    (|p| p.sub_processors.reverse(), &[(Reason::Reordered, "sub_processor", NOBODY)]),
    (|p| processor(p, "Hetzner").purposes.push(id("analytics")),
        &[(Reason::SubProcessorData, "sub_processor.Hetzner.purposes", ANALYTICS)]),
    (|p| processor(p, "Hetzner").purposes.push(id("communications")),
        &[(Reason::SubProcessorPurpose, "sub_processor.Hetzner.purposes", MAIL)]),
    (|p| processor(p, "Stripe").purposes.truncate(1),
        &[(Reason::SubProcessorPurposeRemoved, "sub_processor.Stripe.purposes", NOBODY)]),
    (|p| purpose(p, "communications").data.push(id("usage")), &[
        (Reason::PurposeDataAdded, "purpose.communications.data", MAIL),
        (Reason::SubProcessorData, "sub_processor.AuthSMTP.purposes", MAIL),
    ]),
    (|p| processor(p, "AuthSMTP").country = "US".into(),
        &[(Reason::SubProcessorAway, "sub_processor.AuthSMTP.country", MAIL)]),
    (|p| processor(p, "AuthSMTP").country = "NO".into(),
        &[(Reason::SubProcessorMoved, "sub_processor.AuthSMTP.country", NOBODY)]),
    (|p| processor(p, "AuthSMTP").service = text("Post"),
        &[(Reason::SubProcessorReworded, "sub_processor.AuthSMTP.service", NOBODY)]),
    (|p| processor(p, "AuthSMTP").transfer = Some(text("A contract.")),
        &[(Reason::TransferGround, "sub_processor.AuthSMTP.transfer", MAIL)]),
    (|p| word(processor(p, "AuthSMTP").transfer.as_mut().unwrap(), "(GDPR", "GDPR"),
        &[(Reason::TransferReworded, "sub_processor.AuthSMTP.transfer", NOBODY)]),
    (|p| processor(p, "Hetzner").transfer = Some(text("Support from India.")),
        &[(Reason::TransferGround, "sub_processor.Hetzner.transfer", NOBODY)]),
    (|p| {
        processor(p, "AuthSMTP").country = "FR".into();
        processor(p, "AuthSMTP").transfer = None;
    }, &[
        (Reason::SubProcessorMoved, "sub_processor.AuthSMTP.country", NOBODY),
        (Reason::TransferReworded, "sub_processor.AuthSMTP.transfer", NOBODY),
    ]),
    (|p| p.sub_processor_changes = Some(text("By e-mail.")),
        &[(Reason::SubProcessorNotice, "sub_processor_changes", NOBODY)]),
    // Regions, rights and the rest.
    (|p| p.regions.push(Region { id: id("ch"), title: text("Switzerland"), transfers: text("None.") }),
        &[(Reason::RegionAdded, "region.ch", NOBODY)]),
    (|p| p.regions.truncate(1), &[(Reason::RegionRemoved, "region.us", NOBODY)]),
    (|p| p.regions[0].title = text("Europe"), &[(Reason::RegionReworded, "region.eu.title", NOBODY)]),
    (|p| p.regions[0].transfers = text("To the US."), &[(Reason::RegionTransfers, "region.eu.transfers", ALL)]),
    (|p| word(&mut p.regions[0].transfers, "The data", "the data"),
        &[(Reason::RegionReworded, "region.eu.transfers", NOBODY)]),
    (|p| p.rights.retain(|right| *right != Right::Portability), &[(Reason::RightRemoved, "rights", NOBODY)]),
    (|p| p.rights.reverse(), &[(Reason::Reordered, "rights", NOBODY)]),
    (|p| p.deadlines.extension_months = 1, &[(Reason::Deadlines, "deadlines", NOBODY)]),
    (|p| p.security.clear(), &[(Reason::Security, "security", NOBODY)]),
    (|p| p.automated_decisions = Some(text("A score.")),
        &[(Reason::AutomatedDecisions, "automated_decisions", ALL)]),
    // Vendors' signals.
    (|p| map(p, "acme", "tracking", &["analytics"]), &[
        (Reason::VendorAdded, "mapping.acme", NOBODY),
        (Reason::SignalFollows, "mapping.acme.tracking", ANALYTICS),
    ]),
];
