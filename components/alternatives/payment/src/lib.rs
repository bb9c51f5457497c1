//! A second payment service for the shop's contract. It stores each refund as an entry of its own.

mod attempts;
#[allow(unsafe_code, unreachable_pub, missing_debug_implementations, reason = "generated")]
mod bindings;
mod state;

use std::time::Duration;

use switchyard_sdk::paging::PageRequest;
use switchyard_sdk::{Money, Problem, caller, id, time};

use attempts::{Attempt, Payment, Refund, Standing};
use bindings::Component;
use bindings::exports::shop::payment::payment as contract;
#[cfg(not(test))]
use bindings::shop::events::payment_events::{payment_captured, payment_refunded};
#[cfg(test)]
use tests::{payment_captured, payment_refunded};

/// Longest reason of a refund, in characters.
const REASON_CHARS_MAX: usize = 500;

/// Maximum number of refunds per payment, except for one that refunds the rest.
const REFUNDS_MAX: usize = 200;

/// How long the test processor takes for `tok_slow`.
const SLOW: Duration = Duration::from_secs(2);

impl contract::Guest for Component {
    fn list_payments(
        order_id: Option<String>,
        cursor: Option<String>,
        limit: Option<u32>,
    ) -> Result<contract::PaymentPage, Problem> {
        let list = ["payments ", order_id.as_deref().unwrap_or_default()].concat();
        let request = PageRequest::parse(list, cursor.as_deref(), limit)?;
        if order_id.as_deref().is_some_and(|order_id| !id::is_id(order_id)) {
            return Ok(contract::PaymentPage { items: Vec::new(), next_cursor: None });
        }
        let (payments, next_cursor) = attempts::list(&request, order_id.as_deref());
        let items = payments.into_iter().map(|(payment_id, payment)| answer(payment_id, payment)).collect();
        Ok(contract::PaymentPage { items, next_cursor })
    }

    fn get_payment(payment_id: String) -> Result<contract::Payment, Problem> {
        let payment = known(&payment_id)?;
        caller::require_owner_or_staff(&payment.attempt.account_id, "payment")?;
        Ok(answer(payment_id, payment))
    }

    fn refund_payment(payment_id: String, details: contract::RefundDetails) -> Result<contract::Payment, Problem> {
        let payment = known(&payment_id)?;
        let amount = Money::parse(&details.amount, "/amount")?;
        if amount.currency != payment.attempt.amount.currency {
            let detail = format!("must be {}, as the payment is", payment.attempt.amount.currency.code());
            return Err(Problem::invalid("/amount/currency", detail));
        }
        if amount.minor_units <= 0 {
            return Err(Problem::invalid("/amount/amount", "must be more than 0"));
        }
        if payment.standing == Standing::Voided || !payment.standing.has_captured() {
            return Err(Problem::conflict("nothing was captured"));
        }
        give_back(payment_id, payment, amount, details.reason)
    }

    fn charge(details: contract::ChargeDetails) -> Result<contract::Payment, Problem> {
        let amount = Money::parse(&details.amount, "/amount")?;
        if amount.minor_units < 0 {
            return Err(Problem::invalid("/amount/amount", "must not be below 0"));
        }
        if !id::is_id(&details.order_id) {
            return Err(Problem::invalid("/orderId", "must be an id"));
        }
        if let Some((payment_id, payment)) = attempts::paid(&details.order_id) {
            if payment.standing != Standing::Voided && payment.attempt.amount == amount {
                return Ok(answer(payment_id, payment));
            }
            void(&payment_id, payment);
        }
        let standing = if amount.minor_units == 0 { Standing::Captured } else { ask_processor(&details.token) };
        let payment = attempt(details, amount, standing);
        let payment_id = id::new("pay");
        attempts::add(&payment_id, &payment);
        match &payment.standing {
            Standing::Declined(code) => Err(Problem::declined("the card was declined", code)),
            Standing::Failed => Err(Problem::unreachable("the payment processor cannot be reached")),
            _ => {
                payment_captured(&payment_id, &payment.attempt.order_id, &amount.into());
                Ok(answer(payment_id, payment))
            }
        }
    }

    fn void(order_id: String) -> Result<(), Problem> {
        if id::is_id(&order_id)
            && let Some((payment_id, payment)) = attempts::paid(&order_id)
        {
            void(&payment_id, payment);
        }
        Ok(())
    }

    fn refund_all(payment_id: String, reason: String) -> Result<contract::Payment, Problem> {
        let mut payment = known(&payment_id)?;
        if !payment.standing.has_captured() {
            return Err(Problem::conflict("nothing was captured"));
        }
        if !payment.standing.is_open() {
            return Ok(answer(payment_id, payment));
        }
        let left = payment.left();
        if left.minor_units > 0 {
            return give_back(payment_id, payment, left, reason);
        }
        payment.standing = Standing::Refunded;
        attempts::set_standing(&payment_id, &payment.standing);
        Ok(answer(payment_id, payment))
    }
}

fn known(payment_id: &str) -> Result<Payment, Problem> {
    attempts::payment(payment_id).ok_or_else(|| Problem::not_found("no such payment"))
}

/// Refunds a part of a payment, or the rest.
fn give_back(
    payment_id: String,
    mut payment: Payment,
    amount: Money,
    reason: String,
) -> Result<contract::Payment, Problem> {
    if reason.chars().count() > REASON_CHARS_MAX {
        return Err(Problem::invalid("/reason", "must be at most 500 characters"));
    }
    let left = payment.left();
    if amount.minor_units > left.minor_units {
        let code = left.currency.code();
        return Err(Problem::conflict(format!(
            "only {} {code} in minor units is left of the payment",
            left.minor_units
        )));
    }
    let (is_rest, number) = (amount == left, payment.refunds.len());
    if number >= REFUNDS_MAX && !is_rest {
        return Err(Problem::conflict("the payment has 200 refunds, which is the maximum"));
    }
    let refund = Refund { id: id::new("ref"), created_at: time::now(), amount, reason };
    attempts::add_refund(&payment_id, number, &refund);
    payment.standing = if is_rest { Standing::Refunded } else { Standing::PartiallyRefunded };
    attempts::set_standing(&payment_id, &payment.standing);
    payment.refunds.push(refund);
    payment_refunded(&payment_id, &payment.attempt.order_id, &amount.into());
    Ok(answer(payment_id, payment))
}

/// Voids a payment that has money left, and emits the event about that money.
fn void(payment_id: &str, payment: Payment) {
    if !payment.standing.is_open() {
        return;
    }
    attempts::set_standing(payment_id, &Standing::Voided);
    let left = payment.left();
    if left.minor_units > 0 {
        payment_refunded(payment_id, &payment.attempt.order_id, &left.into());
    }
}

/// Asks the test processor, whose answer depends only on the token.
#[expect(clippy::disallowed_methods, reason = "the test processor takes its time, like a real one")]
fn ask_processor(token: &str) -> Standing {
    match token {
        "tok_ok" => Standing::Captured,
        "tok_slow" => {
            std::thread::sleep(SLOW);
            Standing::Captured
        }
        "tok_error" => Standing::Failed,
        "tok_declined" => Standing::Declined("declined".to_owned()),
        "tok_insufficient_funds" => Standing::Declined("insufficient_funds".to_owned()),
        _ => Standing::Declined("invalid_token".to_owned()),
    }
}

fn attempt(details: contract::ChargeDetails, amount: Money, standing: Standing) -> Payment {
    let contract::ChargeDetails { order_id, account_id, method: contract::Card { brand, last4 }, .. } = details;
    let attempt = Attempt { created_at: time::now(), order_id, account_id, amount, brand, last4 };
    Payment { attempt, standing, refunds: Vec::new() }
}

fn answer(payment_id: String, payment: Payment) -> contract::Payment {
    let (status, decline_code) = status(payment.standing);
    let refund = |Refund { id, created_at, amount, reason }| contract::Refund {
        id,
        amount: amount.into(),
        reason,
        created_at: created_at.to_rfc3339(),
    };
    let Attempt { order_id, amount, brand, last4, .. } = payment.attempt;
    contract::Payment {
        id: payment_id,
        order_id,
        amount: amount.into(),
        status,
        method: contract::Card { brand, last4 },
        decline_code,
        refunds: payment.refunds.into_iter().map(refund).collect(),
    }
}

fn status(standing: Standing) -> (contract::PaymentStatus, Option<String>) {
    match standing {
        Standing::Failed => (contract::PaymentStatus::Failed, None),
        Standing::Declined(code) => (contract::PaymentStatus::Declined, Some(code)),
        Standing::Captured => (contract::PaymentStatus::Captured, None),
        Standing::PartiallyRefunded => (contract::PaymentStatus::PartiallyRefunded, None),
        Standing::Refunded => (contract::PaymentStatus::Refunded, None),
        Standing::Voided => (contract::PaymentStatus::Voided, None),
    }
}

#[cfg(test)]
#[path = "../../../payment/src/tests.rs"]
mod tests;
