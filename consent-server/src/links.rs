//! The signed links that are sent by mail: proof that whoever follows one reads that mailbox.
//!
//! A link carries the subject, never the address. It is a JWS of its own type, so a receipt cannot
//! be passed off as a link, nor a link as a receipt.

use consent_core::receipt::Verifier;
use consent_core::{KeyRing, PurposeId, SiteId, Standing, Subject, Timestamp};
use serde::{Deserialize, Serialize};

const TYPE: &str = "consent-link+jwt";

/// What a link says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// The site that asked.
    pub site: SiteId,
    /// Whom it was sent to.
    pub sub: Subject,
    /// What was asked.
    pub purposes: Vec<PurposeId>,
    /// The policy that was in force.
    pub policy: u32,
    /// The language of the mail.
    pub language: String,
    /// Until when it grants, in seconds since 1970. It withdraws and refuses without limit.
    pub until: i64,
}

impl Link {
    /// The link's token.
    pub fn sign(&self, keys: &KeyRing) -> String {
        keys.sign(TYPE, &serde_json::to_vec(self).expect("texts and whole numbers"))
    }

    /// Reads a token, if it is genuine and was made for this site.
    pub fn verify(token: &str, site: &SiteId, keys: &impl AsRef<Verifier>) -> Option<Self> {
        let payload = keys.as_ref().verify(TYPE, token).ok()?;
        let link: Self = serde_json::from_slice(&payload).ok()?;
        (link.site == *site).then_some(link)
    }

    /// Whether it may still grant: what it asked about still stands, and its time is not over.
    pub fn may_grant(&self, standing: impl Fn(&PurposeId) -> Standing, now: Timestamp) -> bool {
        self.purposes.iter().all(|purpose| standing(purpose).holds(self.policy))
            && now.as_second() < self.until
    }
}

#[cfg(test)]
mod tests {
    use consent_core::Key;

    use super::*;

    #[test]
    fn genuine_links_only() {
        let keys = KeyRing::new(vec![Key::hs256("k", &[1; 32]).unwrap()]).unwrap();
        let site: SiteId = "example".parse().unwrap();
        let link = Link {
            site: site.clone(),
            sub: Subject::browser([0; 16]),
            purposes: vec!["communications".parse().unwrap()],
            policy: 1,
            language: "en".into(),
            until: 100,
        };
        let token = link.sign(&keys);
        assert_eq!(Link::verify(&token, &site, &keys), Some(link.clone()));
        assert_eq!(Link::verify(&token, &"other".parse().unwrap(), &keys), None);
        assert_eq!(Link::verify(&token.replace('.', ".A"), &site, &keys), None);
        let receipt = keys.sign("consent-receipt+jwt", &serde_json::to_vec(&link).unwrap());
        assert_eq!(Link::verify(&receipt, &site, &keys), None, "a receipt is no link");

        let at = |second| Timestamp::from_second(second).unwrap();
        let standing = |since, current| move |_: &PurposeId| Standing::new(since, current).unwrap();
        assert!(link.may_grant(standing(1, 1), at(99)));
        assert!(link.may_grant(standing(1, 2), at(99)), "only worded otherwise since");
        assert!(!link.may_grant(standing(1, 1), at(100)));
        assert!(!link.may_grant(standing(2, 2), at(99)));
    }
}
