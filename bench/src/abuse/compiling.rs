//! Components that are small to send and expensive to compile, and many deploys of a harmless one.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use super::callers::FRONT_AND_WEB;
use super::stranger::ask_once;
use super::{Figure, millis};
use crate::guests;
use crate::process::Server;

pub(super) const COMPILING: &str = "compiling";

const DEPLOYS: usize = 25;

/// The longest time until a bomb is refused, and the maximum of memory that the host and its children use for it.
const BOMB_SECONDS_MAX: f64 = 30.0;
const BOMB_MEGABYTES_MAX: f64 = 1_500.0;

pub(super) struct Deployed {
    pub(super) status: Option<u16>,
    pub(super) took: Duration,
}

/// Uploads a component for `front`.
pub(super) async fn deploy(admin: SocketAddr, token: &str, component: &[u8]) -> Deployed {
    let mut bytes = format!(
        "POST /services/front/releases HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/wasm\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        component.len()
    )
    .into_bytes();
    bytes.extend_from_slice(component);
    let begin = Instant::now();
    let status = ask_once(Ipv4Addr::LOCALHOST, admin, &bytes, Duration::from_secs(120)).await;
    Deployed { status, took: begin.elapsed() }
}

/// `component` with an additional section: a custom one, which makes it a different component, or a core module.
fn with_section(component: &[u8], kind: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = component.to_vec();
    bytes.push(kind);
    let mut rest = content.len();
    // LEB128, the number encoding of the binary format.
    while rest >= 0x80 {
        bytes.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    bytes.push(rest as u8);
    bytes.extend_from_slice(content);
    bytes
}

fn another(component: &[u8], number: usize) -> Vec<u8> {
    let content = format!("\x05bench{number:08}");
    with_section(component, 0, content.as_bytes())
}

/// A core module with one function that is expensive to compile: its locals are live across many blocks in a loop.
fn bomb(locals: usize) -> anyhow::Result<Vec<u8>> {
    use std::fmt::Write as _;
    let mut text = format!("(module (func (param i32) (local {}) loop ", "i32 ".repeat(locals));
    for number in 0..locals {
        let (from, to) = (1 + number * 7919 % locals, 1 + number);
        write!(text, "block local.get 0 br_if 0 local.get {from} i32.const {number} i32.add local.set {to} end ")?;
    }
    for number in (0..locals).step_by(7) {
        write!(text, "local.get {number} drop ")?;
    }
    text.push_str("local.get 0 br_if 0 end))");
    wat::parse_str(text).context("the bomb is a module")
}

pub(super) async fn compiling(workspace: &Path) -> anyhow::Result<Vec<Figure>> {
    let folder = tempfile::tempdir()?;
    FRONT_AND_WEB.prepare(workspace, folder.path())?;
    let (server, admin) = guests::start(folder.path(), &[]).await?;
    let token = guests::token(folder.path())?;
    let component = std::fs::read(folder.path().join("callers.wasm"))?;
    let mut times = Vec::new();
    let before = server.resident_bytes()? as f64;
    for number in 0..DEPLOYS {
        let deployed = deploy(admin, &token, &another(&component, number)).await;
        ensure!(deployed.status == Some(201), "a good component is answered {:?}", deployed.status);
        times.push(deployed.took);
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    let after = server.resident_bytes()? as f64;
    times.sort_unstable();
    let usual = times.get(DEPLOYS / 2).copied().unwrap_or_default();
    let bomb = with_section(&component, 1, &bomb(20_000)?);
    let (refused, peak) = tokio::join!(deploy(admin, &token, &bomb), peak(&server, Duration::from_secs(10)));
    server.stop().await?;
    let figure = |what, alone, beside, at_most| Figure { experiment: COMPILING, what, alone, beside, at_most };
    Ok(vec![
        figure("upload to live of a reference component, ms", 0.0, millis(usual), 250.0),
        figure("memory after 25 deploys, MB", before / 1e6, after / 1e6, before * 1.3 / 1e6),
        figure("a bomb of 450 KB is answered after, s", 0.0, refused.took.as_secs_f64(), BOMB_SECONDS_MAX),
        figure("a bomb's status is not 4xx", 0.0, f64::from(u8::from(!is_refusal(refused.status))), 0.0),
        figure("memory of the host and its children beside a bomb, MB", before / 1e6, peak? / 1e6, BOMB_MEGABYTES_MAX),
    ])
}

fn is_refusal(status: Option<u16>) -> bool {
    status.is_some_and(|status| (400..500).contains(&status))
}

/// The peak of resident memory of a host and its children during a time, in bytes.
async fn peak(server: &Server, time: Duration) -> anyhow::Result<f64> {
    let (begin, mut peak) = (Instant::now(), 0);
    while begin.elapsed() < time {
        peak = peak.max(server.resident_bytes_with_children()?);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(peak as f64)
}
