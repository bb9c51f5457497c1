//! The service from its clients' view, on the stand-in of the host.

use std::cell::RefCell;

use switchyard_sdk::native;
use wire::{Guest as _, ShipmentStatus};

use super::*;

thread_local! {
    static EMITTED: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Replaces the contract's event.
pub(crate) fn shipment_status_changed(shipment_id: &str, order_id: &str, status: &str) {
    EMITTED.with_borrow_mut(|emitted| emitted.push(format!("{shipment_id} {order_id} {status}")));
}

/// The events that were emitted since the last call.
fn emitted() -> Vec<String> {
    EMITTED.take()
}

fn details(order_id: &str) -> wire::ShipmentDetails {
    wire::ShipmentDetails {
        order_id: order_id.to_owned(),
        account_id: "acc_anna".into(),
        option: "standard".into(),
        recipient: "Anna Lee".into(),
        country: "DE".into(),
        postal_code: "10115".into(),
        weight_grams: 500,
    }
}

fn scheduled(order_id: &str) -> wire::Shipment {
    Component::schedule(details(order_id)).expect("it can be sent")
}

fn record(id: &str, status: ShipmentStatus) -> Result<wire::Shipment, Problem> {
    Component::record_event(id.to_owned(), wire::StatusChange { status, note: None })
}

#[test]
fn a_quote_is_anyones_and_writes_nothing() {
    native::reset();
    let request = wire::QuoteRequest { country: "DE".into(), postal_code: "10115".into(), weight_grams: 500 };
    let options = Component::quote(request.clone()).expect("a good request").options;
    let prices: Vec<i64> = options.iter().map(|option| option.price.amount).collect();
    assert!(prices.len() >= 2 && prices.is_sorted(), "{prices:?}");
    assert!(matches!(
        Component::quote(wire::QuoteRequest { country: "XX".into(), ..request }),
        Err(Problem::Invalid(_))
    ));
    assert_eq!(native::keys(), [""; 0]);
}

#[test]
fn an_order_has_one_shipment_however_often_it_is_scheduled() {
    native::reset();
    let first = scheduled("ord_1");
    assert_eq!(scheduled("ord_1"), first);
    assert_ne!(scheduled("ord_2").id, first.id);
    assert_eq!(first.status, ShipmentStatus::Scheduled);
    assert!(first.tracking_number.starts_with("SY"), "{}", first.tracking_number);
    assert_eq!(first.events.len(), 1);
    assert_eq!(emitted(), [""; 0]);
}

#[test]
fn each_move_is_kept_and_emitted_and_a_refused_one_is_neither() {
    native::reset();
    let id = scheduled("ord_1").id;
    for (status, name) in [
        (ShipmentStatus::Packed, "packed"),
        (ShipmentStatus::Shipped, "shipped"),
        (ShipmentStatus::Delivered, "delivered"),
    ] {
        assert_eq!(record(&id, status).map(|shipment| shipment.status), Ok(status));
        assert_eq!(emitted(), [format!("{id} ord_1 {name}")]);
        assert!(matches!(record(&id, status), Err(Problem::Conflict(_))));
    }
    assert!(matches!(record(&id, ShipmentStatus::Lost), Err(Problem::Conflict(_))));
    assert!(matches!(record(&id, ShipmentStatus::Cancelled), Err(Problem::Invalid(_))));
    assert!(matches!(record("shp_none", ShipmentStatus::Packed), Err(Problem::NotFound(_))));
    assert_eq!(emitted(), [""; 0]);
    native::sign_in("acc_anna", caller::CUSTOMER, None);
    let statuses = Component::get_shipment(id).map(|shipment| shipment.events.len());
    assert_eq!(statuses, Ok(4));
}

#[test]
fn the_shipment_of_an_order_is_called_off_once_and_not_after_it_shipped() {
    native::reset();
    let id = scheduled("ord_1").id;
    for emits in [1, 0] {
        assert_eq!(Component::cancel("ord_1".into()), Ok(()));
        assert_eq!(emitted().len(), emits);
        assert_eq!(storage::shipment(&id).map(|shipment| shipment.status), Some(shipment::Status::Cancelled));
    }
    let id = scheduled("ord_2").id;
    record(&id, ShipmentStatus::Shipped).expect("it is ahead");
    emitted();
    assert!(matches!(Component::cancel("ord_2".into()), Err(Problem::Conflict(_))));
    for order_without_shipment in ["ord_none", "", "a/b", &"x".repeat(2000)] {
        assert_eq!(Component::cancel(order_without_shipment.to_owned()), Ok(()));
    }
    assert_eq!(emitted(), [""; 0]);
}

#[test]
fn a_shipment_is_there_for_its_customer_and_staff_alone() {
    native::reset();
    let shipment = scheduled("ord_1");
    let ask = |id: &str| Component::get_shipment(id.to_owned());
    for id in [shipment.id.as_str(), "shp_none"] {
        assert!(matches!(ask(id), Err(Problem::Unauthenticated(_))), "{id}");
    }
    native::sign_in("acc_ben", caller::CUSTOMER, None);
    // Another customer's shipment and a missing one give the same answer.
    assert_eq!(ask(&shipment.id), ask("shp_none"));
    assert!(matches!(ask(&shipment.id), Err(Problem::NotFound(_))));
    for (who, role) in [("acc_anna", caller::CUSTOMER), ("acc_sue", caller::STAFF)] {
        native::sign_in(who, role, None);
        assert_eq!(ask(&shipment.id), Ok(shipment.clone()), "{who}");
    }
    for id in ["", "a/b", &"x".repeat(2000)] {
        assert!(matches!(ask(id), Err(Problem::NotFound(_))), "{id}");
    }
}
