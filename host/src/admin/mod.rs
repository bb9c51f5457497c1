//! The operator API: HTTP on its own listener, protected by the admin token.
//!
//! Health, readiness and metrics need no token, because a probe should not hold one.

mod authorize;
mod error;
mod handlers;
mod node;
mod openapi;
mod options;
mod request;
mod response;
mod routes;
mod server;
#[cfg(test)]
mod tests;
mod token_file;

pub use handlers::version::{Formats, Version};
pub use node::NodeAdmin;
pub(crate) use request::bearer;
pub use routes::API_HEADER;
pub use server::{Admin, AdminStartError};
pub use token_file::{TOKEN_FILE, TokenFileError, kept_or_new};
