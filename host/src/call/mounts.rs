//! Services that answer HTTP by themselves: where they are mounted, and the requests that they get.
//!
//! Invariant: a request runs on one release, chosen when it begins, and ends on it with its last byte.

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use hyper::body::Body;
use hyper::{Request, Response};

use super::answer::CallError;
use super::routing::{Origin, Routing};
use super::table::Backend;
use crate::clock;
use crate::names::{RequestId, ServiceName};
use crate::observe::calls::Outcome;
use crate::runtime::{Failure, HttpBody, HttpFrame};

/// A path prefix, and the service that answers what is under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// As the manifest has it: `/legacy`.
    pub prefix: String,
    pub service: ServiceName,
}

/// All mounts, longest prefix first.
#[derive(Debug, Default)]
pub(super) struct Mounts(Vec<Mount>);

impl Mounts {
    pub(super) fn new(mut mounts: Vec<Mount>) -> Self {
        for mount in &mut mounts {
            mount.prefix.truncate(mount.prefix.trim_end_matches('/').len());
        }
        mounts.sort_by_key(|mount| std::cmp::Reverse(mount.prefix.len()));
        Self(mounts)
    }

    pub(super) fn find(&self, path: &str) -> Option<&Mount> {
        self.0.iter().find(|mount| {
            path.strip_prefix(mount.prefix.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }
}

impl Routing {
    /// Has the release that `service` has for `origin` answer `request`; resolves when the answer has begun. Path and
    /// headers are as the client sent them, and nobody was authenticated.
    ///
    /// The request is counted as a call of the service: of an error where its status says so, and for the time until its
    /// answer begins.
    ///
    /// # Errors
    ///
    /// [`CallError`], when no answer begins.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends what runs for the request.
    pub async fn serve<B>(
        &self,
        service: &ServiceName,
        request: Request<B>,
        id: RequestId,
        origin: Origin<'_>,
    ) -> Result<Response<HttpBody>, CallError>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        // The table is let go: what a mounted service does waits for no migration, and none for that.
        let Some(backend) = self.choose(None, origin).backend(service).cloned() else {
            return Err(CallError::unavailable(service, "no such service"));
        };
        let began = clock::now();
        let deadline = began + Duration::from_millis(backend.service.limits.deadline_ms);
        let result = backend.answer(request, HttpFrame { request: id, deadline }).await;
        let outcome = match &result {
            Ok(response) if response.status().is_client_error() || response.status().is_server_error() => {
                Outcome::Refused
            }
            Ok(_) => Outcome::Ok,
            Err(error) => error.outcome(service),
        };
        let took = clock::elapsed(began);
        backend.service.calls.ended(outcome, took);
        backend.release.calls.ended(outcome, took);
        result
    }
}

impl Backend {
    async fn answer<B>(&self, request: Request<B>, frame: HttpFrame) -> Result<Response<HttpBody>, CallError>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let Self { service, release } = self;
        let Some(program) = release.program.http() else {
            return Err(CallError::unavailable(service.name(), "its release speaks no HTTP"));
        };
        if !release.breaker.lets_through() {
            return Err(CallError::unavailable(service.name(), "its circuit is open after failures in a row"));
        }
        let _permit = match service.admission.enter(frame.deadline, &service.calls).await {
            Ok(permit) => permit,
            Err(refused) => return Err(CallError::unavailable(service.name(), refused.why())),
        };
        let _running = service.calls.run();
        match program.handle(request, frame).await {
            Ok(response) => {
                release.breaker.succeeded();
                Ok(response)
            }
            Err(failure) => Err(self.unanswered(&failure)),
        }
    }

    /// What the client is told. The runtime has logged why.
    fn unanswered(&self, failure: &Failure) -> CallError {
        let Self { service, release } = self;
        // A client that sends its body slowly can run out the time of whatever reads it.
        let blamed = !matches!(failure, Failure::Slots { .. } | Failure::Deadline);
        if blamed && release.breaker.failed() {
            tracing::error!(service = %service.name(), digest = %release.digest, "circuit opened");
        }
        let service = service.name().clone();
        match failure {
            Failure::Deadline => CallError::Deadline { service },
            Failure::Memory { .. } => CallError::OverLimit { service, limit: "memory_bytes_max" },
            Failure::Slots { .. } => CallError::unavailable(&service, "no instance is free"),
            _ => CallError::Failed { service },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_prefix_answers() {
        let service = ServiceName::parse("web").expect("a name");
        let mounts = |prefixes: &[&str]| {
            let mount = |prefix: &&str| Mount { prefix: (*prefix).into(), service: service.clone() };
            Mounts::new(prefixes.iter().map(mount).collect())
        };
        let some = mounts(&["/old", "/old/api/", "/blog"]);
        let check = |path: &str, expected: Option<&str>| {
            assert_eq!(some.find(path).map(|mount| mount.prefix.as_str()), expected, "{path}");
        };
        check("/old", Some("/old"));
        check("/old/", Some("/old"));
        check("/old/api", Some("/old/api"));
        check("/old/api/v1?x", Some("/old/api"));
        check("/old/apis", Some("/old"));
        check("/older", None);
        check("/", None);
        assert!(mounts(&["/"]).find("/any/thing").is_some());
    }
}
