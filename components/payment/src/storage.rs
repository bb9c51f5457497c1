//! The stored values of the payment service, and their keys.
//!
//! | key | value |
//! |---|---|
//! | `payment/<id>` | [`Payment`] |
//! | `paid/<order>` | the id of the payment that last captured money for the order |
//! | `recent/<time>/<id>` | the id: every payment by time |
//! | `order/<order>/<time>/<id>` | the id: an order's payments by time |

use serde::{Deserialize, Serialize};
use switchyard_sdk::paging::{PageOf, PageRequest};
use switchyard_sdk::state::Page;
use switchyard_sdk::store::{self, Direction};
use switchyard_sdk::{Problem, Timestamp, id};

use crate::domain::payment::{Payment, State};

/// The stored form of a payment; a later form becomes a new variant.
#[derive(Serialize, Deserialize)]
enum Stored<T> {
    V1(T),
}

/// The payment with that id, which may be any text.
pub(crate) fn payment(payment_id: &str) -> Option<Payment> {
    if !id::is_id(payment_id) {
        return None;
    }
    store::get(&payment_key(payment_id)).map(|Stored::V1(payment)| payment)
}

/// Writes an existing payment.
pub(crate) fn set_payment(payment_id: &str, payment: &Payment) {
    store::set(&payment_key(payment_id), &Stored::V1(payment));
}

/// Adds a payment. Its order id must have the form of an id.
pub(crate) fn add_payment(payment_id: &str, payment: &Payment, now: Timestamp) {
    set_payment(payment_id, payment);
    let position = position(payment_id, now);
    store::set(&["recent/", &position].concat(), payment_id);
    store::set(&[&order_prefix(&payment.order_id), position.as_str()].concat(), payment_id);
    if payment.state == State::Captured {
        store::set(&paid_key(&payment.order_id), payment_id);
    }
}

/// The last payment that captured money for an order, and its id.
pub(crate) fn paid(order_id: &str) -> Option<(String, Payment)> {
    let payment_id: String = store::get(&paid_key(order_id))?;
    payment(&payment_id).map(|payment| (payment_id, payment))
}

/// Puts a payment that was made at a time in place of what is there, and finds out anew what its order was paid with.
pub(crate) fn replace_payment(payment_id: &str, after: Option<&(Payment, Timestamp)>) {
    if let Some(before) = payment(payment_id) {
        if let Some(made_at) = created_at(payment_id, &before) {
            let position = position(payment_id, made_at);
            store::delete(&["recent/", &position].concat());
            store::delete(&[&order_prefix(&before.order_id), position.as_str()].concat());
        }
        store::delete(&payment_key(payment_id));
        find_paid(&before.order_id);
    }
    if let Some((after, made_at)) = after {
        add_payment(payment_id, after, *made_at);
        find_paid(&after.order_id);
    }
}

/// Finds the last payment of an order that captured money.
fn find_paid(order_id: &str) {
    let captured = |payment_id: &String| payment(payment_id).is_some_and(|payment| payment.state.has_captured());
    let prefix = order_prefix(order_id);
    let payment_ids = store::all::<String>(&prefix).map(|(_, payment_id)| payment_id);
    match payment_ids.filter(captured).last() {
        Some(last) => store::set(&paid_key(order_id), &last),
        None => store::delete(&paid_key(order_id)),
    }
}

/// When a payment was made. Only the lists know it: an order has few payments, so this reads its list.
fn created_at(payment_id: &str, payment: &Payment) -> Option<Timestamp> {
    let prefix = order_prefix(&payment.order_id);
    let (position, _) = store::all::<String>(&prefix).find(|(_, listed)| listed == payment_id)?;
    let (digits, _) = position.strip_prefix(&prefix)?.split_once('/')?;
    digits.parse().ok().map(Timestamp::from_unix_micros)
}

/// Adds the payments of a page of entities, each with the time at which it was made.
pub(crate) fn export_payments<E>(page: &mut Page<E>, entity: impl Fn(Payment, Timestamp) -> E) {
    page.add("payment/", "payment/", |payment_id, Stored::V1(payment)| {
        created_at(payment_id, &payment).map(|created_at| entity(payment, created_at))
    });
}

/// A page of payments, newest first, of one order if given.
pub(crate) fn payments(
    order_id: Option<&str>,
    cursor: Option<&str>,
    limit: Option<u32>,
) -> Result<PageOf<(String, Payment)>, Problem> {
    let list = ["payments ", order_id.unwrap_or_default()].concat();
    let request = PageRequest::parse(list, cursor, limit)?;
    let prefix = match order_id {
        None => "recent/".to_owned(),
        Some(order_id) if id::is_id(order_id) => order_prefix(order_id),
        Some(_) => return Ok(PageOf { items: Vec::new(), next_cursor: None }),
    };
    let PageOf { items, next_cursor } = request.read::<String>(&prefix, Direction::Descending);
    let with_payment = |payment_id: String| payment(&payment_id).map(|payment| (payment_id, payment));
    Ok(PageOf { items: items.into_iter().filter_map(with_payment).collect(), next_cursor })
}

fn position(payment_id: &str, made_at: Timestamp) -> String {
    [&made_at.sortable(), "/", payment_id].concat()
}

fn payment_key(payment_id: &str) -> String {
    ["payment/", payment_id].concat()
}

fn paid_key(order_id: &str) -> String {
    ["paid/", order_id].concat()
}

fn order_prefix(order_id: &str) -> String {
    ["order/", order_id, "/"].concat()
}

#[cfg(test)]
mod tests {
    use switchyard_sdk::{Currency, Money, native};

    use super::*;
    use crate::domain::payment::Card;

    fn add(payment_id: &str, order_id: &str, state: State, seconds: u64) {
        let card = Card { brand: "visa".to_owned(), last4: "4242".to_owned() };
        let amount = Money::new(100, Currency::EUR);
        let (order_id, account_id) = (order_id.to_owned(), "acc_1".to_owned());
        let payment = Payment { order_id, account_id, amount, card, state, refunds: Vec::new() };
        add_payment(payment_id, &payment, Timestamp::from_unix_micros(0).plus_seconds(seconds));
    }

    #[test]
    fn payments_are_listed_newest_first_and_by_order() {
        native::reset();
        add("pay_a", "ord_1", State::Failed, 1);
        add("pay_b", "ord_2", State::Captured, 2);
        add("pay_c", "ord_1", State::Captured, 300);
        let list = |order_id: Option<&str>| {
            let page = payments(order_id, None, None).expect("a page");
            page.items.into_iter().map(|(payment_id, _)| payment_id).collect::<Vec<_>>().join(" ")
        };
        for (order_id, expected) in [
            (None, "pay_c pay_b pay_a"),
            (Some("ord_1"), "pay_c pay_a"),
            (Some("ord_2"), "pay_b"),
            (Some("ord"), ""),
            (Some(""), ""),
            (Some("ord_1/"), ""),
        ] {
            assert_eq!(list(order_id), expected, "{order_id:?}");
        }
        assert_eq!(list(Some(&"x".repeat(3000))), "");
    }

    #[test]
    fn an_order_is_paid_by_its_last_capture() {
        native::reset();
        let paid_by = || paid("ord_1").map(|(payment_id, _)| payment_id);
        add("pay_a", "ord_1", State::Failed, 1);
        assert_eq!(paid_by(), None);
        add("pay_b", "ord_1", State::Captured, 2);
        assert_eq!(paid_by().as_deref(), Some("pay_b"));
        add("pay_c", "ord_1", State::Captured, 3);
        assert_eq!(paid_by().as_deref(), Some("pay_c"));
    }

    #[test]
    fn what_is_no_id_is_no_payment() {
        native::reset();
        for payment_id in ["", "a/b", &"x".repeat(3000)] {
            assert_eq!(payment(payment_id), None, "{payment_id:?}");
        }
    }
}
