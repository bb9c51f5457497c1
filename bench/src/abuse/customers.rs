//! Strangers at the shop: sign-ins that cost a hash each, and carts that nobody will ever buy.

use std::net::Ipv4Addr;
use std::path::Path;
use std::time::{Duration, Instant};

use super::stranger::{self, ask_once, of_many};
use super::{Figure, millis, refused};
use crate::load::{self, Script, request};
use crate::platform::{start_host, start_host_with};
use crate::shop;

pub(super) const SIGN_INS: &str = "sign-ins";
pub(super) const GROWTH: &str = "growth";

/// Concurrent sign-ins, each from its own address.
const SIGN_INS_AT_ONCE: usize = 100;

/// Carts that one guest may open during the experiment: a burst, and some per second.
const CARTS_BURST: f64 = 200.0;
const CARTS_PER_SECOND: f64 = 20.0;

pub(super) async fn sign_ins(workspace: &Path, time: Duration) -> anyhow::Result<Vec<Figure>> {
    let data = tempfile::tempdir()?;
    let (server, _, _) = start_host(workspace, data.path()).await?;
    let customer = shop::customers(server.address, 1).await?.remove(0);
    let cart = shop::carts(server.address, Some(&customer.token), 1, None).await?.remove(0);
    let signed_in = || -> Vec<Script> {
        let script = |_connection| -> Script {
            let (path, token) = (format!("/carts/{cart}"), customer.token.clone());
            Box::new(move |out| {
                request(out, "GET", &path, Some(&token), None);
                true
            })
        };
        (0..4).map(script).collect()
    };
    let alone = load::run(server.address, signed_in(), time).await?;
    let mut strangers = tokio::task::JoinSet::new();
    let address = server.address;
    for number in 0..SIGN_INS_AT_ONCE {
        strangers.spawn(async move {
            for attempt in 0_u64.. {
                let body = format!(r#"{{"email":"nobody-{number}-{attempt}@example.com","password":"a guess of it"}}"#);
                let mut bytes = Vec::new();
                request(&mut bytes, "POST", "/sessions", None, Some(&body));
                let asked = ask_once(of_many(number), address, &bytes, Duration::from_secs(60)).await;
                if asked.is_none_or(|status| status >= 429) {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        });
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let beside = load::run(server.address, signed_in(), time).await?;
    drop(strangers);
    server.stop().await?;
    let figure = |what, alone, beside, at_most| Figure { experiment: SIGN_INS, what, alone, beside, at_most };
    let p50 = |report: &load::Report| millis(report.percentile(0.5));
    Ok(vec![
        figure("p50 of a signed-in GET beside 100 sign-ins, ms", p50(&alone), p50(&beside), 60.0),
        figure("signed-in requests refused", refused(&alone), refused(&beside), 0.0),
    ])
}

pub(super) async fn growth(workspace: &Path, time: Duration) -> anyhow::Result<Vec<Figure>> {
    let data = tempfile::tempdir()?;
    let (server, _, _) = start_host_with(workspace, data.path(), &[]).await?;
    let mut bytes = Vec::new();
    request(&mut bytes, "POST", "/carts", None, None);
    let (begin, mut opened) = (Instant::now(), 0.0);
    while begin.elapsed() < time {
        if ask_once(stranger::ONE, server.address, &bytes, Duration::from_secs(10)).await == Some(201) {
            opened += 1.0;
        }
    }
    let at_most = CARTS_BURST + CARTS_PER_SECOND * begin.elapsed().as_secs_f64();
    let good = ask_once(Ipv4Addr::LOCALHOST, server.address, &bytes, Duration::from_secs(10)).await;
    server.stop().await?;
    let figure = |what, beside, at_most| Figure { experiment: GROWTH, what, alone: 0.0, beside, at_most };
    Ok(vec![
        figure("carts that one guest opens", opened, at_most),
        figure("another guest's cart refused", f64::from(u8::from(good != Some(201))), 0.0),
    ])
}
