//! Export and import of the state. Every implementation of the contract runs these tests.

use contract::Guest as _;
use proptest::prelude::*;
use switchyard_sdk::native::{self, StateUnderTest};
use switchyard_sdk::types::Money as ContractMoney;
use switchyard_sdk::{Problem, time};

use super::*;
use crate::bindings::exports::shop::payment::payment::{self as wire, Guest as _};

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

/// One call to the service. It may be refused.
#[derive(Debug, Clone)]
enum Step {
    Charge { order: u8, amount: u8, token: &'static str },
    Void { order: u8 },
    Refund { order: u8, amount: u8 },
    RefundAll { order: u8 },
}

fn any_step() -> impl Strategy<Value = Step> {
    let token = prop::sample::select(vec!["tok_ok", "tok_ok", "tok_declined", "tok_error", "tok_other"]);
    prop_oneof![
        4 => (0u8..4, 0u8..3, token).prop_map(|(order, amount, token)| Step::Charge { order, amount, token }),
        1 => (0u8..4).prop_map(|order| Step::Void { order }),
        2 => (0u8..4, 1u8..60).prop_map(|(order, amount)| Step::Refund { order, amount }),
        1 => (0u8..4).prop_map(|order| Step::RefundAll { order }),
    ]
}

fn order_id(order: u8) -> String {
    format!("ord_{order}")
}

fn charge(order: u8, amount: u8, token: &str) -> Result<(), Problem> {
    let details = wire::ChargeDetails {
        order_id: order_id(order),
        account_id: "acc_anna".to_owned(),
        amount: eur(i64::from(amount) * 50),
        token: token.to_owned(),
        method: wire::Card { brand: "visa".to_owned(), last4: "4242".to_owned() },
    };
    Component::charge(details).map(drop)
}

/// The last payment of an order that captured money.
fn paid_with(order: u8) -> Option<String> {
    let payments = Component::list_payments(Some(order_id(order)), None, Some(100)).expect("a list").items;
    let has_captured = |status| !matches!(status, PaymentStatus::Declined | PaymentStatus::Failed);
    payments.into_iter().find(|payment| has_captured(payment.status)).map(|payment| payment.id)
}

fn take(step: Step) {
    // No two calls are made at one time.
    native::advance_seconds(1);
    let paid = |order: u8| paid_with(order).unwrap_or_default();
    let details = |amount: u8| wire::RefundDetails { amount: eur(amount.into()), reason: "broken".to_owned() };
    let keeps =
        |done: &Result<(), Problem>| matches!(done, Ok(()) | Err(Problem::Declined(_) | Problem::Unreachable(_)));
    let _done = native::transaction(
        || match step {
            Step::Charge { order, amount, token } => charge(order, amount, token),
            Step::Void { order } => Component::void(order_id(order)),
            Step::Refund { order, amount } => Component::refund_payment(paid(order), details(amount)).map(drop),
            Step::RefundAll { order } => Component::refund_all(paid(order), "late".to_owned()).map(drop),
        },
        keeps,
    );
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
        let (keys, paid) = (native::keys(), (0..4).map(paid_with).collect::<Vec<_>>());
        STATE.assert_follows(&before, start.into());
        prop_assert!(!SAME_ENTRIES || native::keys() == keys, "the same entries");
        prop_assert_eq!((0..4).map(paid_with).collect::<Vec<_>>(), paid);
    }
}

fn paid() -> contract::PaymentState {
    let refund = contract::RefundState {
        id: "ref_1".to_owned(),
        amount: eur(30),
        reason: "broken".to_owned(),
        created_at: "2026-01-02T00:00:00.000001Z".to_owned(),
    };
    contract::PaymentState {
        order_id: "ord_1".to_owned(),
        account_id: "acc_anna".to_owned(),
        amount: eur(100),
        status: PaymentStatus::PartiallyRefunded,
        method: ContractCard { brand: "visa".to_owned(), last4: "4242".to_owned() },
        decline_code: None,
        refunds: vec![refund],
        created_at: "2026-01-01T00:00:00.000001Z".to_owned(),
    }
}

#[test]
fn a_payment_that_came_in_is_listed_and_given_back() {
    native::reset();
    STATE.import(vec![("payment/pay_1".to_owned(), Some(contract::Entity::Payment(paid())))]).expect("a good entity");
    let listed = Component::list_payments(Some("ord_1".to_owned()), None, None).expect("a list");
    assert_eq!(listed.items.len(), 1);
    assert!(time::now() < Timestamp::parse("2026-01-02T00:00:00Z").expect("a time"));
    let details = wire::RefundDetails { amount: eur(71), reason: String::new() };
    assert!(matches!(Component::refund_payment("pay_1".to_owned(), details), Err(Problem::Conflict(_))));
    let payment = Component::refund_all("pay_1".to_owned(), "late".to_owned()).expect("captured");
    assert_eq!((payment.status, payment.refunds[1].amount.amount), (PaymentStatus::Refunded, 70));
}

#[test]
fn an_entity_that_cannot_be_is_refused_by_key_and_field_and_nothing_changes() {
    native::reset();
    STATE.import(vec![("payment/pay_1".to_owned(), Some(contract::Entity::Payment(paid())))]).expect("a good entity");
    let (entities, keys) = (STATE.entities(10), native::keys());
    let refund = |refund: contract::RefundState| contract::PaymentState { refunds: vec![refund], ..paid() };
    let one = || paid().refunds.remove(0);
    let bad = [
        ("payment/", paid(), ""),
        ("payments/pay_2", paid(), ""),
        (
            "payment/pay_2",
            contract::PaymentState { order_id: "a/b".to_owned(), created_at: "now".to_owned(), ..paid() },
            "/orderId /createdAt",
        ),
        ("payment/pay_2", contract::PaymentState { amount: eur(-1), ..paid() }, "/amount/amount"),
        (
            "payment/pay_2",
            contract::PaymentState { amount: ContractMoney { amount: 1, currency: "EUX".to_owned() }, ..paid() },
            "/amount/currency",
        ),
        ("payment/pay_2", contract::PaymentState { decline_code: Some("lost".to_owned()), ..paid() }, "/declineCode"),
        ("payment/pay_2", refund(contract::RefundState { amount: eur(101), ..one() }), "/refunds"),
        (
            "payment/pay_2",
            refund(contract::RefundState { amount: eur(0), id: String::new(), ..one() }),
            "/refunds/0/id /refunds/0/amount",
        ),
    ];
    for (key, value, fields) in bad {
        let good = ("payment/pay_1".to_owned(), None);
        let told = STATE.import(vec![good, (key.to_owned(), Some(contract::Entity::Payment(value)))]).expect_err(key);
        let names_them = fields.split(' ').all(|field| told.contains(field));
        assert!(told.starts_with(&format!("{key}: ")) && names_them, "{told}");
        assert_eq!((STATE.entities(10), native::keys()), (entities.clone(), keys.clone()), "{key}");
    }
}
