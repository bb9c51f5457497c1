//! The host that a command talks to, and the admin token for it.

#[cfg(test)]
mod tests;

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use hyper::Uri;

use super::trust::Trust;
use crate::admin::TOKEN_FILE;
use crate::cli::arguments::Host;
use crate::cli::host::config::load;
use crate::cli::output::failure::{Failure, Kind};
use crate::config::{AdminToken, Flags, TOKEN_VARIABLE, environment};

const ADMIN_LISTEN_DEFAULT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8081);

/// The operator API of one host.
#[derive(Debug)]
pub(in crate::cli) struct Target {
    /// Without a trailing slash.
    pub(in crate::cli) url: String,
    pub(in crate::cli) token: AdminToken,
    /// How a host with an https URL is checked.
    pub(in crate::cli) trust: Option<Trust>,
}

impl Target {
    /// Finds the host: from the flags, else from the manifest if there is one, else at the default address.
    pub(in crate::cli) fn find(host: &Host) -> Result<Self, Failure> {
        let manifest = &host.manifest.manifest;
        let settings = match manifest.try_exists() {
            Ok(true) => Some(load(manifest, Flags::default())?.manifest.host),
            Ok(false) | Err(_) => None,
        };
        let certificate = settings.as_ref().and_then(|settings| settings.admin_tls_certificate.as_deref());
        let url = match &host.admin {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => {
                let listen = settings.as_ref().map_or(ADMIN_LISTEN_DEFAULT, |settings| settings.admin_listen);
                url_of(if certificate.is_some() { "https" } else { "http" }, listen)
            }
        };
        let trust = match (scheme(&url)?, &host.ca) {
            (Scheme::Http, _) => None,
            (Scheme::Https, Some(ca)) => Some(Trust::file(ca)?),
            (Scheme::Https, None) => Some(Trust::system(certificate)),
        };
        let data = settings.map_or_else(|| PathBuf::from("data"), |settings| settings.data);
        let data = host.data.clone().unwrap_or(data);
        let variable = environment().into_iter().find(|(name, _)| name == TOKEN_VARIABLE);
        let variable = variable.map(|(_, token)| token);
        let token = match &host.token_file {
            // A file that was named counts, whatever else there is.
            Some(file) => token(None, file)?,
            None => token(variable, &data.join(TOKEN_FILE))?,
        };
        Ok(Self { url, trust, token })
    }
}

enum Scheme {
    Http,
    Https,
}

/// The scheme of `url`, if it is the URL of a host.
fn scheme(url: &str) -> Result<Scheme, Failure> {
    let parsed = url.parse::<Uri>().ok().filter(|uri| uri.host().is_some_and(|host| !host.is_empty()));
    match parsed.as_ref().and_then(Uri::scheme_str) {
        Some("http") => Ok(Scheme::Http),
        Some("https") => Ok(Scheme::Https),
        _ => {
            let detail = format!("{url:?} is not the address of a host");
            Err(Failure::text(Kind::Usage, detail).next("Write it as http://ADDRESS:PORT or https://NAME:PORT."))
        }
    }
}

/// The URL of a host that listens at `listen`; a host that listens on all addresses is reached through loopback.
fn url_of(scheme: &str, listen: SocketAddr) -> String {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    format!("{scheme}://{}", SocketAddr::new(ip, listen.port()))
}

fn token(variable: Option<String>, file: &Path) -> Result<AdminToken, Failure> {
    let (text, origin) = match variable {
        Some(text) => (text, TOKEN_VARIABLE.to_owned()),
        None => match std::fs::read_to_string(file) {
            Ok(text) => (text, file.display().to_string()),
            Err(error) => return Err(no_token(file, error)),
        },
    };
    AdminToken::parse(text.trim()).map_err(|error| {
        Failure::new(Kind::Unauthorized, anyhow::Error::new(error).context(format!("{origin} has no token")))
            .next("`switchyard token add NAME --role ROLE` creates one; --token-file FILE names its file.")
    })
}

fn no_token(file: &Path, error: std::io::Error) -> Failure {
    let place = file.display();
    let next = match error.kind() {
        ErrorKind::NotFound => format!(
            "The host makes its own at its first start: start it with `switchyard up`, name its data directory with --data, \
             or the file of another token with --token-file, or set {TOKEN_VARIABLE}."
        ),
        ErrorKind::PermissionDenied => {
            format!("Only the user of the host may read it. Run the command as that user, or set {TOKEN_VARIABLE}.")
        }
        _ => format!("Set {TOKEN_VARIABLE} to the token instead."),
    };
    Failure::new(Kind::Unauthorized, anyhow::Error::new(error).context(format!("no admin token: cannot read {place}")))
        .next(next)
}
