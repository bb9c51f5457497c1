//! Where a parcel goes, and how heavy it is: what is taken for it.

use serde::{Deserialize, Serialize};
use switchyard_sdk::{Country, Faults};

/// Heaviest order that is sent, in grams: ten tonnes, in many parcels.
const WEIGHT_GRAMS_MAX: u32 = 10_000_000;

/// Longest postal code, in characters.
const POSTAL_CODE_CHARS_MAX: usize = 16;

/// A destination and what goes there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Destination {
    pub(crate) country: Country,
    pub(crate) postal_code: String,
    pub(crate) weight_grams: u32,
}

impl Destination {
    /// Refuses what no parcel could be sent to, or of, at its place in the body.
    pub(crate) fn parse(country: &str, postal_code: String, weight_grams: u32) -> Result<Self, Faults> {
        let mut faults = Faults::new();
        let parsed: Result<Country, _> = country.parse();
        let country = faults.take(parsed.map_err(|unknown| Faults::at("/country", unknown.to_string())));
        faults.line("/postalCode", &postal_code, 1..=POSTAL_CODE_CHARS_MAX);
        let weighs = (1..=WEIGHT_GRAMS_MAX).contains(&weight_grams);
        faults.check(weighs, "/weightGrams", "must be 1 to 10,000,000");
        faults.complete(country.map(|country| Self { country, postal_code, weight_grams }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_is_refused_with_all_its_faults_at_once() {
        let cases = [
            ("DE", "10115", 1, ""),
            ("US", "NY 10001-1234", WEIGHT_GRAMS_MAX, ""),
            ("XX", "10115", 1, "/country"),
            ("DE", " ", 1, "/postalCode"),
            ("DE", "12345678901234567", 1, "/postalCode"),
            ("DE", "10115", 0, "/weightGrams"),
            ("DE", "10115", WEIGHT_GRAMS_MAX + 1, "/weightGrams"),
            ("", "", 0, "/country /postalCode /weightGrams"),
        ];
        for (country, postal_code, weight_grams, expected) in cases {
            let faults = Destination::parse(country, postal_code.to_owned(), weight_grams).err().unwrap_or_default();
            let found: Vec<_> = faults.iter().map(|(pointer, _)| pointer).collect();
            assert_eq!(found.join(" "), expected, "{country} {postal_code} {weight_grams}");
        }
    }
}
