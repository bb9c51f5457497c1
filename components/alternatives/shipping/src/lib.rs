//! A second shipping service for the shop's contract. It stores each event of a parcel as an entry of its own.

#[allow(unsafe_code, unreachable_pub, missing_debug_implementations, reason = "generated")]
mod bindings;
mod parcels;
mod prices;
mod state;

use switchyard_sdk::{Country, Faults, Problem, caller, id, time};

use crate::bindings::Component;
use crate::bindings::exports::shop::shipping::shipping as contract;
#[cfg(not(test))]
use crate::bindings::shop::events::shipment_events::shipment_status_changed;
use crate::parcels::{Event, Label, Status};
#[cfg(test)]
use crate::tests::shipment_status_changed;

/// Longest texts, in characters.
const RECIPIENT_CHARS_MAX: usize = 200;
const POSTAL_CODE_CHARS_MAX: usize = 16;
const NOTE_CHARS_MAX: usize = 500;

impl contract::Guest for Component {
    fn quote(request: contract::QuoteRequest) -> Result<contract::Quotes, Problem> {
        let country = destination(&request.country, &request.postal_code)?;
        let option = |choice: prices::Choice| contract::ShippingOption {
            option: choice.option.to_owned(),
            carrier: choice.carrier.to_owned(),
            price: choice.price.into(),
            estimated_days: choice.days,
        };
        Ok(contract::Quotes { options: prices::choices(country, request.weight_grams).map(option).into() })
    }

    fn get_shipment(shipment_id: String) -> Result<contract::Shipment, Problem> {
        let identity = caller::anyone()?;
        let visible = |label: &Label| caller::is_staff(&identity) || label.account_id == identity.id;
        let label = parcels::label(&shipment_id).filter(visible).ok_or_else(no_such_shipment)?;
        let events = parcels::events(&shipment_id);
        shipment(shipment_id, label, events)
    }

    fn record_event(shipment_id: String, change: contract::StatusChange) -> Result<contract::Shipment, Problem> {
        let label = parcels::label(&shipment_id).ok_or_else(no_such_shipment)?;
        let (status, note) = (change.status.into(), change.note);
        let mut faults = Faults::new();
        let recordable = !matches!(status, Status::Scheduled | Status::Cancelled);
        faults.check(recordable, "/status", "must be packed, shipped, delivered or lost");
        faults.line("/note", note.as_deref().unwrap_or_default(), 0..=NOTE_CHARS_MAX);
        faults.into_result(())?;
        let events = go(&shipment_id, &label, status, note)?;
        shipment(shipment_id, label, events)
    }

    fn schedule(details: contract::ShipmentDetails) -> Result<contract::Shipment, Problem> {
        let label = checked(details)?;
        if let Some(shipment_id) = parcels::shipment_of(&label.order_id)
            && let Some(label) = parcels::label(&shipment_id)
        {
            let events = parcels::events(&shipment_id);
            return shipment(shipment_id, label, events);
        }
        let (shipment_id, label) = (id::new("shp"), Label { tracking_number: id::new("2P").to_uppercase(), ..label });
        let events = vec![Event { status: Status::Scheduled, at: time::now(), note: None }];
        parcels::add(&shipment_id, &label, &events);
        shipment(shipment_id, label, events)
    }

    fn cancel(order_id: String) -> Result<(), Problem> {
        let Some(shipment_id) = parcels::shipment_of(&order_id) else { return Ok(()) };
        let Some(label) = parcels::label(&shipment_id) else { return Ok(()) };
        match parcels::events(&shipment_id).last().map(|event| event.status) {
            Some(Status::Cancelled) => Ok(()),
            _ => go(&shipment_id, &label, Status::Cancelled, None).map(drop),
        }
    }
}

/// Appends an event to a parcel and tells the subscribers. Gives all events.
fn go(shipment_id: &str, label: &Label, to: Status, note: Option<String>) -> Result<Vec<Event>, Problem> {
    let mut events = parcels::events(shipment_id);
    let from = events.last().ok_or_else(no_such_shipment)?.status;
    let is_late = to == Status::Cancelled && from == Status::Shipped;
    if is_late || !to.follows(from) {
        return Err(Problem::conflict(format!("the shipment is {}: it cannot become {}", from.name(), to.name())));
    }
    let event = Event { status: to, at: time::now(), note };
    parcels::append(shipment_id, events.len(), &event);
    shipment_status_changed(shipment_id, &label.order_id, to.name());
    events.push(event);
    Ok(events)
}

fn destination(country: &str, postal_code: &str) -> Result<Country, Faults> {
    let mut faults = Faults::new();
    let parsed: Result<Country, _> = country.parse();
    let country = faults.take(parsed.map_err(|unknown| Faults::at("/country", unknown.to_string())));
    faults.line("/postalCode", postal_code, 1..=POSTAL_CODE_CHARS_MAX);
    faults.complete(country)
}

fn checked(details: contract::ShipmentDetails) -> Result<Label, Faults> {
    let country = destination(&details.country, &details.postal_code);
    let offered = country.as_ref().map_or(true, |country| {
        prices::choices(*country, details.weight_grams).iter().any(|choice| choice.option == details.option)
    });
    let mut faults = Faults::new();
    let _country = faults.take(country);
    faults.check(offered, "/option", "must be an option that is offered to the country");
    check(&mut faults, &details.order_id, &details.account_id, &details.recipient);
    let contract::ShipmentDetails { order_id, account_id, option, recipient, country, postal_code, weight_grams } =
        details;
    let tracking_number = String::new();
    faults.into_result(Label {
        tracking_number,
        order_id,
        account_id,
        option,
        recipient,
        postal_code,
        country,
        weight_grams,
    })
}

/// The rules for every label.
fn check(faults: &mut Faults, order_id: &str, account_id: &str, recipient: &str) {
    faults.check(id::is_id(order_id), "/orderId", "must be an id");
    faults.check(id::is_id(account_id), "/accountId", "must be an id");
    faults.line("/recipient", recipient, 1..=RECIPIENT_CHARS_MAX);
}

fn no_such_shipment() -> Problem {
    Problem::not_found("no such shipment")
}

fn shipment(shipment_id: String, label: Label, events: Vec<Event>) -> Result<contract::Shipment, Problem> {
    let status = events.last().ok_or_else(no_such_shipment)?.status.into();
    let event = |Event { status, at, note }| contract::ShipmentEvent {
        status: contract::ShipmentStatus::from(status),
        note,
        at: at.to_rfc3339(),
    };
    let Label { tracking_number, order_id, option, .. } = label;
    let events = events.into_iter().map(event).collect();
    Ok(contract::Shipment { id: shipment_id, order_id, option, tracking_number, status, events })
}

impl From<contract::ShipmentStatus> for Status {
    fn from(status: contract::ShipmentStatus) -> Self {
        match status {
            contract::ShipmentStatus::Scheduled => Self::Scheduled,
            contract::ShipmentStatus::Packed => Self::Packed,
            contract::ShipmentStatus::Shipped => Self::Shipped,
            contract::ShipmentStatus::Delivered => Self::Delivered,
            contract::ShipmentStatus::Lost => Self::Lost,
            contract::ShipmentStatus::Cancelled => Self::Cancelled,
        }
    }
}

impl From<Status> for contract::ShipmentStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Scheduled => Self::Scheduled,
            Status::Packed => Self::Packed,
            Status::Shipped => Self::Shipped,
            Status::Delivered => Self::Delivered,
            Status::Lost => Self::Lost,
            Status::Cancelled => Self::Cancelled,
        }
    }
}

#[cfg(test)]
mod tests;
