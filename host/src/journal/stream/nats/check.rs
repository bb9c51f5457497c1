//! Whether a NATS server can store the journal.

use crate::journal::stream::message::MESSAGE_BYTES_MAX;

/// The oldest version that is known to refuse an unexpected last sequence while other messages are in flight.
const VERSION_MIN: (u64, u64) = (2, 12);

/// Bytes of the headers of a message, and of the protocol around it.
const AROUND_BYTES: usize = 1024;

/// Bytes that a server must accept as one message.
pub(super) const PAYLOAD_BYTES_MIN: usize = MESSAGE_BYTES_MAX + AROUND_BYTES;

/// What a server says of itself.
#[derive(Debug, Clone)]
pub(super) struct ServerFacts {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) has_jetstream: bool,
    pub(super) payload_bytes_max: usize,
}

/// Why a server cannot store the journal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServerError {
    #[error(
        "the NATS server {server} has version {version}, and a cluster needs {}.{} or later: update the server",
        VERSION_MIN.0, VERSION_MIN.1
    )]
    TooOld { server: String, version: String },
    #[error(
        "the NATS server {server} has no JetStream: start it with `--jetstream`, or add `jetstream {{ sync_interval: always \
         }}` to its configuration"
    )]
    NoJetStream { server: String },
    #[error(
        "the NATS server {server} accepts messages of {bytes} bytes, and a cluster needs {PAYLOAD_BYTES_MIN}: set \
         `max_payload: 1MB` in its configuration"
    )]
    PayloadTooSmall { server: String, bytes: usize },
}

/// # Errors
///
/// [`ServerError`], with what to change.
pub(super) fn check(facts: &ServerFacts) -> Result<(), ServerError> {
    let server = facts.name.clone();
    // A version that cannot be read is of a server that this host does not know.
    if version(&facts.version).is_none_or(|version| version < VERSION_MIN) {
        return Err(ServerError::TooOld { server, version: facts.version.clone() });
    }
    if !facts.has_jetstream {
        return Err(ServerError::NoJetStream { server });
    }
    if facts.payload_bytes_max < PAYLOAD_BYTES_MIN {
        return Err(ServerError::PayloadTooSmall { server, bytes: facts.payload_bytes_max });
    }
    Ok(())
}

fn version(text: &str) -> Option<(u64, u64)> {
    let mut parts = text.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_cannot_store_the_journal_is_refused_with_what_to_change() {
        let check = |version: &str, has_jetstream, payload_bytes_max, said: &str| {
            let (name, version) = ("n1".to_owned(), version.to_owned());
            let found = check(&ServerFacts { name, version, has_jetstream, payload_bytes_max });
            match found {
                Ok(()) => assert_eq!(said, "", "it was accepted"),
                Err(error) => assert!(!said.is_empty() && error.to_string().contains(said), "{error}"),
            }
        };
        for version in ["2.12.0", "2.15.1", "2.12.0-RC.1", "3.0.0"] {
            check(version, true, 1 << 20, "");
        }
        for version in ["2.11.9", "1.20.0", "2", "", "x.y.z"] {
            check(version, true, 1 << 20, "a cluster needs 2.12 or later: update the server");
        }
        check("2.12.0", false, 1 << 20, "the NATS server n1 has no JetStream: start it with `--jetstream`");
        check("2.12.0", true, 1 << 19, "accepts messages of 524288 bytes, and a cluster needs");
        check("2.12.0", true, PAYLOAD_BYTES_MIN, "");
    }
}
