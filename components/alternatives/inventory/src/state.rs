//! The state of the service as its contract has it.

use switchyard_sdk::state::{Page, refusal, wrong_key};
use switchyard_sdk::{Faults, Money, Timestamp, id};

use crate::bindings::Component;
use crate::bindings::exports::shop::inventory::{inventory, state as contract};
use crate::catalogue::{self, Product};
use crate::ledger::{self, Balance, Movement, Postings};
use crate::orders::{self, Holding};

impl contract::Guest for Component {
    fn export_state(after: Option<String>, until: Option<String>, limit: u32) -> Vec<contract::Entry> {
        let mut page = Page::new(after, until, limit);
        page.add("item/", catalogue::PREFIX, |sku, product| Some(item(product, ledger::balance(sku))));
        orders::export(&mut page, reservation);
        page.into_entries(|key, value| contract::Entry { key, value })
    }

    fn import_state(changes: Vec<contract::Change>) -> Result<(), String> {
        changes.into_iter().try_for_each(|contract::Change { key, value }| {
            import(&key, value).map_err(|faults| refusal(&key, &faults))
        })
    }
}

fn item(product: Product, balance: Balance) -> contract::Entity {
    let Product { title, category, weight_grams, price, image, description } = product;
    let Balance { on_hand, held: _, bought } = balance;
    contract::Entity::Item(contract::ItemState {
        title,
        description,
        category,
        price: price.into(),
        image,
        weight_grams,
        on_hand,
        sold: bought,
    })
}

fn reservation(holding: Holding) -> contract::Entity {
    let line = |(sku, quantity)| inventory::Line { sku, quantity };
    contract::Entity::Reservation(contract::ReservationState {
        lines: holding.lines.into_iter().map(line).collect(),
        status: match holding.is_bought {
            true => contract::ReservationStatus::Sold,
            false => contract::ReservationStatus::Held,
        },
        expires_at: holding.expires_at.to_rfc3339_micros(),
    })
}

fn import(key: &str, value: Option<contract::Entity>) -> Result<(), Faults> {
    match (key.split_once('/'), value) {
        (Some(("item", sku)), None) if catalogue::is_sku(sku) => remove_item(sku),
        (Some(("item", sku)), Some(contract::Entity::Item(item))) if catalogue::is_sku(sku) => put_item(sku, item)?,
        (Some(("reservation", order_id)), None) if id::is_id(order_id) => replace_holding(order_id, None),
        (Some(("reservation", order_id)), Some(contract::Entity::Reservation(reservation))) if id::is_id(order_id) => {
            replace_holding(order_id, Some(&parse(reservation)?));
        }
        _ => return Err(wrong_key()),
    }
    Ok(())
}

fn put_item(sku: &str, item: contract::ItemState) -> Result<(), Faults> {
    let contract::ItemState { title, description, category, price, image, weight_grams, on_hand, sold } = item;
    let (parsed, currency) = (Money::parse(&price, "/price"), switchyard_sdk::Currency::EUR);
    let product = Product { title, category, weight_grams, price: Money::zero(currency), image, description };
    catalogue::put(sku, &product.check(parsed)?);
    let balance = Balance { on_hand, bought: sold, ..ledger::balance(sku) };
    if balance != ledger::balance(sku) {
        post(sku, Movement::Counted, balance);
    }
    Ok(())
}

/// Orders may still hold something of it: then only that stays in the ledger.
fn remove_item(sku: &str) {
    catalogue::remove(sku);
    let held = ledger::balance(sku).held;
    ledger::erase(sku);
    if held > 0 {
        post(sku, Movement::Counted, Balance { held, ..Balance::default() });
    }
}

/// Unlike what an order does, this may set aside more than there is: the item may come later.
fn replace_holding(order_id: &str, after: Option<&Holding>) {
    let before = orders::holding(order_id);
    if before.as_ref() == after {
        return;
    }
    for (sku, quantity) in held(before.as_ref()) {
        let balance = ledger::balance(sku);
        let held = balance.held.saturating_sub(*quantity);
        let order_id = order_id.to_owned();
        post(sku, Movement::LetGo { order_id, quantity: *quantity }, Balance { held, ..balance });
    }
    for (sku, quantity) in held(after) {
        let balance = ledger::balance(sku);
        let held = balance.held.saturating_add(*quantity);
        let order_id = order_id.to_owned();
        post(sku, Movement::Held { order_id, quantity: *quantity }, Balance { held, ..balance });
    }
    orders::replace(order_id, before.as_ref(), after);
    for (sku, _) in held(before.as_ref()) {
        if ledger::balance(sku) == Balance::default() && catalogue::product(sku).is_none() {
            ledger::erase(sku);
        }
    }
}

/// The lines that an order has set aside.
fn held(holding: Option<&Holding>) -> &[(String, u32)] {
    holding.filter(|holding| !holding.is_bought).map_or(&[], |holding| &holding.lines)
}

/// Writes one row. No event is emitted, because the first implementation emitted it already.
fn post(sku: &str, movement: Movement, balance: Balance) {
    let mut postings = Postings::default();
    postings.post_as_counted(sku, movement, balance);
    let _told = postings.write();
}

fn parse(reservation: contract::ReservationState) -> Result<Holding, Faults> {
    let contract::ReservationState { lines, status, expires_at } = reservation;
    let mut faults = Faults::new();
    let expires_at = Timestamp::parse(&expires_at).ok_or_else(|| Faults::at("/expiresAt", "must be a time in UTC"));
    let expires_at = faults.take(expires_at);
    let given: Vec<_> = lines.into_iter().map(|inventory::Line { sku, quantity }| (sku, quantity)).collect();
    let are_skus = given.iter().all(|(sku, _)| catalogue::is_sku(sku));
    faults.check(are_skus, "/lines", "names no SKU");
    faults.check(given.is_sorted_by(|(one, _), (next, _)| one < next), "/lines", "must be ascending by SKU, each once");
    let lines = faults.take(orders::lines(given).map_err(|detail| Faults::at("/lines", detail)));
    let is_bought = status == contract::ReservationStatus::Sold;
    let parts = lines.zip(expires_at);
    faults.complete(parts.map(|(lines, expires_at)| Holding { lines, is_bought, expires_at }))
}

/// Whether a store has the same entries after an import as the store that its entities come from. A ledger starts again.
#[cfg(test)]
const SAME_ENTRIES: bool = false;

#[cfg(test)]
#[path = "../../../inventory/src/state/tests.rs"]
mod tests;
