//! TLS: the certificate and key of a listener, and the protocols that it offers by ALPN.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

/// Why a certificate cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("{path} is not a PEM file with a certificate or key")]
    Read { path: PathBuf, source: rustls::pki_types::pem::Error },
    #[error("{path} has no certificate")]
    Empty { path: PathBuf },
    #[error("the certificate in {certificate} and the key in {key} do not work together")]
    Pair { certificate: PathBuf, key: PathBuf, source: rustls::Error },
}

/// The certificate and key of a listener. They can be reloaded while connections continue.
#[derive(Debug)]
pub struct Certificate {
    chain: PathBuf,
    key: PathBuf,
    current: ArcSwap<CertifiedKey>,
}

impl Certificate {
    /// Reads a PEM certificate chain, leaf first, and its private key (PKCS#8, PKCS#1 or SEC1).
    ///
    /// # Errors
    ///
    /// [`TlsError`] with the faulty file.
    pub fn read(chain: &Path, key: &Path) -> Result<Arc<Self>, TlsError> {
        let current = ArcSwap::from_pointee(read(chain, key)?);
        Ok(Arc::new(Self { chain: chain.into(), key: key.into(), current }))
    }

    /// Reads the files again, for new connections.
    ///
    /// # Errors
    ///
    /// [`TlsError`]; the previous certificate stays in use.
    pub fn reload(&self) -> Result<(), TlsError> {
        self.current.store(Arc::new(read(&self.chain, &self.key)?));
        Ok(())
    }

    pub(crate) fn server(self: &Arc<Self>) -> Arc<rustls::ServerConfig> {
        let server = rustls::ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let server = server.with_safe_default_protocol_versions().expect("the provider has suites of TLS 1.2 and 1.3");
        let certificate: Arc<dyn ResolvesServerCert> = Arc::<Self>::clone(self);
        let mut server = server.with_no_client_auth().with_cert_resolver(certificate);
        server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Arc::new(server)
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

fn read(chain: &Path, key: &Path) -> Result<CertifiedKey, TlsError> {
    let certificates = CertificateDer::pem_file_iter(chain)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(unreadable(chain))?;
    if certificates.is_empty() {
        return Err(TlsError::Empty { path: chain.into() });
    }
    let private = PrivateKeyDer::from_pem_file(key).map_err(unreadable(key))?;
    CertifiedKey::from_der(certificates, private, &ring::default_provider()).map_err(|source| TlsError::Pair {
        certificate: chain.into(),
        key: key.into(),
        source,
    })
}

fn unreadable(path: &Path) -> impl FnOnce(rustls::pki_types::pem::Error) -> TlsError {
    let path = path.into();
    move |source| TlsError::Read { path, source }
}
