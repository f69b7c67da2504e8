//! One purpose of two policies: its basis, words, data, recipients, cookies and retention.

use super::{Comparer, Found, Value, Values, Wording, optional_wording, texts, value, wording};
use crate::policy::{Cookie, Purpose, Reason};
use crate::{DataId, LegalBasis};

impl<'p> Comparer<'p> {
    pub(super) fn purpose(
        &mut self,
        path: String,
        old: Option<&'p Purpose>,
        new: Option<&'p Purpose>,
    ) {
        let Some(purpose) = new.or(old) else { return };
        let (Some(old), Some(_)) = (old, new) else {
            let added = new.is_some();
            let reason = if added { Reason::PurposeAdded } else { Reason::PurposeRemoved };
            return self.note(reason, path, [&purpose.id], [title(purpose)]);
        };
        let Purpose {
            id: _,
            basis,
            title: _,
            description,
            data,
            interest,
            necessity,
            services,
            recipients,
            cookies,
            retention: _,
            retention_months: _,
            revision,
        } = purpose;
        if old.basis != *basis {
            let consent = *basis == LegalBasis::Consent;
            let reason = if consent { Reason::BasisConsent } else { Reason::BasisOther };
            self.within(purpose, &path, reason, "basis", []);
        }
        if old.revision != *revision {
            self.within(purpose, &path, Reason::PurposeRevised, "revision", []);
        }
        let words = |old: &Option<_>, new: &Option<_>| optional_wording(old.as_ref(), new.as_ref());
        for (wording, reason, field) in [
            (wording(&old.title, &purpose.title), Reason::PurposeReworded, "title"),
            (wording(&old.description, description), Reason::PurposeReworded, "description"),
            (words(&old.interest, interest), Reason::InterestReworded, "interest"),
            (words(&old.necessity, necessity), Reason::NecessityReworded, "necessity"),
        ] {
            if wording != Wording::Same {
                self.within(purpose, &path, reason, field, []);
            }
        }
        self.members(
            &format!("{path}.data"),
            (&old.data, data),
            |comparer, found, data: &DataId| {
                let reason = found.reason(Reason::PurposeDataAdded, Reason::PurposeDataRemoved);
                let policy = if found == Found::Added { comparer.new } else { comparer.old };
                let what = texts("what", policy.data(data).map(|data| data.title.clone()));
                comparer.within(purpose, &path, reason, "data", [what]);
            },
        );
        let services = (&old.services[..], &services[..]);
        self.members(&format!("{path}.services"), services, |comparer, found, who| {
            let reason = found.reason(Reason::ServiceAdded, Reason::ServiceRemoved);
            comparer.within(purpose, &path, reason, "services", [value("who", who)]);
        });
        let recipients = (&old.recipients[..], &recipients[..]);
        self.members(&format!("{path}.recipients"), recipients, |comparer, found, who| {
            let reason = found.reason(Reason::RecipientAdded, Reason::RecipientRemoved);
            comparer.within(purpose, &path, reason, "recipients", [value("who", who)]);
        });
        let longest = old.cookies.iter().map(|cookie| cookie.days).max();
        let lists = (&old.cookies[..], &cookies[..]);
        self.each(
            &format!("{path}.cookie"),
            lists,
            |c| &c.name,
            |comparer, _, old, new| {
                if let Some((reason, values)) = cookie(old, new, longest) {
                    comparer.within(purpose, &path, reason, "cookie", values);
                }
            },
        );
        if let Some((reason, values)) = retention(old, purpose) {
            self.within(purpose, &path, reason, "retention", values);
        }
    }

    /// Notes a difference within a purpose, which touches it alone.
    fn within(
        &mut self,
        purpose: &Purpose,
        path: &str,
        reason: Reason,
        field: &str,
        values: impl IntoIterator<Item = (&'static str, Value)>,
    ) {
        let values = [title(purpose)].into_iter().chain(values);
        self.note(reason, format!("{path}.{field}"), [&purpose.id], values);
    }
}

fn title(purpose: &Purpose) -> (&'static str, Value) {
    texts("purpose", [purpose.title.clone()])
}

/// What a cookie's coming, going or another life means; `longest` is the longest life before.
fn cookie(
    old: Option<&Cookie>,
    new: Option<&Cookie>,
    longest: Option<u16>,
) -> Option<(Reason, Values)> {
    let Cookie { name, days } = new.or(old)?;
    let reason = match (old, new) {
        (Some(old), Some(new)) if old.days == new.days => return None,
        (_, None) => Reason::CookieRemoved,
        (_, Some(new)) if Some(new.days) > longest => Reason::CookieLonger,
        (None, Some(_)) => Reason::CookieAdded,
        (Some(old), Some(new)) if new.days > old.days => Reason::CookieExtended,
        (Some(_), Some(_)) => Reason::CookieShorter,
    };
    Some((reason, vec![value("what", name), value("to", days)]))
}

/// What another retention means. Only months can tell that it is not longer.
fn retention(old: &Purpose, new: &Purpose) -> Option<(Reason, Values)> {
    let words = wording(&old.retention, &new.retention);
    let (reason, values) = match (old.retention_months, new.retention_months) {
        (Some(old), Some(new)) if old != new => {
            let longer = new > old;
            let reason = if longer { Reason::RetentionLonger } else { Reason::RetentionShorter };
            (reason, vec![value("from", old), value("to", new)])
        }
        (Some(_), None) => (Reason::RetentionUnclear, vec![]),
        (None, _) if words == Wording::Other => (Reason::RetentionUnclear, vec![]),
        (before, after) if words != Wording::Same || before != after => {
            (Reason::RetentionReworded, vec![])
        }
        _ => return None,
    };
    Some((reason, values))
}
