//! Postal addresses, and which of them are valid.

use serde::{Deserialize, Serialize};
use switchyard_sdk::{Country, Faults, country};

/// Longest line of an address, in characters.
const LINE_CHARS_MAX: usize = 200;

/// Longest postal code, in characters.
const POSTAL_CODE_CHARS_MAX: usize = 16;

/// An address as the client sent it, not yet checked.
#[derive(Debug, Clone)]
pub(crate) struct AddressDetails {
    pub(crate) recipient: String,
    pub(crate) line1: String,
    pub(crate) line2: Option<String>,
    pub(crate) city: String,
    pub(crate) region: Option<String>,
    pub(crate) postal_code: String,
    pub(crate) country: String,
}

/// A checked address, to which a parcel could go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CheckedAddress {
    pub(crate) recipient: String,
    pub(crate) line1: String,
    pub(crate) line2: Option<String>,
    pub(crate) city: String,
    pub(crate) region: Option<String>,
    pub(crate) postal_code: String,
    pub(crate) country: Country,
}

/// One address of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Address {
    pub(crate) id: String,
    pub(crate) details: CheckedAddress,
}

impl AddressDetails {
    pub(crate) fn check(self) -> Result<CheckedAddress, Faults> {
        let mut faults = Faults::new();
        faults.line("/recipient", &self.recipient, 1..=LINE_CHARS_MAX);
        faults.line("/line1", &self.line1, 1..=LINE_CHARS_MAX);
        faults.line("/line2", self.line2.as_deref().unwrap_or_default(), 0..=LINE_CHARS_MAX);
        faults.line("/city", &self.city, 1..=LINE_CHARS_MAX);
        faults.line("/region", self.region.as_deref().unwrap_or_default(), 0..=LINE_CHARS_MAX);
        faults.line("/postalCode", &self.postal_code, 1..=POSTAL_CODE_CHARS_MAX);
        let parsed: Result<Country, country::UnknownCountry> = self.country.parse();
        let country = faults.take(parsed.map_err(|unknown| Faults::at("/country", unknown.to_string())));
        faults.complete(country.map(|country| CheckedAddress {
            recipient: self.recipient,
            line1: self.line1,
            line2: self.line2,
            city: self.city,
            region: self.region,
            postal_code: self.postal_code,
            country,
        }))
    }
}
