//! Why a text is no name.

/// Why a text is not the name, key or id that it was given as.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no {what}: it {rule}")]
pub struct NameError {
    what: &'static str,
    /// The text, cut to what a log line can hold.
    text: String,
    rule: &'static str,
}

impl NameError {
    pub(crate) fn new(what: &'static str, text: &str, rule: &'static str) -> Self {
        Self { what, text: text.chars().take(64).collect(), rule }
    }
}
