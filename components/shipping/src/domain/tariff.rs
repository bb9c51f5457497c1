//! The tariff: the price of each option from the warehouse in Germany to each zone, by weight.
//!
//! An order is sent in parcels of at most 30 kg. Each costs its base price, plus the rate for every started kilogram.

use switchyard_sdk::{Country, Currency, Money};

use super::destination::Destination;

/// Heaviest single parcel, in grams.
const PARCEL_GRAMS_MAX: u32 = 30_000;

/// The country of the warehouse.
const ORIGIN: &str = "DE";

/// The other countries that parcels reach by road, sorted by code.
#[rustfmt::skip]
const EUROPE: [&str; 47] = [
    "AD", "AL", "AT", "AX", "BA", "BE", "BG", "CH", "CY", "CZ", "DK", "EE", "ES", "FI", "FO", "FR", "GB", "GG", "GI", "GR",
    "HR", "HU", "IE", "IM", "IS", "IT", "JE", "LI", "LT", "LU", "LV", "MC", "MD", "ME", "MK", "MT", "NL", "NO", "PL", "PT",
    "RO", "RS", "SE", "SI", "SK", "SM", "VA",
];

/// The distance class of a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Zone {
    Domestic,
    Europe,
    World,
}

impl Zone {
    fn of(country: Country) -> Self {
        match country.code() {
            ORIGIN => Self::Domestic,
            code if EUROPE.binary_search(&code).is_ok() => Self::Europe,
            _ => Self::World,
        }
    }

    /// The options to this zone.
    fn rates(self) -> &'static [Rate] {
        const STANDARD: (&str, &str) = ("standard", "Yard Post");
        const EXPRESS: (&str, &str) = ("express", "Yard Express");
        const PICKUP: (&str, &str) = ("pickup", "Yard Point");
        const DOMESTIC: [Rate; 3] = [rate(PICKUP, 290, 40, 3), rate(STANDARD, 390, 50, 3), rate(EXPRESS, 990, 120, 1)];
        const EUROPE: [Rate; 3] = [rate(PICKUP, 690, 110, 6), rate(STANDARD, 890, 150, 5), rate(EXPRESS, 1990, 450, 2)];
        const WORLD: [Rate; 2] = [rate(STANDARD, 1690, 600, 14), rate(EXPRESS, 3990, 1200, 4)];
        match self {
            Self::Domestic => &DOMESTIC,
            Self::Europe => &EUROPE,
            Self::World => &WORLD,
        }
    }
}

/// The price of one option to one zone, in euro cents.
#[derive(Debug)]
struct Rate {
    option: &'static str,
    carrier: &'static str,
    parcel: u32,
    kilogram: u32,
    days: u32,
}

const fn rate((option, carrier): (&'static str, &'static str), parcel: u32, kilogram: u32, days: u32) -> Rate {
    Rate { option, carrier, parcel, kilogram, days }
}

impl Rate {
    fn price(&self, weight_grams: u32) -> Money {
        let weight_grams = weight_grams.max(1);
        let parcels = i64::from(weight_grams.div_ceil(PARCEL_GRAMS_MAX));
        let kilograms = i64::from(weight_grams.div_ceil(1000));
        Money::new(parcels * i64::from(self.parcel) + kilograms * i64::from(self.kilogram), Currency::EUR)
    }
}

/// One way to send it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quote {
    pub(crate) option: &'static str,
    pub(crate) carrier: &'static str,
    pub(crate) price: Money,
    pub(crate) estimated_days: u32,
}

/// The ways to send it, cheapest first.
pub(crate) fn quotes(destination: &Destination) -> Vec<Quote> {
    let quote = |rate: &Rate| Quote {
        option: rate.option,
        carrier: rate.carrier,
        price: rate.price(destination.weight_grams),
        estimated_days: rate.days,
    };
    let mut quotes: Vec<Quote> = Zone::of(destination.country).rates().iter().map(quote).collect();
    quotes.sort_by_key(|quote| quote.price.minor_units);
    quotes
}

/// Whether there is such an option to the destination.
pub(crate) fn has_option(destination: &Destination, option: &str) -> bool {
    Zone::of(destination.country).rates().iter().any(|rate| rate.option == option)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn destination(country: &str, weight_grams: u32) -> Destination {
        Destination::parse(country, "10115".to_owned(), weight_grams).expect("a good destination")
    }

    #[test]
    fn the_countries_of_europe_are_in_order_and_exist() {
        assert!(EUROPE.is_sorted_by(|left, right| left < right));
        assert!(EUROPE.iter().all(|code| code.parse::<Country>().is_ok()));
    }

    #[test]
    fn a_quote_is_by_zone_and_weight_and_cheapest_first() {
        let cases = [
            ("DE", 0, "pickup 330 3, standard 440 3, express 1110 1"),
            ("DE", 1, "pickup 330 3, standard 440 3, express 1110 1"),
            ("DE", 1000, "pickup 330 3, standard 440 3, express 1110 1"),
            ("DE", 1001, "pickup 370 3, standard 490 3, express 1230 1"),
            ("DE", 30_000, "pickup 1490 3, standard 1890 3, express 4590 1"),
            ("DE", 30_001, "pickup 1820 3, standard 2330 3, express 5700 1"),
            ("FR", 500, "pickup 800 6, standard 1040 5, express 2440 2"),
            ("DE", u32::MAX, "pickup 213316860 3, standard 270583140 3, express 657130500 1"),
            ("JP", 500, "standard 2290 14, express 5190 4"),
        ];
        for (country, weight_grams, expected) in cases {
            let line = |quote: &Quote| format!("{} {} {}", quote.option, quote.price.minor_units, quote.estimated_days);
            let found: Vec<_> = quotes(&destination(country, weight_grams)).iter().map(line).collect();
            assert_eq!(found.join(", "), expected, "{country} {weight_grams}");
        }
    }

    #[test]
    fn more_weight_is_never_cheaper_and_the_cheapest_stays_first() {
        for country in ["DE", "FR", "JP"] {
            let mut before: Vec<i64> = Vec::new();
            for weight_grams in (1..100_000).step_by(333).chain([u32::MAX]) {
                let quotes = quotes(&destination(country, weight_grams));
                let prices: Vec<i64> = quotes.iter().map(|quote| quote.price.minor_units).collect();
                assert!(prices.is_sorted(), "{country} {weight_grams} {prices:?}");
                assert!(before.iter().zip(&prices).all(|(before, now)| before <= now), "{country} {weight_grams}");
                before = prices;
            }
        }
    }

    #[test]
    fn every_option_that_is_quoted_is_one() {
        for country in ["DE", "FR", "JP"] {
            let destination = destination(country, 1);
            assert!(quotes(&destination).iter().all(|quote| has_option(&destination, quote.option)));
            assert!(!has_option(&destination, "teleport"));
        }
        assert!(!has_option(&destination("JP", 1), "pickup"));
    }
}
