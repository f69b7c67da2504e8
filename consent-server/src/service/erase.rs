//! Erasing a subject (GDPR Art. 17): all that is known, the receipts, their salts, and what ties
//! them to the log.

use std::sync::Arc;

use consent_core::{SiteId, Subject};
use serde_json::json;

use crate::ambient::SharedAmbient;
use crate::app::Region;
use crate::store::{AuditEvent, Erased, StoreError};

/// Erases a subject of a site. The audit trail says that somebody was erased, and how many receipts
/// that were; not who.
pub async fn erase(
    region: &Region,
    site: &SiteId,
    subject: &Subject,
    ambient: &SharedAmbient,
) -> Result<Erased, StoreError> {
    let (at, ambient) = (site.clone(), Arc::clone(ambient));
    let report = Arc::new(move |erased: Erased| {
        let told = json!({ "receipts": erased.receipts, "subjects": erased.subjects });
        AuditEvent::new(&*ambient, Some(&at), AuditEvent::ERASED, &told)
    });
    region.store.erase(site, subject, report).await
}
