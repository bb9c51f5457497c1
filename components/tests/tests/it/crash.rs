//! What was acknowledged is there after a stop, and after a kill.

use std::path::Path;

use serde_json::{Value, json};
use shop_tests::json::{number, text};
use shop_tests::{Client, Customer, Process, Shop, Staff, sign_in};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_keeps_everything_that_was_acknowledged() -> anyhow::Result<()> {
    let shop = Shop::start().await?;
    let staff = shop.staff().await?;
    staff.sell("mug-01", 1250, 10).await?;
    let ada = Customer::sign_up(&shop.client, "ada", "tok_ok").await?;
    let signed_out = sign_in(&shop.client, &ada.email).await?;
    signed_out.ask("DELETE /sessions/current").await?.expect(204)?;
    let shipped = ada.buy(&[("mug-01", 2)]).await?;
    staff.record(&text(&shipped, "/shipment/id")?, "shipped").await?.expect(200)?;
    let cancelled = ada.buy(&[("mug-01", 1)]).await?;
    ada.client.ask(&format!("POST /orders/{}/cancel", text(&cancelled, "/id")?)).await?.expect(200)?;
    let cart = ada.fill_cart(&[("mug-01", 3)]).await?;
    let mut lines = vec![format!("GET /accounts/{}", ada.id), format!("GET /carts/{cart}")];
    for line in ["GET /items", "GET /orders", "GET /payments"] {
        lines.push(line.to_owned());
    }
    for order in [&shipped, &cancelled] {
        lines.push(format!("GET /shipments/{}", text(order, "/shipment/id")?));
        lines.push(format!("GET /payments/{}", text(order, "/payment/id")?));
    }
    let look = async |staff: &Staff, ada: &Customer| {
        let mut seen = Vec::new();
        for line in &lines {
            let client = if line == "GET /payments" { &staff.client } else { &ada.client };
            seen.push((line.clone(), client.ask(line).await?.expect(200)?));
        }
        anyhow::Ok(seen)
    };
    let before = look(&staff, &ada).await?;
    let shop = shop.restart().await?;
    // The tokens are good as before, but for the one that was signed out.
    let (staff, ada) = (staff.at(&shop.client), ada.at(&shop.client));
    assert_eq!(look(&staff, &ada).await?, before);
    assert_eq!(signed_out.at(&shop.client).ask("GET /orders").await?.told()?, "401");
    ada.check_out(&cart).await?.expect(201)?;
    assert_eq!(shop.available("mug-01").await?, 5);
    shop.stop().await?;
    Ok(())
}

const CUSTOMERS: usize = 8;
const PIECES: i64 = 10_000;
/// Orders after which the host is killed, at each round.
const ORDERS_BEFORE_KILL: usize = 40;

/// Buys one piece after the other until the host is gone; gives the orders that were acknowledged.
async fn buy_until_the_host_is_gone(customer: Customer, bought: mpsc::Sender<()>) -> anyhow::Result<Vec<Value>> {
    let mut orders = Vec::new();
    // No answer is no acknowledgement; an answer of another kind is a mistake.
    while let Ok(cart) = customer.fill_cart(&[("mug-01", 1)]).await {
        let Ok(answer) = customer.check_out(&cart).await else { break };
        orders.push(answer.expect(201)?);
        // Nobody counts any more once there were enough.
        let _counted = bought.try_send(());
    }
    Ok(orders)
}

/// Lets all customers buy, kills the host in the middle, and gives the orders that were acknowledged.
async fn kill_under_load(host: Process, customers: &[Customer]) -> anyhow::Result<Vec<Value>> {
    let (bought, mut orders_bought) = mpsc::channel(ORDERS_BEFORE_KILL);
    let mut buyers = JoinSet::new();
    for customer in customers {
        buyers.spawn(buy_until_the_host_is_gone(customer.at(&host.client), bought.clone()));
    }
    drop(bought);
    for _ in 0..ORDERS_BEFORE_KILL {
        // They end early where something is wrong; the number of their orders tells.
        let _one_more = orders_bought.recv().await;
    }
    host.kill().await?;
    let mut orders = Vec::new();
    while let Some(ended) = buyers.join_next().await {
        orders.extend(ended??);
    }
    anyhow::ensure!(orders.len() >= ORDERS_BEFORE_KILL, "the buyers were stopped by something else than the kill");
    Ok(orders)
}

/// An order as it was acknowledged, with the payment, the shipment and the cart that belong to it.
async fn check_order(staff: &Client, customer: &Client, order: &Value) -> anyhow::Result<()> {
    let get = async |client: &Client, kind: &str, pointer: &str| {
        client.ask(&format!("GET /{kind}/{}", text(order, pointer)?)).await?.expect(200)
    };
    assert_eq!(&get(staff, "orders", "/id").await?, order);
    let payment = get(staff, "payments", "/payment/id").await?;
    assert_eq!((&payment["status"], &payment["amount"]), (&json!("captured"), &order["total"]), "{payment}");
    let shipment = get(staff, "shipments", "/shipment/id").await?;
    assert_eq!((&shipment["status"], &shipment["orderId"]), (&json!("scheduled"), &order["id"]), "{shipment}");
    assert_eq!(get(customer, "carts", "/cartId").await?["status"], "checked-out");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_under_load_loses_nothing_that_was_acknowledged() -> anyhow::Result<()> {
    let (program, data) = (Path::new(env!("CARGO_BIN_EXE_shop-host")), tempfile::tempdir()?);
    let host = Process::start(program, data.path()).await?;
    let staff = host.staff().await?;
    staff.sell("mug-01", 1250, u32::try_from(PIECES)?).await?;
    let mut customers = Vec::new();
    for number in 0..CUSTOMERS {
        customers.push(Customer::sign_up(&host.client, &format!("customer{number}"), "tok_ok").await?);
    }
    let (mut host, mut orders) = (host, Vec::new());
    for round in 1..=3 {
        orders.extend(kill_under_load(host, &customers).await?);
        host = Process::start(program, data.path()).await?;
        let staff = staff.at(&host.client).client;
        for order in &orders {
            let customer = customers.iter().find(|customer| order["accountId"] == customer.id.as_str());
            let customer = customer.expect("one of them bought it").client.at(&host.client);
            check_order(&staff, &customer, order).await?;
        }
        // Of each checkout that was under way, at most one piece was taken.
        let item = host.client.ask("GET /items/mug-01").await?.expect(200)?;
        let taken = PIECES - number(&item, "/available")?;
        let acknowledged = i64::try_from(orders.len())?;
        let under_way = i64::try_from(round * CUSTOMERS)?;
        assert!((acknowledged..=acknowledged + under_way).contains(&taken), "{taken} of {acknowledged}");
    }
    host.kill().await?;
    Ok(())
}
