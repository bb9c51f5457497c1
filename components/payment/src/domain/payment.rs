//! A payment for an order, and its refunds.

use serde::{Deserialize, Serialize};
use switchyard_sdk::{Currency, Money, Timestamp};

/// Longest reason of a refund, in characters.
pub(crate) const REASON_CHARS_MAX: usize = 500;

/// Maximum of refunds per payment, because a payment is one value in the store.
pub(crate) const REFUNDS_MAX: usize = 200;

/// One attempt to charge for an order.
///
/// Invariant: the refunds are never more than the captured amount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Payment {
    pub(crate) order_id: String,
    /// The customer.
    pub(crate) account_id: String,
    pub(crate) amount: Money,
    pub(crate) card: Card,
    pub(crate) state: State,
    pub(crate) refunds: Vec<Refund>,
}

/// The card of a payment, in the form that may be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Card {
    pub(crate) brand: String,
    pub(crate) last4: String,
}

/// The state of a payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum State {
    Captured,
    PartiallyRefunded,
    Refunded,
    /// Returned for a failed order.
    Voided,
    Declined {
        code: String,
    },
    /// The processor could not be reached.
    Failed,
}

impl State {
    /// Whether the processor gave money, whatever became of it.
    #[must_use]
    pub(crate) fn has_captured(&self) -> bool {
        match self {
            Self::Captured | Self::PartiallyRefunded | Self::Refunded | Self::Voided => true,
            Self::Declined { .. } | Self::Failed => false,
        }
    }
}

/// A refund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Refund {
    pub(crate) id: String,
    /// More than zero.
    pub(crate) amount: Money,
    pub(crate) reason: String,
    pub(crate) created_at: Timestamp,
}

/// Why a refund was refused; the payment is unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RefundError {
    #[error("must be more than 0")]
    NotPositive,
    #[error("must be {currency}, as the payment is")]
    Currency { currency: Currency },
    #[error("must be at most 500 characters")]
    Reason,
    #[error("nothing was captured")]
    NotCaptured,
    #[error("only {left} {currency} in minor units is left of the payment", left = .left.minor_units, currency = .left.currency)]
    MoreThanLeft { left: Money },
    #[error("the payment has 200 refunds, which is the most")]
    Count,
}

impl Payment {
    /// Whether this payment pays `amount` for the order, even if it was refunded later.
    #[must_use]
    pub(crate) fn pays(&self, amount: Money) -> bool {
        let paid = matches!(self.state, State::Captured | State::PartiallyRefunded | State::Refunded);
        paid && self.amount == amount
    }

    /// The captured amount minus the refunds.
    #[must_use]
    pub(crate) fn left(&self) -> Money {
        let nothing = Money::zero(self.amount.currency);
        match self.state {
            State::Captured | State::PartiallyRefunded => {
                let refunded = Money::sum(self.amount.currency, self.refunds.iter().map(|refund| refund.amount));
                refunded.and_then(|refunded| self.amount.minus(refunded)).unwrap_or(nothing)
            }
            State::Refunded | State::Voided | State::Declined { .. } | State::Failed => nothing,
        }
    }

    /// Adds `refund`.
    ///
    /// # Errors
    ///
    /// [`RefundError`].
    pub(crate) fn refund(&mut self, refund: Refund) -> Result<(), RefundError> {
        let Refund { amount, reason, .. } = &refund;
        if amount.currency != self.amount.currency {
            return Err(RefundError::Currency { currency: self.amount.currency });
        }
        if amount.minor_units <= 0 {
            return Err(RefundError::NotPositive);
        }
        if reason.chars().count() > REASON_CHARS_MAX {
            return Err(RefundError::Reason);
        }
        if matches!(self.state, State::Voided | State::Declined { .. } | State::Failed) {
            return Err(RefundError::NotCaptured);
        }
        let left = self.left();
        if amount.minor_units > left.minor_units {
            return Err(RefundError::MoreThanLeft { left });
        }
        if self.refunds.len() >= REFUNDS_MAX && *amount != left {
            return Err(RefundError::Count);
        }
        self.state = if *amount == left { State::Refunded } else { State::PartiallyRefunded };
        self.refunds.push(refund);
        Ok(())
    }

    /// Refunds the rest, with the refund that `refund` creates, and returns its amount. Nothing changes if all was
    /// refunded before.
    ///
    /// # Errors
    ///
    /// [`RefundError::NotCaptured`], [`RefundError::Reason`].
    pub(crate) fn refund_all(&mut self, refund: impl FnOnce(Money) -> Refund) -> Result<Option<Money>, RefundError> {
        match self.state {
            State::Declined { .. } | State::Failed => return Err(RefundError::NotCaptured),
            State::Refunded | State::Voided => return Ok(None),
            State::Captured | State::PartiallyRefunded => {}
        }
        let left = self.left();
        if left.minor_units == 0 {
            self.state = State::Refunded;
            return Ok(None);
        }
        self.refund(refund(left))?;
        Ok(Some(left))
    }

    /// Voids the rest, as if there had been no order, and returns its amount. Nothing changes if nothing is captured.
    pub(crate) fn void(&mut self) -> Option<Money> {
        let captured = matches!(self.state, State::Captured | State::PartiallyRefunded);
        captured.then(|| {
            let left = self.left();
            self.state = State::Voided;
            left
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn eur(minor_units: i64) -> Money {
        Money::new(minor_units, Currency::EUR)
    }

    fn payment(amount: i64, state: State) -> Payment {
        let card = Card { brand: "visa".to_owned(), last4: "4242".to_owned() };
        let (order_id, account_id) = ("ord_1".to_owned(), "acc_1".to_owned());
        Payment { order_id, account_id, amount: eur(amount), card, state, refunds: Vec::new() }
    }

    fn refund(amount: Money) -> Refund {
        let created_at = Timestamp::from_unix_micros(0);
        Refund { id: "ref_1".to_owned(), amount, reason: "broken".to_owned(), created_at }
    }

    fn declined() -> State {
        State::Declined { code: "declined".to_owned() }
    }

    #[test]
    fn a_refund_is_of_the_currency_positive_and_at_most_what_is_left() {
        let usd = Money::new(1, "USD".parse().expect("a currency"));
        let cases = [
            (State::Captured, eur(1), Ok(State::PartiallyRefunded)),
            (State::Captured, eur(100), Ok(State::Refunded)),
            (State::Captured, eur(101), Err(RefundError::MoreThanLeft { left: eur(100) })),
            (State::Captured, eur(i64::MAX), Err(RefundError::MoreThanLeft { left: eur(100) })),
            (State::Captured, eur(0), Err(RefundError::NotPositive)),
            (State::Captured, eur(-1), Err(RefundError::NotPositive)),
            (State::Captured, usd, Err(RefundError::Currency { currency: Currency::EUR })),
            (State::Refunded, eur(1), Err(RefundError::MoreThanLeft { left: eur(0) })),
            (State::Voided, eur(1), Err(RefundError::NotCaptured)),
            (declined(), eur(1), Err(RefundError::NotCaptured)),
            (State::Failed, eur(1), Err(RefundError::NotCaptured)),
        ];
        for (state, amount, expected) in cases {
            let told = format!("{state:?} {amount:?}");
            let mut payment = payment(100, state);
            let before = payment.clone();
            let result = payment.refund(refund(amount)).map(|()| payment.state.clone());
            assert_eq!(result, expected, "{told}");
            assert!(result.is_ok() || payment == before, "{told}: nothing changes when it is refused");
        }
        let long = Refund { reason: "ü".repeat(501), ..refund(eur(1)) };
        assert_eq!(payment(100, State::Captured).refund(long), Err(RefundError::Reason));
    }

    #[test]
    fn giving_all_back_or_voiding_happens_once() {
        // The state; the amount of refund-all and the state after it; the amount of void and the state after it.
        let cases = [
            (State::Captured, Ok(Some(eur(100))), State::Refunded, Some(eur(100)), State::Voided),
            (State::Refunded, Ok(None), State::Refunded, None, State::Refunded),
            (State::Voided, Ok(None), State::Voided, None, State::Voided),
            (declined(), Err(RefundError::NotCaptured), declined(), None, declined()),
            (State::Failed, Err(RefundError::NotCaptured), State::Failed, None, State::Failed),
        ];
        for (state, refunded, after_refund, voided, after_void) in cases {
            let mut payment = payment(100, state.clone());
            assert_eq!(payment.refund_all(refund), refunded, "{state:?}");
            assert_eq!(payment.state, after_refund, "{state:?}");
            let mut payment = Payment { state: state.clone(), refunds: Vec::new(), ..payment };
            assert_eq!(payment.void(), voided, "{state:?}");
            assert_eq!(payment.state, after_void, "{state:?}");
            assert_eq!(payment.void(), None, "{state:?}");
        }
    }

    #[test]
    fn after_a_partial_refund_the_rest_is_given_back() {
        let mut partly = payment(100, State::Captured);
        partly.refund(refund(eur(30))).expect("enough");
        assert_eq!(partly.clone().refund_all(refund), Ok(Some(eur(70))));
        assert_eq!(partly.void(), Some(eur(70)));
    }

    #[test]
    fn a_payment_of_nothing_is_captured_and_given_back_without_a_refund() {
        let mut free = payment(0, State::Captured);
        assert_eq!(free.refund_all(refund), Ok(None));
        assert_eq!((free.state, free.refunds.len()), (State::Refunded, 0));
    }

    #[test]
    fn an_order_is_paid_by_what_was_captured_in_its_amount() {
        for (state, pays) in [
            (State::Captured, true),
            (State::PartiallyRefunded, true),
            (State::Refunded, true),
            (State::Voided, false),
            (declined(), false),
            (State::Failed, false),
        ] {
            assert_eq!(payment(100, state.clone()).pays(eur(100)), pays, "{state:?}");
            assert!(!payment(100, state.clone()).pays(eur(101)), "{state:?}");
        }
    }

    proptest! {
        #[test]
        fn captured_is_what_is_left_and_what_was_given_back(
            captured in 0i64..1000, amounts in prop::collection::vec(-10i64..400, 0..300), end in 0..3
        ) {
            let mut payment = payment(captured, State::Captured);
            for amount in amounts {
                let _refused = payment.refund(refund(eur(amount)));
                let refunded: i64 = payment.refunds.iter().map(|refund| refund.amount.minor_units).sum();
                prop_assert_eq!(payment.left().minor_units + refunded, captured);
                prop_assert!(payment.left().minor_units >= 0);
            }
            let left = payment.left();
            let given_back = match end {
                0 => payment.refund_all(refund).expect("captured"),
                1 => payment.void(),
                _ => return Ok(()),
            };
            prop_assert_eq!(given_back.unwrap_or(eur(0)), left);
            prop_assert_eq!(payment.left(), eur(0));
        }
    }
}
