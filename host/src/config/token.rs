//! The admin token that the admin address requires. It is never printed, not even in debug output.

#[cfg(test)]
mod tests;

use std::fmt;

use subtle::ConstantTimeEq as _;

use crate::names::hex;

/// Shortest token, in characters: 32 hex digits are 128 bits.
const TOKEN_CHARACTERS_MIN: usize = 32;

/// Longest token, in characters: it travels in a header.
const TOKEN_CHARACTERS_MAX: usize = 256;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an admin token must be 32 to 256 visible ASCII characters: create one with `openssl rand -hex 32`")]
pub struct TokenError;

#[derive(Clone)]
pub struct AdminToken(String);

impl AdminToken {
    /// # Errors
    ///
    /// Fails unless `text` is 32 to 256 visible ASCII characters.
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        let length = TOKEN_CHARACTERS_MIN..=TOKEN_CHARACTERS_MAX;
        if !length.contains(&text.len()) || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(TokenError);
        }
        Ok(Self(text.into()))
    }

    /// A token from 256 random bits.
    #[must_use]
    pub fn from_bits(bits: [u8; 32]) -> Self {
        Self(hex(&bits))
    }

    /// Whether `given` is this token; the comparison always takes the same time.
    #[must_use]
    pub fn matches(&self, given: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(given).into()
    }

    /// The token itself, for its file or for a request.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdminToken(…)")
    }
}
