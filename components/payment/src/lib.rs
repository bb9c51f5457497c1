//! The shop's payments: translates between the contract `shop:payment` and the rules in `domain`.

#[allow(unsafe_code, unreachable_pub, missing_debug_implementations, reason = "generated")]
mod bindings;
mod domain;
mod state;
mod storage;

use std::time::Duration;

use switchyard_sdk::types::Money as ContractMoney;
use switchyard_sdk::{Money, Problem, caller, id, time};

use bindings::Component;
use bindings::exports::shop::payment::payment as contract;
#[cfg(not(test))]
use bindings::shop::events::payment_events::{payment_captured, payment_refunded};
use domain::payment::{Card, Payment, Refund, RefundError, State};
use domain::processor::{self, Verdict};
#[cfg(test)]
use tests::{payment_captured, payment_refunded};

impl contract::Guest for Component {
    fn list_payments(
        order_id: Option<String>,
        cursor: Option<String>,
        limit: Option<u32>,
    ) -> Result<contract::PaymentPage, Problem> {
        let page = storage::payments(order_id.as_deref(), cursor.as_deref(), limit)?;
        let page = page.map(|(payment_id, payment)| answer(payment_id, payment));
        Ok(contract::PaymentPage { items: page.items, next_cursor: page.next_cursor })
    }

    fn get_payment(payment_id: String) -> Result<contract::Payment, Problem> {
        let payment = known(&payment_id)?;
        caller::require_owner_or_staff(&payment.account_id, "payment")?;
        Ok(answer(payment_id, payment))
    }

    fn refund_payment(payment_id: String, details: contract::RefundDetails) -> Result<contract::Payment, Problem> {
        let mut payment = known(&payment_id)?;
        let amount = Money::parse(&details.amount, "/amount")?;
        payment.refund(new_refund(amount, details.reason)).map_err(refused)?;
        storage::set_payment(&payment_id, &payment);
        payment_refunded(&payment_id, &payment.order_id, &amount.into());
        Ok(answer(payment_id, payment))
    }

    fn charge(details: contract::ChargeDetails) -> Result<contract::Payment, Problem> {
        let amount = Money::parse(&details.amount, "/amount")?;
        if amount.minor_units < 0 {
            return Err(Problem::invalid("/amount/amount", "must not be below 0"));
        }
        if !id::is_id(&details.order_id) {
            return Err(Problem::invalid("/orderId", "must be an id"));
        }
        if let Some((payment_id, payment)) = storage::paid(&details.order_id) {
            if payment.pays(amount) {
                return Ok(answer(payment_id, payment));
            }
            take_back(&payment_id, payment);
        }
        let verdict = if amount.minor_units == 0 { Verdict::Captured } else { ask_processor(&details.token) };
        let (payment_id, payment) = (id::new("pay"), attempt(details, amount, verdict));
        storage::add_payment(&payment_id, &payment, time::now());
        match verdict {
            Verdict::Captured => {
                payment_captured(&payment_id, &payment.order_id, &amount.into());
                Ok(answer(payment_id, payment))
            }
            Verdict::Declined(code) => Err(Problem::declined("the card was declined", code)),
            Verdict::Unreachable => Err(Problem::unreachable("the payment processor cannot be reached")),
        }
    }

    fn void(order_id: String) -> Result<(), Problem> {
        if id::is_id(&order_id)
            && let Some((payment_id, payment)) = storage::paid(&order_id)
        {
            take_back(&payment_id, payment);
        }
        Ok(())
    }

    fn refund_all(payment_id: String, reason: String) -> Result<contract::Payment, Problem> {
        let mut payment = known(&payment_id)?;
        let state = payment.state.clone();
        let given_back = payment.refund_all(|left| new_refund(left, reason)).map_err(refused)?;
        if payment.state != state {
            storage::set_payment(&payment_id, &payment);
        }
        if let Some(amount) = given_back {
            payment_refunded(&payment_id, &payment.order_id, &amount.into());
        }
        Ok(answer(payment_id, payment))
    }
}

fn known(payment_id: &str) -> Result<Payment, Problem> {
    storage::payment(payment_id).ok_or_else(|| Problem::not_found("no such payment"))
}

#[expect(clippy::disallowed_methods, reason = "the test processor takes its time, as a real one does")]
fn ask_processor(token: &str) -> Verdict {
    let (verdict, takes) = processor::charge(token);
    if takes > Duration::ZERO {
        std::thread::sleep(takes);
    }
    verdict
}

fn attempt(details: contract::ChargeDetails, amount: Money, verdict: Verdict) -> Payment {
    let contract::ChargeDetails { order_id, account_id, method: contract::Card { brand, last4 }, .. } = details;
    let state = match verdict {
        Verdict::Captured => State::Captured,
        Verdict::Declined(code) => State::Declined { code: code.to_owned() },
        Verdict::Unreachable => State::Failed,
    };
    Payment { order_id, account_id, amount, card: Card { brand, last4 }, state, refunds: Vec::new() }
}

/// Voids a payment and emits an event about the returned money. Does nothing if none is left.
fn take_back(payment_id: &str, mut payment: Payment) {
    let Some(amount) = payment.void() else { return };
    storage::set_payment(payment_id, &payment);
    if amount.minor_units > 0 {
        payment_refunded(payment_id, &payment.order_id, &amount.into());
    }
}

fn new_refund(amount: Money, reason: String) -> Refund {
    Refund { id: id::new("ref"), amount, reason, created_at: time::now() }
}

fn refused(error: RefundError) -> Problem {
    let detail = error.to_string();
    match error {
        RefundError::NotPositive => Problem::invalid("/amount/amount", detail),
        RefundError::Currency { .. } => Problem::invalid("/amount/currency", detail),
        RefundError::Reason => Problem::invalid("/reason", detail),
        RefundError::NotCaptured | RefundError::MoreThanLeft { .. } | RefundError::Count => Problem::conflict(detail),
    }
}

fn answer(payment_id: String, payment: Payment) -> contract::Payment {
    let Payment { order_id, account_id: _, amount, card: Card { brand, last4 }, state, refunds } = payment;
    let (status, decline_code) = status_of(state);
    let refund = |Refund { id, amount, reason, created_at }| contract::Refund {
        id,
        amount: amount.into(),
        reason,
        created_at: created_at.to_rfc3339(),
    };
    let (amount, method): (ContractMoney, _) = (amount.into(), contract::Card { brand, last4 });
    let refunds = refunds.into_iter().map(refund).collect();
    contract::Payment { id: payment_id, order_id, amount, status, method, decline_code, refunds }
}

/// The status, and why a declined payment was declined.
fn status_of(state: State) -> (contract::PaymentStatus, Option<String>) {
    match state {
        State::Captured => (contract::PaymentStatus::Captured, None),
        State::PartiallyRefunded => (contract::PaymentStatus::PartiallyRefunded, None),
        State::Refunded => (contract::PaymentStatus::Refunded, None),
        State::Voided => (contract::PaymentStatus::Voided, None),
        State::Declined { code } => (contract::PaymentStatus::Declined, Some(code)),
        State::Failed => (contract::PaymentStatus::Failed, None),
    }
}

#[cfg(test)]
mod tests;
