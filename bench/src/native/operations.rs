//! The shop's operations as plain functions over plain data.

use std::sync::Arc;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Access, Operation, Owner};

#[derive(Serialize, Deserialize)]
pub(super) struct Money {
    pub(super) amount: i64,
    pub(super) currency: String,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Item {
    pub(super) sku: String,
    pub(super) title: String,
    description: String,
    category: String,
    pub(super) price: Money,
    image: String,
    pub(super) weight_grams: u32,
}

#[derive(Serialize)]
struct ItemView {
    sku: String,
    title: String,
    description: String,
    category: String,
    price: Money,
    image: String,
    available: u32,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Stock {
    pub(super) on_hand: u32,
    pub(super) reserved: u32,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Line {
    pub(super) sku: String,
    pub(super) quantity: u32,
}

#[derive(Serialize, Deserialize, Default)]
pub(super) struct Cart {
    pub(super) checked_out: bool,
    pub(super) lines: Vec<Line>,
}

pub(super) fn load<T: serde::de::DeserializeOwned>(
    access: &mut dyn Access,
    owner: Owner,
    key: &str,
) -> anyhow::Result<Option<T>> {
    access.get(owner, key)?.map(|bytes| postcard::from_bytes(&bytes)).transpose().context("decoding")
}

pub(super) fn save(access: &mut dyn Access, owner: Owner, key: &str, value: &impl Serialize) -> anyhow::Result<()> {
    access.set(owner, key, postcard::to_stdvec(value)?)
}

pub(super) fn item(access: &mut dyn Access, sku: &str) -> anyhow::Result<Item> {
    load(access, Owner::Inventory, &format!("item/{sku}"))?.with_context(|| format!("no item {sku}"))
}

pub(super) fn stock(access: &mut dyn Access, sku: &str) -> anyhow::Result<Stock> {
    let stock = load(access, Owner::Inventory, &format!("stock/{sku}"))?;
    Ok(stock.unwrap_or(Stock { on_hand: 0, reserved: 0 }))
}

fn view(access: &mut dyn Access, item: Item) -> anyhow::Result<ItemView> {
    let stock = stock(access, &item.sku)?;
    let Item { sku, title, description, category, price, image, .. } = item;
    let available = stock.on_hand.saturating_sub(stock.reserved);
    Ok(ItemView { sku, title, description, category, price, image, available })
}

pub(crate) fn put_item(number: usize) -> Operation {
    Arc::new(move |access| {
        let sku = format!("sku-{number:04}");
        let item = Item {
            title: format!("Thing number {number}"),
            description: "A thing that is sold in the measurements, as long as one usually is.".into(),
            category: "things".into(),
            price: Money { amount: 1999, currency: "EUR".into() },
            image: "/images/thing.svg".into(),
            weight_grams: 500,
            sku: sku.clone(),
        };
        save(access, Owner::Inventory, &format!("item/{sku}"), &item)?;
        save(access, Owner::Inventory, &format!("stock/{sku}"), &Stock { on_hand: u32::MAX / 2, reserved: 0 })?;
        Ok(Vec::new())
    })
}

pub(crate) fn get_item(sku: String) -> Operation {
    Arc::new(move |access| {
        let item = item(access, &sku)?;
        Ok(serde_json::to_vec(&view(access, item)?)?)
    })
}

pub(crate) fn list_items() -> Operation {
    Arc::new(|access| {
        let mut items = Vec::new();
        for bytes in access.first(Owner::Inventory, "item/", 20)? {
            items.push(view(access, postcard::from_bytes(&bytes)?)?);
        }
        Ok(serde_json::to_vec(&json!({ "items": items, "nextCursor": "next" }))?)
    })
}

fn cart_view(access: &mut dyn Access, id: &str, cart: &Cart) -> anyhow::Result<serde_json::Value> {
    let (mut lines, mut subtotal) = (Vec::new(), 0);
    for line in &cart.lines {
        let item = item(access, &line.sku)?;
        let total = item.price.amount * i64::from(line.quantity);
        subtotal += total;
        lines.push(json!({
            "sku": line.sku, "title": item.title, "quantity": line.quantity, "unitPrice": item.price,
            "total": { "amount": total, "currency": "EUR" },
        }));
    }
    let subtotal = json!({ "amount": subtotal, "currency": "EUR" });
    Ok(json!({ "id": id, "status": "open", "lines": lines, "subtotal": subtotal, "currency": "EUR" }))
}

pub(crate) fn set_line(id: String, sku: String, quantity: u32) -> Operation {
    Arc::new(move |access| {
        let key = format!("cart/{id}");
        let mut cart: Cart = load(access, Owner::Cart, &key)?.unwrap_or_default();
        match cart.lines.iter_mut().find(|line| line.sku == sku) {
            Some(line) => line.quantity = quantity,
            None => cart.lines.push(Line { sku: sku.clone(), quantity }),
        }
        let view = cart_view(access, &id, &cart)?;
        save(access, Owner::Cart, &key, &cart)?;
        Ok(serde_json::to_vec(&view)?)
    })
}

pub(super) fn hold(access: &mut dyn Access, order: &str, sku: &str, quantity: u32) -> anyhow::Result<()> {
    let mut stock = stock(access, sku)?;
    anyhow::ensure!(stock.on_hand - stock.reserved >= quantity, "out of stock");
    stock.reserved += quantity;
    save(access, Owner::Inventory, &format!("stock/{sku}"), &stock)?;
    save(access, Owner::Inventory, &format!("reservation/{order}"), &Line { sku: sku.into(), quantity })
}

pub(crate) fn reserve(order: String, sku: String) -> Operation {
    Arc::new(move |access| {
        hold(access, &order, &sku, 1)?;
        Ok(serde_json::to_vec(&json!({ "orderId": order, "lines": [{ "sku": sku, "quantity": 1 }] }))?)
    })
}

pub(crate) fn check_out(cart_id: String, order: String) -> Operation {
    Arc::new(move |access| {
        let key = format!("cart/{cart_id}");
        let mut cart: Cart = load(access, Owner::Cart, &key)?.context("no cart")?;
        let mut view = cart_view(access, &cart_id, &cart)?;
        for line in &cart.lines {
            hold(access, &order, &line.sku, line.quantity)?;
        }
        let payment = json!({ "orderId": order, "amount": view["subtotal"], "status": "captured" });
        access.set(Owner::Payment, &format!("payment/{order}"), serde_json::to_vec(&payment)?)?;
        let shipment = json!({ "orderId": order, "option": "standard", "status": "scheduled" });
        access.set(Owner::Shipping, &format!("shipment/{order}"), serde_json::to_vec(&shipment)?)?;
        view["id"] = order.as_str().into();
        (view["payment"], view["shipment"]) = (payment, shipment);
        cart.checked_out = true;
        save(access, Owner::Cart, &key, &cart)?;
        let answer = serde_json::to_vec(&view)?;
        access.set(Owner::Cart, &format!("order/{order}"), answer.clone())?;
        Ok(answer)
    })
}
