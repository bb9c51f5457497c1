//! The service from its clients' view, on the stand-in of the host.

use std::cell::RefCell;

use contract::{Guest as _, PaymentStatus};
use switchyard_sdk::native;
use switchyard_sdk::types::Money as ContractMoney;

use super::*;

thread_local! {
    static EMITTED: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Replaces the contract's event.
pub(crate) fn payment_captured(_payment_id: &str, order_id: &str, amount: &ContractMoney) {
    EMITTED.with_borrow_mut(|emitted| emitted.push(format!("captured {order_id} {}", amount.amount)));
}

/// Replaces the contract's event.
pub(crate) fn payment_refunded(_payment_id: &str, order_id: &str, amount: &ContractMoney) {
    EMITTED.with_borrow_mut(|emitted| emitted.push(format!("refunded {order_id} {}", amount.amount)));
}

/// The events that were emitted since the last call.
fn emitted() -> String {
    EMITTED.take().join(", ")
}

fn eur(amount: i64) -> ContractMoney {
    ContractMoney { amount, currency: "EUR".to_owned() }
}

/// Charges like the host: the writes are kept if the answer says so.
fn charge(order_id: &str, amount: ContractMoney, token: &str) -> Result<contract::Payment, Problem> {
    let method = contract::Card { brand: "visa".to_owned(), last4: "4242".to_owned() };
    let (order_id, account_id) = (order_id.to_owned(), "acc_anna".to_owned());
    let details = contract::ChargeDetails { order_id, account_id, amount, token: token.to_owned(), method };
    let keeps =
        |answer: &Result<_, Problem>| matches!(answer, Ok(_) | Err(Problem::Declined(_) | Problem::Unreachable(_)));
    native::transaction(|| Component::charge(details), keeps)
}

fn refund(payment_id: &str, amount: ContractMoney) -> Result<contract::Payment, Problem> {
    let details = contract::RefundDetails { amount, reason: "broken".to_owned() };
    Component::refund_payment(payment_id.to_owned(), details)
}

/// The statuses of all payments, newest first.
fn statuses() -> Vec<PaymentStatus> {
    let page = Component::list_payments(None, None, None).expect("a page");
    page.items.into_iter().map(|payment| payment.status).collect()
}

#[test]
fn an_order_is_charged_once_however_often_it_is_asked_for() {
    native::reset();
    let payment = charge("ord_1", eur(100), "tok_ok").expect("a good card");
    assert_eq!((payment.status, payment.method.last4.as_str()), (PaymentStatus::Captured, "4242"));
    assert_eq!(charge("ord_1", eur(100), "tok_declined"), Ok(payment));
    assert_eq!((emitted().as_str(), statuses().len()), ("captured ord_1 100", 1));
}

#[test]
fn an_order_of_another_amount_is_charged_anew_and_its_first_payment_voided() {
    native::reset();
    charge("ord_1", eur(100), "tok_ok").expect("a good card");
    native::advance_seconds(1);
    charge("ord_1", eur(120), "tok_ok").expect("a good card");
    assert_eq!(statuses(), [PaymentStatus::Captured, PaymentStatus::Voided]);
    assert_eq!(emitted(), "captured ord_1 100, refunded ord_1 100, captured ord_1 120");
}

#[test]
fn a_refused_charge_is_on_record_and_takes_no_money() {
    let cases = [
        ("tok_declined", PaymentStatus::Declined, Some("declined")),
        ("tok_insufficient_funds", PaymentStatus::Declined, Some("insufficient_funds")),
        ("tok_unheard_of", PaymentStatus::Declined, Some("invalid_token")),
        ("tok_error", PaymentStatus::Failed, None),
    ];
    for (token, status, code) in cases {
        native::reset();
        match charge("ord_1", eur(100), token) {
            Err(Problem::Declined(decline)) => assert_eq!(Some(decline.decline_code.as_str()), code),
            Err(Problem::Unreachable(_)) => assert_eq!(code, None),
            other => panic!("{other:?}"),
        }
        let page = Component::list_payments(Some("ord_1".to_owned()), None, None).expect("a page");
        let [payment] = page.items.as_slice() else { panic!("one attempt: {page:?}") };
        assert_eq!((payment.status, payment.decline_code.as_deref()), (status, code), "{token}");
        assert!(matches!(refund(&payment.id, eur(1)), Err(Problem::Conflict(_))));
        assert!(matches!(Component::refund_all(payment.id.clone(), String::new()), Err(Problem::Conflict(_))));
        assert_eq!(Component::void("ord_1".to_owned()), Ok(()));
        assert_eq!(emitted(), "");
        native::advance_seconds(1);
        assert!(charge("ord_1", eur(100), "tok_ok").is_ok(), "another card may do");
        emitted();
    }
}

#[test]
fn an_amount_of_nothing_asks_no_processor_and_one_below_is_refused() {
    native::reset();
    let free = charge("ord_1", eur(0), "tok_declined").expect("nothing to decline");
    assert_eq!(free.status, PaymentStatus::Captured);
    let refunded = Component::refund_all(free.id, "cancelled".to_owned()).expect("captured");
    assert_eq!((refunded.status, refunded.refunds.len()), (PaymentStatus::Refunded, 0));
    let keys = native::keys();
    let dollars = ContractMoney { amount: 1, currency: "dollars".to_owned() };
    for (order_id, amount, field) in
        [("ord_2", eur(-1), "/amount/amount"), ("ord_2", dollars, "/amount/currency"), ("", eur(1), "/orderId")]
    {
        let Err(Problem::Invalid(faults)) = charge(order_id, amount, "tok_ok") else { panic!("{field}") };
        assert_eq!(faults.errors[0].field.as_deref(), Some(field));
    }
    assert_eq!(native::keys(), keys);
}

#[test]
fn refunds_go_to_what_was_captured_and_no_further() {
    native::reset();
    let payment = charge("ord_1", eur(100), "tok_ok").expect("a good card");
    emitted();
    let partly = refund(&payment.id, eur(30)).expect("enough");
    assert_eq!((partly.status, partly.refunds.len()), (PaymentStatus::PartiallyRefunded, 1));
    assert!(matches!(refund(&payment.id, eur(71)), Err(Problem::Conflict(_))));
    for (amount, field) in [
        (eur(0), "/amount/amount"),
        (eur(-5), "/amount/amount"),
        (ContractMoney { amount: 1, currency: "USD".to_owned() }, "/amount/currency"),
        (ContractMoney { amount: 1, currency: "?".to_owned() }, "/amount/currency"),
    ] {
        let Err(Problem::Invalid(faults)) = refund(&payment.id, amount) else { panic!("{field}") };
        assert_eq!(faults.errors[0].field.as_deref(), Some(field));
    }
    assert_eq!(refund(&payment.id, eur(70)).map(|payment| payment.status), Ok(PaymentStatus::Refunded));
    assert_eq!(emitted(), "refunded ord_1 30, refunded ord_1 70");
    let again = Component::refund_all(payment.id.clone(), "cancelled".to_owned()).expect("captured");
    assert_eq!((again.status, again.refunds.len(), emitted().as_str()), (PaymentStatus::Refunded, 2, ""));
}

#[test]
fn voiding_takes_back_what_is_left_once() {
    native::reset();
    let payment = charge("ord_1", eur(100), "tok_ok").expect("a good card");
    refund(&payment.id, eur(30)).expect("enough");
    emitted();
    for emits in ["refunded ord_1 70", ""] {
        assert_eq!(Component::void("ord_1".to_owned()), Ok(()));
        assert_eq!((statuses(), emitted().as_str()), (vec![PaymentStatus::Voided], emits));
    }
    for order_without_payment in ["ord_2", "", "a/b", &"x".repeat(3000)] {
        assert_eq!(Component::void(order_without_payment.to_owned()), Ok(()));
    }
}

#[test]
fn a_payment_is_there_for_its_customer_and_staff_alone() {
    native::reset();
    let payment = charge("ord_1", eur(100), "tok_ok").expect("a good card");
    emitted();
    let ask = |payment_id: &str| Component::get_payment(payment_id.to_owned());
    assert!(matches!(ask(&payment.id), Err(Problem::Unauthenticated(_))));
    for (who, role, seen) in
        [("acc_anna", caller::CUSTOMER, true), ("acc_ben", caller::CUSTOMER, false), ("acc_sue", caller::STAFF, true)]
    {
        native::sign_in(who, role, None);
        let expected = if seen { Ok(payment.clone()) } else { ask("pay_none") };
        assert_eq!(ask(&payment.id), expected, "{who}");
        assert!(matches!(ask("pay_none"), Err(Problem::NotFound(_))), "{who}");
    }
}
