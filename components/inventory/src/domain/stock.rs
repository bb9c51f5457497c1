//! The stock of an item.

use serde::{Deserialize, Serialize};

/// Maximum of pieces in one delivery.
pub(crate) const RECEIPT_QUANTITY_MAX: u32 = 1_000_000;

/// The pieces of one item.
///
/// Invariant: at most all pieces on hand are reserved, so that the available number is never below zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stock {
    on_hand: u32,
    reserved: u32,
    sold: u64,
}

/// Why stock cannot change as requested; it is unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StockError {
    #[error("a delivery brings 1 to 1,000,000 pieces")]
    Receipt,
    #[error("more pieces than can be counted")]
    Overflow,
    #[error("only {available} left")]
    Short { available: u32 },
    #[error("fewer pieces are reserved than are taken from there")]
    NotReserved,
}

impl Stock {
    /// Pieces in the warehouse, reserved or not.
    #[must_use]
    pub(crate) fn on_hand(self) -> u32 {
        self.on_hand
    }

    /// Stock that was counted elsewhere. It may break the invariant for a while; then nothing is available.
    #[must_use]
    pub(crate) fn counted(on_hand: u32, reserved: u32, sold: u64) -> Self {
        Self { on_hand, reserved, sold }
    }

    /// Pieces that orders hold and have not bought.
    #[must_use]
    pub(crate) fn reserved_pieces(self) -> u32 {
        self.reserved
    }

    /// Pieces that orders bought and did not give back.
    #[must_use]
    pub(crate) fn sold_pieces(self) -> u64 {
        self.sold
    }

    /// Pieces that can be sold: on hand and not reserved.
    #[must_use]
    pub(crate) fn available(self) -> u32 {
        self.on_hand.saturating_sub(self.reserved)
    }

    /// The stock after a delivery of `quantity` pieces.
    ///
    /// # Errors
    ///
    /// [`StockError::Receipt`], [`StockError::Overflow`].
    pub(crate) fn received(self, quantity: u32) -> Result<Self, StockError> {
        if !(1..=RECEIPT_QUANTITY_MAX).contains(&quantity) {
            return Err(StockError::Receipt);
        }
        self.added(quantity)
    }

    /// The stock after `quantity` pieces were reserved.
    ///
    /// # Errors
    ///
    /// [`StockError::Short`].
    pub(crate) fn reserved(self, quantity: u32) -> Result<Self, StockError> {
        let available = self.available();
        if quantity > available {
            return Err(StockError::Short { available });
        }
        let reserved = self.reserved.checked_add(quantity).ok_or(StockError::Overflow)?;
        Ok(Self { reserved, ..self })
    }

    /// The stock after `quantity` reserved pieces became available again.
    ///
    /// # Errors
    ///
    /// [`StockError::NotReserved`].
    pub(crate) fn let_go(self, quantity: u32) -> Result<Self, StockError> {
        let reserved = self.reserved.checked_sub(quantity).ok_or(StockError::NotReserved)?;
        Ok(Self { reserved, ..self })
    }

    /// The stock after `quantity` reserved pieces were sold.
    ///
    /// # Errors
    ///
    /// [`StockError::NotReserved`].
    pub(crate) fn sold(self, quantity: u32) -> Result<Self, StockError> {
        let Self { on_hand, reserved, sold } = self.let_go(quantity)?;
        let on_hand = on_hand.checked_sub(quantity).ok_or(StockError::NotReserved)?;
        let sold = sold.checked_add(quantity.into()).ok_or(StockError::Overflow)?;
        Ok(Self { on_hand, reserved, sold })
    }

    /// The stock after `quantity` sold pieces were returned.
    ///
    /// # Errors
    ///
    /// [`StockError::Overflow`].
    pub(crate) fn returned(self, quantity: u32) -> Result<Self, StockError> {
        // Stock of the first form did not count what was sold.
        let sold = self.sold.saturating_sub(quantity.into());
        Ok(Self { sold, ..self.added(quantity)? })
    }

    fn added(self, quantity: u32) -> Result<Self, StockError> {
        let on_hand = self.on_hand.checked_add(quantity).ok_or(StockError::Overflow)?;
        Ok(Self { on_hand, ..self })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn stock(on_hand: u32, reserved: u32, sold: u64) -> Stock {
        Stock { on_hand, reserved, sold }
    }

    #[test]
    fn stock_moves_within_its_bounds_or_not_at_all() {
        type Move = fn(Stock, u32) -> Result<Stock, StockError>;
        let cases: &[(Move, Stock, u32, Result<Stock, StockError>)] = &[
            (Stock::received, stock(0, 0, 0), 1, Ok(stock(1, 0, 0))),
            (Stock::received, stock(5, 5, 1), 1_000_000, Ok(stock(1_000_005, 5, 1))),
            (Stock::received, stock(0, 0, 0), 0, Err(StockError::Receipt)),
            (Stock::received, stock(0, 0, 0), 1_000_001, Err(StockError::Receipt)),
            (Stock::received, stock(u32::MAX, 0, 0), 1, Err(StockError::Overflow)),
            (Stock::reserved, stock(5, 2, 0), 3, Ok(stock(5, 5, 0))),
            (Stock::reserved, stock(5, 2, 0), 4, Err(StockError::Short { available: 3 })),
            (Stock::reserved, stock(0, 0, 0), u32::MAX, Err(StockError::Short { available: 0 })),
            (Stock::let_go, stock(5, 3, 0), 3, Ok(stock(5, 0, 0))),
            (Stock::let_go, stock(5, 3, 0), 4, Err(StockError::NotReserved)),
            (Stock::sold, stock(5, 3, 1), 2, Ok(stock(3, 1, 3))),
            (Stock::sold, stock(5, 3, 0), 4, Err(StockError::NotReserved)),
            (Stock::returned, stock(5, 3, 2), 2, Ok(stock(7, 3, 0))),
            (Stock::returned, stock(5, 3, 0), 2, Ok(stock(7, 3, 0))),
            (Stock::returned, stock(u32::MAX, 0, 0), 1, Err(StockError::Overflow)),
        ];
        for (change, before, quantity, after) in cases {
            assert_eq!(change(*before, *quantity), *after, "{before:?} {quantity}");
        }
    }

    proptest! {
        #[test]
        fn stock_is_never_below_zero_and_adds_up(moves in prop::collection::vec((0u8..5, 0u32..50), 0..200)) {
            let (mut stock, mut received, mut sold, mut held) = (Stock::default(), 0u64, 0u64, 0u64);
            for (kind, quantity) in moves {
                let pieces = u64::from(quantity);
                let change = match kind {
                    0 => stock.received(quantity).map(|stock| (stock, (received + pieces, sold, held))),
                    1 => stock.reserved(quantity).map(|stock| (stock, (received, sold, held + pieces))),
                    2 => stock.let_go(quantity).map(|stock| (stock, (received, sold, held - pieces))),
                    3 => stock.sold(quantity).map(|stock| (stock, (received, sold + pieces, held - pieces))),
                    _ if pieces <= sold => stock.returned(quantity).map(|stock| (stock, (received, sold - pieces, held))),
                    _ => continue,
                };
                if let Ok((after, counts)) = change {
                    (stock, (received, sold, held)) = (after, counts);
                }
                prop_assert!(stock.reserved <= stock.on_hand);
                prop_assert_eq!(stock.sold_pieces(), sold);
                prop_assert_eq!(u64::from(stock.on_hand) + sold, received);
                prop_assert_eq!(u64::from(stock.available()) + held + sold, received);
            }
        }
    }
}
