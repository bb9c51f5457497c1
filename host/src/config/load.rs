//! Loads the configuration: defaults, manifest, environment and flags, each overriding the previous one, become one
//! checked value.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::checks;
use super::environment::{self, PREFIX, TOKEN_VARIABLE};
use super::error::{ConfigError, Origin, Origins};
use super::file;
use super::settings::Manifest;
use super::token::AdminToken;
use crate::limits::MANIFEST_BYTES_MAX;

/// The flags of the command line, which override everything else.
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
    /// The token from the environment; without it, the one in the data directory is used.
    pub admin_token: Option<AdminToken>,
    pub origins: Origins,
    layers: Layers,
}

/// The inputs of a configuration: the path of the manifest, and the layers that override it.
#[derive(Debug, Clone)]
struct Layers {
    path: PathBuf,
    environment: Vec<(String, String)>,
    flags: Flags,
}

impl Configuration {
    /// The manifest that results if its file has this `text`, with the same environment and flags. Reads no file.
    ///
    /// # Errors
    ///
    /// Like [`load`].
    pub fn with_text(&self, text: &str) -> Result<Manifest, ConfigError> {
        if text.len() > MANIFEST_BYTES_MAX {
            return Err(ConfigError::TooLarge { path: self.layers.path.clone(), bytes_max: MANIFEST_BYTES_MAX });
        }
        self.layers.over(text).map(|(manifest, _)| manifest)
    }

    /// The path of the manifest.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.layers.path
    }

    /// The manifest that a start would load now.
    ///
    /// # Errors
    ///
    /// Like [`load`].
    pub fn reload(&self) -> Result<Manifest, ConfigError> {
        self.layers.over(&file::read(&self.layers.path)?).map(|(manifest, _)| manifest)
    }
}

impl Layers {
    /// `text` with all overriding layers applied, checked.
    fn over(&self, text: &str) -> Result<(Manifest, Origins), ConfigError> {
        let (manifest, mut origins, mut problems) = file::parse(&self.path, text)?;
        let (mut manifest, wrong) = environment::apply(manifest, &mut origins, &self.environment);
        apply(&self.flags, &mut manifest, &mut origins);
        resolve(&mut manifest, &origins, self.path.parent().unwrap_or(Path::new("")));
        let mut found = checks::check(&manifest, &origins);
        if !problems.is_empty() {
            // A key with a wrong value has its default here, and a default is not a mistake of the operator.
            found.retain(|problem| problem.origin != Origin::Default);
        }
        problems.extend(wrong);
        problems.extend(found);
        if problems.is_empty() { Ok((manifest, origins)) } else { Err(ConfigError::Wrong { problems }) }
    }
}

/// Loads the manifest at `path`, overridden by `environment` (name and value of each variable) and `flags`.
///
/// # Errors
///
/// [`ConfigError`], with the location and the correction of each mistake.
pub fn load(path: &Path, environment: &[(String, String)], flags: Flags) -> Result<Configuration, ConfigError> {
    let text = file::read(path)?;
    let ours = environment.iter().filter(|(name, _)| name.starts_with(PREFIX)).cloned();
    let (tokens, environment): (Vec<_>, Vec<_>) = ours.partition(|(name, _)| name == TOKEN_VARIABLE);
    let layers = Layers { path: path.into(), environment, flags };
    let (manifest, origins) = layers.over(&text)?;
    let admin_token = match tokens.first() {
        Some((name, token)) => Some(
            AdminToken::parse(token)
                .map_err(|error| ConfigError::one(Origin::Variable(name.clone()), error.to_string()))?,
        ),
        None => None,
    };
    Ok(Configuration { manifest, admin_token, origins, layers })
}

/// The manifest without any file, environment or flags. It has no services.
///
/// # Errors
///
/// Like [`load`].
pub fn defaults() -> Result<Manifest, ConfigError> {
    file::parse(Path::new("switchyard.toml"), "").map(|(manifest, ..)| manifest)
}

fn apply(flags: &Flags, manifest: &mut Manifest, origins: &mut Origins) {
    if let Some(listen) = flags.listen {
        manifest.host.listen = listen;
        origins.set("host.listen", Origin::Flag("--listen"));
    }
    if let Some(admin_listen) = flags.admin_listen {
        manifest.host.admin_listen = admin_listen;
        origins.set("host.admin_listen", Origin::Flag("--admin"));
    }
    if let Some(data) = &flags.data {
        manifest.host.data.clone_from(data);
        origins.set("host.data", Origin::Flag("--data"));
    }
}

/// Makes the paths from the manifest and the defaults relative to `folder`. An empty path stays empty, and is refused
/// later.
fn resolve(manifest: &mut Manifest, origins: &Origins, folder: &Path) {
    let place = |key: &str, path: &mut PathBuf| {
        let here = matches!(origins.of(key), Origin::Variable(_) | Origin::Flag(_));
        if !here && !path.as_os_str().is_empty() {
            *path = folder.join(&*path);
        }
    };
    place("host.wit", &mut manifest.host.wit);
    place("host.data", &mut manifest.host.data);
    manifest.host.backup_folders.iter_mut().for_each(|path| place("host.backup_folders", path));
    let gateway = &mut manifest.gateway;
    let optional = [
        ("gateway.tls_certificate", &mut gateway.tls_certificate),
        ("gateway.tls_key", &mut gateway.tls_key),
        ("host.admin_tls_certificate", &mut manifest.host.admin_tls_certificate),
        ("host.admin_tls_key", &mut manifest.host.admin_tls_key),
        ("gateway.assets", &mut gateway.assets),
        ("journal.archive", &mut manifest.journal.archive),
        ("telemetry.headers_file", &mut manifest.telemetry.headers_file),
        ("cluster.credentials_file", &mut manifest.cluster.credentials_file),
        ("cluster.tls_ca", &mut manifest.cluster.tls_ca),
        ("cluster.tls_certificate", &mut manifest.cluster.tls_certificate),
        ("cluster.tls_key", &mut manifest.cluster.tls_key),
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
