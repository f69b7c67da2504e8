//! The names of what a receipt speaks of: IRIs that follow from it and its policy alone.

use std::fmt::Write;

use crate::export::Export;

pub(super) struct Names {
    /// The receipt itself.
    pub(super) receipt: String,
    /// Whom it is about.
    pub(super) subject: String,
    /// The text that was shown. Its address shows the next one, so its digest is part of the name.
    pub(super) notice: String,
    policy: String,
}

impl Names {
    pub(super) fn of(export: &Export<'_>) -> Self {
        let claims = export.claims();
        let site = export.site_address();
        Self {
            receipt: format!("urn:uuid:{}", claims.jti),
            subject: format!("{site}/subjects/{}", claims.sub),
            notice: format!("{}#{}", export.notice_address(), claims.notice.digest),
            policy: format!("{site}/policies/{}", claims.policy.number),
        }
    }

    /// Something that the policy speaks of.
    pub(super) fn under_policy(&self, key: &str) -> String {
        format!("{}#{key}", self.policy)
    }

    /// A party that has this role.
    pub(super) fn party(&self, key: &str) -> String {
        self.under_policy(&format!("party-{key}"))
    }

    /// A recipient, by its name.
    pub(super) fn recipient(&self, name: &str) -> String {
        self.party(&format!("recipient-{}", encoded(name)))
    }
}

/// A text as a part of an IRI (RFC 3986 §2.1).
fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("writing to a text does not fail");
        }
    }
    encoded
}
