//! The interface `state` of the contract: all that the service keeps, read and written entity by entity.

use switchyard_sdk::state::{Page, refusal, wrong_key};
use switchyard_sdk::{Currency, Faults, Money, Timestamp, id};

use crate::bindings::Component;
use crate::bindings::exports::shop::payment::payment::{Card as ContractCard, PaymentStatus};
use crate::bindings::exports::shop::payment::state as contract;
use crate::domain::payment::{Card, Payment, REFUNDS_MAX, Refund, State};
use crate::{status_of, storage};

impl contract::Guest for Component {
    fn export_state(after: Option<String>, until: Option<String>, limit: u32) -> Vec<contract::Entry> {
        let mut page = Page::new(after, until, limit);
        storage::export_payments(&mut page, payment_state);
        page.into_entries(|key, value| contract::Entry { key, value })
    }

    fn import_state(changes: Vec<contract::Change>) -> Result<(), String> {
        changes.into_iter().try_for_each(|contract::Change { key, value }| {
            import(&key, value).map_err(|faults| refusal(&key, &faults))
        })
    }
}

fn payment_state(payment: Payment, created_at: Timestamp) -> contract::Entity {
    let Payment { order_id, account_id, amount, card: Card { brand, last4 }, state, refunds } = payment;
    let (status, decline_code) = status_of(state);
    let refund = |Refund { id, amount, reason, created_at }| contract::RefundState {
        id,
        amount: amount.into(),
        reason,
        created_at: created_at.to_rfc3339_micros(),
    };
    contract::Entity::Payment(contract::PaymentState {
        order_id,
        account_id,
        amount: amount.into(),
        status,
        method: ContractCard { brand, last4 },
        decline_code,
        refunds: refunds.into_iter().map(refund).collect(),
        created_at: created_at.to_rfc3339_micros(),
    })
}

fn import(key: &str, value: Option<contract::Entity>) -> Result<(), Faults> {
    let payment_id = key.strip_prefix("payment/").filter(|payment_id| id::is_id(payment_id)).ok_or_else(wrong_key)?;
    let after = value.map(|contract::Entity::Payment(payment)| parse(payment)).transpose()?;
    storage::replace_payment(payment_id, after.as_ref());
    Ok(())
}

/// The payment and the time at which it was made.
fn parse(payment: contract::PaymentState) -> Result<(Payment, Timestamp), Faults> {
    let contract::PaymentState { order_id, account_id, amount, status, method, decline_code, refunds, created_at } =
        payment;
    let mut faults = Faults::new();
    faults.check(id::is_id(&order_id), "/orderId", "must be an id");
    let is_declined = status == PaymentStatus::Declined;
    faults.check(is_declined == decline_code.is_some(), "/declineCode", "must be there for a declined payment alone");
    faults.check(refunds.len() <= REFUNDS_MAX + 1, "/refunds", "must be at most 201");
    let created_at = faults.take(time(&created_at, "/createdAt"));
    let amount = faults.take(amount_of(&amount));
    let Some(amount) = amount else { return Err(faults) };
    let refunds = refunds.into_iter().enumerate().filter_map(|(place, refund)| {
        let refund = parse_refund(refund, amount.currency, &format!("/refunds/{place}"));
        faults.take(refund)
    });
    let refunds: Vec<Refund> = refunds.collect();
    let sum = Money::sum(amount.currency, refunds.iter().map(|refund| refund.amount));
    let is_within = sum.is_ok_and(|sum| sum.minor_units <= amount.minor_units);
    faults.check(is_within, "/refunds", "must add up to at most the amount");
    let card = Card { brand: method.brand, last4: method.last4 };
    let state = state_of(status, decline_code.unwrap_or_default());
    let payment = Payment { order_id, account_id, amount, card, state, refunds };
    faults.complete(created_at.map(|created_at| (payment, created_at)))
}

fn amount_of(amount: &switchyard_sdk::types::Money) -> Result<Money, Faults> {
    let amount = Money::parse(amount, "/amount")?;
    let mut faults = Faults::new();
    faults.check(amount.minor_units >= 0, "/amount/amount", "must not be below 0");
    faults.into_result(amount)
}

fn parse_refund(refund: contract::RefundState, currency: Currency, pointer: &str) -> Result<Refund, Faults> {
    let contract::RefundState { id, amount, reason, created_at } = refund;
    let mut faults = Faults::new();
    let at = |field: &str| [pointer, field].concat();
    faults.check(id::is_id(&id), &at("/id"), "must be an id");
    let amount = faults.take(Money::parse(&amount, &at("/amount")));
    let fits = amount.is_none_or(|amount| amount.currency == currency && amount.minor_units > 0);
    faults.check(fits, &at("/amount"), "must be more than 0, in the currency of the payment");
    let created_at = faults.take(time(&created_at, &at("/createdAt")));
    let refund = amount.zip(created_at).map(|(amount, created_at)| Refund { id, amount, reason, created_at });
    faults.complete(refund)
}

fn time(text: &str, pointer: &str) -> Result<Timestamp, Faults> {
    Timestamp::parse(text).ok_or_else(|| Faults::at(pointer, "must be a time in UTC"))
}

fn state_of(status: PaymentStatus, code: String) -> State {
    match status {
        PaymentStatus::Captured => State::Captured,
        PaymentStatus::PartiallyRefunded => State::PartiallyRefunded,
        PaymentStatus::Refunded => State::Refunded,
        PaymentStatus::Voided => State::Voided,
        PaymentStatus::Declined => State::Declined { code },
        PaymentStatus::Failed => State::Failed,
    }
}

/// Whether a store has the same entries after an import as the store that its entities come from.
#[cfg(test)]
const SAME_ENTRIES: bool = true;

#[cfg(test)]
mod tests;
