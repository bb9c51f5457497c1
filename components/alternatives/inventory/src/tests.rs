//! The service as its clients see it, over the stand-in of the host.

use std::cell::RefCell;

use contract::Guest as _;
use switchyard_sdk::native;
use switchyard_sdk::types::Money as ContractMoney;

use super::*;

thread_local! {
    static EMITTED: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Takes the place of the contract's event.
pub(crate) fn stock_changed(sku: &str, on_hand: u32) {
    EMITTED.with_borrow_mut(|emitted| emitted.push(format!("{sku} {on_hand}")));
}

/// What was emitted since the last time.
fn emitted() -> String {
    EMITTED.take().join(", ")
}

fn sell(items: &[(&str, u32)]) {
    native::reset();
    for (sku, quantity) in items {
        let details = contract::ItemDetails {
            title: "Mug".to_owned(),
            description: "Holds coffee.".to_owned(),
            category: "Kitchen".to_owned(),
            price: ContractMoney { amount: 1299, currency: "EUR".to_owned() },
            image: "/img/mug.svg".to_owned(),
            weight_grams: 350,
        };
        Component::put_item((*sku).to_owned(), details).expect("good details");
        let receipt = contract::Receipt { quantity: *quantity };
        Component::receive_stock((*sku).to_owned(), receipt).expect("a good delivery");
    }
    emitted();
}

fn available(sku: &str) -> u32 {
    Component::get_item(sku.to_owned()).expect("on sale").available
}

/// As the host does: what a refused call wrote is gone.
fn reserve(order_id: &str, lines: &[(&str, u32)]) -> Result<contract::Reservation, Problem> {
    let line = |(sku, quantity): &(&str, u32)| contract::Line { sku: (*sku).to_owned(), quantity: *quantity };
    let call = || Component::reserve(order_id.to_owned(), lines.iter().map(line).collect());
    native::transaction(call, Result::is_ok)
}

#[test]
fn an_order_holds_buys_and_gives_back_and_each_step_may_be_repeated() {
    sell(&[("a", 5), ("b", 5)]);
    let reservation = reserve("ord_1", &[("b", 2), ("a", 5)]).expect("enough");
    assert_eq!(reservation.expires_at, "2026-01-01T00:15:00.000Z");
    assert_eq!(reserve("ord_1", &[("a", 5), ("b", 2)]), Ok(reservation));
    assert_eq!((available("a"), available("b"), emitted().as_str()), (0, 3, ""));
    for emits in ["a 0, b 3", ""] {
        assert_eq!(Component::confirm("ord_1".to_owned()), Ok(()));
        assert_eq!((available("a"), available("b"), emitted().as_str()), (0, 3, emits));
    }
    for emits in ["a 5, b 5", ""] {
        assert_eq!(Component::release("ord_1".to_owned()), Ok(()));
        assert_eq!((available("a"), available("b"), emitted().as_str()), (5, 5, emits));
    }
    assert!(matches!(Component::confirm("ord_1".to_owned()), Err(Problem::NotFound(_))));
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
    assert!(matches!(reserve("a/b", &[("a", 1)]), Err(Problem::Malformed(_))));
    assert_eq!((native::keys(), available("a")), (keys, 5));
}

#[test]
fn other_lines_take_the_place_of_what_an_order_held_or_bought() {
    for is_bought in [false, true] {
        sell(&[("a", 5), ("b", 5)]);
        reserve("ord_1", &[("a", 5)]).expect("enough");
        if is_bought {
            Component::confirm("ord_1".to_owned()).expect("held");
        }
        assert!(matches!(reserve("ord_1", &[("b", 6)]), Err(Problem::Conflict(_))));
        assert_eq!((available("a"), available("b")), (0, 5), "refused, it holds what it held");
        reserve("ord_1", &[("a", 1), ("b", 2)]).expect("enough");
        assert_eq!((available("a"), available("b")), (4, 3));
    }
}

#[test]
fn what_nobody_confirms_in_time_is_let_go_in_bounded_steps() {
    sell(&[("a", 500)]);
    reserve("ord_sold", &[("a", 1)]).expect("enough");
    Component::confirm("ord_sold".to_owned()).expect("held");
    for number in 0..150 {
        reserve(&format!("ord_{number}"), &[("a", 1)]).expect("enough");
    }
    native::advance_seconds(15 * 60);
    for left in [349 + 100, 499, 499] {
        Component::expire_reservations();
        assert_eq!(available("a"), left);
    }
}

#[test]
fn a_list_walks_the_catalogue() {
    let skus: Vec<String> = (0..250).map(|number| format!("mug-{number:03}")).collect();
    sell(&skus.iter().map(|sku| (sku.as_str(), 1)).collect::<Vec<_>>());
    let list = |query: &str, cursor: Option<String>| {
        let page = Component::list_items(Some(query.to_owned()), None, cursor, Some(100)).expect("a list");
        (page.items.len(), page.next_cursor)
    };
    let (mut count, mut cursor) = list("MUG coffee", None);
    while let Some(next) = cursor {
        let page = list("MUG coffee", Some(next));
        (count, cursor) = (count + page.0, page.1);
    }
    assert_eq!(count, 250);
    assert_eq!(list("tea", None), (0, None));
}
