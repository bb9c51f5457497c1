//! Why a host cannot be talked to, and what to type next.

use std::io;

use anyhow::Error;
use rustls::CertificateError as Certificate;

use super::target::Target;
use super::trust::Trust;
use crate::cli::output::failure::{Failure, Kind};

/// No connection.
pub(super) fn tcp(target: &Target, error: io::Error) -> Failure {
    let what = format!("no host answers at {}", target.url);
    let next = "Start it with `switchyard up`, or name its operator API with --admin URL.";
    unreachable(Error::new(error), what).next(next)
}

/// A connection, but no answer in HTTP.
pub(super) fn http(target: &Target, error: hyper::Error) -> Failure {
    let is_plain = target.trust.is_none();
    let what = format!("{} does not answer as a host does", target.url);
    let failure = unreachable(Error::new(error), what);
    match target.url.strip_prefix("http://") {
        Some(address) if is_plain => failure.next(format!(
            "If the host has a certificate (host.admin_tls_certificate), write --admin https://{address}."
        )),
        _ => failure,
    }
}

/// A connection, but the TLS handshake failed.
pub(super) fn tls(target: &Target, trust: &Trust, error: io::Error) -> Failure {
    let url = &target.url;
    let Some(cause) = error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>()) else {
        return unreachable(Error::new(error), format!("{url} ended the connection before TLS began"));
    };
    let (what, next) = match cause {
        rustls::Error::InvalidCertificate(certificate) => refused_certificate(url, trust, certificate),
        // A server without TLS answers the first message in HTTP.
        rustls::Error::InvalidMessage(_) => (
            format!("{url} does not speak TLS"),
            format!("Write --admin {}, or give the host a certificate.", url.replacen("https", "http", 1)),
        ),
        _ => (format!("no TLS connection to {url}"), "The log of the host may say more.".to_owned()),
    };
    unreachable(Error::new(cause.clone()), what).next(next)
}

fn refused_certificate(url: &str, trust: &Trust, error: &Certificate) -> (String, String) {
    match error {
        Certificate::UnknownIssuer | Certificate::BadSignature => unknown_issuer(url, trust),
        Certificate::NotValidForName | Certificate::NotValidForNameContext { .. } => (
            format!("the certificate of {url} is for another name"),
            "Write --admin https://NAME:PORT with a name that is in the certificate.".to_owned(),
        ),
        Certificate::Expired | Certificate::ExpiredContext { .. } => (
            format!("the certificate of {url} has expired"),
            "Renew it, then send SIGHUP to the host: it reads its certificate again.".to_owned(),
        ),
        Certificate::NotValidYet | Certificate::NotValidYetContext { .. } => (
            format!("the certificate of {url} is not valid yet"),
            "Compare the clock of this machine with that of the host.".to_owned(),
        ),
        Certificate::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => (
            format!("the certificate of {url} is one of an authority, not of a server"),
            "Give the host another one. `openssl req -x509` makes it with -addext basicConstraints=critical,CA:FALSE."
                .to_owned(),
        ),
        _ => (
            format!("the certificate of {url} is not valid"),
            "Give the host another certificate, then send it SIGHUP.".to_owned(),
        ),
    }
}

fn unknown_issuer(url: &str, trust: &Trust) -> (String, String) {
    match &trust.ca {
        Some(ca) => (
            format!("the certificate of {url} is not signed by a certificate in {}", ca.display()),
            "Name the file of the authority that signed it with --ca FILE. If it signs itself, that is the file of \
             host.admin_tls_certificate."
                .to_owned(),
        ),
        None => (
            format!("the certificate of {url} is not signed by an authority that this system trusts"),
            "Name the file of the authority that signed it with --ca FILE, or set SWITCHYARD_CA. If it signs itself, \
             that is the file of host.admin_tls_certificate."
                .to_owned(),
        ),
    }
}

fn unreachable(error: Error, what: String) -> Failure {
    Failure::new(Kind::Unreachable, error.context(what))
}
