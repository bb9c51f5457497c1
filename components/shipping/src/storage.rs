//! The keys of the service's state.
//!
//! | key | value |
//! |---|---|
//! | `shipment/<shipment>` | the shipment |
//! | `order/<order>` | the shipment that the order has |

use serde::{Deserialize, Serialize};
use switchyard_sdk::state::Page;
use switchyard_sdk::{id, store};

use crate::domain::shipment::Shipment;

/// The stored form of a shipment; a later form becomes a new variant.
#[derive(Serialize, Deserialize)]
enum StoredShipment {
    V1(Shipment),
}

/// The shipment with that id, if there is one. The id may be any text.
pub(crate) fn shipment(shipment_id: &str) -> Option<Shipment> {
    if !id::is_id(shipment_id) {
        return None;
    }
    store::get(&shipment_key(shipment_id)).map(|StoredShipment::V1(shipment)| shipment)
}

/// The shipment of an order. The order id must have the form of an id.
pub(crate) fn shipment_of(order_id: &str) -> Option<Shipment> {
    let shipment_id: String = store::get(&order_key(order_id))?;
    shipment(&shipment_id)
}

/// Stores a new shipment, also under its order.
pub(crate) fn add_shipment(shipment: Shipment) {
    store::set(&order_key(&shipment.consignment.order_id), &shipment.id);
    save_shipment(shipment);
}

pub(crate) fn save_shipment(shipment: Shipment) {
    store::set(&shipment_key(&shipment.id), &StoredShipment::V1(shipment));
}

/// Puts a shipment of that id in place of what is there.
pub(crate) fn replace_shipment(shipment_id: &str, after: Option<Shipment>) {
    if let Some(before) = shipment(shipment_id) {
        let order_key = order_key(&before.consignment.order_id);
        if store::get::<String>(&order_key).as_deref() == Some(shipment_id) {
            store::delete(&order_key);
        }
        store::delete(&shipment_key(shipment_id));
    }
    if let Some(after) = after {
        add_shipment(after);
    }
}

/// Adds the shipments of a page of entities.
pub(crate) fn export_shipments<E>(page: &mut Page<E>, entity: impl Fn(Shipment) -> E) {
    page.add("shipment/", "shipment/", |_, StoredShipment::V1(shipment)| Some(entity(shipment)));
}

fn shipment_key(shipment_id: &str) -> String {
    format!("shipment/{shipment_id}")
}

fn order_key(order_id: &str) -> String {
    format!("order/{order_id}")
}
