//! TLS: both protocols by ALPN, and certificates that are refused.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Empty;
use hyper::{Request, StatusCode, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::rig::{Answered, Rig, read_to_end};
use crate::gateway::{Certificate as Served, TlsError};

struct Certificate {
    folder: tempfile::TempDir,
    roots: rustls::RootCertStore,
}

fn certificate() -> Certificate {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("chain.pem"), made.cert.pem()).expect("a file");
    std::fs::write(folder.path().join("key.pem"), made.signing_key.serialize_pem()).expect("a file");
    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).expect("a root");
    Certificate { folder, roots }
}

async fn connect(rig: &Rig, certificate: &Certificate, protocol: &[u8]) -> TlsStream<tokio::net::TcpStream> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut client = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(certificate.roots.clone())
        .with_no_client_auth();
    client.alpn_protocols = vec![protocol.to_vec()];
    let name = ServerName::try_from("localhost").expect("a name");
    TlsConnector::from(Arc::new(client)).connect(name, rig.connect().await).await.expect("a handshake")
}

async fn rig(certificate: &Certificate, header_read_ms_max: u64) -> Rig {
    Rig::start(|settings| {
        settings.tls_certificate = Some(certificate.folder.path().join("chain.pem"));
        settings.tls_key = Some(certificate.folder.path().join("key.pem"));
        settings.header_read_ms_max = header_read_ms_max;
    })
    .await
}

#[tokio::test]
async fn both_protocols_are_spoken_through_tls() {
    let certificate = certificate();
    let rig = rig(&certificate, 10_000).await;
    let mut stream = connect(&rig, &certificate, b"http/1.1").await;
    stream.write_all(b"GET /notes/a HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n").await.expect("it is read");
    let answered = Answered::parse(&read_to_end(&mut stream).await);
    assert_eq!((answered.status, answered.header("strict-transport-security")), (200, Some("max-age=31536000")));

    let stream = connect(&rig, &certificate, b"h2").await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let io = TokioIo::new(stream);
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.expect("HTTP/2");
    rig.tasks.spawn("client", async move { drop(connection.await) });
    let get = Request::builder().uri("https://t/notes/a").body(Empty::<Bytes>::new()).expect("a request");
    let answered = sender.send_request(get).await.expect("an answer");
    assert_eq!((answered.status(), answered.version()), (StatusCode::OK, Version::HTTP_2));
    drop(sender);
    assert_eq!(rig.tasks.shut_down(Duration::from_secs(20)).await, Ok(()));
}

#[tokio::test]
async fn a_handshake_has_its_time() {
    let certificate = certificate();
    let rig = rig(&certificate, 100).await;
    let mut silent = rig.connect().await;
    assert!(read_to_end(&mut silent).await.is_empty());
    let mut plain = rig.connect().await;
    plain.write_all(b"GET / HTTP/1.1\r\nHost: t\r\n\r\n").await.expect("it is read");
    let mut alert = [0; 1];
    plain.read_exact(&mut alert).await.expect("an alert");
    assert_eq!(alert, [21], "a TLS alert, and no HTTP");
}

#[tokio::test]
async fn a_certificate_that_is_read_again_counts_for_the_next_connection() {
    let (before, after) = (certificate(), certificate());
    let rig = rig(&before, 10_000).await;
    let _open = connect(&rig, &before, b"http/1.1").await;
    let served = rig.certificate.as_ref().expect("TLS");
    std::fs::write(before.folder.path().join("key.pem"), "").expect("a file");
    assert!(served.reload().is_err());
    let _still = connect(&rig, &before, b"http/1.1").await;
    for file in ["chain.pem", "key.pem"] {
        std::fs::copy(after.folder.path().join(file), before.folder.path().join(file)).expect("a copy");
    }
    served.reload().expect("a certificate");
    let _next = connect(&rig, &after, b"http/1.1").await;
}

#[test]
fn a_certificate_that_does_not_serve_is_refused() {
    let (one, other) = (certificate(), certificate());
    let chain = one.folder.path().join("chain.pem");
    let key = one.folder.path().join("key.pem");
    let empty = one.folder.path().join("empty.pem");
    std::fs::write(&empty, "").expect("a file");
    assert!(Served::read(&chain, &key).is_ok());
    assert!(matches!(Served::read(&chain, &other.folder.path().join("key.pem")), Err(TlsError::Pair { .. })));
    assert!(matches!(Served::read(&empty, &key), Err(TlsError::Empty { .. })));
    assert!(matches!(Served::read(&chain, &chain), Err(TlsError::Read { .. })));
    assert!(matches!(Served::read(&one.folder.path().join("gone.pem"), &key), Err(TlsError::Read { .. })));
}
