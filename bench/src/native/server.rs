//! Plain hyper: the whole shop in front of one backend, and what all native servers share.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::{Backend, operations};

/// Items on sale.
pub(crate) const ITEMS: usize = 1000;

/// Answers requests with JSON.
pub(super) trait Handler: Send + Sync + 'static {
    fn answer(&self, request: Request<Incoming>) -> impl Future<Output = anyhow::Result<Vec<u8>>> + Send;
}

/// Prints the address, and serves until the process ends.
pub(super) async fn serve(listener: TcpListener, handler: impl Handler) -> anyhow::Result<()> {
    println!("{}", listener.local_addr()?);
    let handler = Arc::new(handler);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let handler = Arc::clone(&handler);
        tokio::spawn(async move {
            let service = service_fn(|request| respond(&*handler, request));
            let _closed = hyper::server::conn::http1::Builder::new()
                .pipeline_flush(true)
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn respond(handler: &impl Handler, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (status, body) = match handler.answer(request).await {
        Ok(body) => (StatusCode::OK, body),
        Err(error) => (StatusCode::CONFLICT, format!("{error:#}").into_bytes()),
    };
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static("application/json"));
    Ok(response)
}

/// The first segments of a path; those that it lacks are empty.
pub(super) fn segments(path: &str) -> [&str; 4] {
    let mut segments = path.trim_start_matches('/').split('/');
    std::array::from_fn(|_| segments.next().unwrap_or(""))
}

/// The JSON in the body of a request.
pub(super) async fn json<T: serde::de::DeserializeOwned>(body: Incoming) -> anyhow::Result<T> {
    Ok(serde_json::from_slice(&body.collect().await?.to_bytes())?)
}

#[derive(serde::Deserialize)]
pub(super) struct LineChange {
    pub(super) quantity: u32,
}

/// The whole shop.
struct Shop<B> {
    backend: B,
    orders: AtomicU64,
}

/// Serves the whole shop from one process until it ends.
pub(crate) async fn serve_shop(listener: TcpListener, backend: impl Backend) -> anyhow::Result<()> {
    for number in 0..ITEMS {
        backend.write(operations::put_item(number)).await?;
    }
    serve(listener, Shop { backend, orders: AtomicU64::new(0) }).await
}

impl<B: Backend> Handler for Shop<B> {
    async fn answer(&self, request: Request<Incoming>) -> anyhow::Result<Vec<u8>> {
        let Self { backend, orders } = self;
        let (head, body) = request.into_parts();
        match (&head.method, segments(head.uri.path())) {
            (&Method::GET, ["items", "", ..]) => backend.read(&operations::list_items()),
            (&Method::GET, ["items", sku, ..]) => backend.read(&operations::get_item(sku.into())),
            (&Method::PUT, ["carts", id, "lines", sku]) => {
                let change: LineChange = json(body).await?;
                backend.write(operations::set_line(id.into(), sku.into(), change.quantity)).await
            }
            (&Method::POST, ["reservations", sku, ..]) => {
                let order = orders.fetch_add(1, Ordering::Relaxed).to_string();
                backend.write(operations::reserve(order, sku.into())).await
            }
            (&Method::POST, ["carts", id, "checkout", _]) => {
                let order = orders.fetch_add(1, Ordering::Relaxed).to_string();
                backend.write(operations::check_out(id.into(), order)).await
            }
            _ => anyhow::bail!("no such route"),
        }
    }
}
