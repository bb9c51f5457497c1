//! Waits until recovery has no work left.

use std::time::{Duration, Instant};

use serde_json::Value;
use shop_tests::Client;

use crate::report::Violation;

/// The longest time for recovery.
const PATIENCE: Duration = Duration::from_secs(60);

/// The time between checks.
const PAUSE: Duration = Duration::from_millis(10);

/// Waits until no intent is open and every subscriber has handled every event; reports the rest when that takes too
/// long.
pub(crate) async fn idle(operator: &Client) -> anyhow::Result<Vec<Violation>> {
    let until = Instant::now() + PATIENCE;
    loop {
        let left = left(operator).await?;
        if left.is_empty() || Instant::now() > until {
            return Ok(left.into_iter().map(Violation::wrong).collect());
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn left(operator: &Client) -> anyhow::Result<Vec<String>> {
    let mut left = Vec::new();
    for intent in items(operator, "GET /intents").await? {
        left.push(format!("an intent is left: {intent}"));
    }
    for subscription in items(operator, "GET /events").await? {
        let is_left = |member: &&str| subscription[*member].as_u64() != Some(0);
        if let Some(member) = ["lagEvents", "retrying", "dead"].into_iter().find(is_left) {
            left.push(format!("events are left ({member}): {subscription}"));
        }
    }
    Ok(left)
}

async fn items(operator: &Client, line: &str) -> anyhow::Result<Vec<Value>> {
    let body = operator.ask(line).await?.expect(200)?;
    Ok(shop_tests::json::list(&body, "/items")?.clone())
}
