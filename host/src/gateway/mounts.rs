//! Services that answer HTTP by themselves, each under its path prefix.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use hyper::{Request, Response};

use super::body::Body;
use super::client::Client;
use super::intake::IncomingBody;
use crate::call::CallError;
use crate::names::RequestId;

/// What answers the requests under one prefix.
pub type Mounted = Arc<dyn Fn(MountedRequest) -> MountedAnswer + Send + Sync>;

/// The answer, when it comes.
pub type MountedAnswer = Pin<Box<dyn Future<Output = Result<Response<Body>, CallError>> + Send>>;

/// A request for a mounted service, as its client sent it: path and headers are untouched, nobody was authenticated.
#[derive(Debug)]
pub struct MountedRequest {
    pub request: Request<IncomingBody>,
    pub id: RequestId,
    pub client: Client,
}

/// A prefix and what is mounted there.
#[derive(Clone)]
pub struct Mount {
    /// As the manifest has it: `/legacy`.
    pub prefix: String,
    pub service: Mounted,
}

impl fmt::Debug for Mount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mount").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

/// The table of mounts, longest prefix first.
#[derive(Debug)]
pub(super) struct Mounts(Vec<Mount>);

impl Mounts {
    pub(super) fn new(mut mounts: Vec<Mount>) -> Self {
        for mount in &mut mounts {
            mount.prefix.truncate(mount.prefix.trim_end_matches('/').len());
        }
        mounts.sort_by_key(|mount| std::cmp::Reverse(mount.prefix.len()));
        Self(mounts)
    }

    /// What is mounted where `path` is: at a prefix, or under it.
    pub(super) fn find(&self, path: &str) -> Option<&Mount> {
        self.0.iter().find(|mount| {
            path.strip_prefix(mount.prefix.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_prefix_answers() {
        let mount = |prefix: &str| Mount {
            prefix: prefix.into(),
            service: Arc::new(|_| Box::pin(async { Ok(Response::new(Body::empty())) })),
        };
        let mounts = Mounts::new(vec![mount("/old"), mount("/old/api/"), mount("/blog")]);
        let check = |path: &str, expected: Option<&str>| {
            assert_eq!(mounts.find(path).map(|mount| mount.prefix.as_str()), expected, "{path}");
        };
        check("/old", Some("/old"));
        check("/old/", Some("/old"));
        check("/old/api", Some("/old/api"));
        check("/old/api/v1?x", Some("/old/api"));
        check("/old/apis", Some("/old"));
        check("/older", None);
        check("/", None);
        let everything = Mounts::new(vec![mount("/")]);
        assert!(everything.find("/any/thing").is_some());
    }
}
