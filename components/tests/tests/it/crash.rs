//! Acknowledged orders survive a stop and a kill.

use std::path::Path;

use serde_json::{Value, json};
use shop_tests::json::{number, text};
use shop_tests::{Client, Customer, Process, Shop, Staff, pages, sign_in};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::events::comes;

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
    // Events change what is compared: they have all taken effect first.
    comes(&ada.client, &format!("GET /accounts/{}", ada.id), &[("/orderCount", json!(1))]).await?;
    let order = format!("GET /orders/{}", text(&shipped, "/id")?);
    comes(&ada.client, &order, &[("/status", json!("shipped"))]).await?;
    let before = look(&staff, &ada).await?;
    let shop = shop.restart().await?;
    // The tokens are still valid, except for the one that was signed out.
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
/// Orders per round after which the host is stopped or killed.
const ORDERS_BEFORE_END: usize = 40;

/// Buys one piece after another until the host is gone; returns the acknowledged orders.
async fn buy_until_the_host_is_gone(customer: Customer, bought: mpsc::Sender<()>) -> anyhow::Result<Vec<Value>> {
    let mut orders = Vec::new();
    // Without an answer nothing is acknowledged; any other answer is a mistake.
    while let Ok(cart) = customer.fill_cart(&[("mug-01", 1)]).await {
        let Ok(answer) = customer.check_out(&cart).await else { break };
        orders.push(answer.expect(201)?);
        // The receiver stops counting when there were enough.
        let _counted = bought.try_send(());
    }
    Ok(orders)
}

/// Customers who buy until the host is gone.
struct Buyers {
    buying: JoinSet<anyhow::Result<Vec<Value>>>,
    bought: mpsc::Receiver<()>,
}

impl Buyers {
    fn start(customers: &[Customer], client: &Client) -> Self {
        let (send, bought) = mpsc::channel(ORDERS_BEFORE_END);
        let mut buying = JoinSet::new();
        for customer in customers {
            buying.spawn(buy_until_the_host_is_gone(customer.at(client), send.clone()));
        }
        Self { buying, bought }
    }

    /// Resolves in the middle of the purchases, with some orders acknowledged and some in progress.
    async fn are_busy(&mut self) {
        for _ in 0..ORDERS_BEFORE_END {
            // Buyers end early after an error; the number of their orders shows it.
            let _one_more = self.bought.recv().await;
        }
    }

    /// All acknowledged orders.
    async fn orders(mut self) -> anyhow::Result<Vec<Value>> {
        let mut orders = Vec::new();
        while let Some(ended) = self.buying.join_next().await {
            orders.extend(ended??);
        }
        anyhow::ensure!(orders.len() >= ORDERS_BEFORE_END, "the buyers did not end because the host was gone");
        Ok(orders)
    }
}

async fn sign_up_all(client: &Client) -> anyhow::Result<Vec<Customer>> {
    let mut customers = Vec::new();
    for number in 0..CUSTOMERS {
        customers.push(Customer::sign_up(client, &format!("customer{number}"), "tok_ok").await?);
    }
    Ok(customers)
}

/// Checks each acknowledged order, as its customer and staff see it at `client`.
async fn check_orders(client: &Client, staff: &Staff, customers: &[Customer], orders: &[Value]) -> anyhow::Result<()> {
    let staff = staff.at(client).client;
    for order in orders {
        let customer = customers.iter().find(|customer| order["accountId"] == customer.id.as_str());
        let customer = customer.expect("one of them bought it").client.at(client);
        check_order(&staff, &customer, order).await?;
    }
    Ok(())
}

/// Checks an acknowledged order with its payment, shipment and cart.
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
async fn a_stop_under_load_leaves_nothing_half_done() -> anyhow::Result<()> {
    let shop = Shop::start().await?;
    let staff = shop.staff().await?;
    staff.sell("mug-01", 1250, u32::try_from(PIECES)?).await?;
    let customers = sign_up_all(&shop.client).await?;
    let mut buyers = Buyers::start(&customers, &shop.client);
    buyers.are_busy().await;
    let shop = shop.restart().await?;
    let acknowledged = buyers.orders().await?;
    check_orders(&shop.client, &staff, &customers, &acknowledged).await?;
    // Every begun checkout was completed or undone, whether its answer arrived or not.
    let staff = staff.at(&shop.client);
    let orders = pages::all(&staff.client, "/orders?limit=100").await?.into_iter().flatten().count();
    assert!(orders >= acknowledged.len());
    let payments = staff.payments().await?;
    assert!(payments.iter().all(|payment| payment["status"] == "captured"), "{payments:?}");
    assert_eq!(payments.len(), orders);
    assert_eq!(shop.available("mug-01").await?, PIECES - i64::try_from(orders)?);
    shop.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_under_load_loses_nothing_that_was_acknowledged() -> anyhow::Result<()> {
    let (program, data) = (Path::new(env!("CARGO_BIN_EXE_shop-host")), tempfile::tempdir()?);
    let mut host = Process::start(program, data.path()).await?;
    let staff = host.staff().await?;
    staff.sell("mug-01", 1250, u32::try_from(PIECES)?).await?;
    let customers = sign_up_all(&host.client).await?;
    let mut orders = Vec::new();
    for round in 1..=3 {
        let mut buyers = Buyers::start(&customers, &host.client);
        buyers.are_busy().await;
        host.kill().await?;
        orders.extend(buyers.orders().await?);
        host = Process::start(program, data.path()).await?;
        check_orders(&host.client, &staff, &customers, &orders).await?;
        // Each checkout in progress took at most one piece.
        let item = host.client.ask("GET /items/mug-01").await?.expect(200)?;
        let taken = PIECES - number(&item, "/available")?;
        let acknowledged = i64::try_from(orders.len())?;
        let under_way = i64::try_from(round * CUSTOMERS)?;
        assert!((acknowledged..=acknowledged + under_way).contains(&taken), "{taken} of {acknowledged}");
    }
    host.kill().await?;
    Ok(())
}
