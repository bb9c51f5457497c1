//! Connections that use as much as they can: descriptors, memory for answers that nobody reads, room for kept answers.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;

use super::callers::{FRONT_AND_WEB, front};
use super::stranger::{self, ask_once, connect, unread_streams};
use super::{Figure, refused};
use crate::guests;
use crate::load::{self, request};

pub(super) const DESCRIPTORS: &str = "idle connections";
pub(super) const UNREAD: &str = "unread answers";
pub(super) const KEPT: &str = "kept answers";

/// The default soft limit of descriptors on many systems, and connections that would use it up.
const SOFT_LIMIT: u64 = 1024;
const IDLE: usize = 1_015;

/// HTTP/2 connections that read nothing, the streams of each, and the bytes of each answer.
const UNREAD_CONNECTIONS: usize = 150;
const UNREAD_STREAMS: u32 = 128;
const UNREAD_BYTES: usize = 28_000;

/// Answers of 8 MB that nobody reads, over HTTP/1.1.
const LARGE_ANSWERS: usize = 64;

/// Memory that unread answers may use, in megabytes: 64 MiB per client, and as much again to create them.
const UNREAD_MEGABYTES_MAX: f64 = 256.0;

/// Bytes that the host may keep for a service in the experiment with kept answers: a stranger fills them in seconds.
const KEPT_BYTES_MAX: &str = "20_000_000";

fn post_front(script: &str, key: Option<&str>) -> Vec<u8> {
    let body = format!("{script:?}");
    let mut bytes = Vec::new();
    request(&mut bytes, "POST", "/front", None, Some(&body));
    if let Some(key) = key {
        let head = format!("Host: localhost\r\nIdempotency-Key: \"{key}\"\r\n");
        bytes = String::from_utf8_lossy(&bytes).replacen("Host: localhost\r\n", &head, 1).into_bytes();
    }
    bytes
}

/// The number of failed writes, of `count` by a good client.
async fn writes_refused(address: SocketAddr, count: usize) -> f64 {
    let mut refused = 0.0;
    for number in 0..count {
        let write = post_front(&format!("set good {number}"), None);
        if ask_once([127, 0, 0, 1].into(), address, &write, Duration::from_secs(10)).await != Some(200) {
            refused += 1.0;
        }
    }
    refused
}

pub(super) async fn descriptors(workspace: &Path) -> anyhow::Result<Vec<Figure>> {
    let folder = tempfile::tempdir()?;
    FRONT_AND_WEB.prepare(workspace, folder.path())?;
    let (server, _) = guests::start_with_descriptors(folder.path(), SOFT_LIMIT).await?;
    let mut idle = Vec::new();
    while idle.len() < IDLE {
        idle.push(connect(stranger::ONE, server.address).await?);
    }
    // The first commit happens during the abuse too, so that everything it opens is opened then.
    let beside = writes_refused(server.address, 20).await;
    drop(idle);
    let after = writes_refused(server.address, 20).await;
    server.stop().await?;
    let figure = |what, beside| Figure { experiment: DESCRIPTORS, what, alone: 0.0, beside, at_most: 0.0 };
    Ok(vec![
        figure("writes refused beside 1,015 idle, soft limit 1,024", beside),
        figure("writes refused when they are gone", after),
    ])
}

pub(super) async fn unread(workspace: &Path, time: Duration) -> anyhow::Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for over_http2 in [true, false] {
        let folder = tempfile::tempdir()?;
        FRONT_AND_WEB.prepare(workspace, folder.path())?;
        let (server, _) = guests::start(folder.path(), &[]).await?;
        let before = server.resident_bytes()?;
        let mut open = Vec::new();
        if over_http2 {
            for _ in 0..UNREAD_CONNECTIONS {
                let path = format!("/front?script=big%20{UNREAD_BYTES}");
                // A refused connection is not an error but the desired result.
                open.extend(unread_streams(server.address, &path, UNREAD_STREAMS).await.ok());
            }
        } else {
            let mut bytes = Vec::new();
            request(&mut bytes, "GET", "/front?script=big%208000000", None, None);
            for _ in 0..LARGE_ANSWERS {
                let mut stream = connect(stranger::ONE, server.address).await?;
                stream.write_all(&bytes).await?;
                open.push(stream);
            }
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
        let beside = load::run(server.address, front(4, "say hello"), time).await?;
        let megabytes = server.resident_bytes()?.saturating_sub(before) as f64 / 1e6;
        drop(open);
        server.stop().await?;
        let (memory, good) = match over_http2 {
            true => ("memory for 150 × 128 unread streams, MB", "a good client's requests refused beside them"),
            false => ("memory for 64 unread answers of 8 MB, MB", "a good client's requests refused beside them"),
        };
        let figure = |what, beside, at_most| Figure { experiment: UNREAD, what, alone: 0.0, beside, at_most };
        figures.push(figure(memory, megabytes, UNREAD_MEGABYTES_MAX));
        figures.push(figure(good, refused(&beside), 0.0));
    }
    Ok(figures)
}

pub(super) async fn kept(workspace: &Path) -> anyhow::Result<Vec<Figure>> {
    let folder = tempfile::tempdir()?;
    FRONT_AND_WEB.prepare(workspace, folder.path())?;
    let small = [("SWITCHYARD_LIMITS_KEPT_BYTES_MAX", KEPT_BYTES_MAX)];
    let (server, _) = guests::start(folder.path(), &small).await?;
    // Until the stranger is refused, or has sent three times the permitted amount.
    for number in 0..600 {
        let write = post_front("big 100000", Some(&format!("stranger-{number}")));
        let _status = ask_once(stranger::ONE, server.address, &write, Duration::from_secs(10)).await;
    }
    let mut refused = 0.0;
    for number in 0..20 {
        let write = post_front("set good 1", Some(&format!("good-{number}")));
        if ask_once([127, 0, 0, 1].into(), server.address, &write, Duration::from_secs(10)).await != Some(200) {
            refused += 1.0;
        }
    }
    server.stop().await?;
    let what = "keyed requests of another client refused";
    Ok(vec![Figure { experiment: KEPT, what, alone: 0.0, beside: refused, at_most: 0.0 }])
}
