//! Configuration: `switchyard.toml`, the environment (`SWITCHYARD_…`) and flags become one checked value.

mod applied;
mod checks;
mod cluster;
mod environment;
mod error;
mod file;
mod grant;
mod host_name;
mod keys;
mod load;
mod print;
mod service_limits;
mod settings;
mod signer;
#[cfg(test)]
mod tests;
mod token;

pub use applied::AppliedSettings;
pub(crate) use applied::fields;
pub(crate) use checks::check_services;
pub use cluster::{ClusterSettings, Reads};
pub use environment::{
    ADMIN_VARIABLE, CA_VARIABLE, MANIFEST_VARIABLE, TOKEN_FILE_VARIABLE, TOKEN_VARIABLE, environment,
};
pub use error::{ConfigError, Origin, Origins, Problem};
pub use file::DEFAULTS;
pub(crate) use grant::canonical;
pub use grant::{Grant, GrantError, grants_text};
pub(crate) use host_name::is_host;
pub(crate) use keys::instead_of;
pub use load::{Configuration, Flags, defaults, load};
pub use print::print;
pub use settings::*;
pub use signer::{Signature, SignatureError, SignedRelease, Signer, SignerError, signature_file};
pub use token::{AdminToken, TokenError};
