//! Money: whole minor units of an ISO 4217 currency, never a float; arithmetic that overflows is an error.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::problem::Faults;
use crate::types;

/// The currencies of ISO 4217 that are used for payments, sorted by code: no metals, funds or tests.
#[rustfmt::skip]
const CODES: [&[u8; 3]; 154] = [
    b"AED", b"AFN", b"ALL", b"AMD", b"AOA", b"ARS", b"AUD", b"AWG", b"AZN", b"BAM", b"BBD", b"BDT", b"BHD", b"BIF",
    b"BMD", b"BND", b"BOB", b"BRL", b"BSD", b"BTN", b"BWP", b"BYN", b"BZD", b"CAD", b"CDF", b"CHF", b"CLP", b"CNY",
    b"COP", b"CRC", b"CUP", b"CVE", b"CZK", b"DJF", b"DKK", b"DOP", b"DZD", b"EGP", b"ERN", b"ETB", b"EUR", b"FJD",
    b"FKP", b"GBP", b"GEL", b"GHS", b"GIP", b"GMD", b"GNF", b"GTQ", b"GYD", b"HKD", b"HNL", b"HTG", b"HUF", b"IDR",
    b"ILS", b"INR", b"IQD", b"IRR", b"ISK", b"JMD", b"JOD", b"JPY", b"KES", b"KGS", b"KHR", b"KMF", b"KPW", b"KRW",
    b"KWD", b"KYD", b"KZT", b"LAK", b"LBP", b"LKR", b"LRD", b"LSL", b"LYD", b"MAD", b"MDL", b"MGA", b"MKD", b"MMK",
    b"MNT", b"MOP", b"MRU", b"MUR", b"MVR", b"MWK", b"MXN", b"MYR", b"MZN", b"NAD", b"NGN", b"NIO", b"NOK", b"NPR",
    b"NZD", b"OMR", b"PAB", b"PEN", b"PGK", b"PHP", b"PKR", b"PLN", b"PYG", b"QAR", b"RON", b"RSD", b"RUB", b"RWF",
    b"SAR", b"SBD", b"SCR", b"SDG", b"SEK", b"SGD", b"SHP", b"SLE", b"SOS", b"SRD", b"SSP", b"STN", b"SVC", b"SYP",
    b"SZL", b"THB", b"TJS", b"TMT", b"TND", b"TOP", b"TRY", b"TTD", b"TWD", b"TZS", b"UAH", b"UGX", b"USD", b"UYU",
    b"UZS", b"VED", b"VES", b"VND", b"VUV", b"WST", b"XAF", b"XCD", b"XCG", b"XOF", b"XPF", b"YER", b"ZAR", b"ZMW",
];

/// A currency of ISO 4217.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "[u8; 3]", into = "[u8; 3]")]
pub struct Currency([u8; 3]);

impl Currency {
    /// The euro.
    pub const EUR: Self = Self(*b"EUR");

    /// Its three-letter code.
    #[must_use]
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// The code is not a currency of ISO 4217.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no currency of ISO 4217")]
pub struct UnknownCurrency;

impl TryFrom<[u8; 3]> for Currency {
    type Error = UnknownCurrency;

    fn try_from(code: [u8; 3]) -> Result<Self, UnknownCurrency> {
        CODES.binary_search(&&code).map(|_| Self(code)).map_err(|_| UnknownCurrency)
    }
}

impl From<Currency> for [u8; 3] {
    fn from(currency: Currency) -> Self {
        currency.0
    }
}

impl FromStr for Currency {
    type Err = UnknownCurrency;

    fn from_str(code: &str) -> Result<Self, UnknownCurrency> {
        <[u8; 3]>::try_from(code.as_bytes()).map_err(|_| UnknownCurrency)?.try_into()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// An amount of one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// In the currency's minor units: for euros, 1999 means 19.99.
    pub minor_units: i64,
    /// The currency of the units.
    pub currency: Currency,
}

/// Why two amounts cannot be combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// They are of different currencies.
    #[error("{left} and {right} do not add up")]
    Currencies {
        /// The currency of the first.
        left: Currency,
        /// The currency of the second.
        right: Currency,
    },
    /// The result is beyond 2^63 minor units.
    #[error("the amount is too large")]
    Overflow,
}

impl Money {
    /// An amount.
    #[must_use]
    pub const fn new(minor_units: i64, currency: Currency) -> Self {
        Self { minor_units, currency }
    }

    /// Zero in a currency.
    #[must_use]
    pub const fn zero(currency: Currency) -> Self {
        Self::new(0, currency)
    }

    /// The sum.
    ///
    /// # Errors
    ///
    /// [`MoneyError`].
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        self.combine(other, i64::checked_add)
    }

    /// The difference, which may be below zero.
    ///
    /// # Errors
    ///
    /// [`MoneyError`].
    pub fn minus(self, other: Self) -> Result<Self, MoneyError> {
        self.combine(other, i64::checked_sub)
    }

    /// The amount times `quantity`.
    ///
    /// # Errors
    ///
    /// [`MoneyError::Overflow`].
    pub fn times(self, quantity: u32) -> Result<Self, MoneyError> {
        let minor_units = self.minor_units.checked_mul(i64::from(quantity)).ok_or(MoneyError::Overflow)?;
        Ok(Self { minor_units, ..self })
    }

    /// The sum of all; zero of `currency` if there are none.
    ///
    /// # Errors
    ///
    /// [`MoneyError`].
    pub fn sum(currency: Currency, amounts: impl IntoIterator<Item = Self>) -> Result<Self, MoneyError> {
        amounts.into_iter().try_fold(Self::zero(currency), Self::plus)
    }

    /// Money from a request. `pointer` is its place in the body, such as `/price`.
    ///
    /// # Errors
    ///
    /// The fault at `/currency` below `pointer`. The amount may be any number: the service decides which are allowed.
    pub fn parse(money: &types::Money, pointer: &str) -> Result<Self, Faults> {
        let currency = money.currency.parse().map_err(|UnknownCurrency| {
            Faults::at(format!("{pointer}/currency"), "must be a currency of ISO 4217, such as EUR")
        })?;
        Ok(Self { minor_units: money.amount, currency })
    }

    fn combine(self, other: Self, operation: fn(i64, i64) -> Option<i64>) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::Currencies { left: self.currency, right: other.currency });
        }
        let minor_units = operation(self.minor_units, other.minor_units).ok_or(MoneyError::Overflow)?;
        Ok(Self { minor_units, ..self })
    }
}

impl From<Money> for types::Money {
    fn from(money: Money) -> Self {
        Self { amount: money.minor_units, currency: money.currency.code().to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_in_order() {
        assert!(CODES.is_sorted_by(|left, right| left < right));
    }

    #[test]
    fn only_codes_of_iso_4217_are_currencies() {
        for code in ["EUR", "USD", "JPY", "ZMW", "AED"] {
            assert_eq!(code.parse::<Currency>().map(|currency| currency.to_string()), Ok(code.to_owned()));
        }
        for code in ["", "eur", "EURO", "XXX", "€", "ABC"] {
            assert_eq!(code.parse::<Currency>(), Err(UnknownCurrency), "{code:?}");
        }
    }

    #[test]
    fn arithmetic_is_exact_or_an_error() {
        let usd = Currency(*b"USD");
        let eur = |minor_units| Money::new(minor_units, Currency::EUR);
        assert_eq!(eur(1).plus(eur(2)), Ok(eur(3)));
        assert_eq!(eur(1).minus(eur(2)), Ok(eur(-1)));
        assert_eq!(eur(1999).times(3), Ok(eur(5997)));
        assert_eq!(eur(i64::MAX).plus(eur(1)), Err(MoneyError::Overflow));
        assert_eq!(eur(i64::MIN).minus(eur(1)), Err(MoneyError::Overflow));
        assert_eq!(eur(i64::MAX).times(2), Err(MoneyError::Overflow));
        assert_eq!(eur(1).plus(Money::zero(usd)), Err(MoneyError::Currencies { left: Currency::EUR, right: usd }));
        assert_eq!(Money::sum(Currency::EUR, [eur(1), eur(2), eur(3)]), Ok(eur(6)));
        assert_eq!(Money::sum(usd, []), Ok(Money::zero(usd)));
    }

    #[test]
    fn money_of_an_unknown_currency_is_a_fault_at_its_place() {
        let money = types::Money { amount: 5, currency: "EUX".to_owned() };
        let faults = Money::parse(&money, "/price").expect_err("no currency");
        assert_eq!(faults.iter().next().map(|(pointer, _)| pointer), Some("/price/currency"));
    }
}
