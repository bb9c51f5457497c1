//! The certificates by which a host proves who it is: those of a file, or the system's.

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use crate::cli::output::failure::{Failure, Kind};

/// The certificates that one host is checked against.
#[derive(Debug, Clone)]
pub(in crate::cli) struct Trust {
    pub(super) tls: Arc<ClientConfig>,
    /// The file that replaces the system's certificates.
    pub(super) ca: Option<PathBuf>,
}

impl Trust {
    /// Trusts only the certificates in the PEM file `ca`.
    pub(super) fn file(ca: &Path) -> Result<Self, Failure> {
        let unusable = |error: anyhow::Error| {
            let what = format!("cannot use the certificates in {}", ca.display());
            Failure::new(Kind::Usage, error.context(what)).next("Name a PEM file of certificates with --ca FILE.")
        };
        let certificates = read(ca).map_err(|error| unusable(error.into()))?;
        let mut roots = RootCertStore::empty();
        for certificate in certificates {
            roots.add(certificate).map_err(|error| unusable(error.into()))?;
        }
        if roots.is_empty() {
            return Err(unusable(anyhow::anyhow!("the file has no certificate")));
        }
        Ok(Self { tls: config(roots), ca: Some(ca.into()) })
    }

    /// Trusts the system's certificates, and the one in the file `own`, which the manifest names for the host itself.
    pub(super) fn system(own: Option<&Path>) -> Self {
        let mut roots = RootCertStore::empty();
        // A certificate that cannot be read is not trusted; the handshake then reports which one is missing.
        let (_usable, _unusable) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let own = own.and_then(|own| read(own).ok()).unwrap_or_default();
        let (_usable, _unusable) = roots.add_parsable_certificates(own);
        Self { tls: config(roots), ca: None }
    }
}

fn read(file: &Path) -> Result<Vec<CertificateDer<'static>>, rustls::pki_types::pem::Error> {
    CertificateDer::pem_file_iter(file)?.collect()
}

fn config(roots: RootCertStore) -> Arc<ClientConfig> {
    let client = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let client = client.with_safe_default_protocol_versions().expect("the provider has suites of TLS 1.2 and 1.3");
    Arc::new(client.with_root_certificates(roots).with_no_client_auth())
}
