//! Conversions between the contract's types and the domain's.

use switchyard_sdk::Problem;

use crate::bindings::exports::shop::shipping::shipping as wire;
use crate::domain::shipment::{Event, Refusal, Shipment, Status};
use crate::domain::tariff::Quote;

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Invalid(faults) => faults.into(),
            Refusal::Move { from, to } => {
                Self::conflict(format!("the shipment is {}: it cannot become {}", from.name(), to.name()))
            }
        }
    }
}

impl From<Status> for wire::ShipmentStatus {
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

impl From<wire::ShipmentStatus> for Status {
    fn from(status: wire::ShipmentStatus) -> Self {
        match status {
            wire::ShipmentStatus::Scheduled => Self::Scheduled,
            wire::ShipmentStatus::Packed => Self::Packed,
            wire::ShipmentStatus::Shipped => Self::Shipped,
            wire::ShipmentStatus::Delivered => Self::Delivered,
            wire::ShipmentStatus::Lost => Self::Lost,
            wire::ShipmentStatus::Cancelled => Self::Cancelled,
        }
    }
}

impl From<Quote> for wire::ShippingOption {
    fn from(quote: Quote) -> Self {
        Self {
            option: quote.option.to_owned(),
            carrier: quote.carrier.to_owned(),
            price: quote.price.into(),
            estimated_days: quote.estimated_days,
        }
    }
}

impl From<Event> for wire::ShipmentEvent {
    fn from(event: Event) -> Self {
        Self { status: event.status.into(), note: event.note, at: event.at.to_rfc3339() }
    }
}

impl From<Shipment> for wire::Shipment {
    fn from(shipment: Shipment) -> Self {
        Self {
            id: shipment.id,
            order_id: shipment.consignment.order_id,
            option: shipment.consignment.option,
            tracking_number: shipment.tracking_number,
            status: shipment.status.into(),
            events: shipment.events.into_iter().map(Into::into).collect(),
        }
    }
}
