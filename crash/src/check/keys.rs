//! Each key has one effect: a repeated request gets the first answer.

use shop_tests::Client;
use shop_tests::json::without;
use tokio::task::JoinSet;

use crate::ask::{Exchange, once};
use crate::report::Violation;

/// The number of keys of earlier rounds that are repeated in each round.
const EARLIER: usize = 50;

/// The number of concurrent clients that repeat keys.
const AT_ONCE: usize = 8;

/// Repeats every key of the exchanges from `begin` on, and some of those before. Returns the violations, and the number
/// of keys.
pub(crate) async fn keys(
    public: &Client,
    exchanges: &[Exchange],
    begin: usize,
) -> anyhow::Result<(Vec<Violation>, usize)> {
    let step = (begin / EARLIER).max(1);
    let earlier = exchanges.iter().take(begin).step_by(step);
    let all: Vec<_> = earlier.chain(exchanges.iter().skip(begin)).cloned().collect();
    let count = all.len();
    let mut replaying = JoinSet::new();
    for part in all.chunks(count.div_ceil(AT_ONCE).max(1)) {
        let (part, public) = (part.to_vec(), public.clone());
        replaying.spawn(async move {
            let mut found = Vec::new();
            for exchange in part {
                found.extend(replay(&public, exchange).await?);
            }
            anyhow::Ok(found)
        });
    }
    let mut found = Vec::new();
    while let Some(replayed) = replaying.join_next().await {
        found.extend(replayed??);
    }
    Ok((found, count))
}

async fn replay(public: &Client, exchange: Exchange) -> anyhow::Result<Option<Violation>> {
    let Exchange { act, key, client, status, body } = exchange;
    let answer = once(&client.at(public), &act, &key).await?;
    let is_replay = answer.header("idempotent-replay") == Some("true");
    // A problem contains the id of its request.
    let same_body = without(&answer.body, "/instance") == without(&body, "/instance");
    let good = is_replay && answer.status == status && same_body;
    Ok((!good).then(|| {
        let replay = if is_replay { "as a replay" } else { "anew" };
        let again = format!("{} {}", answer.status, answer.body);
        Violation::doubled(format!("{act:?} under the key {key}: {status} {body}, then {replay} {again}"))
    }))
}
