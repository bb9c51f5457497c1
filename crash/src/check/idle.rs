//! Waiting until recovery has nothing left to do.

use std::time::{Duration, Instant};

use serde_json::Value;
use shop_tests::Client;

use crate::report::Violation;

/// How long recovery may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often the operator looks.
const PAUSE: Duration = Duration::from_millis(10);

/// Waits until no intent is open and every subscriber has taken every event; says what is left when that takes too long.
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
        if subscription["lag"].as_u64() != Some(0) {
            left.push(format!("events are left: {subscription}"));
        }
    }
    Ok(left)
}

/// The items of a list; none where there is no such list.
async fn items(operator: &Client, line: &str) -> anyhow::Result<Vec<Value>> {
    let answer = operator.ask(line).await?;
    if answer.status == 404 {
        return Ok(Vec::new());
    }
    let body = answer.expect(200)?;
    Ok(shop_tests::json::list(&body, "/items")?.clone())
}
