//! Events between services: they arrive soon, take effect once, and survive a restart.

use std::time::Duration;

use anyhow::bail;
use serde_json::{Value, json};
use shop_tests::json::{list, text};
use shop_tests::{Client, Customer, Shop};

/// The longest time until an event takes effect.
const SOON: Duration = Duration::from_secs(60);

/// Repeats a request until the answer has these values at these places.
pub(crate) async fn comes(client: &Client, line: &str, expected: &[(&str, Value)]) -> anyhow::Result<()> {
    let found = async {
        loop {
            let answer = client.ask(line).await?.expect(200)?;
            let has = |(place, value): &(&str, Value)| answer.pointer(place) == Some(value);
            if expected.iter().all(has) {
                return anyhow::Ok(());
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    match tokio::time::timeout(SOON, found).await {
        Ok(found) => found,
        Err(_elapsed) => bail!("{line}: {expected:?} does not come: {:#}", client.ask(line).await?.body),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_follows_its_shipment_and_its_payment() -> anyhow::Result<()> {
    let shop = Shop::start().await?;
    let staff = shop.staff().await?;
    staff.sell("mug-01", 1250, 100).await?;
    let ada = Customer::sign_up(&shop.client, "ada", "tok_ok").await?;
    for moves in [&["packed", "shipped", "delivered"][..], &["shipped", "lost"], &["delivered"]] {
        let order = ada.buy(&[("mug-01", 2)]).await?;
        let line = format!("GET /orders/{}", text(&order, "/id")?);
        for status in moves {
            staff.record(&text(&order, "/shipment/id")?, status).await?.expect(200)?;
            comes(&ada.client, &line, &[("/status", json!(status)), ("/shipment/status", json!(status))]).await?;
        }
        let refund = format!("POST /payments/{}/refunds", text(&order, "/payment/id")?);
        let total = order["total"]["amount"].as_i64().unwrap_or_default();
        for (amount, status) in [(1, "partially-refunded"), (2, "partially-refunded"), (total - 3, "refunded")] {
            let body = json!({ "amount": { "amount": amount, "currency": "EUR" }, "reason": "late" });
            staff.client.send(&refund, &body).await?.expect(201)?;
            comes(&ada.client, &line, &[("/payment/status", json!(status))]).await?;
        }
    }
    shop.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_counts_the_orders_that_are_placed_and_not_cancelled() -> anyhow::Result<()> {
    let shop = Shop::start().await?;
    shop.staff().await?.sell("mug-01", 1250, 100).await?;
    let ada = Customer::sign_up(&shop.client, "ada", "tok_ok").await?;
    let account = format!("GET /accounts/{}", ada.id);
    let mut orders = Vec::new();
    for count in 1..=5 {
        orders.push(text(&ada.buy(&[("mug-01", 1)]).await?, "/id")?);
        comes(&ada.client, &account, &[("/orderCount", json!(count))]).await?;
    }
    for order in &orders[..2] {
        let cancel = format!("POST /orders/{order}/cancel");
        ada.client.ask(&cancel).await?.expect(200)?;
        ada.client.ask(&cancel).await?.expect(200)?;
    }
    comes(&ada.client, &account, &[("/orderCount", json!(3))]).await?;
    ada.buy(&[("mug-01", 1)]).await?;
    let shop = shop.restart().await?;
    let ada = ada.at(&shop.client);
    comes(&ada.client, &account, &[("/orderCount", json!(4))]).await?;
    let subscriptions = shop.ask_operator("GET /events").await?;
    for subscription in list(&subscriptions, "/items")? {
        assert_eq!((&subscription["retrying"], &subscription["dead"]), (&json!(0), &json!(0)), "{subscription}");
    }
    shop.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shop_runs_on_events_and_on_time() -> anyhow::Result<()> {
    let shop = Shop::start().await?;
    let pairs = async || {
        let subscriptions = shop.ask_operator("GET /events").await?;
        let of = |taken: &Value| anyhow::Ok(format!("{} of {}", text(taken, "/service")?, text(taken, "/from")?));
        list(&subscriptions, "/items")?.iter().map(of).collect::<anyhow::Result<Vec<_>>>()
    };
    let schedules = async || {
        let schedules = shop.ask_operator("GET /schedules").await?;
        let of = |schedule: &Value| {
            let function = text(schedule, "/function")?;
            let (_, function) = function.split_once('#').unwrap_or_default();
            anyhow::Ok(format!("{} {function} {}", text(schedule, "/service")?, schedule["everyMs"]))
        };
        list(&schedules, "/items")?.iter().map(of).collect::<anyhow::Result<Vec<_>>>()
    };
    let all = [
        "account forget-expired 60000",
        "cart forget-expired 60000",
        "cart undo-checkouts 30000",
        "inventory expire-reservations 30000",
    ];
    let soon = async {
        while pairs().await? != ["account of cart", "cart of payment", "cart of shipping"] || schedules().await? != all
        {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        anyhow::Ok(())
    };
    if tokio::time::timeout(SOON, soon).await.is_err() {
        bail!("{:?} {:?}", pairs().await?, schedules().await?);
    }
    shop.stop().await?;
    Ok(())
}
