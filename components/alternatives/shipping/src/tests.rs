//! The service as its clients see it, over the stand-in of the host.

use std::cell::RefCell;

use contract::{Guest as _, ShipmentStatus};
use switchyard_sdk::native;

use super::*;

thread_local! {
    static EMITTED: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Takes the place of the contract's event.
pub(crate) fn shipment_status_changed(_shipment_id: &str, order_id: &str, status: &str) {
    EMITTED.with_borrow_mut(|emitted| emitted.push(format!("{order_id} {status}")));
}

fn scheduled(order_id: &str) -> contract::Shipment {
    let details = contract::ShipmentDetails {
        order_id: order_id.to_owned(),
        account_id: "acc_anna".into(),
        option: "standard".into(),
        recipient: "Anna Lee".into(),
        country: "DE".into(),
        postal_code: "10115".into(),
        weight_grams: 500,
    };
    Component::schedule(details).expect("it can be sent")
}

fn record(shipment_id: &str, status: ShipmentStatus) -> Result<contract::Shipment, Problem> {
    Component::record_event(shipment_id.to_owned(), contract::StatusChange { status, note: None })
}

#[test]
fn an_order_has_one_shipment_that_moves_forward_only() {
    native::reset();
    let shipment = scheduled("ord_1");
    assert_eq!(scheduled("ord_1"), shipment);
    assert!(record(&shipment.id, ShipmentStatus::Packed).is_ok());
    assert!(matches!(record(&shipment.id, ShipmentStatus::Packed), Err(Problem::Conflict(_))));
    assert!(matches!(record(&shipment.id, ShipmentStatus::Scheduled), Err(Problem::Invalid(_))));
    assert!(record(&shipment.id, ShipmentStatus::Shipped).is_ok());
    assert!(matches!(Component::cancel("ord_1".into()), Err(Problem::Conflict(_))));
    let delivered = record(&shipment.id, ShipmentStatus::Delivered).expect("it is ahead");
    assert_eq!((delivered.status, delivered.events.len()), (ShipmentStatus::Delivered, 4));
    assert_eq!(EMITTED.take(), ["ord_1 packed", "ord_1 shipped", "ord_1 delivered"]);
}

#[test]
fn a_shipment_is_called_off_once() {
    native::reset();
    let shipment = scheduled("ord_1");
    for _ in 0..2 {
        assert_eq!(Component::cancel("ord_1".into()), Ok(()));
    }
    assert_eq!(Component::cancel("ord_2".into()), Ok(()));
    assert!(record(&shipment.id, ShipmentStatus::Packed).is_err());
    assert_eq!(EMITTED.take(), ["ord_1 cancelled"]);
}

#[test]
fn a_shipment_is_shown_to_its_customer_and_to_staff() {
    native::reset();
    let shipment = scheduled("ord_1");
    for (caller, role, shown) in
        [("acc_anna", "customer", true), ("acc_bob", "customer", false), ("acc_staff", "staff", true)]
    {
        native::sign_in(caller, role, None);
        assert_eq!(Component::get_shipment(shipment.id.clone()).is_ok(), shown, "{caller}");
    }
}

#[test]
fn quotes_are_sorted_by_price_everywhere() {
    for country in ["DE", "FR", "JP"] {
        for weight_grams in [0, 1, 5_000, 5_001, u32::MAX] {
            let request = contract::QuoteRequest { country: country.into(), postal_code: "10115".into(), weight_grams };
            let options = Component::quote(request).expect("it can be sent").options;
            assert!(options.is_sorted_by_key(|option| option.price.amount));
            assert!(options.iter().all(|option| option.price.amount > 0));
        }
    }
}
