//! The service from its clients' view, on the stand-in of the host.

use std::cell::RefCell;

use contract::Guest as _;
use switchyard_sdk::types::Money as ContractMoney;
use switchyard_sdk::{native, store};

use super::*;

thread_local! {
    static EMITTED: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Replaces the contract's event.
pub(crate) fn stock_changed(sku: &str, on_hand: u32) {
    EMITTED.with_borrow_mut(|emitted| emitted.push(format!("{sku} {on_hand}")));
}

/// The events that were emitted since the last call.
fn emitted() -> String {
    EMITTED.take().join(", ")
}

fn mug() -> contract::ItemDetails {
    contract::ItemDetails {
        title: "Mug".to_owned(),
        description: "Holds coffee.".to_owned(),
        category: "Kitchen".to_owned(),
        price: ContractMoney { amount: 1299, currency: "EUR".to_owned() },
        image: "/img/mug.svg".to_owned(),
        weight_grams: 350,
    }
}

/// Puts items on sale, with this number of pieces of each.
fn sell(items: &[(&str, u32)]) {
    native::reset();
    for (sku, quantity) in items {
        Component::put_item((*sku).to_owned(), mug()).expect("good details");
        receive(sku, *quantity).expect("a good delivery");
    }
    emitted();
}

fn receive(sku: &str, quantity: u32) -> Result<u32, Problem> {
    Component::receive_stock(sku.to_owned(), contract::Receipt { quantity }).map(|item| item.available)
}

fn available(sku: &str) -> u32 {
    Component::get_item(sku.to_owned()).expect("on sale").available
}

/// Like the host: the writes of a refused call are discarded.
fn reserve(order_id: &str, lines: &[(&str, u32)]) -> Result<contract::Reservation, Problem> {
    let line = |(sku, quantity): &(&str, u32)| contract::Line { sku: (*sku).to_owned(), quantity: *quantity };
    let call = || Component::reserve(order_id.to_owned(), lines.iter().map(line).collect());
    native::transaction(call, Result::is_ok)
}

fn confirm(order_id: &str) -> Result<(), Problem> {
    Component::confirm(order_id.to_owned())
}

fn release(order_id: &str) -> Result<(), Problem> {
    Component::release(order_id.to_owned())
}

#[test]
fn an_item_is_put_on_sale_changed_and_delivered() {
    native::reset();
    assert!(matches!(Component::get_item("mug-1".to_owned()), Err(Problem::NotFound(_))));
    let item = Component::put_item("mug-1".to_owned(), mug()).expect("good details");
    assert_eq!((item.title.as_str(), item.price.amount, item.available), ("Mug", 1299, 0));
    assert_eq!(receive("mug-1", 7), Ok(7));
    assert_eq!(emitted(), "mug-1 7");
    let changed = contract::ItemDetails { title: "Big mug".to_owned(), ..mug() };
    let item = Component::put_item("mug-1".to_owned(), changed).expect("good details");
    assert_eq!((item.title.as_str(), item.available), ("Big mug", 7));
    assert_eq!(Component::get_item("mug-1".to_owned()), Ok(item));
    assert_eq!(emitted(), "");
}

#[test]
fn what_breaks_a_rule_is_told_where_it_is_and_changes_nothing() {
    sell(&[("mug-1", 1)]);
    let keys = native::keys();
    let fault = |refused: Result<contract::Item, Problem>| match refused {
        Err(Problem::Invalid(faults)) => {
            let of = |fault: &switchyard_sdk::types::Fault| fault.field.clone().or(fault.parameter.clone());
            faults.errors.iter().filter_map(of).collect::<Vec<_>>().join(" ")
        }
        other => format!("{other:?}"),
    };
    let put = |sku: &str, details| fault(Component::put_item(sku.to_owned(), details));
    assert_eq!(put("a b", mug()), "sku");
    assert_eq!(put(&"x".repeat(3000), mug()), "sku");
    let price = ContractMoney { amount: -1, currency: "EUX".to_owned() };
    assert_eq!(put("mug-2", contract::ItemDetails { price, ..mug() }), "/price/currency");
    assert_eq!(put("mug-2", contract::ItemDetails { title: String::new(), ..mug() }), "/title");
    for quantity in [0, 1_000_001] {
        let receipt = contract::Receipt { quantity };
        assert_eq!(fault(Component::receive_stock("mug-1".to_owned(), receipt)), "/quantity");
    }
    assert!(matches!(receive("mug-2", 1), Err(Problem::NotFound(_))));
    assert_eq!(native::keys(), keys);
}

#[test]
fn an_order_holds_buys_and_gives_back_and_each_step_may_be_repeated() {
    sell(&[("a", 5), ("b", 5)]);
    let reservation = reserve("ord_1", &[("b", 2), ("a", 5)]).expect("enough");
    assert_eq!(reservation.expires_at, "2026-01-01T00:15:00.000Z");
    assert_eq!(reserve("ord_1", &[("a", 5), ("b", 2)]), Ok(reservation));
    assert_eq!((available("a"), available("b"), emitted().as_str()), (0, 3, ""));
    for emits in ["a 0, b 3", ""] {
        assert_eq!(confirm("ord_1"), Ok(()));
        assert_eq!((available("a"), available("b"), emitted().as_str()), (0, 3, emits));
    }
    for emits in ["a 5, b 5", ""] {
        assert_eq!(release("ord_1"), Ok(()));
        assert_eq!((available("a"), available("b"), emitted().as_str()), (5, 5, emits));
    }
    assert!(matches!(confirm("ord_1"), Err(Problem::NotFound(_))));
    assert!(native::keys().iter().all(|key| !key.starts_with("reservation/") && !key.starts_with("expiry/")));
}

#[test]
fn a_reservation_is_refused_whole_and_names_what_is_short() {
    sell(&[("a", 5), ("b", 1)]);
    let keys = native::keys();
    assert_eq!(reserve("ord_1", &[("a", 1), ("b", 2)]), Err(Problem::conflict("b: only 1 left")));
    assert_eq!(reserve("ord_1", &[("a", 1), ("c", 2)]), Err(Problem::not_found("no item c")));
    assert!(matches!(reserve("ord_1", &[("a", 1), ("c d", 2)]), Err(Problem::NotFound(_))));
    assert!(matches!(reserve("ord_1", &[]), Err(Problem::Invalid(_))));
    assert!(matches!(reserve("ord_1", &[("a", 0)]), Err(Problem::Invalid(_))));
    for order_id in ["", "a/b", &"x".repeat(3000)] {
        assert!(matches!(reserve(order_id, &[("a", 1)]), Err(Problem::Malformed(_))), "{order_id:?}");
    }
    assert_eq!((native::keys(), available("a")), (keys, 5));
}

#[test]
fn other_lines_take_the_place_of_what_an_order_held_or_bought() {
    for confirmed in [false, true] {
        sell(&[("a", 5), ("b", 5)]);
        reserve("ord_1", &[("a", 5)]).expect("enough");
        if confirmed {
            confirm("ord_1").expect("held");
        }
        assert!(matches!(reserve("ord_1", &[("b", 6)]), Err(Problem::Conflict(_))));
        assert_eq!((available("a"), available("b")), (0, 5), "refused, it holds what it held");
        reserve("ord_1", &[("a", 1), ("b", 2)]).expect("enough");
        assert_eq!((available("a"), available("b")), (4, 3));
        confirm("ord_1").expect("held");
        release("ord_1").expect("sold");
        assert_eq!((available("a"), available("b")), (5, 5));
    }
}

#[test]
fn what_nobody_confirms_in_time_is_let_go() {
    sell(&[("a", 500)]);
    reserve("ord_sold", &[("a", 1)]).expect("enough");
    confirm("ord_sold").expect("held");
    for number in 0..100 {
        reserve(&format!("ord_{number}"), &[("a", 1)]).expect("enough");
    }
    native::advance_seconds(10 * 60);
    reserve("ord_late", &[("a", 1)]).expect("enough");
    Component::expire_reservations();
    assert_eq!(available("a"), 500 - 102, "none is over");
    native::advance_seconds(5 * 60);
    for left in [500 - 102 + 66, 500 - 2, 500 - 2] {
        Component::expire_reservations();
        assert_eq!(available("a"), left, "so many at once, and never what is sold or has time");
    }
    assert!(matches!(confirm("ord_0"), Err(Problem::NotFound(_))));
    assert_eq!(confirm("ord_late"), Ok(()));
}

#[test]
fn prices_come_in_the_order_of_the_skus() {
    sell(&[("a", 1), ("b", 1)]);
    let price = |skus: &[&str]| Component::price_items(skus.iter().map(|sku| (*sku).to_owned()).collect());
    let items = price(&["b", "a", "b"]).expect("on sale");
    assert_eq!(items.iter().map(|item| item.sku.as_str()).collect::<String>(), "bab");
    assert_eq!(price(&["a", "c"]), Err(Problem::not_found("c is not on sale")));
    reserve("ord_1", &[("b", 1)]).expect("enough");
    let items = price(&["a", "b"]).expect("on sale");
    assert_eq!(
        items.iter().map(|item| item.available).collect::<Vec<_>>(),
        [1, 0],
        "what is reserved is not available"
    );
    assert!(matches!(price(&["a"; 1001]), Err(Problem::Invalid(_))));
    assert_eq!(price(&[]), Ok(vec![]));
}

#[test]
fn a_stock_that_cannot_be_counted_is_refused() {
    sell(&[("a", 1)]);
    let nearly_full = (0..4294).try_fold(Stock::default(), |stock, _| stock.received(1_000_000)).expect("it counts");
    storage::set_stock(&Sku::parse("a".to_owned()).expect("a SKU"), &nearly_full);
    assert!(matches!(receive("a", 1_000_000), Err(Problem::Conflict(_))));
    assert_eq!(available("a"), nearly_full.available());
    assert!(store::contains("stock/a"));
}
