//! Whether a raw `wasi:http` component starts and answers a request, whose effects are discarded.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Empty;
use hyper::{Request, StatusCode, Uri};

use super::frame::{HttpFrame, ResponseObserver};
use super::program::HttpProgram;
use super::run::Deadlines;
use super::state::State;
use crate::runtime::instance::{Failure, Shortage};

/// The end of a scratch request.
#[derive(Debug)]
pub enum HttpSmoke {
    Answered(StatusCode),
    /// It failed after it had attempted a request to another host, which was denied.
    ReachedOut,
    /// It failed. This is logged.
    Failed(Failure),
}

/// Observes nothing: the effects of a scratch request do not count.
#[derive(Debug)]
struct NoObserver;

impl ResponseObserver for NoObserver {
    fn guest_failed(&self, _failure: &Failure) {}

    fn response_failed(&self) {}
}

impl HttpProgram {
    /// Sends `GET uri` to an instance that reaches nothing outside. Any response is an answer. Its transaction, which
    /// should be one of a rehearsal, is discarded.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the guest and frees its slot and memory.
    pub async fn smoke(self: &Arc<Self>, uri: Uri, frame: HttpFrame) -> HttpSmoke {
        let shortage = Shortage::default();
        let deadlines = Deadlines { response: frame.deadline.into(), stream: frame.stream_deadline.into() };
        let state = State::new(&self.service, frame, None, shortage.clone());
        let attempt = state.attempt();
        let mut request = Request::new(Empty::<Bytes>::new());
        *request.uri_mut() = uri;
        match self.begin(request, state, deadlines, shortage, Arc::new(NoObserver)).await {
            Ok(begun) => {
                let status = begun.status();
                begun.discard().await;
                HttpSmoke::Answered(status)
            }
            Err(_) if attempt.was_made() => HttpSmoke::ReachedOut,
            Err(failure) => HttpSmoke::Failed(failure),
        }
    }
}
