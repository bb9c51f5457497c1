//! The shipping service: prices of shipping, and the states of shipments.

#[allow(unsafe_code, unreachable_pub, missing_debug_implementations, reason = "generated")]
mod bindings;
mod domain;
mod state;
mod storage;
mod translate;

use switchyard_sdk::{Problem, caller, id, time};

use crate::bindings::Component;
use crate::bindings::exports::shop::shipping::shipping as wire;
#[cfg(not(test))]
use crate::bindings::shop::events::shipment_events::shipment_status_changed;
use crate::domain::destination::Destination;
use crate::domain::shipment::{self, Consignment, Shipment};
use crate::domain::tariff;
#[cfg(test)]
use crate::tests::shipment_status_changed;

impl wire::Guest for Component {
    fn quote(request: wire::QuoteRequest) -> Result<wire::Quotes, Problem> {
        let destination = Destination::parse(&request.country, request.postal_code, request.weight_grams)?;
        Ok(wire::Quotes { options: tariff::quotes(&destination).into_iter().map(Into::into).collect() })
    }

    fn get_shipment(id: String) -> Result<wire::Shipment, Problem> {
        let identity = caller::anyone()?;
        let visible =
            |shipment: &Shipment| caller::is_staff(&identity) || shipment.consignment.account_id == identity.id;
        storage::shipment(&id).filter(visible).map(Into::into).ok_or_else(no_such_shipment)
    }

    fn record_event(id: String, change: wire::StatusChange) -> Result<wire::Shipment, Problem> {
        let mut shipment = storage::shipment(&id).ok_or_else(no_such_shipment)?;
        shipment.record(change.status.into(), change.note, time::now())?;
        Ok(moved(shipment))
    }

    fn schedule(details: wire::ShipmentDetails) -> Result<wire::Shipment, Problem> {
        let destination = Destination::parse(&details.country, details.postal_code, details.weight_grams);
        let consignment =
            Consignment::parse(details.order_id, details.account_id, details.option, details.recipient, destination)?;
        if let Some(shipment) = storage::shipment_of(&consignment.order_id) {
            return Ok(shipment.into());
        }
        let tracking_number = shipment::tracking_number(id::random_bytes());
        let shipment = Shipment::schedule(id::new("shp"), tracking_number, consignment, time::now());
        storage::add_shipment(shipment.clone());
        Ok(shipment.into())
    }

    fn cancel(order_id: String) -> Result<(), Problem> {
        if id::is_id(&order_id)
            && let Some(mut shipment) = storage::shipment_of(&order_id)
            && shipment.cancel(time::now())?
        {
            moved(shipment);
        }
        Ok(())
    }
}

/// Stores a changed shipment, and emits an event.
fn moved(shipment: Shipment) -> wire::Shipment {
    shipment_status_changed(&shipment.id, &shipment.consignment.order_id, shipment.status.name());
    storage::save_shipment(shipment.clone());
    shipment.into()
}

fn no_such_shipment() -> Problem {
    Problem::not_found("no such shipment")
}

#[cfg(test)]
mod tests;
