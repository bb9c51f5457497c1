//! The destination of a parcel, and its weight.

use serde::{Deserialize, Serialize};
use switchyard_sdk::{Country, Faults};

/// Longest postal code, in characters.
const POSTAL_CODE_CHARS_MAX: usize = 16;

/// A destination and the weight to send there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Destination {
    pub(crate) country: Country,
    pub(crate) postal_code: String,
    /// Any number: an order is split into parcels, and a weight of zero costs as much as the lightest parcel.
    pub(crate) weight_grams: u32,
}

impl Destination {
    /// Refuses a destination that no parcel can reach, at its place in the body.
    pub(crate) fn parse(country: &str, postal_code: String, weight_grams: u32) -> Result<Self, Faults> {
        let mut faults = Faults::new();
        let parsed: Result<Country, _> = country.parse();
        let country = faults.take(parsed.map_err(|unknown| Faults::at("/country", unknown.to_string())));
        faults.line("/postalCode", &postal_code, 1..=POSTAL_CODE_CHARS_MAX);
        faults.complete(country.map(|country| Self { country, postal_code, weight_grams }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_is_refused_with_all_its_faults_at_once() {
        let cases = [
            ("DE", "10115", ""),
            ("US", "NY 10001-1234", ""),
            ("XX", "10115", "/country"),
            ("DE", " ", "/postalCode"),
            ("DE", "12345678901234567", "/postalCode"),
            ("", "", "/country /postalCode"),
        ];
        for (country, postal_code, expected) in cases {
            let faults = Destination::parse(country, postal_code.to_owned(), 500).err().unwrap_or_default();
            let found: Vec<_> = faults.iter().map(|(pointer, _)| pointer).collect();
            assert_eq!(found.join(" "), expected, "{country} {postal_code}");
        }
    }
}
