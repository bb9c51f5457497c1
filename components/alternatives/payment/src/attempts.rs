//! The stored attempts to be paid: facts that never change, the standing that does, and one entry for each refund.
//!
//! | key | value |
//! |---|---|
//! | `attempt/<payment>` | [`Attempt`] |
//! | `standing/<payment>` | [`Standing`] |
//! | `refund/<payment>/<number>` | [`Refund`], numbered from 0 |
//! | `by-time/<time>/<payment>` | nothing |
//! | `by-order/<order>/<time>/<payment>` | nothing |

use serde::{Deserialize, Serialize};
use switchyard_sdk::paging::PageRequest;
use switchyard_sdk::state::Page;
use switchyard_sdk::store::{self, Direction, Scan};
use switchyard_sdk::{Money, Timestamp, id};

const ATTEMPT: &str = "attempt/";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attempt {
    pub(crate) created_at: Timestamp,
    pub(crate) order_id: String,
    pub(crate) account_id: String,
    pub(crate) amount: Money,
    pub(crate) brand: String,
    pub(crate) last4: String,
}

/// The outcome of an attempt so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Standing {
    Failed,
    Declined(String),
    Captured,
    PartiallyRefunded,
    Refunded,
    Voided,
}

impl Standing {
    /// Whether the processor gave money, even if it was given back since.
    pub(crate) fn has_captured(&self) -> bool {
        !matches!(self, Self::Failed | Self::Declined(_))
    }

    /// Whether money of the payment may still be left.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self, Self::Captured | Self::PartiallyRefunded)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Refund {
    pub(crate) id: String,
    pub(crate) created_at: Timestamp,
    pub(crate) amount: Money,
    pub(crate) reason: String,
}

/// An attempt with all that belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Payment {
    pub(crate) attempt: Attempt,
    pub(crate) standing: Standing,
    pub(crate) refunds: Vec<Refund>,
}

impl Payment {
    /// The captured money that was not given back.
    pub(crate) fn left(&self) -> Money {
        let amount = self.attempt.amount;
        let refunded = Money::sum(amount.currency, self.refunds.iter().map(|refund| refund.amount));
        let left = refunded.and_then(|refunded| amount.minus(refunded));
        left.ok().filter(|_| self.standing.is_open()).unwrap_or(Money::zero(amount.currency))
    }
}

/// The payment of that id, which may be any text.
pub(crate) fn payment(payment_id: &str) -> Option<Payment> {
    if !id::is_id(payment_id) {
        return None;
    }
    store::get(&[ATTEMPT, payment_id].concat()).and_then(|attempt| complete(payment_id, attempt))
}

fn complete(payment_id: &str, attempt: Attempt) -> Option<Payment> {
    let standing = store::get(&standing_key(payment_id))?;
    let refunds = store::all(&refund_prefix(payment_id)).map(|(_, refund)| refund).collect();
    Some(Payment { attempt, standing, refunds })
}

/// Stores a new payment.
pub(crate) fn add(payment_id: &str, payment: &Payment) {
    store::set(&[ATTEMPT, payment_id].concat(), &payment.attempt);
    for listed in list_keys(payment_id, &payment.attempt) {
        store::set(&listed, &());
    }
    set_standing(payment_id, &payment.standing);
    for (number, refund) in payment.refunds.iter().enumerate() {
        add_refund(payment_id, number, refund);
    }
}

pub(crate) fn set_standing(payment_id: &str, standing: &Standing) {
    store::set(&standing_key(payment_id), standing);
}

/// Stores the refund of that number.
pub(crate) fn add_refund(payment_id: &str, number: usize, refund: &Refund) {
    store::set(&format!("{}{number:04}", refund_prefix(payment_id)), refund);
}

/// Deletes everything about a payment.
pub(crate) fn remove(payment_id: &str) {
    let Some(payment) = payment(payment_id) else { return };
    let refunds: Vec<String> = store::all::<Refund>(&refund_prefix(payment_id)).map(|(key, _)| key).collect();
    let listed = list_keys(payment_id, &payment.attempt);
    let rest = [[ATTEMPT, payment_id].concat(), standing_key(payment_id)];
    refunds.iter().chain(&listed).chain(&rest).for_each(|key| store::delete(key));
}

/// The last payment of an order that captured money, and its id.
pub(crate) fn paid(order_id: &str) -> Option<(String, Payment)> {
    let prefix = order_prefix(order_id);
    let mut after = None::<String>;
    loop {
        let scan = Scan { prefix: &prefix, after: after.as_deref(), direction: Direction::Descending, limit: 1 };
        let (key, ()) = store::scan::<()>(&scan).entries.pop()?;
        let payment_id = key.rsplit('/').next().unwrap_or_default().to_owned();
        match payment(&payment_id) {
            Some(payment) if payment.standing.has_captured() => return Some((payment_id, payment)),
            _ => after = Some(key),
        }
    }
}

/// A page of payments, newest first, of one order if given, and the cursor of the next page.
pub(crate) fn list(request: &PageRequest, order_id: Option<&str>) -> (Vec<(String, Payment)>, Option<String>) {
    let prefix = order_id.map_or_else(|| "by-time/".to_owned(), order_prefix);
    let after = request.after().map(|position| [prefix.as_str(), position].concat());
    let (direction, limit) = (Direction::Descending, request.limit());
    let page = store::scan::<()>(&Scan { prefix: &prefix, after: after.as_deref(), direction, limit });
    let positions = page.entries.iter().filter_map(|(key, ())| key.strip_prefix(&prefix));
    let next_cursor = positions.clone().next_back().filter(|_| page.more).map(|position| request.cursor(position));
    let payment = |position: &str| {
        let (_, payment_id) = position.split_once('/')?;
        payment(payment_id).map(|payment| (payment_id.to_owned(), payment))
    };
    (positions.filter_map(payment).collect(), next_cursor)
}

/// Adds the payments of a page of entities.
pub(crate) fn export<E>(page: &mut Page<E>, entity: impl Fn(Payment) -> E) {
    page.add("payment/", ATTEMPT, |payment_id, attempt: Attempt| complete(payment_id, attempt).map(&entity));
}

fn list_keys(payment_id: &str, attempt: &Attempt) -> [String; 2] {
    let position = [&attempt.created_at.sortable(), "/", payment_id].concat();
    [["by-time/", &position].concat(), [&order_prefix(&attempt.order_id), position.as_str()].concat()]
}

fn order_prefix(order_id: &str) -> String {
    ["by-order/", order_id, "/"].concat()
}

fn refund_prefix(payment_id: &str) -> String {
    ["refund/", payment_id, "/"].concat()
}

fn standing_key(payment_id: &str) -> String {
    ["standing/", payment_id].concat()
}
