//! A deploy through one host under load: how long after the first host the last one answers with the new release.
//!
//! The release shows in the text of an error of the cart: another component has another text of the same length.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use tokio::task::JoinSet;

use super::SWAP_MILLIS_MAX;
use super::nodes::{Cluster, Host, NODES, TOKEN};
use super::writes::{Ledger, Writes};
use crate::load::{Connection, request};
use crate::targets::{Bound, Target};

/// What the shop's cart says of a cart that does not exist, and what the others say. All have the same length.
const TEXTS: [&str; 2] = ["no such cart", "no cart here"];

/// Deploys that are measured.
const TIMES: usize = 4;

/// How long each host is asked after the deploy.
const AFTER: Duration = Duration::from_millis(500);

/// What one host answered around a deploy.
struct Asked {
    /// When the new release answered first.
    first: Option<Instant>,
    /// Answers of the old release after that.
    backwards: usize,
}

pub(super) async fn measure(workspace: &Path, cluster: &Cluster, ledger: &mut Ledger) -> anyhow::Result<Vec<Target>> {
    eprintln!("measuring: {TIMES} deploys");
    let component = std::fs::read(workspace.join("target/wasm32-wasip2/release/cart.wasm"));
    let component = component.context("the shop's components are built")?;
    let (writes, mut longest, mut backwards) = (Writes::start(cluster, ledger), Duration::ZERO, 0);
    for time in 0..TIMES {
        let [old, new] = if time % 2 == 0 { TEXTS } else { [TEXTS[1], TEXTS[0]] };
        let variant = with_text(&component, new)?;
        let stop = Arc::new(AtomicBool::new(false));
        let mut askers = JoinSet::new();
        for host in &cluster.hosts {
            askers.spawn(answers(host.public, old, new, Arc::clone(&stop)));
        }
        deploy(&cluster.hosts[time % NODES], &variant).await?;
        tokio::time::sleep(AFTER).await;
        stop.store(true, Ordering::Relaxed);
        let mut firsts = Vec::new();
        while let Some(asked) = askers.join_next().await {
            let asked = asked??;
            firsts.push(
                asked.first.context("a host still answers with the old release, half a second after the deploy")?,
            );
            backwards += asked.backwards;
        }
        let (first, last) = (firsts.iter().min(), firsts.iter().max());
        longest = longest.max(first.zip(last).map_or(Duration::MAX, |(first, last)| *last - *first));
    }
    writes.stop(ledger).await?;
    let row = "deploy through one host";
    let longest = longest.as_secs_f64() * 1e3;
    Ok(vec![
        Target::absolute(row, "ms from the first to the last host", longest, Bound::AtMost(SWAP_MILLIS_MAX)),
        Target::absolute(row, "old answers after a new one", backwards as f64, Bound::AtMost(0.0)),
    ])
}

/// `component` with another text for a cart that does not exist.
fn with_text(component: &[u8], text: &str) -> anyhow::Result<Vec<u8>> {
    let mut component = component.to_vec();
    let place = component.windows(TEXTS[0].len()).position(|window| window == TEXTS[0].as_bytes());
    let place = place.context("the cart has the text of an error")?;
    component[place..place + text.len()].copy_from_slice(text.as_bytes());
    Ok(component)
}

/// Asks one host again and again.
async fn answers(host: SocketAddr, old: &str, new: &str, stop: Arc<AtomicBool>) -> anyhow::Result<Asked> {
    let (mut connection, mut bytes) = (Connection::open(host).await?, Vec::new());
    request(&mut bytes, "GET", "/carts/00000000000000000000000000", None, None);
    let mut asked = Asked { first: None, backwards: 0 };
    while !stop.load(Ordering::Relaxed) {
        let answer = connection.send(&bytes).await?;
        let text = String::from_utf8_lossy(answer.body);
        match (text.contains(old), text.contains(new)) {
            (true, false) if asked.first.is_some() => asked.backwards += 1,
            (true, false) => {}
            (false, true) => {
                asked.first.get_or_insert_with(Instant::now);
            }
            _ => anyhow::bail!("GET /carts: {} {text}", answer.status),
        }
    }
    Ok(asked)
}

async fn deploy(host: &Host, component: &[u8]) -> anyhow::Result<()> {
    let mut bytes = format!(
        "POST /services/cart/releases?reason=measured HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\
         Content-Type: application/wasm\r\nContent-Length: {}\r\n\r\n",
        component.len()
    )
    .into_bytes();
    bytes.extend_from_slice(component);
    let mut connection = Connection::open(host.operator).await?;
    let answer = connection.send(&bytes).await?;
    let text = String::from_utf8_lossy(answer.body);
    ensure!((200..300).contains(&answer.status), "the deploy is answered {}: {text}", answer.status);
    Ok(())
}
