//! The process of the carts: it asks the others for everything that is not in its store.

use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use hyper::Method;
use hyper::body::Incoming;
use serde_json::{Value, json};

use super::{Service, steps};
use crate::native::operations::{self, Cart, Line};
use crate::native::server::{LineChange, json as read_json};
use crate::native::{Backend as _, Operation, Owner};

impl Service {
    pub(super) async fn cart(&self, method: &Method, segments: [&str; 4], body: Incoming) -> anyhow::Result<Vec<u8>> {
        match (method, segments) {
            (&Method::PUT, ["carts", id, "lines", sku]) => {
                let change: LineChange = read_json(body).await?;
                self.peers.get(Owner::Inventory, &format!("/prices/{sku}")).await?;
                self.backend.write(set_line(id.into(), sku.into(), change.quantity)).await
            }
            (&Method::POST, ["carts", id, "checkout", token]) => self.check_out(id, token).await,
            _ => bail!("no such route"),
        }
    }

    /// The calls of a checkout, one after another like those of the component.
    async fn check_out(&self, id: &str, token: &str) -> anyhow::Result<Vec<u8>> {
        let peers = &self.peers;
        let customer = peers.get(Owner::Account, &format!("/sessions/{token}")).await?;
        ensure!(customer["role"] == "customer", "only customers check out");
        let account = customer["id"].as_str().context("a customer has an id")?;
        let cart: Cart = serde_json::from_slice(&self.backend.read(&read_cart(id.into()))?)?;
        let priced = self.price(&cart.lines).await?;
        let details = peers.get(Owner::Account, &format!("/checkout-details/{account}")).await?;
        let order = self.new_order();
        peers.post(Owner::Inventory, &format!("/reservations/{order}"), &serde_json::to_value(&cart.lines)?).await?;
        let address = &details["address"];
        let parcel =
            json!({ "country": address["country"], "postalCode": address["postalCode"], "weightGrams": priced.grams });
        let quotes = peers.post(Owner::Shipping, "/quotes", &parcel).await?;
        let shipping = quotes["options"][0]["price"]["amount"].as_i64().context("an option has a price")?;
        let total = json!({ "amount": priced.subtotal + shipping, "currency": "EUR" });
        let charge = json!({
            "accountId": account, "amount": total, "token": details["paymentToken"], "method": details["paymentMethod"],
        });
        let payment = peers.post(Owner::Payment, &format!("/charges/{order}"), &charge).await?;
        let shipment =
            json!({ "accountId": account, "option": "standard", "address": address, "weightGrams": priced.grams });
        let shipment = peers.post(Owner::Shipping, &format!("/shipments/{order}"), &shipment).await?;
        peers.post(Owner::Inventory, &format!("/reservations/{order}/confirm"), &Value::Null).await?;
        let placed = json!({
            "id": order, "cartId": id, "accountId": account, "lines": priced.lines, "total": total, "status": "placed",
            "payment": { "id": payment["id"], "status": payment["status"] },
            "shipment": { "id": shipment["id"], "status": shipment["status"], "trackingNumber": shipment["trackingNumber"] },
        });
        self.backend.write(place(id.into(), order, placed)).await
    }

    async fn price(&self, lines: &[Line]) -> anyhow::Result<Priced> {
        let mut priced = Priced { lines: Vec::new(), subtotal: 0, grams: 0 };
        for line in lines {
            let mut item = self.peers.get(Owner::Inventory, &format!("/prices/{}", line.sku)).await?;
            let quantity = i64::from(line.quantity);
            priced.subtotal += quantity * item["price"]["amount"].as_i64().context("an item has a price")?;
            priced.grams += quantity * item["weightGrams"].as_i64().context("an item has a weight")?;
            item["quantity"] = line.quantity.into();
            priced.lines.push(item);
        }
        Ok(priced)
    }
}

/// The lines of a cart at the current prices.
struct Priced {
    lines: Vec<Value>,
    subtotal: i64,
    grams: i64,
}

fn key(id: &str) -> String {
    format!("cart/{id}")
}

fn read_cart(id: String) -> Operation {
    Arc::new(move |access| {
        let cart: Option<Cart> = operations::load(access, Owner::Cart, &key(&id))?;
        Ok(serde_json::to_vec(&cart.context("no such cart")?)?)
    })
}

fn set_line(id: String, sku: String, quantity: u32) -> Operation {
    Arc::new(move |access| {
        let mut cart: Cart = operations::load(access, Owner::Cart, &key(&id))?.unwrap_or_default();
        cart.lines.retain(|line| line.sku != sku);
        cart.lines.push(Line { sku: sku.clone(), quantity });
        operations::save(access, Owner::Cart, &key(&id), &cart)?;
        Ok(serde_json::to_vec(&cart)?)
    })
}

fn place(cart_id: String, order: String, placed: Value) -> Operation {
    Arc::new(move |access| {
        let mut cart: Cart = operations::load(access, Owner::Cart, &key(&cart_id))?.context("no such cart")?;
        cart.checked_out = true;
        operations::save(access, Owner::Cart, &key(&cart_id), &cart)?;
        steps::stored(access, Owner::Cart, &format!("order/{order}"), &placed)
    })
}
