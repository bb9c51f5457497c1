//! Plain hyper in front of a backend.

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

/// Serves until the process ends.
pub(crate) async fn serve(listener: TcpListener, backend: impl Backend) -> anyhow::Result<()> {
    for number in 0..ITEMS {
        backend.write(operations::put_item(number)).await?;
    }
    let (backend, orders) = (Arc::new(backend), Arc::new(AtomicU64::new(0)));
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (backend, orders) = (Arc::clone(&backend), Arc::clone(&orders));
        tokio::spawn(async move {
            let answer = service_fn(|request| answer(&*backend, &orders, request));
            let _closed = hyper::server::conn::http1::Builder::new()
                .pipeline_flush(true)
                .serve_connection(TokioIo::new(stream), answer)
                .await;
        });
    }
}

async fn answer<B: Backend>(
    backend: &B,
    orders: &AtomicU64,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (status, body) = match route(backend, orders, request).await {
        Ok(body) => (StatusCode::OK, body),
        Err(error) => (StatusCode::CONFLICT, format!("{error:#}").into_bytes()),
    };
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static("application/json"));
    Ok(response)
}

async fn route<B: Backend>(backend: &B, orders: &AtomicU64, request: Request<Incoming>) -> anyhow::Result<Vec<u8>> {
    #[derive(serde::Deserialize)]
    struct LineChange {
        quantity: u32,
    }
    let (head, body) = request.into_parts();
    let mut segments = head.uri.path().trim_start_matches('/').split('/');
    let segments = std::array::from_fn::<_, 4, _>(|_| segments.next().unwrap_or(""));
    match (&head.method, segments) {
        (&Method::GET, ["items", "", ..]) => backend.read(&operations::list_items()),
        (&Method::GET, ["items", sku, ..]) => backend.read(&operations::get_item(sku.into())),
        (&Method::PUT, ["carts", id, "lines", sku]) => {
            let body = body.collect().await?.to_bytes();
            let change: LineChange = serde_json::from_slice(&body)?;
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
