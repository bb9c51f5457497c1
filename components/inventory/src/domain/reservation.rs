//! The stock that an order reserves: set aside for a while, then sold or released; all of its lines or none.

use serde::{Deserialize, Serialize};
use switchyard_sdk::Timestamp;

use crate::domain::item::Sku;
use crate::domain::lines::{LINES_MAX, Lines};
use crate::domain::stock::{Stock, StockError};

/// How long an order may reserve stock without buying it.
pub(crate) const HOLD_SECONDS: u64 = 15 * 60;

/// The lines that one order reserves or has bought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reservation {
    pub(crate) lines: Lines,
    pub(crate) expires_at: Timestamp,
    pub(crate) state: State,
}

/// The state of a reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum State {
    /// Set aside until it expires.
    Held,
    /// Bought; it does not expire.
    Sold,
}

/// Why lines cannot be reserved or changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ReservationError {
    #[error("no item {sku}", sku = .sku.as_str())]
    NotOnSale { sku: Sku },
    #[error("{sku}: {source}", sku = .sku.as_str())]
    Stock { sku: Sku, source: StockError },
}

/// The stock of the items in a reservation: the stored value and the new value.
///
/// Invariant: sorted by SKU, each once.
#[derive(Debug, Default)]
pub(crate) struct Stocks(Vec<(Sku, Stock, Stock)>);

impl Stocks {
    /// Adds `stock` as the stock of `sku`. A SKU that was already added does not change.
    pub(crate) fn insert(&mut self, sku: Sku, stock: Stock) {
        if let Err(place) = self.place(&sku) {
            self.0.insert(place, (sku, stock, stock));
        }
    }

    /// Whether the stock of `sku` was added.
    #[must_use]
    pub(crate) fn contains(&self, sku: &Sku) -> bool {
        self.place(sku).is_ok()
    }

    /// The changed SKUs, with their stock before and after.
    pub(crate) fn changes(&self) -> impl Iterator<Item = (&Sku, Stock, Stock)> {
        let changed = self.0.iter().filter(|(_, before, after)| before != after);
        changed.map(|(sku, before, after)| (sku, *before, *after))
    }

    fn place(&self, sku: &Sku) -> Result<usize, usize> {
        self.0.binary_search_by(|(known, ..)| known.cmp(sku))
    }

    fn change(
        &mut self,
        lines: &Lines,
        change: impl Fn(Stock, u32) -> Result<Stock, StockError>,
    ) -> Result<(), ReservationError> {
        for line in lines.iter() {
            let place = self.place(&line.sku).ok();
            let Some((_, _, stock)) = place.and_then(|place| self.0.get_mut(place)) else {
                return Err(ReservationError::NotOnSale { sku: line.sku.clone() });
            };
            *stock = change(*stock, line.quantity)
                .map_err(|source| ReservationError::Stock { sku: line.sku.clone(), source })?;
        }
        Ok(())
    }
}

impl Reservation {
    /// Reserves `lines` at the time `now`.
    ///
    /// # Errors
    ///
    /// [`ReservationError`]; then `stocks` contains some of the lines and must not be stored.
    pub(crate) fn hold(lines: Lines, now: Timestamp, stocks: &mut Stocks) -> Result<Self, ReservationError> {
        stocks.change(&lines, Stock::reserved)?;
        Ok(Self { lines, expires_at: now.plus_seconds(HOLD_SECONDS), state: State::Held })
    }

    /// The reservation after its lines are sold; unchanged if they already are.
    ///
    /// # Errors
    ///
    /// Like [`Reservation::hold`].
    pub(crate) fn sell(self, stocks: &mut Stocks) -> Result<Self, ReservationError> {
        if self.state == State::Held {
            stocks.change(&self.lines, Stock::sold)?;
        }
        Ok(Self { state: State::Sold, ..self })
    }

    /// Returns all pieces, reserved or sold, and ends the reservation.
    ///
    /// # Errors
    ///
    /// Like [`Reservation::hold`].
    pub(crate) fn put_back(self, stocks: &mut Stocks) -> Result<(), ReservationError> {
        let change = match self.state {
            State::Held => Stock::let_go,
            State::Sold => Stock::returned,
        };
        stocks.change(&self.lines, change)
    }

    /// Whether it may be released.
    #[must_use]
    pub(crate) fn is_expired(&self, now: Timestamp) -> bool {
        self.state == State::Held && self.expires_at <= now
    }
}

/// The number of lines that one run of the expiry handles, so that they fit in one commit with two keys per
/// reservation.
#[derive(Debug)]
pub(crate) struct ExpiryBudget {
    lines_left: usize,
}

impl Default for ExpiryBudget {
    fn default() -> Self {
        Self { lines_left: 2 * LINES_MAX }
    }
}

impl ExpiryBudget {
    /// Whether there is room for one more reservation. The first one always has room.
    pub(crate) fn take(&mut self, reservation: &Reservation) -> bool {
        // Each of the two keys counts as a line.
        let left = self.lines_left.checked_sub(reservation.lines.count() + 2);
        self.lines_left = left.unwrap_or(self.lines_left);
        left.is_some()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::item::tests::sku;
    use crate::domain::lines::{Line, tests::line};

    const NOW: Timestamp = Timestamp::from_unix_micros(1_000_000);

    fn stocks(on_hand: &[(&str, u32)]) -> Stocks {
        let mut stocks = Stocks::default();
        for (name, quantity) in on_hand {
            stocks.insert(sku(name), Stock::default().received(*quantity).expect("a delivery"));
        }
        stocks
    }

    fn lines(lines: &[(&str, u32)]) -> Lines {
        Lines::new(lines.iter().map(|(name, quantity)| line(name, *quantity)).collect()).expect("lines")
    }

    /// On hand and available.
    fn left(stocks: &Stocks, name: &str) -> (u32, u32) {
        let (_, _, stock) = &stocks.0[stocks.place(&sku(name)).expect("known")];
        (stock.on_hand(), stock.available())
    }

    #[test]
    fn holding_selling_and_putting_back_move_the_stock() {
        let mut stocks = stocks(&[("a", 5), ("b", 7)]);
        let held = Reservation::hold(lines(&[("b", 7), ("a", 2)]), NOW, &mut stocks).expect("enough");
        assert_eq!((left(&stocks, "a"), left(&stocks, "b")), ((5, 3), (7, 0)));
        let sold = held.clone().sell(&mut stocks).expect("held");
        assert_eq!((left(&stocks, "a"), left(&stocks, "b")), ((3, 3), (0, 0)));
        assert_eq!(sold.clone().sell(&mut stocks).as_ref(), Ok(&sold), "selling again changes nothing");
        assert_eq!((left(&stocks, "a"), left(&stocks, "b")), ((3, 3), (0, 0)));
        sold.put_back(&mut stocks).expect("sold");
        assert_eq!((left(&stocks, "a"), left(&stocks, "b")), ((5, 5), (7, 7)));
        let held = Reservation::hold(lines(&[("a", 5)]), NOW, &mut stocks).expect("enough");
        held.put_back(&mut stocks).expect("held");
        assert_eq!(left(&stocks, "a"), (5, 5));
        assert_eq!(stocks.changes().count(), 0, "everything is where it was");
    }

    #[test]
    fn a_short_or_unknown_item_refuses_all_lines_and_is_named() {
        let refusal = |wanted: &[(&str, u32)]| {
            let error = Reservation::hold(lines(wanted), NOW, &mut stocks(&[("a", 5), ("b", 1)])).expect_err("refused");
            error.to_string()
        };
        assert_eq!(refusal(&[("a", 1), ("b", 2)]), "b: only 1 left");
        assert_eq!(refusal(&[("a", 1), ("c", 2)]), "no item c");
    }

    #[test]
    fn a_reservation_expires_after_a_quarter_of_an_hour_unless_it_is_sold() {
        let mut stocks = stocks(&[("a", 5)]);
        let held = Reservation::hold(lines(&[("a", 1)]), NOW, &mut stocks).expect("enough");
        for (seconds, expired) in [(0, false), (899, false), (900, true), (10_000, true)] {
            assert_eq!(held.is_expired(NOW.plus_seconds(seconds)), expired, "{seconds}");
        }
        let sold = held.sell(&mut stocks).expect("held");
        assert!(!sold.is_expired(NOW.plus_seconds(10_000)));
    }

    #[test]
    fn one_run_of_the_expiry_fits_in_a_commit() {
        let held = |count: usize| {
            let lines = (0..count).map(|number| Line { sku: sku(&format!("s{number:03}")), quantity: 1 }).collect();
            let lines = Lines::new(lines).expect("lines");
            Reservation { lines, expires_at: NOW, state: State::Held }
        };
        for (count, runs) in [(1, 66), (100, 1), (48, 4)] {
            let (reservation, mut budget) = (held(count), ExpiryBudget::default());
            assert_eq!((0..1000).take_while(|_| budget.take(&reservation)).count(), runs, "{count}");
        }
    }

    proptest! {
        #[test]
        fn whatever_orders_do_pieces_are_neither_made_nor_lost(
            steps in prop::collection::vec((0usize..4, 0u8..3, 1u32..6, 0u32..6), 0..100)
        ) {
            let mut stocks = stocks(&[("a", 10), ("b", 10)]);
            let mut orders: [Option<Reservation>; 4] = Default::default();
            for (order, kind, first, second) in steps {
                let mut wanted = vec![line("a", first)];
                wanted.extend((second > 0).then(|| line("b", second)));
                let wanted = Lines::new(wanted).expect("lines");
                // Like the host: the writes of a refused step are discarded.
                let before = stocks.0.clone();
                let after = match (kind, orders[order].clone()) {
                    (0, None) => Reservation::hold(wanted, NOW, &mut stocks).map(Some),
                    (1, Some(held)) => held.sell(&mut stocks).map(Some),
                    (2, Some(held)) => held.put_back(&mut stocks).map(|()| None),
                    _ => continue,
                };
                match after {
                    Ok(after) => orders[order] = after,
                    Err(_) => stocks.0 = before,
                }
                for name in ["a", "b"] {
                    let count = |state| {
                        let orders = orders.iter().flatten().filter(|order| order.state == state);
                        orders.flat_map(|order| order.lines.iter()).filter(|line| line.sku == sku(name)).map(|line| line.quantity).sum::<u32>()
                    };
                    let (on_hand, available) = left(&stocks, name);
                    prop_assert_eq!(on_hand + count(State::Sold), 10);
                    prop_assert_eq!(available + count(State::Held), on_hand);
                }
            }
        }
    }
}
