//! Sessions: the bearer token, its stored form, and its end.
//!
//! Invariant: the token is returned once and never stored. A session is found by the SHA-256 of its token, which is
//! also its id; the token cannot be computed from the id.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use switchyard_sdk::Timestamp;

use super::Role;

/// Random bytes of a token: 256 bits.
pub(crate) const TOKEN_BYTES: usize = 32;

/// Characters of a token, and of a session's id: 256 bits in base64.
const TOKEN_CHARS: usize = 43;

/// How long a session lasts, in seconds.
const SESSION_SECONDS: u64 = 24 * 60 * 60;

/// The owner of a token, and the time of its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) account_id: String,
    pub(crate) role: Role,
    /// Sessions of an older generation than their account's have ended: a new password begins a new generation.
    pub(crate) generation: u32,
    pub(crate) expires_at: Timestamp,
}

impl Session {
    pub(crate) fn open(account_id: String, role: Role, generation: u32, now: Timestamp) -> Self {
        Self { account_id, role, generation, expires_at: now.plus_seconds(SESSION_SECONDS) }
    }

    pub(crate) fn is_live(&self, generation: u32, now: Timestamp) -> bool {
        self.generation == generation && now < self.expires_at
    }
}

/// The token for these random bytes.
pub(crate) fn token(random: [u8; TOKEN_BYTES]) -> String {
    URL_SAFE_NO_PAD.encode(random)
}

/// The id of the session that `token` belongs to; `None` for a text that is not a token.
pub(crate) fn session_id(token: &str) -> Option<String> {
    (token.len() == TOKEN_CHARS).then(|| URL_SAFE_NO_PAD.encode(Sha256::digest(token.as_bytes())))
}

#[cfg(test)]
pub(crate) fn hash(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(text.as_bytes()))
}

/// Whether `text` has the form of a session's id, and of any hash.
pub(crate) fn is_session_id(text: &str) -> bool {
    text.len() == TOKEN_CHARS && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_micros(1_767_225_600_000_000);

    #[test]
    fn a_token_is_43_characters_and_its_session_is_its_hash() {
        let token = token([0xff; TOKEN_BYTES]);
        assert_eq!(token, "_".repeat(42) + "8");
        let id = session_id(&token).expect("a token");
        assert_eq!(id.len(), TOKEN_CHARS);
        assert_ne!(id, token);
        for text in ["", "x", &"x".repeat(42), &"x".repeat(44)] {
            assert_eq!(session_id(text), None, "{text}");
        }
    }

    #[test]
    fn a_session_ends_after_a_day_or_with_its_generation() {
        let session = Session::open("acc_1".to_owned(), Role::Customer, 3, NOW);
        for (generation, later, live) in [(3, 0, true), (3, 86_399, true), (3, 86_400, false), (4, 0, false)] {
            assert_eq!(session.is_live(generation, NOW.plus_seconds(later)), live, "{generation} {later}");
        }
    }
}
