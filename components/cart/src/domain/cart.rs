//! A cart: its owner, and its quantities of items.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use switchyard_sdk::Timestamp;

/// Maximum of lines of one cart: an order of them fits in one commit of every service.
pub(crate) const LINES_MAX: usize = 100;

/// Maximum quantity of one item.
pub(crate) const QUANTITY_MAX: u32 = 1_000;

/// A cart before or after its checkout.
///
/// Invariant: at most [`LINES_MAX`] lines, each item once, each 1 to [`QUANTITY_MAX`] times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cart {
    /// The account of the customer who owns it; `None` for a guest's cart.
    pub(crate) owner: Option<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) state: State,
    lines: Vec<Line>,
}

/// Whether a cart can still change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum State {
    Open,
    /// It became an order, and does not change any more.
    CheckedOut {
        order_id: String,
    },
}

/// A quantity of an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) sku: String,
    pub(crate) quantity: u32,
}

/// Why a cart was not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CartError {
    #[error("must be 1 to 1,000")]
    Quantity,
    #[error("the cart is checked out")]
    CheckedOut,
    #[error("a cart has at most 100 lines")]
    LineCount,
    #[error("the cart is empty")]
    Empty,
    #[error("a cart has each item once")]
    ItemTwice,
}

impl Cart {
    /// An empty cart.
    #[must_use]
    pub(crate) fn new(owner: Option<String>, now: Timestamp) -> Self {
        Self { owner, created_at: now, state: State::Open, lines: Vec::new() }
    }

    /// A cart that another implementation kept.
    ///
    /// # Errors
    ///
    /// [`CartError`] if it breaks a rule of carts.
    pub(crate) fn of_another(
        owner: Option<String>,
        created_at: Timestamp,
        state: State,
        lines: Vec<Line>,
    ) -> Result<Self, CartError> {
        if lines.len() > LINES_MAX {
            return Err(CartError::LineCount);
        }
        if !lines.iter().all(|line| (1..=QUANTITY_MAX).contains(&line.quantity)) {
            return Err(CartError::Quantity);
        }
        let skus: HashSet<&str> = lines.iter().map(|line| line.sku.as_str()).collect();
        if skus.len() < lines.len() {
            return Err(CartError::ItemTwice);
        }
        Ok(Self { owner, created_at, state, lines })
    }

    /// In the order in which they were added.
    #[must_use]
    pub(crate) fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Sets the quantity of `sku`.
    ///
    /// # Errors
    ///
    /// [`CartError`].
    pub(crate) fn set_line(&mut self, sku: &str, quantity: u32) -> Result<(), CartError> {
        if !(1..=QUANTITY_MAX).contains(&quantity) {
            return Err(CartError::Quantity);
        }
        self.require_open()?;
        self.change_line(sku, |_| quantity)
    }

    /// Removes `sku`, if the cart contains it.
    ///
    /// # Errors
    ///
    /// [`CartError::CheckedOut`].
    pub(crate) fn remove_line(&mut self, sku: &str) -> Result<(), CartError> {
        self.require_open()?;
        self.lines.retain(|line| line.sku != sku);
        Ok(())
    }

    /// Keeps only the lines of these items.
    pub(crate) fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.lines.retain(|line| keep(&line.sku));
    }

    /// Adds the lines of `other`; quantities above [`QUANTITY_MAX`] are cut.
    ///
    /// # Errors
    ///
    /// [`CartError::CheckedOut`], [`CartError::LineCount`]; after the latter some lines may be added.
    pub(crate) fn merge(&mut self, other: &Self) -> Result<(), CartError> {
        self.require_open()?;
        other.require_open()?;
        let sum = |one: u32, more: u32| one.saturating_add(more).min(QUANTITY_MAX);
        other.lines.iter().try_for_each(|line| self.change_line(&line.sku, |before| sum(before, line.quantity)))
    }

    /// The cart after it became the order `order_id` of the customer `account_id`.
    ///
    /// # Errors
    ///
    /// Like [`Cart::require_full`].
    pub(crate) fn checked_out(self, account_id: &str, order_id: &str) -> Result<Self, CartError> {
        self.require_full()?;
        let state = State::CheckedOut { order_id: order_id.to_owned() };
        Ok(Self { owner: Some(account_id.to_owned()), state, ..self })
    }

    /// # Errors
    ///
    /// [`CartError::CheckedOut`], [`CartError::Empty`].
    pub(crate) fn require_full(&self) -> Result<(), CartError> {
        self.require_open()?;
        if self.lines.is_empty() { Err(CartError::Empty) } else { Ok(()) }
    }

    fn require_open(&self) -> Result<(), CartError> {
        if self.state == State::Open { Ok(()) } else { Err(CartError::CheckedOut) }
    }

    fn change_line(&mut self, sku: &str, quantity: impl FnOnce(u32) -> u32) -> Result<(), CartError> {
        if let Some(line) = self.lines.iter_mut().find(|line| line.sku == sku) {
            line.quantity = quantity(line.quantity);
            return Ok(());
        }
        if self.lines.len() >= LINES_MAX {
            return Err(CartError::LineCount);
        }
        self.lines.push(Line { sku: sku.to_owned(), quantity: quantity(0) });
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(crate) fn cart(lines: &[(&str, u32)]) -> Cart {
        let mut cart = Cart::new(None, Timestamp::from_unix_micros(0));
        for (sku, quantity) in lines {
            cart.set_line(sku, *quantity).expect("a line");
        }
        cart
    }

    fn told(cart: &Cart) -> String {
        cart.lines().iter().map(|line| format!("{}:{} ", line.sku, line.quantity)).collect()
    }

    #[test]
    fn a_line_is_set_within_bounds() {
        let check = |quantity, expected: Result<&str, CartError>| {
            let mut cart = cart(&[("a", 1), ("b", 2)]);
            assert_eq!(cart.set_line("a", quantity).map(|()| told(&cart)), expected.map(str::to_owned), "{quantity}");
        };
        check(1, Ok("a:1 b:2 "));
        check(1000, Ok("a:1000 b:2 "));
        check(0, Err(CartError::Quantity));
        check(1001, Err(CartError::Quantity));
    }

    #[test]
    fn a_cart_has_so_many_lines() {
        let mut cart = cart(&[]);
        for number in 0..100 {
            cart.set_line(&format!("s{number}"), 1).expect("room");
        }
        assert_eq!(cart.set_line("one-more", 1), Err(CartError::LineCount));
        assert_eq!(cart.set_line("s99", 5), Ok(()));
    }

    #[test]
    fn a_line_is_taken_out_once_and_for_all() {
        let mut cart = cart(&[("a", 1), ("b", 2)]);
        for _ in 0..2 {
            cart.remove_line("a").expect("open");
            assert_eq!(told(&cart), "b:2 ");
        }
    }

    #[test]
    fn merging_adds_up_to_the_most_that_a_line_holds() {
        let mut target = cart(&[("a", 600), ("b", 1)]);
        target.merge(&cart(&[("c", 3), ("a", 600), ("b", 1)])).expect("open");
        assert_eq!(told(&target), "a:1000 b:2 c:3 ");
    }

    #[test]
    fn a_cart_that_is_checked_out_does_not_change() {
        let mut bought = cart(&[("a", 1)]).checked_out("acc_1", "ord_1").expect("full");
        assert_eq!(bought.owner.as_deref(), Some("acc_1"));
        let before = bought.clone();
        assert_eq!(bought.set_line("a", 2), Err(CartError::CheckedOut));
        assert_eq!(bought.remove_line("a"), Err(CartError::CheckedOut));
        assert_eq!(bought.merge(&cart(&[("b", 1)])), Err(CartError::CheckedOut));
        assert_eq!(cart(&[("b", 1)]).merge(&bought), Err(CartError::CheckedOut));
        assert_eq!(bought.clone().checked_out("acc_1", "ord_2"), Err(CartError::CheckedOut));
        assert_eq!(bought, before);
        assert_eq!(cart(&[]).checked_out("acc_1", "ord_1"), Err(CartError::Empty));
    }

    proptest! {
        #[test]
        fn however_carts_change_they_keep_their_bounds(
            steps in prop::collection::vec((0u8..3, 0u16..150, 0u32..1100), 0..400)
        ) {
            let (mut cart, mut guest) = (cart(&[]), cart(&[]));
            for (kind, sku, quantity) in steps {
                let sku = format!("s{sku}");
                let _refused = match kind {
                    0 => cart.set_line(&sku, quantity),
                    1 => cart.remove_line(&sku),
                    _ => guest.set_line(&sku, quantity).and_then(|()| cart.merge(&guest)),
                };
                prop_assert!(cart.lines().len() <= LINES_MAX);
                prop_assert!(cart.lines().iter().all(|line| (1..=QUANTITY_MAX).contains(&line.quantity)));
                let skus: std::collections::HashSet<_> = cart.lines().iter().map(|line| &line.sku).collect();
                prop_assert_eq!(skus.len(), cart.lines().len());
            }
        }
    }
}
