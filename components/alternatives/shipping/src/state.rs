//! The state of the service in the form of its contract.

use switchyard_sdk::state::{Page, refusal, wrong_key};
use switchyard_sdk::{Faults, Timestamp, id};

use crate::bindings::Component;
use crate::bindings::exports::shop::shipping::state as wire;
use crate::parcels::{self, Event, Label};

impl wire::Guest for Component {
    fn export_state(after: Option<String>, until: Option<String>, limit: u32) -> Vec<wire::Entry> {
        let mut page = Page::new(after, until, limit);
        parcels::export(&mut page, shipment);
        page.into_entries(|key, value| wire::Entry { key, value })
    }

    fn import_state(changes: Vec<wire::Change>) -> Result<(), String> {
        changes
            .into_iter()
            .try_for_each(|wire::Change { key, value }| import(&key, value).map_err(|faults| refusal(&key, &faults)))
    }
}

fn shipment(label: Label, events: Vec<Event>) -> wire::Entity {
    let event = |Event { status, at, note }| wire::EventState {
        status: crate::contract::ShipmentStatus::from(status),
        note,
        at: at.to_rfc3339_micros(),
    };
    let Label { tracking_number, order_id, account_id, option, recipient, postal_code, country, weight_grams } = label;
    wire::Entity::Shipment(wire::ShipmentState {
        order_id,
        account_id,
        option,
        recipient,
        country,
        postal_code,
        weight_grams,
        tracking_number,
        events: events.into_iter().map(event).collect(),
    })
}

fn import(key: &str, value: Option<wire::Entity>) -> Result<(), Faults> {
    let shipment_id =
        key.strip_prefix("shipment/").filter(|shipment_id| id::is_id(shipment_id)).ok_or_else(wrong_key)?;
    let after = value.map(|wire::Entity::Shipment(shipment)| parse(shipment)).transpose()?;
    parcels::remove(shipment_id);
    if let Some((label, events)) = after {
        parcels::add(shipment_id, &label, &events);
    }
    Ok(())
}

fn parse(shipment: wire::ShipmentState) -> Result<(Label, Vec<Event>), Faults> {
    let mut faults = Faults::new();
    let _country = faults.take(crate::destination(&shipment.country, &shipment.postal_code));
    crate::check(&mut faults, &shipment.order_id, &shipment.account_id, &shipment.recipient);
    faults.line("/trackingNumber", &shipment.tracking_number, 1..=200);
    let mut events = Vec::with_capacity(shipment.events.len());
    for (number, wire::EventState { status, note, at }) in shipment.events.into_iter().enumerate() {
        match Timestamp::parse(&at) {
            Some(at) => events.push(Event { status: status.into(), at, note }),
            None => faults.add(format!("/events/{number}/at"), "must be a time in UTC"),
        }
    }
    faults.check(parcels::is_history(&events), "/events", "must begin with scheduled, and follow each other");
    let label = Label {
        tracking_number: shipment.tracking_number,
        order_id: shipment.order_id,
        account_id: shipment.account_id,
        option: shipment.option,
        recipient: shipment.recipient,
        postal_code: shipment.postal_code,
        country: shipment.country,
        weight_grams: shipment.weight_grams,
    };
    faults.into_result((label, events))
}

/// Whether a store has the same entries after an import as the store that its entities come from.
#[cfg(test)]
const SAME_ENTRIES: bool = true;

#[cfg(test)]
#[path = "../../../shipping/src/state/tests.rs"]
mod tests;
