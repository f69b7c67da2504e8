//! What somebody was shown when they decided: the exact text, and how it looked.
//!
//! The text is named by the receipt, by its digest. How it looked is what the site's server kept at
//! that time; the audit trail has its digest, so the log vouches for it.

use consent_core::{Claims, Digest, Timestamp};
use consent_widget::{PaintedBanner, Replay, render_replay};
use serde::{Deserialize, Serialize};

use crate::app::Region;
use crate::store::StoreError;

/// How a text looked, as it is kept: canonical JSON of this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    /// `ltr` or `rtl`.
    pub direction: String,
    /// The banner's theme.
    pub theme: String,
    /// The banner's position.
    pub position: String,
    /// The banner's HTML.
    pub banner: String,
    /// The banner's style sheet.
    pub banner_style: String,
    /// The page without a script, before anything was chosen.
    pub page: String,
    /// Its style sheet.
    pub page_style: String,
    /// Names the files of the preferences, which browsers draw themselves.
    pub widget: String,
}

impl Layout {
    /// The address at which the page looks for its style sheet; there is none, it is put in.
    pub const STYLE: &str = "page.css";

    fn page_with_style(&self) -> String {
        let style = format!("<style>{}</style></head>", self.page_style);
        self.page.replacen("</head>", &style, 1)
    }
}

/// What was shown.
#[derive(Debug, Clone, Serialize)]
pub struct Shown {
    /// The text, as canonical JSON.
    pub text: String,
    /// How it looked, if that was kept.
    pub layout: Option<Layout>,
    /// Since when it had looked like that.
    pub since: Option<Timestamp>,
    /// The digest of how it looked, as the audit trail has it.
    pub digest: Option<Digest>,
}

/// Why it cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The store fails.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The text is not there.
    #[error("the text that the receipt names is not kept here")]
    Unknown,
    /// Somebody changed the text.
    #[error("the text that is kept is not the one that the receipt names: it was changed")]
    Changed,
}

/// What a receipt's subject was shown. Whether the receipt is genuine is for the caller to know.
pub async fn shown(region: &Region, claims: &Claims) -> Result<Shown, ReplayError> {
    let notice = claims.notice.digest;
    let text = region.store.notice(notice).await?.ok_or(ReplayError::Unknown)?;
    if Digest::of(&text) != notice {
        return Err(ReplayError::Changed);
    }
    let text = String::from_utf8(text).map_err(|_| ReplayError::Changed)?;
    let kept = region.store.layout(&claims.site, notice, claims.iat).await?;
    let Some((since, bytes)) = kept else {
        return Ok(Shown { text, layout: None, since: None, digest: None });
    };
    let layout = serde_json::from_slice(&bytes).map_err(|_| StoreError::Corrupt("layout"))?;
    let digest = Some(Digest::of(&bytes));
    Ok(Shown { text, layout: Some(layout), since: Some(since), digest })
}

/// The same as a document for people.
pub async fn replay(claims: &Claims, shown: Shown) -> String {
    let mut facts: Vec<(String, String)> = Vec::new();
    let mut fact = |name: &str, value: String| facts.push((name.to_owned(), value));
    fact("Receipt", claims.jti.to_string());
    fact("Site", claims.site.to_string());
    fact("Decided at", claims.iat.to_string());
    fact("How", claims.method.as_str().to_owned());
    if let Some(layer) = claims.layer {
        let layer = serde_json::to_value(layer).unwrap_or_default();
        fact("Shown in", layer.as_str().unwrap_or_default().to_owned());
    }
    let answers = claims.purposes.iter();
    let answers =
        answers.map(|(purpose, outcome)| format!("{purpose}: {}", outcome.state.as_str()));
    fact("Answered", answers.collect::<Vec<_>>().join(", "));
    fact("Language", claims.notice.language.clone());
    fact("Policy", format!("{} (SHA-256 {})", claims.policy.number, claims.policy.digest));
    fact("Text", format!("SHA-256 {}: as kept, and as the receipt names it", claims.notice.digest));
    if let (Some(since), Some(digest)) = (shown.since, shown.digest) {
        fact("Layout", format!("SHA-256 {digest}, in use since {since}"));
    } else {
        fact("Layout", "was not kept".to_owned());
    }
    let banner = shown.layout.as_ref().map(|layout| PaintedBanner {
        html: layout.banner.clone(),
        css: layout.banner_style.clone(),
        theme: layout.theme.clone(),
        position: layout.position.clone(),
        direction: layout.direction.clone(),
    });
    render_replay(Replay {
        language: claims.notice.language.clone(),
        facts,
        banner,
        page: shown.layout.as_ref().map(Layout::page_with_style),
        text: shown.text,
    })
    .await
}
