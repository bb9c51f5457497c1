//! Under which keys the service's state lies.
//!
//! | key | value |
//! |---|---|
//! | `shipment/<shipment>` | the shipment |
//! | `order/<order>` | the shipment that the order has |

use serde::{Deserialize, Serialize};
use switchyard_sdk::{id, store};

use crate::domain::shipment::Shipment;

/// A shipment as it is stored; a later form becomes a further case.
#[derive(Serialize, Deserialize)]
enum StoredShipment {
    V1(Shipment),
}

/// The shipment, if there is one of that id, which may be any text.
pub(crate) fn shipment(shipment_id: &str) -> Option<Shipment> {
    if !id::is_id(shipment_id) {
        return None;
    }
    store::get(&shipment_key(shipment_id)).map(|StoredShipment::V1(shipment)| shipment)
}

/// The shipment of an order, whose id is one.
pub(crate) fn shipment_of(order_id: &str) -> Option<Shipment> {
    let shipment_id: String = store::get(&order_key(order_id))?;
    shipment(&shipment_id)
}

/// Keeps a shipment that is new, under its order too.
pub(crate) fn add_shipment(shipment: Shipment) {
    store::set(&order_key(&shipment.consignment.order_id), &shipment.id);
    save_shipment(shipment);
}

pub(crate) fn save_shipment(shipment: Shipment) {
    store::set(&shipment_key(&shipment.id), &StoredShipment::V1(shipment));
}

fn shipment_key(shipment_id: &str) -> String {
    format!("shipment/{shipment_id}")
}

fn order_key(order_id: &str) -> String {
    format!("order/{order_id}")
}
