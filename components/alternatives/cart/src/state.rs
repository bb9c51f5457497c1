//! The state of the service in the form of its contract.

mod order;

use std::collections::HashSet;

use switchyard_sdk::state::{Page, refusal, wrong_key};
use switchyard_sdk::{Faults, Timestamp, id};

use crate::baskets::{self, Basket, LINES_MAX, Line, QUANTITY_MAX};
use crate::bindings::Component;
use crate::bindings::exports::shop::cart::state as contract;
use crate::{guest_cart_seconds, receipts};

impl contract::Guest for Component {
    fn export_state(after: Option<String>, until: Option<String>, limit: u32) -> Vec<contract::Entry> {
        let mut page = Page::new(after, until, limit);
        baskets::export(&mut page, cart);
        receipts::export(&mut page, |receipt, progress| contract::Entity::Order(order::state(receipt, &progress)));
        receipts::export_undos(&mut page, || contract::Entity::Undo);
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
    match (kind, value) {
        ("cart", None) => remove_cart(id),
        ("cart", Some(contract::Entity::Cart(cart))) => replace_cart(id, cart)?,
        ("order", None) => receipts::remove(id),
        ("order", Some(contract::Entity::Order(state))) => {
            let (receipt, progress) = order::parse(state)?;
            receipts::remove(id);
            receipts::add(id, &receipt, &progress);
        }
        ("undo", None) => receipts::set_undo(id, false),
        ("undo", Some(contract::Entity::Undo)) => receipts::set_undo(id, true),
        _ => return Err(wrong_key()),
    }
    Ok(())
}

fn cart(cart_id: &str, basket: Basket) -> contract::Entity {
    let line = |(_, Line { sku, quantity })| contract::CartLine { sku, quantity };
    let touched_at = match (&basket.owner, &basket.order_id) {
        (None, None) => baskets::used_at(cart_id),
        (Some(_), None) => baskets::last_since(cart_id),
        (_, Some(_)) => None,
    };
    contract::Entity::Cart(contract::CartState {
        account_id: basket.owner,
        lines: baskets::lines(cart_id).into_iter().map(line).collect(),
        order_id: basket.order_id,
        created_at: basket.created_at.to_rfc3339_micros(),
        touched_at: touched_at.map(Timestamp::to_rfc3339_micros),
    })
}

fn remove_cart(cart_id: &str) {
    if let Some(basket) = baskets::basket(cart_id) {
        baskets::delete(cart_id, &basket);
    }
    baskets::forget_use(cart_id, guest_cart_seconds());
}

fn replace_cart(cart_id: &str, cart: contract::CartState) -> Result<(), Faults> {
    let contract::CartState { account_id, lines, order_id, created_at, touched_at } = cart;
    let mut faults = Faults::new();
    faults.check(account_id.as_deref().is_none_or(id::is_id), "/accountId", "must be an id");
    faults.check(order_id.as_deref().is_none_or(id::is_id), "/orderId", "must be an id");
    let created_at = faults.take(time(&created_at, "/createdAt"));
    let touched_at = touched_at.and_then(|touched_at| faults.take(time(&touched_at, "/touchedAt")));
    let skus: HashSet<&str> = lines.iter().map(|line| line.sku.as_str()).collect();
    faults.check(lines.len() <= LINES_MAX, "/lines", "must be at most 100");
    faults.check(skus.len() == lines.len(), "/lines", "must have each item once");
    let are_counted = lines.iter().all(|line| (1..=QUANTITY_MAX).contains(&line.quantity));
    faults.check(are_counted, "/lines", "must have 1 to 1,000 of each item");
    let Some(created_at) = created_at else { return Err(faults) };
    let basket = Basket { owner: account_id, created_at, order_id };
    let is_open = basket.order_id.is_none();
    faults.check(is_open || touched_at.is_none(), "/touchedAt", "must be absent unless the cart is open");
    faults.into_result(())?;
    remove_cart(cart_id);
    match touched_at {
        Some(used_at) if basket.is_guests() => baskets::set_used_at(cart_id, used_at, guest_cart_seconds()),
        Some(since) => baskets::set_last_since(cart_id, since),
        None => {}
    }
    baskets::set_basket(cart_id, None, &basket);
    for (number, contract::CartLine { sku, quantity }) in (0..).zip(lines) {
        baskets::set_line(cart_id, number, &Line { sku, quantity });
    }
    Ok(())
}

fn time(text: &str, pointer: &str) -> Result<Timestamp, Faults> {
    Timestamp::parse(text).ok_or_else(|| Faults::at(pointer, "must be a time in UTC"))
}

/// The id of the open cart that a customer touched last, for the tests.
#[cfg(test)]
fn current_cart(account_id: &str) -> Option<String> {
    baskets::last_open(account_id)
}

#[cfg(test)]
#[path = "../../../cart/src/state/tests.rs"]
mod tests;
