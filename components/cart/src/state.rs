//! The interface `state` of the contract: all that the service keeps, read and written entity by entity.

mod order;

use switchyard_sdk::state::{Page, refusal, wrong_key};
use switchyard_sdk::{Faults, Timestamp, id};

use crate::bindings::Component;
use crate::bindings::exports::shop::cart::state as contract;
use crate::domain::cart::{Cart, Line, State};
use crate::{guest_cart_seconds, storage};

impl contract::Guest for Component {
    fn export_state(after: Option<String>, until: Option<String>, limit: u32) -> Vec<contract::Entry> {
        let mut page = Page::new(after, until, limit);
        storage::export_carts(&mut page, cart_state);
        storage::export_orders(&mut page, |order| contract::Entity::Order(order::state(order)));
        storage::export_undos(&mut page, || contract::Entity::Undo);
        page.into_entries(|key, value| contract::Entry { key, value })
    }

    fn import_state(changes: Vec<contract::Change>) -> Result<(), String> {
        changes.into_iter().try_for_each(|contract::Change { key, value }| {
            import(&key, value).map_err(|faults| refusal(&key, &faults))
        })
    }
}

fn import(key: &str, value: Option<contract::Entity>) -> Result<(), Faults> {
    let (kind, id) = key.split_once('/').filter(|(_, id)| id::is_id(id)).ok_or_else(wrong_key)?;
    let kept_seconds = guest_cart_seconds();
    match (kind, value) {
        ("cart", None) => storage::replace_cart(id, None, kept_seconds),
        ("cart", Some(contract::Entity::Cart(cart))) => storage::replace_cart(id, Some(parse(cart)?), kept_seconds),
        ("order", None) => storage::replace_order(id, None),
        ("order", Some(contract::Entity::Order(order))) => storage::replace_order(id, Some(&order::parse(order)?)),
        ("undo", None) => storage::delete_undo(id),
        ("undo", Some(contract::Entity::Undo)) => storage::add_undo(id),
        _ => return Err(wrong_key()),
    }
    Ok(())
}

fn cart_state(cart: Cart, touched_at: Option<Timestamp>) -> contract::Entity {
    let line = |line: &Line| contract::CartLine { sku: line.sku.clone(), quantity: line.quantity };
    contract::Entity::Cart(contract::CartState {
        lines: cart.lines().iter().map(line).collect(),
        account_id: cart.owner,
        order_id: match cart.state {
            State::Open => None,
            State::CheckedOut { order_id } => Some(order_id),
        },
        created_at: cart.created_at.to_rfc3339_micros(),
        touched_at: touched_at.map(Timestamp::to_rfc3339_micros),
    })
}

/// The cart, and when it was touched.
fn parse(cart: contract::CartState) -> Result<(Cart, Option<Timestamp>), Faults> {
    let contract::CartState { account_id, lines, order_id, created_at, touched_at } = cart;
    let mut faults = Faults::new();
    faults.check(account_id.as_deref().is_none_or(id::is_id), "/accountId", "must be an id");
    faults.check(order_id.as_deref().is_none_or(id::is_id), "/orderId", "must be an id");
    let is_open = order_id.is_none();
    faults.check(is_open || touched_at.is_none(), "/touchedAt", "must be absent unless the cart is open");
    let created_at = faults.take(time(&created_at, "/createdAt"));
    let touched_at = touched_at.and_then(|touched_at| faults.take(time(&touched_at, "/touchedAt")));
    let state = order_id.map_or(State::Open, |order_id| State::CheckedOut { order_id });
    let line = |contract::CartLine { sku, quantity }| Line { sku, quantity };
    let lines = lines.into_iter().map(line).collect();
    let Some(created_at) = created_at else { return Err(faults) };
    let cart = Cart::of_another(account_id, created_at, state, lines);
    let cart = faults.take(cart.map_err(|error| Faults::at("/lines", error.to_string())));
    faults.complete(cart.map(|cart| (cart, touched_at)))
}

fn time(text: &str, pointer: &str) -> Result<Timestamp, Faults> {
    Timestamp::parse(text).ok_or_else(|| Faults::at(pointer, "must be a time in UTC"))
}

/// The id of the open cart that a customer touched last, for the tests.
#[cfg(test)]
fn current_cart(account_id: &str) -> Option<String> {
    storage::current_cart(account_id).map(|(cart_id, _)| cart_id)
}

#[cfg(test)]
mod tests;
