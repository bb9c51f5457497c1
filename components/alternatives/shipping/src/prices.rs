//! The prices: a flat one per option and continent, and a surcharge for each started five kilograms.

use switchyard_sdk::{Country, Currency, Money};

/// Countries that parcels reach by road.
const BY_ROAD: &str = "AT BE BG CH CZ DK EE ES FI FR GB GR HR HU IE IT LT LU LV NL NO PL PT RO SE SI SK";

/// An option to send a parcel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) option: &'static str,
    pub(crate) carrier: &'static str,
    pub(crate) price: Money,
    pub(crate) days: u32,
}

/// The options to a country, cheapest first.
pub(crate) fn choices(country: Country, weight_grams: u32) -> [Choice; 2] {
    let (standard, express, days) = match country.code() {
        "DE" => (450, 950, [3, 1]),
        code if BY_ROAD.split(' ').any(|known| known == code) => (990, 2490, [6, 2]),
        _ => (1990, 4990, [15, 5]),
    };
    let surcharge = i64::from(weight_grams.div_ceil(5_000).saturating_sub(1));
    let choice = |option, carrier, cents: i64, days| {
        let price = Money::new(cents + surcharge * cents / 2, Currency::EUR);
        Choice { option, carrier, price, days }
    };
    let [standard_days, express_days] = days;
    [
        choice("standard", "Second Post", standard, standard_days),
        choice("express", "Second Express", express, express_days),
    ]
}
