//! Export and import of the state. Every implementation of the contract runs these tests.

use contract::Guest as _;
use proptest::prelude::*;
use switchyard_sdk::native::{self, StateUnderTest};
use switchyard_sdk::types::Money as ContractMoney;
use switchyard_sdk::{Problem, caller, time};

use super::*;
use crate::bindings::exports::shop::cart::cart::{self as wire, Guest as _};
use crate::bindings::exports::shop::events::payment_events::Guest as _;
use crate::bindings::exports::shop::events::shipment_events::Guest as _;

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

fn eur(amount: i64) -> ContractMoney {
    ContractMoney { amount, currency: "EUR".to_owned() }
}

/// One call or event. It may be refused. Accounts are numbers, and 0 is a guest.
#[derive(Debug, Clone)]
enum Step {
    Create { by: u8 },
    SetLine { cart: usize, sku: &'static str, quantity: u32, by: u8 },
    Claim { cart: usize, by: u8 },
    CheckOut { cart: usize, by: u8 },
    Cancel { order: usize },
    Refunded { order: usize, amount: i64 },
    Moved { order: usize, status: &'static str },
    Undo { order: usize },
    Wait { days: u64 },
}

fn any_step() -> impl Strategy<Value = Step> {
    let sku = prop::sample::select(vec!["a", "b", "c"]);
    let status = prop::sample::select(vec!["packed", "shipped", "delivered", "cancelled"]);
    let place = 0usize..8;
    prop_oneof![
        3 => (0u8..3).prop_map(|by| Step::Create { by }),
        6 => (place.clone(), sku, 1u32..5, 0u8..3)
            .prop_map(|(cart, sku, quantity, by)| Step::SetLine { cart, sku, quantity, by }),
        1 => (place.clone(), 1u8..3).prop_map(|(cart, by)| Step::Claim { cart, by }),
        3 => (place.clone(), 1u8..3).prop_map(|(cart, by)| Step::CheckOut { cart, by }),
        1 => place.clone().prop_map(|order| Step::Cancel { order }),
        1 => (place.clone(), 1i64..1500).prop_map(|(order, amount)| Step::Refunded { order, amount }),
        1 => (place.clone(), status).prop_map(|(order, status)| Step::Moved { order, status }),
        1 => place.prop_map(|order| Step::Undo { order }),
        1 => (1u64..20).prop_map(|days| Step::Wait { days }),
    ]
}

/// The id of one of the entities of a kind, if there is one.
fn chosen(prefix: &str, place: usize) -> String {
    let entities = STATE.entities(1_000);
    let ids: Vec<_> = entities.keys().filter_map(|key| key.strip_prefix(prefix)).collect();
    ids.get(place % ids.len().max(1)).map_or_else(|| "none".to_owned(), |id| (*id).to_owned())
}

fn sign_in(by: u8) {
    match by {
        0 => native::sign_out(),
        by => native::sign_in(&format!("acc_{by}"), caller::CUSTOMER, None),
    }
}

fn take(step: Step) {
    native::advance_seconds(1);
    let keeps =
        |done: &Result<(), Problem>| matches!(done, Ok(()) | Err(Problem::Declined(_) | Problem::Unreachable(_)));
    let _done = native::transaction(|| call(step), keeps);
    native::sign_out();
}

fn call(step: Step) -> Result<(), Problem> {
    match step {
        Step::Create { by } => {
            sign_in(by);
            Component::create_cart()?;
        }
        Step::SetLine { cart, sku, quantity, by } => {
            sign_in(by);
            Component::set_line(chosen("cart/", cart), sku.to_owned(), wire::LineChange { quantity })?;
        }
        Step::Claim { cart, by } => {
            sign_in(by);
            Component::claim_cart(chosen("cart/", cart))?;
        }
        Step::CheckOut { cart, by } => {
            sign_in(by);
            let text = str::to_owned;
            let (address_id, payment_method_id, shipping_option) = (text("adr_1"), text("pm_1"), text("standard"));
            let request =
                wire::CheckoutRequest { address_id, payment_method_id, shipping_option, expected_total: None };
            Component::checkout(chosen("cart/", cart), request).map_err(as_problem)?;
        }
        Step::Cancel { order } => {
            native::sign_in("acc_staff", caller::STAFF, None);
            Component::cancel_order(chosen("order/", order))?;
        }
        Step::Refunded { order, amount } => {
            let order_id = chosen("order/", order);
            let payment_id = shown(&order_id).map_or_else(String::new, |order| order.payment.id);
            Component::payment_refunded(payment_id, order_id, eur(amount));
        }
        Step::Moved { order, status } => {
            let order_id = chosen("order/", order);
            let shipment_id = shown(&order_id).map_or_else(String::new, |order| order.shipment.id);
            Component::shipment_status_changed(shipment_id, order_id, status.to_owned());
        }
        Step::Undo { order } => {
            let key = ["undo/", &chosen("order/", order)].concat();
            STATE.import(vec![(key, Some(contract::Entity::Undo))]).expect("a good entity");
        }
        Step::Wait { days } => {
            native::advance_seconds(days * 24 * 60 * 60);
            Component::forget_expired();
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn what_goes_out_comes_in_again(steps in prop::collection::vec(any_step(), 0..50), limit in 1u32..8) {
        native::reset();
        steps.into_iter().for_each(take);
        let (orders, open) = (listed(), own_carts());
        STATE.assert_round_trip(limit);
        prop_assert_eq!((listed(), own_carts()), (orders, open));
    }

    #[test]
    fn a_store_follows_another_by_changes(
        steps in prop::collection::vec(any_step(), 0..40),
        more in prop::collection::vec(any_step(), 0..40),
        start in any::<u8>(),
    ) {
        native::reset();
        steps.into_iter().for_each(take);
        let before = STATE.entities(1_000);
        more.into_iter().for_each(take);
        let (orders, open) = (listed(), own_carts());
        STATE.assert_follows(&before, start.into());
        prop_assert_eq!((listed(), own_carts()), (orders, open));
    }
}

/// The problem that decides in the same way whether the writes are kept.
fn as_problem(problem: wire::CheckoutProblem) -> Problem {
    match problem {
        wire::CheckoutProblem::Declined(decline) => Problem::Declined(decline),
        wire::CheckoutProblem::Unreachable(detail) => Problem::Unreachable(detail),
        problem => Problem::conflict(format!("{problem:?}")),
    }
}

fn shown(order_id: &str) -> Option<wire::Order> {
    native::sign_in("acc_staff", caller::STAFF, None);
    Component::get_order(order_id.to_owned()).ok()
}

/// The ids of all orders and of those of each customer, newest first.
fn listed() -> Vec<String> {
    let list = |(account_id, role)| {
        native::sign_in(account_id, role, None);
        Component::list_orders(None, Some(100)).expect("a list").items
    };
    let callers = [("acc_staff", caller::STAFF), ("acc_1", caller::CUSTOMER), ("acc_2", caller::CUSTOMER)];
    callers.into_iter().flat_map(list).map(|order| order.id).collect()
}

/// The open cart that each customer touched last.
fn own_carts() -> Vec<Option<String>> {
    ["acc_1", "acc_2"].map(current_cart).into()
}

fn guests() -> contract::CartState {
    contract::CartState {
        account_id: None,
        lines: vec![contract::CartLine { sku: "a".to_owned(), quantity: 2 }],
        order_id: None,
        created_at: "2025-12-30T00:00:00.000001Z".to_owned(),
        touched_at: Some("2025-12-31T00:00:00.000001Z".to_owned()),
    }
}

#[test]
fn a_guests_cart_that_came_in_is_forgotten_in_its_time() {
    native::reset();
    STATE.import(vec![("cart/cart_1".to_owned(), Some(contract::Entity::Cart(guests())))]).expect("a good entity");
    assert!(time::now() > Timestamp::parse("2025-12-31T23:59:59Z").expect("a time"));
    for (days, there) in [(28, true), (2, false)] {
        native::advance_seconds(days * 24 * 60 * 60);
        Component::forget_expired();
        assert_eq!(!STATE.entities(10).is_empty(), there, "after {days} more days");
    }
    assert_eq!(native::keys(), Vec::<String>::new());
}

fn order() -> contract::OrderState {
    contract::OrderState {
        cart_id: "cart_1".to_owned(),
        account_id: "acc_1".to_owned(),
        lines: Vec::new(),
        subtotal: eur(900),
        shipping: eur(100),
        total: eur(1000),
        payment_id: "pay_1".to_owned(),
        payment_status: contract::OrderPaymentStatus::Captured,
        refunded: eur(0),
        shipment_id: "shp_1".to_owned(),
        shipment_status: contract::OrderShipmentStatus::Scheduled,
        tracking_number: "T1".to_owned(),
        status: wire::OrderStatus::Placed,
        placed_at: "2025-12-30T00:00:00.000001Z".to_owned(),
    }
}

#[test]
fn an_entity_that_cannot_be_is_refused_by_key_and_field_and_nothing_changes() {
    native::reset();
    STATE.import(vec![("cart/cart_1".to_owned(), Some(contract::Entity::Cart(guests())))]).expect("a good entity");
    let (entities, keys) = (STATE.entities(10), native::keys());
    let line = |sku: &str, quantity| contract::CartLine { sku: sku.to_owned(), quantity };
    let with = |lines| contract::Entity::Cart(contract::CartState { lines, ..guests() });
    let bad = [
        ("cart/a b", with(vec![]), ""),
        ("order/cart_2", with(vec![]), ""),
        ("undo/ord_1", with(vec![]), ""),
        ("cart/cart_2", contract::Entity::Undo, ""),
        ("cart/cart_2", with(vec![line("a", 0)]), "/lines"),
        ("cart/cart_2", with(vec![line("a", 1), line("a", 1)]), "/lines"),
        (
            "cart/cart_2",
            contract::Entity::Cart(contract::CartState { order_id: Some("ord_1".to_owned()), ..guests() }),
            "/touchedAt",
        ),
        (
            "cart/cart_2",
            contract::Entity::Cart(contract::CartState { created_at: "x".to_owned(), ..guests() }),
            "/createdAt",
        ),
        ("order/ord_1", contract::Entity::Order(contract::OrderState { refunded: eur(1001), ..order() }), "/refunded"),
        (
            "order/ord_1",
            contract::Entity::Order(contract::OrderState {
                account_id: "a/b".to_owned(),
                shipping: ContractMoney { amount: 1, currency: "EUX".to_owned() },
                ..order()
            }),
            "/accountId /shipping/currency",
        ),
    ];
    for (key, value, fields) in bad {
        let good = ("cart/cart_1".to_owned(), None);
        let told = STATE.import(vec![good, (key.to_owned(), Some(value))]).expect_err(key);
        let names_them = fields.split(' ').all(|field| told.contains(field));
        assert!(told.starts_with(&format!("{key}: ")) && names_them, "{told}");
        assert_eq!((STATE.entities(10), native::keys()), (entities.clone(), keys.clone()), "{key}");
    }
}
