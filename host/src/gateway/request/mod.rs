//! The parts of a request: headers, address, body; and how many requests a client may send.

pub(super) mod accept;
pub(super) mod body;
pub(super) mod head;
pub(super) mod percent_encoding;
pub(super) mod rate_limit;
pub(super) mod request_id;
pub(super) mod traceparent;
pub(super) mod weights;
