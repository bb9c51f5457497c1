//! The interface `state` of the contract: all that the service keeps, read and written entity by entity.

use switchyard_sdk::state::{Page, refusal, wrong_key};
use switchyard_sdk::{Faults, Money, Timestamp};

use crate::bindings::Component;
use crate::bindings::exports::shop::inventory::{inventory, state as contract};
use crate::domain::item::{Details, Item, Sku};
use crate::domain::lines::{Line, Lines};
use crate::domain::reservation::{Reservation, State};
use crate::domain::stock::Stock;
use crate::storage::{self, OrderId};

impl contract::Guest for Component {
    fn export_state(after: Option<String>, until: Option<String>, limit: u32) -> Vec<contract::Entry> {
        let mut page = Page::new(after, until, limit);
        storage::export_items(&mut page, item_state);
        storage::export_reservations(&mut page, reservation_state);
        page.into_entries(|key, value| contract::Entry { key, value })
    }

    fn import_state(changes: Vec<contract::Change>) -> Result<(), String> {
        changes.into_iter().try_for_each(|contract::Change { key, value }| {
            import(&key, value).map_err(|faults| refusal(&key, &faults))
        })
    }
}

fn item_state(item: Item, stock: Stock) -> contract::Entity {
    let Item { title, description, category, price, image, weight_grams } = item;
    let (price, on_hand, sold) = (price.into(), stock.on_hand(), stock.sold_pieces());
    let item = contract::ItemState { title, description, category, price, image, weight_grams, on_hand, sold };
    contract::Entity::Item(item)
}

fn reservation_state(reservation: Reservation) -> contract::Entity {
    let line = |line: Line| inventory::Line { sku: line.sku.into_string(), quantity: line.quantity };
    contract::Entity::Reservation(contract::ReservationState {
        lines: reservation.lines.into_vec().into_iter().map(line).collect(),
        status: match reservation.state {
            State::Held => contract::ReservationStatus::Held,
            State::Sold => contract::ReservationStatus::Sold,
        },
        expires_at: reservation.expires_at.to_rfc3339_micros(),
    })
}

fn import(key: &str, value: Option<contract::Entity>) -> Result<(), Faults> {
    let (kind, id) = key.split_once('/').ok_or_else(wrong_key)?;
    match (kind, value) {
        ("item", value @ (None | Some(contract::Entity::Item(_)))) => {
            let sku = Sku::parse(id.to_owned()).ok_or_else(wrong_key)?;
            match value {
                Some(contract::Entity::Item(item)) => set_item(&sku, item),
                _ => {
                    storage::delete_item(&sku);
                    Ok(())
                }
            }
        }
        ("reservation", value @ (None | Some(contract::Entity::Reservation(_)))) => {
            let order = OrderId::parse(id).ok_or_else(wrong_key)?;
            let after = match value {
                Some(contract::Entity::Reservation(reservation)) => Some(parse_reservation(reservation)?),
                _ => None,
            };
            storage::replace_reservation(order, after.as_ref());
            Ok(())
        }
        _ => Err(wrong_key()),
    }
}

fn set_item(sku: &Sku, item: contract::ItemState) -> Result<(), Faults> {
    let contract::ItemState { title, description, category, price, image, weight_grams, on_hand, sold } = item;
    let price = Money::parse(&price, "/price");
    let item = Details { title, description, category, price, image, weight_grams }.check()?;
    storage::set_item(sku, &item, storage::item(sku).as_ref());
    let reserved = storage::stock(sku).unwrap_or_default().reserved_pieces();
    storage::set_stock(sku, &Stock::counted(on_hand, reserved, sold));
    Ok(())
}

fn parse_reservation(reservation: contract::ReservationState) -> Result<Reservation, Faults> {
    let contract::ReservationState { lines, status, expires_at } = reservation;
    let mut faults = Faults::new();
    let expires_at = Timestamp::parse(&expires_at).ok_or_else(|| Faults::at("/expiresAt", "must be a time in UTC"));
    let expires_at = faults.take(expires_at);
    let lines = faults.take(parse_lines(lines));
    let state = match status {
        contract::ReservationStatus::Held => State::Held,
        contract::ReservationStatus::Sold => State::Sold,
    };
    faults.complete(expires_at.zip(lines).map(|(expires_at, lines)| Reservation { lines, expires_at, state }))
}

fn parse_lines(lines: Vec<inventory::Line>) -> Result<Lines, Faults> {
    let refused = |detail: String| Faults::at("/lines", detail);
    let line = |line: inventory::Line| Some(Line { sku: Sku::parse(line.sku)?, quantity: line.quantity });
    let lines: Vec<Line> =
        lines.into_iter().map(line).collect::<Option<_>>().ok_or_else(|| refused("names no SKU".to_owned()))?;
    if !lines.is_sorted_by(|one, next| one.sku < next.sku) {
        return Err(refused("must be ascending by SKU, each once".to_owned()));
    }
    Lines::new(lines).map_err(|error| refused(error.to_string()))
}

/// Whether a store has the same entries after an import as the store that its entities come from.
#[cfg(test)]
const SAME_ENTRIES: bool = true;

#[cfg(test)]
mod tests;
