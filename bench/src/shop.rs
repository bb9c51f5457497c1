//! The shop, prepared for the load: goods, carts, customers.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::load::{Connection, request};

/// Sends one request and reads the JSON of a good answer.
pub(crate) async fn ask(
    connection: &mut Connection,
    method: &str,
    path: &str,
    token: Option<&str>,
    body: Option<&Value>,
) -> anyhow::Result<Value> {
    let mut bytes = Vec::new();
    let body = body.map(Value::to_string);
    request(&mut bytes, method, path, token, body.as_deref());
    let answer = connection.send(&bytes).await?;
    let text = String::from_utf8_lossy(answer.body);
    ensure!((200..300).contains(&answer.status), "{method} {path}: {} {text}", answer.status);
    Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
}

fn text(value: &Value, member: &str) -> anyhow::Result<String> {
    Ok(value[member].as_str().with_context(|| format!("no {member} in {value}"))?.to_owned())
}

/// Opens the staff account through the operator's API; returns the token of a session.
pub(crate) async fn staff(public: SocketAddr, admin: SocketAddr, data: &Path) -> anyhow::Result<String> {
    let operator = std::fs::read_to_string(data.join("admin-token"))?;
    let details = json!({ "email": "staff@example.com", "name": "Staff", "password": "for the benchmark" });
    let path = "/services/account/call/create-staff";
    ask(&mut Connection::open(admin).await?, "POST", path, Some(operator.trim()), Some(&details)).await?;
    sign_in(&mut Connection::open(public).await?, "staff@example.com").await
}

async fn sign_in(connection: &mut Connection, email: &str) -> anyhow::Result<String> {
    let credentials = json!({ "email": email, "password": "for the benchmark" });
    text(&ask(connection, "POST", "/sessions", None, Some(&credentials)).await?, "token")
}

pub(crate) fn sku(number: usize) -> String {
    format!("sku-{number:04}")
}

/// Puts `count` items on sale with more stock than a load buys.
pub(crate) async fn stock(public: SocketAddr, staff: &str, count: usize) -> anyhow::Result<()> {
    let mut connection = Connection::open(public).await?;
    for number in 0..count {
        let path = format!("/items/{}", sku(number));
        let details = json!({
            "title": format!("Thing number {number}"), "category": "things", "image": "/images/thing.svg",
            "description": "A thing that is sold in the measurements, as long as one usually is.",
            "price": { "amount": 1999, "currency": "EUR" }, "weightGrams": 500,
        });
        ask(&mut connection, "PUT", &path, Some(staff), Some(&details)).await?;
        let receipt = json!({ "quantity": 1_000_000 });
        ask(&mut connection, "POST", &format!("{path}/receipts"), Some(staff), Some(&receipt)).await?;
    }
    Ok(())
}

/// A customer who can check out.
#[derive(Clone)]
pub(crate) struct Customer {
    pub(crate) token: String,
    pub(crate) checkout: String,
}

/// Signs up `count` customers, a few at a time: each costs two password hashes.
pub(crate) async fn customers(public: SocketAddr, count: usize) -> anyhow::Result<Vec<Customer>> {
    let turns = Arc::new(Semaphore::new(4));
    let mut tasks = JoinSet::new();
    for number in 0..count {
        let turns = Arc::clone(&turns);
        tasks.spawn(async move {
            let _turn = turns.acquire().await?;
            let mut connection = Connection::open(public).await?;
            let email = format!("customer{number}@example.com");
            let details = json!({ "email": email, "name": "Customer", "password": "for the benchmark" });
            let account = ask(&mut connection, "POST", "/accounts", None, Some(&details)).await?;
            let id = text(&account, "id")?;
            let token = sign_in(&mut connection, &email).await?;
            let address = json!({ "recipient": "Customer", "line1": "1 Harbour Road", "city": "Hamburg", "postalCode": "20457", "country": "DE" });
            let path = format!("/accounts/{id}/addresses");
            let address = ask(&mut connection, "POST", &path, Some(&token), Some(&address)).await?;
            let card = json!({ "token": "tok_ok", "brand": "visa", "last4": "4242", "expiryMonth": 12, "expiryYear": 2099 });
            let path = format!("/accounts/{id}/payment-methods");
            let card = ask(&mut connection, "POST", &path, Some(&token), Some(&card)).await?;
            let checkout = json!({ "addressId": text(&address, "id")?, "paymentMethodId": text(&card, "id")?, "shippingOption": "standard" });
            anyhow::Ok(Customer { token, checkout: checkout.to_string() })
        });
    }
    let mut customers = Vec::new();
    while let Some(customer) = tasks.join_next().await {
        customers.push(customer??);
    }
    Ok(customers)
}

/// Opens `count` carts. With `line`, each gets one line with this item.
pub(crate) async fn carts(
    public: SocketAddr,
    token: Option<&str>,
    count: usize,
    line: Option<&str>,
) -> anyhow::Result<Vec<String>> {
    let mut connection = Connection::open(public).await?;
    let mut ids = Vec::with_capacity(count);
    for _ in 0..count {
        let id = text(&ask(&mut connection, "POST", "/carts", token, None).await?, "id")?;
        if let Some(sku) = line {
            let path = format!("/carts/{id}/lines/{sku}");
            ask(&mut connection, "PUT", &path, token, Some(&json!({ "quantity": 1 }))).await?;
        }
        ids.push(id);
    }
    Ok(ids)
}
