//! The operator's API, filled with connections without a token.

use std::net::Ipv4Addr;
use std::path::Path;
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt as _;

use super::callers::FRONT_AND_WEB;
use super::stranger::{self, ask_once, connect};
use super::{Figure, millis};
use crate::guests;
use crate::load::request;

pub(super) const OPERATOR: &str = "operator's side";

/// Connections without a token: the maximum that the operator's API accepts.
const WITHOUT_TOKEN: usize = 256;

/// Uploads that send nothing after their head.
const SLOW_UPLOADS: usize = 4;

pub(super) async fn filled(workspace: &Path) -> anyhow::Result<Vec<Figure>> {
    let folder = tempfile::tempdir()?;
    FRONT_AND_WEB.prepare(workspace, folder.path())?;
    let (server, admin) = guests::start(folder.path(), &[]).await?;
    let token = guests::token(folder.path())?;
    let mut list = Vec::new();
    request(&mut list, "GET", "/services", Some(&token), None);
    let alone = asked(admin, &list).await;
    // The operator's own connection comes from a separate address.
    let mut open = Vec::new();
    for _ in 0..WITHOUT_TOKEN {
        open.extend(connect(stranger::ONE, admin).await.ok());
    }
    let beside_idle = asked(admin, &list).await;
    drop(open);
    let mut uploads = Vec::new();
    for _ in 0..SLOW_UPLOADS {
        let head = format!(
            "POST /services/front/releases HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/wasm\r\nContent-Length: 60000\r\n\r\n\0asm"
        );
        let mut stream = connect(stranger::ONE, admin).await?;
        stream.write_all(head.as_bytes()).await?;
        uploads.push(stream);
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let component = std::fs::read(folder.path().join("callers.wasm"))?;
    let beside_uploads = super::compiling::deploy(admin, &token, &component).await;
    drop(uploads);
    server.stop().await?;
    let figure = |what, alone, beside, at_most| Figure { experiment: OPERATOR, what, alone, beside, at_most };
    Ok(vec![
        figure("the operator's list beside 256 without a token, ms", millis(alone), millis(beside_idle), 1_000.0),
        figure("a deploy beside four slow uploads, ms", 0.0, millis(beside_uploads.took), 1_000.0),
    ])
}

/// The time of a good request; half a minute if it was not answered with 200.
async fn asked(admin: std::net::SocketAddr, bytes: &[u8]) -> Duration {
    let begin = Instant::now();
    match ask_once(Ipv4Addr::LOCALHOST, admin, bytes, Duration::from_secs(30)).await {
        Some(200) => begin.elapsed(),
        _ => Duration::from_secs(30),
    }
}
