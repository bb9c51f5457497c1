//! One request over a connection of its own, plain or through TLS.

use std::io;
use std::pin::pin;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderValue};
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::connect_error;
use super::target::Target;
use super::upload::Upload;
use crate::cli::output::failure::Failure;

/// How long connecting to the host may take, TLS included; the host is usually near.
const CONNECT_WAIT_MAX: Duration = Duration::from_secs(5);

/// Sends `request` to the host of its URL, which is one of `target`, and returns the result of `read` for the answer.
pub(super) async fn send<T>(
    mut request: Request<Upload>,
    target: &Target,
    read: impl AsyncFnOnce(Response<Incoming>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let stream = tokio::time::timeout(CONNECT_WAIT_MAX, connect(request.uri(), target));
    let stream = stream.await.unwrap_or_else(|_| Err(connect_error::tcp(target, io::ErrorKind::TimedOut.into())))?;
    to_origin_form(&mut request);
    let failed = |error| connect_error::http(target, error);
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
    let exchange = async {
        let answer = sender.send_request(request).await.map_err(failed)?;
        read(answer).await
    };
    let mut exchange = pin!(exchange);
    tokio::select! {
        biased;
        result = &mut exchange => result,
        // Whatever ended the connection, the exchange has the rest of the answer or the error.
        _ended = connection => exchange.await,
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

async fn connect(uri: &Uri, target: &Target) -> Result<Box<dyn Stream>, Failure> {
    let host = uri.host().unwrap_or_default();
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let port = uri.port_u16().unwrap_or(if target.trust.is_some() { 443 } else { 80 });
    let plain = TcpStream::connect((host, port)).await.map_err(|error| connect_error::tcp(target, error))?;
    let Some(trust) = &target.trust else { return Ok(Box::new(plain)) };
    let name = ServerName::try_from(host.to_owned()).map_err(|error| connect_error::tcp(target, invalid(error)))?;
    let connected = TlsConnector::from(trust.tls.clone()).connect(name, plain).await;
    Ok(Box::new(connected.map_err(|error| connect_error::tls(target, trust, error))?))
}

fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, error)
}

/// Moves the host's name from the URL into the `Host` header, as a request to a server has it.
fn to_origin_form(request: &mut Request<Upload>) {
    let uri = std::mem::take(request.uri_mut());
    if let Some(host) = uri.authority().and_then(|authority| HeaderValue::from_str(authority.as_str()).ok()) {
        request.headers_mut().insert(HOST, host);
    }
    let path = uri.into_parts().path_and_query;
    *request.uri_mut() = path.map_or_else(Uri::default, Uri::from);
}
