//! Connections: serves HTTP on a listener. The operator API uses it too.

pub(super) mod activity;
pub(super) mod client;
pub(super) mod connection;
pub(super) mod handler;
pub(super) mod listener;
pub(super) mod proxies;
pub(super) mod server;
pub(super) mod tls;
pub(super) mod transport;
pub(super) mod unread_answers;
mod unreadable_head;
