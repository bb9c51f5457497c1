//! What each of the five processes does in its own store.

use std::sync::Arc;

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::native::operations::{self, Item, Line, Stock};
use crate::native::{Access, Operation, Owner};

pub(super) fn put_note(owner: Owner, number: usize) -> Operation {
    Arc::new(move |access| {
        let name = owner.name();
        let text = format!("Note number {number} of the {name} service, which is as long as a short note usually is.");
        access.set(owner, &format!("note/{number}"), text.into_bytes())?;
        Ok(Vec::new())
    })
}

pub(super) fn note(owner: Owner, key: String) -> Operation {
    Arc::new(move |access| {
        let text = access.get(owner, &format!("note/{key}"))?.context("no such note")?;
        Ok(serde_json::to_vec(&json!({ "service": owner.name(), "text": String::from_utf8_lossy(&text) }))?)
    })
}

/// A customer with a session, an address and a card.
pub(super) fn put_session(number: usize) -> Operation {
    Arc::new(move |access| {
        let identity = json!({ "id": format!("customer-{number}"), "role": "customer" });
        access.set(Owner::Account, &format!("session/token-{number}"), serde_json::to_vec(&identity)?)?;
        let details = json!({
            "address": { "recipient": "Customer", "line1": "1 Harbour Road", "city": "Hamburg", "postalCode": "20457", "country": "DE" },
            "paymentMethod": { "brand": "visa", "last4": "4242" }, "paymentToken": "tok_ok",
        });
        access.set(Owner::Account, &format!("details/customer-{number}"), serde_json::to_vec(&details)?)?;
        Ok(Vec::new())
    })
}

pub(super) fn session(token: String) -> Operation {
    Arc::new(move |access| access.get(Owner::Account, &format!("session/{token}"))?.context("no such session"))
}

pub(super) fn checkout_details(account: String) -> Operation {
    Arc::new(move |access| access.get(Owner::Account, &format!("details/{account}"))?.context("no such account"))
}

pub(super) fn price(sku: String) -> Operation {
    Arc::new(move |access| {
        let Item { sku, title, price, weight_grams, .. } = operations::item(access, &sku)?;
        let Stock { on_hand, reserved } = operations::stock(access, &sku)?;
        let available = on_hand.saturating_sub(reserved);
        Ok(serde_json::to_vec(&json!({
            "sku": sku, "title": title, "price": price, "weightGrams": weight_grams, "available": available,
        }))?)
    })
}

fn reservation(order: &str) -> String {
    format!("reservation/{order}")
}

pub(super) fn reserve(order: String, lines: Vec<Line>) -> Operation {
    Arc::new(move |access| {
        for line in &lines {
            operations::hold(access, &order, &line.sku, line.quantity)?;
        }
        operations::save(access, Owner::Inventory, &reservation(&order), &lines)?;
        Ok(serde_json::to_vec(&json!({ "orderId": order, "lines": lines }))?)
    })
}

/// Makes a reservation a sale.
pub(super) fn confirm(order: String) -> Operation {
    Arc::new(move |access| {
        let lines: Option<Vec<Line>> = operations::load(access, Owner::Inventory, &reservation(&order))?;
        for line in lines.context("no such reservation")? {
            let Stock { on_hand, reserved } = operations::stock(access, &line.sku)?;
            let stock = Stock { on_hand: on_hand - line.quantity, reserved: reserved - line.quantity };
            operations::save(access, Owner::Inventory, &format!("stock/{}", line.sku), &stock)?;
        }
        access.set(Owner::Inventory, &format!("sold/{order}"), Vec::new())?;
        Ok(b"null".to_vec())
    })
}

pub(super) fn charge(order: String, details: Value) -> Operation {
    Arc::new(move |access| {
        let payment = json!({ "id": format!("pay-{order}"), "status": "captured", "details": details });
        stored(access, Owner::Payment, &format!("payment/{order}"), &payment)
    })
}

/// The ways to send a parcel, cheapest first.
pub(super) fn quotes(parcel: &Value) -> Value {
    let grams = parcel["weightGrams"].as_i64().unwrap_or(0);
    let option = |name: &str, carrier: &str, cents: i64, days: u32| {
        let price = json!({ "amount": cents + grams / 10, "currency": "EUR" });
        json!({ "option": name, "carrier": carrier, "price": price, "estimatedDays": days })
    };
    json!({ "options": [option("standard", "Parcel Post", 490, 3), option("express", "Courier", 1290, 1)] })
}

pub(super) fn schedule(order: String, details: Value) -> Operation {
    Arc::new(move |access| {
        let shipment = json!({
            "id": format!("shp-{order}"), "trackingNumber": format!("PP{order}"), "status": "scheduled", "details": details,
        });
        stored(access, Owner::Shipping, &format!("shipment/{order}"), &shipment)
    })
}

/// Stores a document, and answers with it.
pub(super) fn stored(access: &mut dyn Access, owner: Owner, key: &str, document: &Value) -> anyhow::Result<Vec<u8>> {
    let bytes = serde_json::to_vec(document)?;
    access.set(owner, key, bytes.clone())?;
    Ok(bytes)
}
