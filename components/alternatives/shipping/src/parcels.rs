//! The stored parcels: a label that never changes, and one entry for each event.
//!
//! | key | value |
//! |---|---|
//! | `label/<shipment>` | [`Label`] |
//! | `event/<shipment>/<number>` | [`Event`], numbered from 0 |
//! | `shipment-of/<order>` | the id of the shipment |

use serde::{Deserialize, Serialize};
use switchyard_sdk::state::Page;
use switchyard_sdk::{Timestamp, id, store};

/// Prefix of the keys of labels.
pub(crate) const LABEL: &str = "label/";

/// Where a parcel goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Label {
    pub(crate) tracking_number: String,
    pub(crate) order_id: String,
    pub(crate) account_id: String,
    pub(crate) option: String,
    pub(crate) recipient: String,
    pub(crate) postal_code: String,
    pub(crate) country: String,
    pub(crate) weight_grams: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Status {
    Scheduled,
    Packed,
    Shipped,
    Delivered,
    Lost,
    Cancelled,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Event {
    pub(crate) status: Status,
    pub(crate) at: Timestamp,
    pub(crate) note: Option<String>,
}

impl Status {
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

    /// Whether a parcel can have this status after `before`.
    pub(crate) fn follows(self, before: Self) -> bool {
        match (before, self) {
            (_, Self::Scheduled) | (Self::Delivered | Self::Lost | Self::Cancelled, _) => false,
            (Self::Scheduled, _) => true,
            (Self::Packed, next) => next != Self::Packed,
            (Self::Shipped, next) => matches!(next, Self::Delivered | Self::Lost),
        }
    }
}

/// Whether these can be the events of one parcel, in this order.
pub(crate) fn is_history(events: &[Event]) -> bool {
    let starts = events.first().is_some_and(|first| first.status == Status::Scheduled);
    starts && events.is_sorted_by(|one, next| next.status.follows(one.status))
}

/// The label of a shipment; nothing for a text that is not an id.
pub(crate) fn label(shipment_id: &str) -> Option<Label> {
    if id::is_id(shipment_id) { store::get(&[LABEL, shipment_id].concat()) } else { None }
}

/// The events of a shipment, the earliest first.
pub(crate) fn events(shipment_id: &str) -> Vec<Event> {
    store::all(&event_prefix(shipment_id)).map(|(_, event)| event).collect()
}

/// The id of the shipment of an order.
pub(crate) fn shipment_of(order_id: &str) -> Option<String> {
    if id::is_id(order_id) { store::get(&order_key(order_id)) } else { None }
}

/// Stores a new parcel.
pub(crate) fn add(shipment_id: &str, label: &Label, events: &[Event]) {
    store::set(&[LABEL, shipment_id].concat(), label);
    store::set(&order_key(&label.order_id), shipment_id);
    for (number, event) in events.iter().enumerate() {
        append(shipment_id, number, event);
    }
}

/// Stores the event of that number.
pub(crate) fn append(shipment_id: &str, number: usize, event: &Event) {
    store::set(&format!("{}{number:03}", event_prefix(shipment_id)), event);
}

/// Deletes everything about a shipment.
pub(crate) fn remove(shipment_id: &str) {
    let Some(label) = label(shipment_id) else { return };
    let events: Vec<String> = store::all::<Event>(&event_prefix(shipment_id)).map(|(key, _)| key).collect();
    events.iter().for_each(|key| store::delete(key));
    store::delete(&[LABEL, shipment_id].concat());
    if shipment_of(&label.order_id).as_deref() == Some(shipment_id) {
        store::delete(&order_key(&label.order_id));
    }
}

/// Adds the parcels of a page of entities.
pub(crate) fn export<E>(page: &mut Page<E>, entity: impl Fn(Label, Vec<Event>) -> E) {
    page.add("shipment/", LABEL, |shipment_id, label: Label| Some(entity(label, events(shipment_id))));
}

fn event_prefix(shipment_id: &str) -> String {
    ["event/", shipment_id, "/"].concat()
}

fn order_key(order_id: &str) -> String {
    ["shipment-of/", order_id].concat()
}
