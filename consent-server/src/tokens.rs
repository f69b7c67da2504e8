//! Tokens that were asked for a moment ago, so that a program that asks thousands of times in a second
//! does not have its token read from the store each time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use consent_core::{Digest, Timestamp};

use crate::store::{Store, StoreError, Token};

/// How long a token is good without being looked up: so long may one that was taken back be used.
const FRESH: Duration = Duration::from_secs(1);
/// The most that are remembered. There are never more tokens than programs.
const MOST: usize = 1024;

/// The tokens of one region that were found in its store lately. Those that were not are looked up
/// each time, so that a new one can be used at once.
#[derive(Debug, Default)]
pub struct Tokens {
    found: Mutex<HashMap<Digest, (Timestamp, Arc<Token>)>>,
}

impl Tokens {
    /// The token with that digest.
    pub async fn get(
        &self,
        store: &dyn Store,
        digest: Digest,
        now: Timestamp,
    ) -> Result<Option<Arc<Token>>, StoreError> {
        // In both directions, since clocks are set back.
        let fresh = |at: Timestamp| now.duration_since(at).unsigned_abs() < FRESH;
        if let Some((at, token)) = self.found().get(&digest)
            && fresh(*at)
        {
            return Ok(Some(Arc::clone(token)));
        }
        let Some(token) = store.token(digest).await?.map(Arc::new) else {
            self.found().remove(&digest);
            return Ok(None);
        };
        let mut found = self.found();
        if found.len() >= MOST {
            found.clear();
        }
        found.insert(digest, (now, Arc::clone(&token)));
        Ok(Some(token))
    }

    fn found(&self) -> MutexGuard<'_, HashMap<Digest, (Timestamp, Arc<Token>)>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use consent_core::SiteId;

    use super::*;
    use crate::ambient::{Ambient, System};
    use crate::store::{AuditEvent, open_sqlite};

    #[tokio::test]
    async fn a_token_is_looked_up_once_a_second() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("eu.db");
        let store = open_sqlite(&path, true).await.unwrap();
        let (tokens, digest) = (Tokens::default(), Digest::of(b"ct_a"));
        let start = System.now();
        let at = |millis: i64| {
            let after = jiff::SignedDuration::from_millis(millis);
            start.checked_add(after).unwrap()
        };
        let get = async |millis| tokens.get(&*store, digest, at(millis)).await.unwrap();
        assert_eq!(get(0).await, None);

        let site: SiteId = "example".parse().unwrap();
        let token = Token { site: site.clone(), scopes: vec!["check".into()] };
        let event = AuditEvent::new(&System, Some(&site), "token.made", &serde_json::json!({}));
        store.add_token(digest, &token, event).await.unwrap();
        assert_eq!(get(0).await.as_deref(), Some(&token), "a new one is good at once");

        let other = rusqlite::Connection::open(&path).unwrap();
        other.execute("DELETE FROM token", []).unwrap();
        assert_eq!(get(999).await.as_deref(), Some(&token));
        assert_eq!(get(1000).await, None, "one that was taken back is good for no longer");
        assert_eq!(get(0).await, None, "also where the clock is set back");
    }
}
