//! Requests to mounted services, which speak HTTP themselves.
//!
//! Invariant: a request runs on one release, chosen when it begins. Its response leaves the host only when its transaction
//! is durable. It keeps an instance until its guest has ended, and a slot of its service until the last byte of its
//! response is sent too, so slow readers use the slots of that service only.

mod failed;
mod observer;
mod replay;
mod request;

pub(in crate::call) use request::MountedRequest;
