//! Loading: defaults, manifest, environment and flags, each over the one before it, become one checked value.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::checks;
use super::environment::{self, TOKEN_VARIABLE};
use super::error::{ConfigError, Origin, Origins};
use super::file;
use super::settings::Manifest;
use super::token::AdminToken;

/// What the command line says; it has the last word.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flags {
    pub listen: Option<SocketAddr>,
    pub admin_listen: Option<SocketAddr>,
    pub data: Option<PathBuf>,
}

/// A checked configuration. All its paths are usable from the working directory.
#[derive(Debug, Clone)]
pub struct Configuration {
    pub manifest: Manifest,
    /// The token that the environment gives; without it the one in the data directory counts.
    pub admin_token: Option<AdminToken>,
    pub origins: Origins,
}

/// Loads the manifest at `path`, with `environment` (name and value of each variable) and `flags` over it.
///
/// # Errors
///
/// [`ConfigError`], which says for each mistake where it is and what to write instead.
pub fn load(path: &Path, environment: &[(String, String)], flags: Flags) -> Result<Configuration, ConfigError> {
    let (manifest, mut origins) = file::parse(path, &file::read(path)?)?;
    let mut manifest = environment::apply(manifest, &mut origins, environment)?;
    apply(flags, &mut manifest, &mut origins);
    resolve(&mut manifest, &origins, path.parent().unwrap_or(Path::new("")));
    checks::check(&manifest, &origins)?;
    let admin_token = match environment.iter().find(|(name, _)| name == TOKEN_VARIABLE) {
        Some((name, token)) => Some(
            AdminToken::parse(token)
                .map_err(|error| ConfigError::one(Origin::Variable(name.clone()), error.to_string()))?,
        ),
        None => None,
    };
    Ok(Configuration { manifest, admin_token, origins })
}

fn apply(flags: Flags, manifest: &mut Manifest, origins: &mut Origins) {
    if let Some(listen) = flags.listen {
        manifest.host.listen = listen;
        origins.set("host.listen", Origin::Flag("--listen"));
    }
    if let Some(admin_listen) = flags.admin_listen {
        manifest.host.admin_listen = admin_listen;
        origins.set("host.admin_listen", Origin::Flag("--admin"));
    }
    if let Some(data) = flags.data {
        manifest.host.data = data;
        origins.set("host.data", Origin::Flag("--data"));
    }
}

/// Makes the paths that the manifest or the defaults give start at `folder`. An empty one stays empty, to be refused.
fn resolve(manifest: &mut Manifest, origins: &Origins, folder: &Path) {
    let place = |key: &str, path: &mut PathBuf| {
        let here = matches!(origins.of(key), Origin::Variable(_) | Origin::Flag(_));
        if !here && !path.as_os_str().is_empty() {
            *path = folder.join(&*path);
        }
    };
    place("host.wit", &mut manifest.host.wit);
    place("host.data", &mut manifest.host.data);
    let gateway = &mut manifest.gateway;
    let optional = [
        ("gateway.tls_certificate", &mut gateway.tls_certificate),
        ("gateway.tls_key", &mut gateway.tls_key),
        ("gateway.assets", &mut gateway.assets),
    ];
    for (key, path) in optional {
        if let Some(path) = path {
            place(key, path);
        }
    }
    for (name, service) in &mut manifest.services {
        place(&format!("services.{name}.component"), &mut service.component);
    }
}
