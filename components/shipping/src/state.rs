//! The interface `state` of the contract: all that the service keeps, read and written entity by entity.

use switchyard_sdk::state::{Page, refusal, wrong_key};
use switchyard_sdk::{Faults, Timestamp, id};

use crate::bindings::Component;
use crate::bindings::exports::shop::shipping::state as wire;
use crate::domain::destination::Destination;
use crate::domain::shipment::{Consignment, Event, Shipment};
use crate::storage;

impl wire::Guest for Component {
    fn export_state(after: Option<String>, until: Option<String>, limit: u32) -> Vec<wire::Entry> {
        let mut page = Page::new(after, until, limit);
        storage::export_shipments(&mut page, |shipment| wire::Entity::Shipment(shipment.into()));
        page.into_entries(|key, value| wire::Entry { key, value })
    }

    fn import_state(changes: Vec<wire::Change>) -> Result<(), String> {
        changes
            .into_iter()
            .try_for_each(|wire::Change { key, value }| import(&key, value).map_err(|faults| refusal(&key, &faults)))
    }
}

impl From<Shipment> for wire::ShipmentState {
    fn from(shipment: Shipment) -> Self {
        let Consignment { order_id, account_id, option, recipient, destination } = shipment.consignment;
        let event =
            |Event { status, note, at }| wire::EventState { status: status.into(), note, at: at.to_rfc3339_micros() };
        Self {
            order_id,
            account_id,
            option,
            recipient,
            country: destination.country.code().to_owned(),
            postal_code: destination.postal_code,
            weight_grams: destination.weight_grams,
            tracking_number: shipment.tracking_number,
            events: shipment.events.into_iter().map(event).collect(),
        }
    }
}

fn import(key: &str, value: Option<wire::Entity>) -> Result<(), Faults> {
    let shipment_id =
        key.strip_prefix("shipment/").filter(|shipment_id| id::is_id(shipment_id)).ok_or_else(wrong_key)?;
    let after = value.map(|wire::Entity::Shipment(shipment)| parse(shipment_id, shipment)).transpose()?;
    storage::replace_shipment(shipment_id, after);
    Ok(())
}

fn parse(shipment_id: &str, shipment: wire::ShipmentState) -> Result<Shipment, Faults> {
    let mut faults = Faults::new();
    let destination = Destination::parse(&shipment.country, shipment.postal_code, shipment.weight_grams);
    let consignment = Consignment::of_another(
        shipment.order_id,
        shipment.account_id,
        shipment.option,
        shipment.recipient,
        destination,
    );
    let consignment = faults.take(consignment);
    faults.line("/trackingNumber", &shipment.tracking_number, 1..=200);
    let event = |(place, wire::EventState { status, note, at }): (usize, wire::EventState)| {
        let pointer = format!("/events/{place}/at");
        let at = faults.take(Timestamp::parse(&at).ok_or_else(|| Faults::at(pointer, "must be a time in UTC")))?;
        Some(Event { status: status.into(), note, at })
    };
    let events: Vec<Event> = shipment.events.into_iter().enumerate().filter_map(event).collect();
    let status = Shipment::status_after(&events);
    faults.check(status.is_some(), "/events", "must begin with scheduled, and each go further than the one before");
    let (id, tracking_number) = (shipment_id.to_owned(), shipment.tracking_number);
    let shipment = consignment.zip(status);
    faults.complete(shipment.map(|(consignment, status)| Shipment { id, consignment, tracking_number, status, events }))
}

/// Whether a store has the same entries after an import as the store that its entities come from.
#[cfg(test)]
const SAME_ENTRIES: bool = true;

#[cfg(test)]
mod tests;
