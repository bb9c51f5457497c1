//! The error of a text that is no valid name.

/// Why a text is not a valid name, key or id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no {what}: it {rule}")]
pub struct NameError {
    what: &'static str,
    /// The text, shortened to fit a log line.
    text: String,
    rule: &'static str,
}

impl NameError {
    pub(crate) fn new(what: &'static str, text: &str, rule: &'static str) -> Self {
        Self { what, text: text.chars().take(64).collect(), rule }
    }
}
