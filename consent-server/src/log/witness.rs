//! Telling others of checkpoints, so that a log that shows two people two histories is found out:
//! each is posted to the addresses that the configuration names, and appended to a file.
//!
//! Both are for whoever compares later. Neither holds up the log: what cannot be told is logged,
//! and the next checkpoint covers it.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use crate::store::Head;

/// How long an address may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// At most so often is anybody told: a checkpoint covers all that came before it.
const PAUSE: Duration = Duration::from_secs(10);

/// Who is told.
#[derive(Debug, Clone, Default)]
pub struct Witnesses {
    /// Addresses that each checkpoint is posted to, as `text/plain`.
    pub addresses: Vec<String>,
    /// A file that each is appended to, with an empty line after it.
    pub file: Option<PathBuf>,
}

impl Witnesses {
    /// Whether nobody is told.
    pub fn is_empty(&self) -> bool {
        self.addresses.is_empty() && self.file.is_none()
    }

    /// Tells of the newest head, whenever there is one, until nobody says any more.
    pub async fn run(self, mut heads: tokio::sync::watch::Receiver<Head>) {
        if self.is_empty() {
            return;
        }
        let agent = super::source::agent(TIMEOUT);
        while heads.changed().await.is_ok() {
            let head = heads.borrow_and_update().clone();
            self.append(&head);
            for address in &self.addresses {
                let (agent, address) = (agent.clone(), address.clone());
                let note = head.checkpoint.clone();
                let post = move || {
                    let post =
                        agent.post(address).header("content-type", "text/plain; charset=utf-8");
                    post.send(note)
                };
                match tokio::task::spawn_blocking(post).await {
                    Ok(Ok(_)) | Err(_) => {}
                    Ok(Err(error)) => {
                        tracing::warn!(%error, size = head.size, "a witness was not told");
                    }
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn append(&self, head: &Head) {
        let Some(path) = &self.file else { return };
        let write = || {
            let mut file = std::fs::File::options().create(true).append(true).open(path)?;
            // In one write, so that two servers do not mix their lines.
            file.write_all(format!("{}\n", head.checkpoint).as_bytes())?;
            file.sync_data()
        };
        if let Err(error) = write() {
            tracing::warn!(path = %path.display(), %error, "a checkpoint was not written");
        }
    }
}
