//! Export and import of the state. Every implementation of the contract runs these tests.

use contract::Guest as _;
use inventory::Guest as _;
use proptest::prelude::*;
use switchyard_sdk::native::{self, StateUnderTest};
use switchyard_sdk::time;
use switchyard_sdk::types::Money as ContractMoney;

use super::*;

const STATE: StateUnderTest<contract::Entity> = StateUnderTest {
    export: |after, until, limit| {
        let page = Component::export_state(after, until, limit);
        page.into_iter().map(|contract::Entry { key, value }| (key, value)).collect()
    },
    import: |changes| {
        let changes = changes.into_iter().map(|(key, value)| contract::Change { key, value });
        Component::import_state(changes.collect())
    },
};

/// One call to the service. It may be refused.
#[derive(Debug, Clone)]
enum Step {
    Put(u8, u8),
    Receive(u8, u32),
    Reserve(u8, Vec<(u8, u32)>),
    Confirm(u8),
    Release(u8),
    Wait(u64),
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0u8..5, 0u8..3).prop_map(|(sku, category)| Step::Put(sku, category)),
        2 => (0u8..5, 1u32..50).prop_map(|(sku, quantity)| Step::Receive(sku, quantity)),
        3 => (0u8..6, prop::collection::vec((0u8..5, 1u32..9), 1..4)).prop_map(|(order, lines)| Step::Reserve(order, lines)),
        2 => (0u8..6).prop_map(Step::Confirm),
        1 => (0u8..6).prop_map(Step::Release),
        1 => (1u64..2_000).prop_map(Step::Wait),
    ]
}

fn take(step: Step) {
    let (sku, order) = (|number: u8| format!("sku-{number}"), |number: u8| format!("ord_{number}"));
    let details = |category: u8| inventory::ItemDetails {
        title: "Mug".to_owned(),
        description: String::new(),
        category: format!("category {category}"),
        price: ContractMoney { amount: 1299, currency: "EUR".to_owned() },
        image: "/img/mug.svg".to_owned(),
        weight_grams: 350,
    };
    let line = |(number, quantity): (u8, u32)| inventory::Line { sku: sku(number), quantity };
    let _done = native::transaction(
        || match step {
            Step::Put(number, category) => Component::put_item(sku(number), details(category)).map(drop),
            Step::Receive(number, quantity) => {
                Component::receive_stock(sku(number), inventory::Receipt { quantity }).map(drop)
            }
            Step::Reserve(number, lines) => {
                Component::reserve(order(number), lines.into_iter().map(line).collect()).map(drop)
            }
            Step::Confirm(number) => Component::confirm(order(number)),
            Step::Release(number) => Component::release(order(number)),
            Step::Wait(seconds) => {
                native::advance_seconds(seconds);
                Component::expire_reservations();
                Ok(())
            }
        },
        Result::is_ok,
    );
}

fn fill(steps: Vec<Step>) {
    native::reset();
    steps.into_iter().for_each(take);
}

proptest! {
    #[test]
    fn what_goes_out_comes_in_again(steps in prop::collection::vec(any_step(), 0..60), limit in 1u32..8) {
        fill(steps);
        let keys = native::keys();
        STATE.assert_round_trip(limit);
        prop_assert!(!SAME_ENTRIES || native::keys() == keys, "the same entries");
    }

    #[test]
    fn a_store_follows_another_by_changes(
        steps in prop::collection::vec(any_step(), 0..40),
        more in prop::collection::vec(any_step(), 0..40),
        start in any::<u8>(),
    ) {
        fill(steps);
        let before = STATE.entities(1_000);
        more.into_iter().for_each(take);
        let keys = native::keys();
        STATE.assert_follows(&before, start.into());
        prop_assert!(!SAME_ENTRIES || native::keys() == keys, "the same entries");
    }
}

fn item() -> contract::ItemState {
    contract::ItemState {
        title: "Mug".to_owned(),
        description: String::new(),
        category: "Kitchen".to_owned(),
        price: ContractMoney { amount: 1299, currency: "EUR".to_owned() },
        image: "/img/mug.svg".to_owned(),
        weight_grams: 350,
        on_hand: 7,
        sold: 5,
    }
}

fn reservation(lines: &[(&str, u32)], status: contract::ReservationStatus) -> contract::ReservationState {
    let line = |(sku, quantity): &(&str, u32)| inventory::Line { sku: (*sku).to_owned(), quantity: *quantity };
    let expires_at = "2026-01-01T00:15:00.000000Z".to_owned();
    contract::ReservationState { lines: lines.iter().map(line).collect(), status, expires_at }
}

#[test]
fn what_came_in_is_sold_and_let_go_as_if_it_had_been_here() {
    use contract::ReservationStatus::{Held, Sold};
    native::reset();
    let changes = vec![
        ("reservation/ord_1".to_owned(), Some(contract::Entity::Reservation(reservation(&[("mug", 3)], Held)))),
        ("item/mug".to_owned(), Some(contract::Entity::Item(item()))),
        ("reservation/ord_2".to_owned(), Some(contract::Entity::Reservation(reservation(&[("mug", 5)], Sold)))),
    ];
    STATE.import(changes).expect("good entities");
    let available = || Component::get_item("mug".to_owned()).expect("on sale").available;
    assert_eq!(available(), 4);
    Component::confirm("ord_1".to_owned()).expect("held");
    assert_eq!(available(), 4);
    Component::release("ord_2".to_owned()).expect("sold");
    assert_eq!(available(), 9);
    let contract::Entity::Item(mug) = &STATE.entities(10)["item/mug"] else { panic!("no item") };
    assert_eq!((mug.on_hand, mug.sold), (9, 3));
    STATE
        .import(vec![(
            "reservation/ord_3".to_owned(),
            Some(contract::Entity::Reservation(reservation(&[("mug", 9)], Held))),
        )])
        .expect("a good entity");
    assert_eq!(available(), 0);
    native::advance_seconds(15 * 60);
    assert!(time::now() >= Timestamp::parse("2026-01-01T00:15:00Z").expect("a time"));
    Component::expire_reservations();
    assert_eq!(available(), 9);
}

#[test]
fn an_entity_that_cannot_be_is_refused_by_key_and_field_and_nothing_changes() {
    use contract::ReservationStatus::Held;
    native::reset();
    STATE.import(vec![("item/mug".to_owned(), Some(contract::Entity::Item(item())))]).expect("a good entity");
    let (entities, keys) = (STATE.entities(10), native::keys());
    let price = ContractMoney { amount: -1, currency: "EUR".to_owned() };
    let held = |lines| contract::Entity::Reservation(reservation(lines, Held));
    let bad = [
        ("item/a b", Some(contract::Entity::Item(item())), ""),
        ("items/a", None, ""),
        ("mug", None, ""),
        ("reservation/mug", Some(contract::Entity::Item(item())), ""),
        (
            "item/cup",
            Some(contract::Entity::Item(contract::ItemState { price, title: String::new(), ..item() })),
            "/title /price/amount",
        ),
        ("reservation/ord_1", Some(held(&[])), "/lines"),
        ("reservation/ord_1", Some(held(&[("b", 1), ("a", 1)])), "/lines"),
        ("reservation/ord_1", Some(held(&[("a", 1), ("a", 1)])), "/lines"),
        ("reservation/ord_1", Some(held(&[("a", 0)])), "/lines"),
        ("reservation/ord_1", Some(held(&[("a/b", 1)])), "/lines"),
        (
            "reservation/ord_1",
            Some(contract::Entity::Reservation(contract::ReservationState {
                expires_at: "tomorrow".to_owned(),
                ..reservation(&[("a", 1)], Held)
            })),
            "/expiresAt",
        ),
    ];
    for (key, value, fields) in bad {
        let good = ("item/mug".to_owned(), None);
        let told = STATE.import(vec![good, (key.to_owned(), value)]).expect_err(key);
        let names_them = fields.split(' ').all(|field| told.contains(field));
        assert!(told.starts_with(&format!("{key}: ")) && names_them, "{told}");
        assert_eq!((STATE.entities(10), native::keys()), (entities.clone(), keys.clone()), "{key}");
    }
}
