//! What a site's visitors are shown: notice and banner, in each language; for those who chose under
//! an earlier policy also with what has changed since. Every text is kept in the store, so that a
//! receipt, which names it by digest, can be told with it years later.

use std::collections::BTreeMap;
use std::sync::Arc;

use consent_core::policy::Comparison;
use consent_core::{Digest, Policy};
use consent_widget::{ChoicesPage, Notice};
use serde::Serialize;
use serde_json::json;
use tokio::sync::RwLock;
use utoipa::ToSchema;

use crate::app::Site;
use crate::assets::Asset;
use crate::service::Layout;
use crate::store::{AuditEvent, Published, StoreError};

/// What is shown in one language.
pub struct Texts {
    /// All of it.
    pub notice: Notice,
    /// Its digest, for receipts.
    pub digest: Digest,
    /// Ready to be sent.
    pub notice_asset: Asset,
    /// The banner, ready to be sent.
    pub banner: Asset,
    /// The script that shows it, likewise, with the same banner in it.
    pub ask: Asset,
}

/// The texts made so far, by language and by the policy since which changes are told. There are no
/// more than languages times published policies.
pub(crate) type Made = RwLock<BTreeMap<(String, Option<u32>), Arc<Texts>>>;

/// The banner as the loader paints it.
#[derive(Serialize, ToSchema)]
pub(crate) struct Banner<'b> {
    /// Its language (BCP 47).
    language: &'b str,
    /// `ltr` or `rtl`.
    direction: &'b str,
    /// Rendered.
    html: String,
    /// Its style sheet, with the site's own colours.
    css: &'b str,
    /// The theme that the site has chosen.
    theme: &'static str,
    /// Where it stands.
    position: &'static str,
    /// What the loader itself says.
    labels: Words<'b>,
    /// The titles of those asked for.
    purposes: BTreeMap<&'b str, &'b str>,
}

/// What the loader itself says.
#[derive(Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the names that labels have everywhere")]
struct Words<'w> {
    frame_text: &'w str,
    frame_once: &'w str,
    frame_always: &'w str,
}

impl Site {
    /// What is shown in the first of these languages that the site has, or in its default one.
    /// Where `since` is an earlier policy that asked for something else, what has changed since
    /// then is part of it; any other number is as none.
    pub async fn texts<'l>(
        &self,
        wanted: impl IntoIterator<Item = &'l str>,
        since: Option<u32>,
    ) -> Result<Arc<Texts>, StoreError> {
        let language = self.policy.negotiate(wanted);
        let earlier = since.filter(|number| *number < self.policy.number);
        let earlier = earlier.and_then(|number| self.history.policy(number));
        let key = (language.to_owned(), earlier.map(|policy| policy.number));
        if let Some(texts) = self.made.read().await.get(&key) {
            return Ok(Arc::clone(texts));
        }
        let notice = notice(&self.policy, earlier, language);
        let plain = (key.0.clone(), None);
        let texts = match self.made.read().await.get(&plain) {
            Some(texts) if notice.changes.is_empty() => Arc::clone(texts),
            _ => Arc::new(self.make(notice).await?),
        };
        self.made.write().await.insert(key, Arc::clone(&texts));
        Ok(texts)
    }

    /// The digest of the text that was shown to somebody who decided on that policy: for a refusal
    /// it may be an earlier one than that in force.
    pub(crate) async fn shown(
        &self,
        policy: u32,
        language: &str,
        since: Option<u32>,
    ) -> Result<Digest, StoreError> {
        let earlier = self.history.policy(policy).filter(|policy| {
            policy.number < self.policy.number && policy.languages.iter().any(|tag| tag == language)
        });
        let Some(policy) = earlier else {
            return Ok(self.texts([language], since).await?.digest);
        };
        let since = since.filter(|number| *number < policy.number);
        let since = since.and_then(|number| self.history.policy(number));
        self.keep(&notice(policy, since, language)).await
    }

    async fn make(&self, notice: Notice) -> Result<Texts, StoreError> {
        let digest = self.keep(&notice).await?;
        let labels = &notice.labels;
        let banner = Banner {
            language: &notice.language,
            direction: notice.direction.as_str(),
            html: consent_widget::render_banner(notice.clone()).await,
            css: &self.style,
            theme: self.look.theme.as_str(),
            position: self.look.position.as_str(),
            labels: Words {
                frame_text: &labels.frame_text,
                frame_once: &labels.frame_once,
                frame_always: &labels.frame_always,
            },
            purposes: notice.asked().map(|asked| (&*asked.id, &*asked.title)).collect(),
        };
        self.keep_layout(&notice, &banner, digest).await?;
        let (banner, ask) = (Asset::json(&banner), self.ask.with(&banner));
        let notice_asset = Asset::json(&notice);
        Ok(Texts { notice, digest, notice_asset, banner, ask })
    }

    /// Keeps how it looks, so that it can be shown as it was.
    async fn keep_layout(
        &self,
        notice: &Notice,
        banner: &Banner<'_>,
        digest: Digest,
    ) -> Result<(), StoreError> {
        let page = consent_widget::render_choices_page(ChoicesPage {
            notice: notice.clone(),
            choices: BTreeMap::new(),
            signal: None,
            receipt: None,
            recorded: false,
            hidden: Vec::new(),
            action_url: String::new(),
            style_url: Layout::STYLE.to_owned(),
            back_url: self.origins[0].clone(),
        });
        let layout = Layout {
            direction: banner.direction.to_owned(),
            theme: banner.theme.to_owned(),
            position: banner.position.to_owned(),
            banner: banner.html.clone(),
            banner_style: banner.css.to_owned(),
            page: page.await,
            page_style: consent_widget::PAGE_STYLE.to_owned(),
            widget: self.widget.clone(),
        };
        let document = serde_json_canonicalizer::to_vec(&layout).expect("texts");
        let told = json!({
            "notice": digest, "layout": Digest::of(&document), "language": notice.language,
        });
        let event = AuditEvent::new(&*self.ambient, Some(&self.id), "layout.shown", &told);
        self.region.store.keep_layout(&self.id, digest, &document, event).await
    }

    async fn keep(&self, notice: &Notice) -> Result<Digest, StoreError> {
        let document = notice.canonical_json();
        let digest = Digest::of(&document);
        let kept = Published { policy: notice.policy.number, digest, document };
        self.region.store.keep_notice(&self.id, &notice.language, &kept).await?;
        Ok(digest)
    }
}

/// What a policy says, and what of it has changed since an earlier one in such a way that it is
/// asked again.
fn notice(policy: &Policy, since: Option<&Policy>, language: &str) -> Notice {
    let mut notice = Notice::new(policy, language);
    if let Some(since) = since {
        let comparison = Comparison::of(since, policy);
        for purpose in policy.consent_purposes() {
            // A change that touches several purposes may be told in the same words.
            let because = comparison.because(&purpose.id, language);
            notice.changes.extend(because.filter(|told| !notice.changes.contains(told)));
        }
    }
    notice
}
