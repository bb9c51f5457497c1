//! A shipment and its states: scheduled, packed, shipped, then delivered or lost; cancelled before it ships.
//!
//! Invariant: the status only moves forward, so that there are at most five events, each later than the one before.

use serde::{Deserialize, Serialize};
use switchyard_sdk::{Faults, Timestamp, id};

use super::destination::Destination;
use super::tariff;

/// Longest recipient, in characters.
const RECIPIENT_CHARS_MAX: usize = 200;

/// Longest note, in characters.
const NOTE_CHARS_MAX: usize = 500;

/// The state of a shipment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Status {
    Scheduled,
    Packed,
    Shipped,
    Delivered,
    Lost,
    Cancelled,
}

impl Status {
    /// The name in contracts.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Packed => "packed",
            Self::Shipped => "shipped",
            Self::Delivered => "delivered",
            Self::Lost => "lost",
            Self::Cancelled => "cancelled",
        }
    }

    /// Its position on the way; the last ones are final.
    fn step(self) -> u8 {
        match self {
            Self::Scheduled => 0,
            Self::Packed => 1,
            Self::Shipped => 2,
            Self::Delivered | Self::Lost | Self::Cancelled => 3,
        }
    }
}

/// One event of a shipment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Event {
    pub(crate) status: Status,
    pub(crate) note: Option<String>,
    pub(crate) at: Timestamp,
}

/// The checked data of a shipment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Consignment {
    pub(crate) order_id: String,
    pub(crate) account_id: String,
    pub(crate) option: String,
    pub(crate) recipient: String,
    pub(crate) destination: Destination,
}

impl Consignment {
    /// Refuses data that could not be shipped; `destination` may already be refused.
    pub(crate) fn parse(
        order_id: String,
        account_id: String,
        option: String,
        recipient: String,
        destination: Result<Destination, Faults>,
    ) -> Result<Self, Faults> {
        let mut faults = Faults::new();
        let offered = destination.as_ref().map_or(true, |destination| tariff::has_option(destination, &option));
        let consignment = faults.take(Self::of_another(order_id, account_id, option, recipient, destination));
        faults.check(offered, "/option", "must be an option that is offered to the country");
        faults.complete(consignment)
    }

    /// A consignment that another implementation took: it may have offered other options.
    pub(crate) fn of_another(
        order_id: String,
        account_id: String,
        option: String,
        recipient: String,
        destination: Result<Destination, Faults>,
    ) -> Result<Self, Faults> {
        let mut faults = Faults::new();
        faults.check(id::is_id(&order_id), "/orderId", "must be an order's id");
        faults.check(id::is_id(&account_id), "/accountId", "must be an account's id");
        faults.line("/recipient", &recipient, 1..=RECIPIENT_CHARS_MAX);
        let destination = faults.take(destination);
        faults.complete(destination.map(|destination| Self { order_id, account_id, option, recipient, destination }))
    }
}

/// A consignment on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shipment {
    pub(crate) id: String,
    pub(crate) consignment: Consignment,
    pub(crate) tracking_number: String,
    pub(crate) status: Status,
    pub(crate) events: Vec<Event>,
}

/// Why a shipment was not changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    Invalid(Faults),
    /// There is no step between these states.
    Move {
        from: Status,
        to: Status,
    },
}

impl Shipment {
    /// A new shipment without events.
    pub(crate) fn schedule(id: String, tracking_number: String, consignment: Consignment, now: Timestamp) -> Self {
        let status = Status::Scheduled;
        let events = vec![Event { status, note: None, at: now }];
        Self { id, consignment, tracking_number, status, events }
    }

    /// The status that a shipment has after all of its events; nothing if they are no shipment's.
    pub(crate) fn status_after(events: &[Event]) -> Option<Status> {
        let goes_further = |one: &Event, next: &Event| one.status.step() < next.status.step();
        let from_start = events.first().is_some_and(|first| first.status == Status::Scheduled);
        let cancelled_late = events.iter().any(|event| event.status == Status::Shipped)
            && events.iter().any(|event| event.status == Status::Cancelled);
        let right = from_start && !cancelled_late && events.is_sorted_by(goes_further);
        events.last().map(|last| last.status).filter(|_| right)
    }

    /// Records an event.
    pub(crate) fn record(&mut self, to: Status, note: Option<String>, now: Timestamp) -> Result<(), Refusal> {
        let mut faults = Faults::new();
        let recordable = !matches!(to, Status::Scheduled | Status::Cancelled);
        faults.check(recordable, "/status", "must be packed, shipped, delivered or lost");
        faults.line("/note", note.as_deref().unwrap_or_default(), 0..=NOTE_CHARS_MAX);
        faults.into_result(()).map_err(Refusal::Invalid)?;
        if to.step() <= self.status.step() {
            return Err(Refusal::Move { from: self.status, to });
        }
        self.go(to, note, now);
        Ok(())
    }

    /// Cancels it; returns whether it was not cancelled before.
    pub(crate) fn cancel(&mut self, now: Timestamp) -> Result<bool, Refusal> {
        let to = Status::Cancelled;
        match self.status {
            Status::Cancelled => Ok(false),
            Status::Scheduled | Status::Packed => {
                self.go(to, None, now);
                Ok(true)
            }
            from => Err(Refusal::Move { from, to }),
        }
    }

    fn go(&mut self, to: Status, note: Option<String>, now: Timestamp) {
        self.status = to;
        self.events.push(Event { status: to, note, at: now });
    }
}

/// Random bytes of a tracking number.
pub(crate) const TRACKING_BYTES: usize = 12;

/// A tracking number: `SY` and 24 digits of base 16, in capitals as carriers print them.
pub(crate) fn tracking_number(random: [u8; TRACKING_BYTES]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let digits = random.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let digit = |digit: u8| DIGITS.get(usize::from(digit)).copied().map_or('0', char::from);
    ['S', 'Y'].into_iter().chain(digits.map(digit)).collect()
}

#[cfg(test)]
mod tests;
