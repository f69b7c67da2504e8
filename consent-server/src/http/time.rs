//! How long a request may take. A client that sends half a request, or reads nothing, does not hold
//! a connection for ever; and a client whose server is slow is told so, and when to try again.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http_body::{Frame, SizeHint};

use super::problem::{Kind, Problem};

/// How long a request may take from its first header to its answer.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Ends a request that takes too long. Whose fault it is follows from who is waited for.
pub(super) async fn limit<F, E>(
    mut request: Request,
    answer: impl FnOnce(Request) -> F,
) -> Result<Response, E>
where
    F: Future<Output = Result<Response, E>>,
{
    // Most have no body to be waited for.
    let mut waits = None;
    if !request.body().is_end_stream() {
        let waiting = waits.insert(Arc::new(AtomicBool::new(false)));
        let waiting = Arc::clone(waiting);
        request = request.map(|inner| Body::new(Watched { inner, waits: waiting }));
    }
    tokio::time::timeout(TIMEOUT, answer(request)).await.unwrap_or_else(|_| {
        let seconds = TIMEOUT.as_secs();
        let problem = if waits.is_some_and(|waits| waits.load(Ordering::Relaxed)) {
            let detail = format!("the request was not complete within {seconds} seconds");
            Problem::new(Kind::RequestTimeout, detail)
        } else {
            tracing::error!("a request was given up after {seconds} seconds");
            let detail = format!("there was no answer within {seconds} seconds; {AGAIN}");
            Problem::new(Kind::StoreUnavailable, detail)
        };
        Ok(problem.into_response())
    })
}

/// What to do when it is not certain what has happened.
pub(super) const AGAIN: &str = "it is not certain that nothing was recorded; please send the same \
    again: with the same Idempotency-Key it is recorded once";

/// A body, with whether it is waited for.
struct Watched {
    inner: Body,
    waits: Arc<AtomicBool>,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.inner).poll_frame(context);
        self.waits.store(frame.is_pending(), Ordering::Relaxed);
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
