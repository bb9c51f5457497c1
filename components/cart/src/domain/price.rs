//! The price and the weight of a cart's lines.

use serde::{Deserialize, Serialize};
use switchyard_sdk::money::MoneyError;
use switchyard_sdk::{Currency, Money};

use crate::domain::cart::Line;

/// The currency of an empty cart's total.
const CURRENCY_OF_NOTHING: Currency = Currency::EUR;

/// An item at its current price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Offer {
    pub(crate) sku: String,
    pub(crate) title: String,
    pub(crate) price: Money,
    pub(crate) weight_grams: u32,
    /// Pieces on hand and not reserved.
    pub(crate) available: u32,
}

/// A line with its price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PricedLine {
    pub(crate) sku: String,
    pub(crate) title: String,
    pub(crate) quantity: u32,
    pub(crate) unit_price: Money,
    /// The price of the whole line.
    pub(crate) total: Money,
}

/// A priced line of a cart, and how many pieces of its item can be bought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OfferedLine {
    pub(crate) line: PricedLine,
    pub(crate) available: u32,
}

/// Lines with their prices, and their totals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Priced {
    pub(crate) lines: Vec<OfferedLine>,
    pub(crate) subtotal: Money,
    pub(crate) weight_grams: u32,
}

/// Why lines have no price.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PriceError {
    #[error("{sku} is not on sale")]
    NotOnSale { sku: String },
    #[error("the items are not all of one currency")]
    Currencies,
    #[error("the sum is too large")]
    Overflow,
    #[error("the items are too heavy for one parcel")]
    Weight,
}

impl From<MoneyError> for PriceError {
    fn from(error: MoneyError) -> Self {
        match error {
            MoneyError::Currencies { .. } => Self::Currencies,
            MoneyError::Overflow => Self::Overflow,
        }
    }
}

/// Prices each of `lines` by the offer at the same index.
///
/// # Errors
///
/// [`PriceError`].
pub(crate) fn price(lines: &[Line], offers: Vec<Offer>) -> Result<Priced, PriceError> {
    let currency = offers.first().map_or(CURRENCY_OF_NOTHING, |offer| offer.price.currency);
    let mut priced =
        Priced { lines: Vec::with_capacity(lines.len()), subtotal: Money::zero(currency), weight_grams: 0 };
    let mut offers = offers.into_iter();
    for line in lines {
        let offer = offers.next().filter(|offer| offer.sku == line.sku);
        let Offer { sku, title, price, weight_grams, available } =
            offer.ok_or_else(|| PriceError::NotOnSale { sku: line.sku.clone() })?;
        let total = price.times(line.quantity)?;
        priced.subtotal = priced.subtotal.plus(total)?;
        let weight_grams = weight_grams.checked_mul(line.quantity);
        let sum = weight_grams.and_then(|weight_grams| priced.weight_grams.checked_add(weight_grams));
        priced.weight_grams = sum.ok_or(PriceError::Weight)?;
        let line = PricedLine { sku, title, quantity: line.quantity, unit_price: price, total };
        priced.lines.push(OfferedLine { line, available });
    }
    Ok(priced)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::cart::tests::cart;

    fn offer(sku: &str, amount: i64, weight_grams: u32) -> Offer {
        let price = Money::new(amount, Currency::EUR);
        Offer { sku: sku.to_owned(), title: sku.to_uppercase(), price, weight_grams, available: 7 }
    }

    #[test]
    fn lines_cost_and_weigh_their_quantity() {
        let cart = cart(&[("a", 3), ("b", 1)]);
        let priced = price(cart.lines(), vec![offer("a", 1999, 500), offer("b", 0, 0)]).expect("prices");
        assert_eq!((priced.subtotal, priced.weight_grams), (Money::new(5997, Currency::EUR), 1500));
        let OfferedLine { line, available } = &priced.lines[0];
        assert_eq!(*available, 7);
        assert_eq!((line.title.as_str(), line.quantity, line.total.minor_units), ("A", 3, 5997));
    }

    #[test]
    fn nothing_costs_nothing() {
        let priced = price(&[], vec![]).expect("prices");
        assert_eq!((priced.subtotal, priced.weight_grams), (Money::zero(Currency::EUR), 0));
    }

    #[test]
    fn what_does_not_add_up_has_no_price() {
        let usd = Offer { price: Money::new(1, "USD".parse().expect("a currency")), ..offer("b", 1, 1) };
        let cart = cart(&[("a", 2), ("b", 1)]);
        let not_on_sale = || Err(PriceError::NotOnSale { sku: "b".to_owned() });
        for (offers, expected) in [
            (vec![offer("a", 1, 1), usd], Err(PriceError::Currencies)),
            (vec![offer("a", 1, 1), offer("c", 1, 1)], not_on_sale()),
            (vec![offer("a", 1, 1)], not_on_sale()),
            (vec![offer("a", i64::MAX, 1), offer("b", 1, 1)], Err(PriceError::Overflow)),
            (vec![offer("a", 1, 1), offer("b", i64::MAX, 1)], Err(PriceError::Overflow)),
            (vec![offer("a", 1, u32::MAX), offer("b", 1, 1)], Err(PriceError::Weight)),
            (vec![offer("a", 1, 1), offer("b", 1, u32::MAX)], Err(PriceError::Weight)),
        ] {
            let told = format!("{offers:?}");
            assert_eq!(price(cart.lines(), offers).map(|_| ()), expected, "{told}");
        }
    }
}
