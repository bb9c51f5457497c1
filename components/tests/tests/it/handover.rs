//! Services that are handed over to an implementation from another author, and back, while customers buy.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use shop_tests::json::{number, text};
use shop_tests::{Customer, Shop, alternatives};
use tokio::task::JoinSet;

const CUSTOMERS: usize = 4;
/// More than all customers buy.
const PIECES: u32 = 1_000_000;

/// How long a customer thinks before the next order: the mirrors run beside them on the same processors.
const PAUSE: Duration = Duration::from_millis(60);

/// The implementation of `service` that shares nothing with the shop's own but the contract.
pub(crate) fn alternative(service: &str) -> anyhow::Result<Vec<u8>> {
    Ok(std::fs::read(alternatives::file(service)?)?)
}

pub(crate) async fn until(
    shop: &Shop,
    service: &str,
    what: &str,
    holds: impl Fn(&Value) -> bool,
) -> anyhow::Result<Value> {
    let mut now = Value::Null;
    for _ in 0..3_000 {
        now = shop.ask_operator(&format!("GET /services/{service}")).await?;
        if holds(&now) {
            return Ok(now);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let history = shop.ask_operator(&format!("GET /history?service={service}&limit=5")).await?;
    anyhow::bail!("{service} never {what}: {now:#} {history:#}")
}

/// How often each service swaps its implementation, after the handover.
const SWAPS: usize = 4;

/// What the customers do.
#[derive(Debug, Default)]
struct Load {
    stop: AtomicBool,
    /// Purchases that are done.
    done: AtomicU64,
    /// Each purchase holds it for reading, so that a writer sees the shop at rest.
    gate: tokio::sync::RwLock<()>,
}

/// Buys, and sometimes cancels, until it is told to stop. Returns how many orders it placed, and how many of them stay.
async fn buy(customer: Customer, load: Arc<Load>) -> anyhow::Result<(u64, u64)> {
    let (mut placed, mut orders) = (0, 0);
    for turn in 0_u64.. {
        if load.stop.load(Ordering::Relaxed) {
            break;
        }
        let bought = load.gate.read().await;
        placed += 1;
        let order = customer.buy(&[("tea-01", 1)]).await?;
        orders += 1;
        if turn % 3 == 0 {
            let id = text(&order, "/id")?;
            customer.client.ask(&format!("POST /orders/{id}/cancel")).await?.expect(200)?;
            orders -= 1;
        }
        load.done.fetch_add(1, Ordering::Relaxed);
        drop(bought);
        tokio::time::sleep(PAUSE).await;
    }
    Ok((placed, orders))
}

/// The entities of a service, as its live implementation exports them.
async fn entities(shop: &Shop, service: &str) -> anyhow::Result<Vec<String>> {
    let exported = shop.text(&format!("GET /services/{service}/state")).await?;
    anyhow::ensure!(exported.lines().last().is_some_and(|last| last.contains("\"end\"")), "{exported}");
    // The first line has the number of the commit.
    Ok(exported.lines().skip(1).map(str::to_owned).collect())
}

/// Waits until every subscriber has handled every event.
async fn events_are_handled(shop: &Shop) -> anyhow::Result<()> {
    for _ in 0..3_000 {
        let events = shop.ask_operator("GET /events").await?;
        let left = |subscription: &Value| subscription["lagEvents"] != 0 || subscription["retrying"] != 0;
        if !events["items"].as_array().is_some_and(|items| items.iter().any(left)) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    anyhow::bail!("events are not handled")
}

/// Makes the other implementation live. Under load an attempt may need another one.
async fn swap(shop: &Shop, service: &str) -> anyhow::Result<Value> {
    let mut answer = shop.change(&format!("POST /services/{service}/rollback")).await?;
    for _ in 0..300 {
        if answer.status.is_success() {
            break;
        }
        assert_eq!(answer.status, 409, "{answer:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
        answer = shop.change(&format!("POST /services/{service}/rollback")).await?;
    }
    answer.expect(200)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_service_goes_to_another_implementation_and_back_several_times_under_load() -> anyhow::Result<()> {
    let shop = Shop::start().await?;
    let staff = shop.staff().await?;
    staff.sell("tea-01", 999, PIECES).await?;
    let load = Arc::new(Load::default());
    let mut customers = JoinSet::new();
    for number in 0..CUSTOMERS {
        let customer = Customer::sign_up(&shop.client, &format!("customer{number}"), "tok_ok").await?;
        customers.spawn(buy(customer, Arc::clone(&load)));
    }
    for service in alternatives::services()? {
        go_and_return(&shop, &service, &load).await?;
    }
    load.stop.store(true, Ordering::Relaxed);
    let (mut placed, mut orders) = (0, 0);
    while let Some(ended) = customers.join_next().await {
        let (its_placed, its_orders) = ended??;
        (placed, orders) = (placed + its_placed, orders + its_orders);
    }
    assert_eq!(shop.available("tea-01").await?, i64::from(PIECES) - i64::try_from(orders)?, "the stock adds up");
    let payments = staff.payments().await?;
    let captured = payments.iter().filter(|payment| payment["status"] == "captured").count();
    assert_eq!(captured as u64, orders, "each order that stays is paid once");
    let listed = shop_tests::pages::all(&staff.client, "/orders?limit=100").await?.concat();
    let ids: std::collections::BTreeSet<_> = listed.iter().map(|order| order["id"].to_string()).collect();
    assert_eq!((listed.len() as u64, ids.len() as u64), (placed, placed), "no order is lost, and none is there twice");
    shop.stop().await?;
    Ok(())
}

/// Hands `service` over, forth and back while customers buy.
async fn go_and_return(shop: &Shop, service: &str, load: &Load) -> anyhow::Result<()> {
    let other = alternative(service)?;
    let before = until(shop, service, "has data", |now| now["storeBytes"] != 0).await?;
    let own = text(&before, "/live/digest")?;
    // It would misread the data, and the verdict says what to do instead.
    let refused = shop.deploy(service, "", other.clone()).await?;
    let detail = refused.body.to_string();
    assert_eq!(refused.status, 422, "{detail}");
    assert!(detail.contains("needs a handover") && detail.contains("--handover"), "{service}: {detail}");
    let tried = shop.deploy(service, "?handover=true&dryRun=true", other.clone()).await?.expect(200)?;
    assert!(tried["verdict"]["text"].as_str().is_some_and(|text| text.contains("handover: ")), "{tried:#}");
    shop.deploy(service, "?handover=true", other.clone()).await?.expect(201)?;
    let there =
        until(shop, service, "runs the other implementation", |now| now["live"]["digest"] != own.as_str()).await?;
    assert_eq!(there["mirror"]["release"]["digest"], own.as_str());
    assert_eq!(there["mirror"]["wasLive"], true);
    let again = shop.deploy(service, "", alternative(service)?).await?;
    assert!(again.status.is_success() || again.status == 409, "{again:?}");
    for turn in 1..SWAPS {
        let bought = load.done.load(Ordering::Relaxed);
        for _ in 0..6_000 {
            if load.done.load(Ordering::Relaxed) >= bought + 3 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        anyhow::ensure!(load.done.load(Ordering::Relaxed) >= bought + 3, "the customers stopped while {service} moved");
        let now = swap(shop, service).await?;
        assert_eq!(now["live"]["digest"] == own.as_str(), turn % 2 == 1, "{now:#}");
    }
    // With the shop at rest, both implementations export the same entities.
    let rest = load.gate.write().await;
    events_are_handled(shop).await?;
    let own_entities = entities(shop, service).await?;
    swap(shop, service).await?;
    assert_eq!(entities(shop, service).await?, own_entities, "{service}");
    let back = swap(shop, service).await?;
    drop(rest);
    assert_eq!(back["live"]["digest"], own.as_str());
    // One handover at a time.
    let second = shop.deploy(service, "?handover=true", other).await?;
    assert_eq!(second.status, 409, "{second:?}");
    assert!(second.body.to_string().contains("settle"), "{second:?}");
    shop.change(&format!("POST /services/{service}/settle")).await?.expect(200)?;
    let settled = until(shop, service, "is settled", |now| now.get("mirror").is_none()).await?;
    assert_eq!(settled["live"]["digest"], own.as_str());
    Ok(())
}

/// How many calls an implementation repeats in shadow before it is live.
const SHADOW_CALLS: u64 = 100;

#[tokio::test(flavor = "multi_thread")]
async fn an_inventory_that_answers_like_the_live_one_is_handed_over_after_its_shadow_while_customers_buy()
-> anyhow::Result<()> {
    let started = Shop::start_with(|manifest| {
        manifest.deploy.shadow_calls_min = SHADOW_CALLS;
        manifest.deploy.shadow_runs_max = 8;
    });
    let shop = started.await?;
    let staff = shop.staff().await?;
    for sku in ["tea-01", "mug-01"] {
        staff.sell(sku, 999, PIECES).await?;
    }
    let own = text(&shop.ask_operator("GET /services/inventory").await?, "/live/digest")?;
    let load = Arc::new(Load::default());
    let mut customers = JoinSet::new();
    for number in 0..CUSTOMERS {
        let customer = Customer::sign_up(&shop.client, &format!("customer{number}"), "tok_ok").await?;
        customers.spawn(buy(customer, Arc::clone(&load)));
    }
    shop.deploy("inventory", "?handover=true&shadow=100", alternative("inventory")?).await?.expect(201)?;
    // Readers, beside the customers.
    let reading = async {
        while !load.stop.load(Ordering::Relaxed) {
            shop.client.ask("GET /items?limit=10").await?.expect(200)?;
            shop.client.ask("GET /items/tea-01").await?.expect(200)?;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        anyhow::Ok(())
    };
    let handed_over = async {
        let ended = until(&shop, "inventory", "is handed over, or given up", |now| {
            now["live"]["digest"] != own.as_str() || now.get("mirror").is_none()
        });
        let ended = ended.await;
        load.stop.store(true, Ordering::Relaxed);
        ended
    };
    let (now, read) = tokio::join!(handed_over, reading);
    read?;
    let history = shop.ask_operator("GET /history?service=inventory&limit=3").await?;
    assert_ne!(now?["live"]["digest"], own.as_str(), "{history:#}");
    let line = &history["items"][0];
    assert_eq!(line["what"], "handover", "{history:#}");
    let shadow = &line["figures"]["shadow"];
    assert!(shadow["compared"].as_u64() >= Some(SHADOW_CALLS) && shadow["different"] == 0, "{shadow:#}");
    let mut orders = 0;
    while let Some(ended) = customers.join_next().await {
        orders += ended??.1;
    }
    assert_eq!(shop.available("tea-01").await?, i64::from(PIECES) - i64::try_from(orders)?, "the stock adds up");
    shop.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_with_the_header_of_a_handover_read_the_copy_until_it_is_promoted() -> anyhow::Result<()> {
    let shop = Shop::start().await?;
    let staff = shop.staff().await?;
    staff.sell("tea-01", 999, 10).await?;
    let before = shop.ask_operator("GET /services/inventory").await?;
    let own = text(&before, "/live/digest")?;
    // Both would be written.
    for (query, status) in [
        ("?weight=20", 422),
        ("?handover=true&weight=20", 409),
        ("?handover=true&shadow=100&weight=20", 409),
        ("?handover=true&header=x-try=new&steps=1,10&every=60", 409),
    ] {
        let refused = shop.deploy("inventory", query, alternative("inventory")?).await?;
        let detail = refused.body.to_string();
        assert_eq!(refused.status, status, "{query}: {detail}");
        assert!(detail.contains("two generations cannot both be written"), "{query}: {detail}");
    }
    assert!(shop.ask_operator("GET /services/inventory").await?.get("mirror").is_none());
    shop.deploy("inventory", "?handover=true&header=x-try=new", alternative("inventory")?).await?.expect(201)?;
    let now = until(&shop, "inventory", "is readable", |now| now["mirror"]["isReadable"] == true).await?;
    assert_eq!((now["live"]["digest"].as_str(), &now["mirror"]["wasLive"]), (Some(own.as_str()), &json!(false)));
    let tried = [("x-try", "new"), ("content-type", "application/json")];
    let calls = |now: &Value| now["mirror"]["release"]["figures"]["calls"].as_u64();
    let read = shop.client.send_with("GET /items/tea-01", &tried, "").await?.expect(200)?;
    assert_eq!(read["available"], 10);
    shop.client.ask("GET /items/tea-01").await?.expect(200)?;
    // A write with the header goes to the live release, and the mirror copies it.
    let receipt = json!({ "quantity": 5 }).to_string();
    let written = staff.client.send_with("POST /items/tea-01/receipts", &tried, receipt).await?.expect(200)?;
    assert_eq!(written["available"], 15);
    assert_eq!(calls(&shop.ask_operator("GET /services/inventory").await?), Some(1), "only the read was on the copy");
    let mut available = 0;
    for _ in 0..500 {
        let read = shop.client.send_with("GET /items/tea-01", &tried, "").await?.expect(200)?;
        available = number(&read, "/available")?;
        if available == 15 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(available, 15, "the copy follows");
    let promoted = shop.change("POST /services/inventory/promote").await?.expect(200)?;
    assert_ne!(promoted["live"]["digest"], own.as_str());
    assert_eq!(shop.available("tea-01").await?, 15);
    shop.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_stored_before_a_handover_counts_after_it_and_after_a_restart() -> anyhow::Result<()> {
    let shop = Shop::start().await?;
    let staff = shop.staff().await?;
    staff.sell("tea-01", 999, 10).await?;
    let customer = Customer::sign_up(&shop.client, "anna", "tok_ok").await?;
    let order = customer.buy(&[("tea-01", 3)]).await?;
    assert_eq!(shop.available("tea-01").await?, 7);
    let own = text(&shop.ask_operator("GET /services/inventory").await?, "/live/digest")?;
    shop.deploy("inventory", "?handover=true", alternative("inventory")?).await?.expect(201)?;
    until(&shop, "inventory", "is handed over", |now| now["live"]["digest"] != own.as_str()).await?;
    assert_eq!(shop.available("tea-01").await?, 7);
    let shop = shop.restart().await?;
    let customer = customer.at(&shop.client);
    let id = text(&order, "/id")?;
    customer.client.ask(&format!("POST /orders/{id}/cancel")).await?.expect(200)?;
    assert_eq!(shop.available("tea-01").await?, 10);
    // The mirror has started again and brings the way back up to date.
    let mut answer = shop.change("POST /services/inventory/rollback").await?;
    for _ in 0..200 {
        if answer.status.is_success() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        answer = shop.change("POST /services/inventory/rollback").await?;
    }
    answer.expect(200)?;
    assert_eq!(shop.available("tea-01").await?, 10);
    shop.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn state_is_exported_and_imported_in_the_types_of_the_contract() -> anyhow::Result<()> {
    let shop = Shop::start().await?;
    let staff = shop.staff().await?;
    for (sku, stock) in [("tea-01", 5), ("mug-01", 2)] {
        staff.sell(sku, 999, stock).await?;
    }
    let exported = shop.text("GET /services/inventory/state").await?;
    let lines: Vec<Value> = exported.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    assert_eq!(lines[0]["state"], "shop:inventory/state@2.0.0");
    let keys: Vec<_> = lines.iter().filter_map(|line| line["key"].as_str()).collect();
    assert_eq!(keys, ["item/mug-01", "item/tea-01"]);
    assert_eq!(lines[lines.len() - 1], json!({ "end": { "entities": 2 } }));
    let entities: Vec<_> = exported.lines().filter(|line| line.contains("\"key\"")).collect();
    let import = async |query: &str, body: String| shop.import("inventory", query, body).await;
    let same = import("?dryRun=true", entities.join("\n")).await?.expect(200)?;
    assert_eq!(same, json!({ "added": 0, "changed": 0, "removed": 0, "unchanged": 2 }));
    let removed = import("?dryRun=true", "{\"key\":\"item/tea-01\"}".into()).await?.expect(200)?;
    assert_eq!(removed["removed"], 1);
    assert_eq!(shop.available("tea-01").await?, 5);
    import("", "{\"key\":\"item/tea-01\"}".into()).await?.expect(200)?;
    assert_eq!(shop.client.ask("GET /items/tea-01").await?.told()?, "404");
    let back = import("", entities.join("\n")).await?.expect(200)?;
    assert_eq!((number(&back, "/added")?, number(&back, "/unchanged")?), (1, 1));
    assert_eq!(shop.available("tea-01").await?, 5);
    let wrong = import("", "{\"key\":\"item/tea-01\",\"value\":{\"item\":{}}}".into()).await?;
    assert_eq!(wrong.status, 400);
    assert!(wrong.body.to_string().contains("item/tea-01"), "{}", wrong.body);
    shop.stop().await?;
    Ok(())
}
