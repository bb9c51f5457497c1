//! The state of the service in the form of its contract.

use switchyard_sdk::state::{Page, refusal, wrong_key};
use switchyard_sdk::{Faults, Money, Timestamp, id};

use crate::REFUNDS_MAX;
use crate::attempts::{self, Attempt, Payment, Refund, Standing};
use crate::bindings::Component;
use crate::bindings::exports::shop::payment::payment::{Card as ContractCard, PaymentStatus};
use crate::bindings::exports::shop::payment::state as contract;

impl contract::Guest for Component {
    fn export_state(after: Option<String>, until: Option<String>, limit: u32) -> Vec<contract::Entry> {
        let mut page = Page::new(after, until, limit);
        attempts::export(&mut page, payment);
        page.into_entries(|key, value| contract::Entry { key, value })
    }

    fn import_state(changes: Vec<contract::Change>) -> Result<(), String> {
        changes.into_iter().try_for_each(|contract::Change { key, value }| {
            import(&key, value).map_err(|faults| refusal(&key, &faults))
        })
    }
}

fn payment(payment: Payment) -> contract::Entity {
    let Attempt { created_at, order_id, account_id, amount, brand, last4 } = payment.attempt;
    let (status, decline_code) = crate::status(payment.standing);
    let refund = |Refund { id, created_at, amount, reason }| contract::RefundState {
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
        refunds: payment.refunds.into_iter().map(refund).collect(),
        created_at: created_at.to_rfc3339_micros(),
    })
}

fn import(key: &str, value: Option<contract::Entity>) -> Result<(), Faults> {
    let payment_id = key.strip_prefix("payment/").filter(|payment_id| id::is_id(payment_id)).ok_or_else(wrong_key)?;
    let after = value.map(|contract::Entity::Payment(payment)| parse(payment)).transpose()?;
    attempts::remove(payment_id);
    if let Some(after) = after {
        attempts::add(payment_id, &after);
    }
    Ok(())
}

fn parse(payment: contract::PaymentState) -> Result<Payment, Faults> {
    let mut faults = Faults::new();
    faults.check(id::is_id(&payment.order_id), "/orderId", "must be an id");
    let created_at = faults.take(time(&payment.created_at, "/createdAt"));
    let amount = faults.take(Money::parse(&payment.amount, "/amount"));
    faults.check(amount.is_none_or(|amount| amount.minor_units >= 0), "/amount/amount", "must not be below 0");
    let (Some(created_at), Some(amount)) = (created_at, amount) else { return Err(faults) };
    let standing = faults.take(standing(payment.status, payment.decline_code));
    faults.check(payment.refunds.len() <= REFUNDS_MAX + 1, "/refunds", "must be at most 201");
    let refunds = payment.refunds.into_iter().enumerate();
    let refunds: Vec<Refund> =
        refunds.filter_map(|(number, refund)| faults.take(parse_refund(refund, number))).collect();
    let same_currency = refunds.iter().all(|refund| refund.amount.currency == amount.currency);
    let sum = Money::sum(amount.currency, refunds.iter().map(|refund| refund.amount));
    let is_within = same_currency && sum.is_ok_and(|sum| sum.minor_units <= amount.minor_units);
    faults.check(is_within, "/refunds", "must add up to at most the amount, in its currency");
    let (order_id, account_id) = (payment.order_id, payment.account_id);
    let ContractCard { brand, last4 } = payment.method;
    let attempt = Attempt { created_at, order_id, account_id, amount, brand, last4 };
    faults.complete(standing.map(|standing| Payment { attempt, standing, refunds }))
}

fn parse_refund(refund: contract::RefundState, number: usize) -> Result<Refund, Faults> {
    let contract::RefundState { id, amount, reason, created_at } = refund;
    let at = |field: &str| format!("/refunds/{number}/{field}");
    let mut faults = Faults::new();
    faults.check(id::is_id(&id), &at("id"), "must be an id");
    let amount = faults.take(Money::parse(&amount, &at("amount")));
    let is_positive = amount.is_none_or(|amount| amount.minor_units > 0);
    faults.check(is_positive, &at("amount"), "must be more than 0");
    let created_at = faults.take(time(&created_at, &at("createdAt")));
    let parts = amount.zip(created_at);
    faults.complete(parts.map(|(amount, created_at)| Refund { id, created_at, amount, reason }))
}

fn standing(status: PaymentStatus, decline_code: Option<String>) -> Result<Standing, Faults> {
    match (status, decline_code) {
        (PaymentStatus::Declined, Some(code)) => Ok(Standing::Declined(code)),
        (PaymentStatus::Captured, None) => Ok(Standing::Captured),
        (PaymentStatus::PartiallyRefunded, None) => Ok(Standing::PartiallyRefunded),
        (PaymentStatus::Refunded, None) => Ok(Standing::Refunded),
        (PaymentStatus::Voided, None) => Ok(Standing::Voided),
        (PaymentStatus::Failed, None) => Ok(Standing::Failed),
        _ => Err(Faults::at("/declineCode", "must be there exactly for a declined payment")),
    }
}

fn time(text: &str, pointer: &str) -> Result<Timestamp, Faults> {
    Timestamp::parse(text).ok_or_else(|| Faults::at(pointer, "must be a time in UTC"))
}

/// Whether a store has the same entries after an import as the store that its entities come from.
#[cfg(test)]
const SAME_ENTRIES: bool = true;

#[cfg(test)]
#[path = "../../../payment/src/state/tests.rs"]
mod tests;
