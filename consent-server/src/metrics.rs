//! What the server counts, for those who operate it (`/metrics`, in the text format of OpenMetrics).
//! Numbers only: no site's visitors, no subjects, no addresses.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use consent_core::{RegionId, Timestamp};
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

/// The media type of what [`Metrics::text`] gives.
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Asked {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfRegion {
    region: String,
}

/// The figures of a running server.
pub struct Metrics {
    registry: Registry,
    requests: Family<Asked, Histogram, fn() -> Histogram>,
    ready: Family<OfRegion, Gauge>,
    leaves: Family<OfRegion, Gauge<u64, AtomicU64>>,
    waiting: Family<OfRegion, Gauge<f64, AtomicU64>>,
}

/// From half a millisecond to about eight seconds.
fn durations() -> Histogram {
    Histogram::new(exponential_buckets(0.0005, 2.0, 15))
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("consent");
        let requests = Family::new_with_constructor(durations as fn() -> Histogram);
        let (ready, leaves, waiting) = (Family::default(), Family::default(), Family::default());
        registry.register_with_unit(
            "http_request_duration",
            "How long requests took, by route and status; how many there were is its count",
            Unit::Seconds,
            requests.clone(),
        );
        registry.register("store_ready", "1 if the store could be read just now", ready.clone());
        registry.register("log_leaves", "How many leaves the log has", leaves.clone());
        registry.register_with_unit(
            "log_waiting",
            "For how long the oldest commitment has waited for its place in the log",
            Unit::Seconds,
            waiting.clone(),
        );
        Self { registry, requests, ready, leaves, waiting }
    }
}

impl Metrics {
    /// A request was answered. The route is as it is written in the program, and never a path.
    pub fn request(&self, method: &str, route: &str, status: u16, took: Duration) {
        const METHODS: [&str; 6] = ["GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE"];
        // Whatever clients think of, so many series there are and no more.
        let method = METHODS.into_iter().find(|known| *known == method).unwrap_or("other");
        let asked = Asked { method, route: route.to_owned(), status };
        self.requests.get_or_create(&asked).observe(took.as_secs_f64());
    }

    /// What is known of a region's store just now; nothing if it cannot be read.
    pub fn region(
        &self,
        region: &RegionId,
        known: Option<(u64, Option<Timestamp>)>,
        now: Timestamp,
    ) {
        let of = OfRegion { region: region.to_string() };
        self.ready.get_or_create(&of).set(i64::from(known.is_some()));
        if let Some((leaves, oldest)) = known {
            self.leaves.get_or_create(&of).set(leaves);
            let waited = oldest.map_or(0.0, |oldest| now.duration_since(oldest).as_secs_f64());
            self.waiting.get_or_create(&of).set(waited.max(0.0));
        }
    }

    /// All of it as text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Only a writer can fail, and this is memory.
        let _ = text::encode(&mut text, &self.registry);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_told() {
        let metrics = Metrics::default();
        metrics.request("GET", "/v1/sites/{site}/check", 200, Duration::from_millis(3));
        metrics.request("BREW", "-", 404, Duration::from_millis(3));
        let (now, then) =
            (Timestamp::from_second(100).unwrap(), Timestamp::from_second(98).unwrap());
        metrics.region(&"eu".parse().unwrap(), Some((7, Some(then))), now);
        metrics.region(&"us".parse().unwrap(), None, now);
        let text = metrics.text();
        for line in [
            r#"consent_http_request_duration_seconds_count{method="GET",route="/v1/sites/{site}/check",status="200"} 1"#,
            r#"consent_http_request_duration_seconds_count{method="other",route="-",status="404"} 1"#,
            r#"consent_log_leaves{region="eu"} 7"#,
            r#"consent_log_waiting_seconds{region="eu"} 2.0"#,
            r#"consent_store_ready{region="us"} 0"#,
        ] {
            assert!(text.lines().any(|told| told == line), "{line}\n{text}");
        }
    }
}
