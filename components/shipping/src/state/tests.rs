//! Export and import of the state. Every implementation of the contract runs these tests.

use proptest::prelude::*;
use switchyard_sdk::native::{self, StateUnderTest};
use wire::Guest as _;

use super::*;
use crate::bindings::exports::shop::shipping::shipping::{self, Guest as _, ShipmentStatus};

const STATE: StateUnderTest<wire::Entity> = StateUnderTest {
    export: |after, until, limit| {
        let page = Component::export_state(after, until, limit);
        page.into_iter().map(|wire::Entry { key, value }| (key, value)).collect()
    },
    import: |changes| {
        let changes = changes.into_iter().map(|(key, value)| wire::Change { key, value });
        Component::import_state(changes.collect())
    },
};

/// One call about the shipment of an order. It may be refused.
#[derive(Debug, Clone)]
enum Step {
    Schedule,
    Record(ShipmentStatus, bool),
    Cancel,
}

fn any_step() -> impl Strategy<Value = (u8, Step)> {
    let status = prop::sample::select(vec![
        ShipmentStatus::Packed,
        ShipmentStatus::Shipped,
        ShipmentStatus::Delivered,
        ShipmentStatus::Lost,
    ]);
    let step = prop_oneof![
        3 => Just(Step::Schedule),
        3 => (status, any::<bool>()).prop_map(|(status, noted)| Step::Record(status, noted)),
        1 => Just(Step::Cancel),
    ];
    (0u8..6, step)
}

fn take((order, step): (u8, Step)) {
    native::advance_seconds(1);
    let order_id = format!("ord_{order}");
    let is_its = |entity: &wire::Entity| {
        let wire::Entity::Shipment(shipment) = entity;
        shipment.order_id == order_id
    };
    let key = STATE.entities(1_000).into_iter().find(|(_, entity)| is_its(entity)).map(|(key, _)| key);
    let shipment_id = key.as_deref().and_then(|key| key.strip_prefix("shipment/")).unwrap_or_default().to_owned();
    let details = shipping::ShipmentDetails {
        order_id: order_id.clone(),
        account_id: "acc_anna".into(),
        option: "standard".into(),
        recipient: "Anna Lee".into(),
        country: "DE".into(),
        postal_code: "10115".into(),
        weight_grams: 500,
    };
    let _done = match step {
        Step::Schedule => Component::schedule(details).map(drop),
        Step::Record(status, noted) => {
            let note = noted.then(|| "at the depot".to_owned());
            Component::record_event(shipment_id, shipping::StatusChange { status, note }).map(drop)
        }
        Step::Cancel => Component::cancel(order_id),
    };
}

proptest! {
    #[test]
    fn what_goes_out_comes_in_again(steps in prop::collection::vec(any_step(), 0..40), limit in 1u32..8) {
        native::reset();
        steps.into_iter().for_each(take);
        let keys = native::keys();
        STATE.assert_round_trip(limit);
        prop_assert!(!SAME_ENTRIES || native::keys() == keys, "the same entries");
    }

    #[test]
    fn a_store_follows_another_by_changes(
        steps in prop::collection::vec(any_step(), 0..30),
        more in prop::collection::vec(any_step(), 0..30),
        start in any::<u8>(),
    ) {
        native::reset();
        steps.into_iter().for_each(take);
        let before = STATE.entities(1_000);
        more.into_iter().for_each(take);
        let keys = native::keys();
        STATE.assert_follows(&before, start.into());
        prop_assert!(!SAME_ENTRIES || native::keys() == keys, "the same entries");
    }
}

fn event(status: ShipmentStatus, at: &str) -> wire::EventState {
    wire::EventState { status, note: None, at: at.to_owned() }
}

/// A shipment by an option that this implementation does not offer.
fn packed() -> wire::ShipmentState {
    wire::ShipmentState {
        order_id: "ord_1".into(),
        account_id: "acc_anna".into(),
        option: "by-drone".into(),
        recipient: "Anna Lee".into(),
        country: "DE".into(),
        postal_code: "10115".into(),
        weight_grams: 500,
        tracking_number: "DR-1".into(),
        events: vec![
            event(ShipmentStatus::Scheduled, "2025-12-31T00:00:00.000001Z"),
            event(ShipmentStatus::Packed, "2026-01-01T00:00:00.000000Z"),
        ],
    }
}

#[test]
fn a_shipment_that_came_in_goes_on() {
    native::reset();
    STATE.import(vec![("shipment/shp_1".to_owned(), Some(wire::Entity::Shipment(packed())))]).expect("a good entity");
    let change = |status| shipping::StatusChange { status, note: None };
    assert!(Component::record_event("shp_1".into(), change(ShipmentStatus::Packed)).is_err());
    let shipment = Component::record_event("shp_1".into(), change(ShipmentStatus::Shipped)).expect("it is ahead");
    assert_eq!((shipment.option.as_str(), shipment.events.len()), ("by-drone", 3));
    assert!(Component::cancel("ord_1".into()).is_err());
}

#[test]
fn an_entity_that_cannot_be_is_refused_by_key_and_field_and_nothing_changes() {
    native::reset();
    STATE.import(vec![("shipment/shp_1".to_owned(), Some(wire::Entity::Shipment(packed())))]).expect("a good entity");
    let (entities, keys) = (STATE.entities(10), native::keys());
    let with = |events| wire::ShipmentState { events, ..packed() };
    let at = "2026-01-01T00:00:00Z";
    let bad = [
        ("shipment/a b", packed(), ""),
        ("ship/shp_1", packed(), ""),
        (
            "shipment/shp_2",
            wire::ShipmentState { order_id: String::new(), country: "XX".into(), ..packed() },
            "/orderId /country",
        ),
        ("shipment/shp_2", wire::ShipmentState { tracking_number: String::new(), ..packed() }, "/trackingNumber"),
        ("shipment/shp_2", with(Vec::new()), "/events"),
        ("shipment/shp_2", with(vec![event(ShipmentStatus::Packed, at)]), "/events"),
        (
            "shipment/shp_2",
            with(vec![event(ShipmentStatus::Scheduled, at), event(ShipmentStatus::Scheduled, at)]),
            "/events",
        ),
        (
            "shipment/shp_2",
            with(vec![
                event(ShipmentStatus::Scheduled, at),
                event(ShipmentStatus::Shipped, at),
                event(ShipmentStatus::Cancelled, at),
            ]),
            "/events",
        ),
        (
            "shipment/shp_2",
            with(vec![event(ShipmentStatus::Scheduled, at), event(ShipmentStatus::Packed, "now")]),
            "/events/1/at",
        ),
    ];
    for (key, value, fields) in bad {
        let good = ("shipment/shp_1".to_owned(), None);
        let told = STATE.import(vec![good, (key.to_owned(), Some(wire::Entity::Shipment(value)))]).expect_err(key);
        let names_them = fields.split(' ').all(|field| told.contains(field));
        assert!(told.starts_with(&format!("{key}: ")) && names_them, "{told}");
        assert_eq!((STATE.entities(10), native::keys()), (entities.clone(), keys.clone()), "{key}");
    }
}
