//! The operator's HTTP API.

mod token;

pub use token::{TOKEN_FILE, TokenFileError, kept_or_new};
