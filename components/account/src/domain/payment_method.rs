//! Payment methods: a processor's token of a card, and the details of the card that may be shown.
//!
//! Invariant: a payment method never contains a text that could be a card number.

use std::fmt;

use serde::{Deserialize, Serialize};
use switchyard_sdk::{Faults, Timestamp};

use super::card_number::has_card_number;

/// Longest token of a processor, in characters.
const TOKEN_CHARS_MAX: usize = 256;

/// Longest name of a brand, in characters.
const BRAND_CHARS_MAX: usize = 40;

/// A payment method as the client sent it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PaymentMethodDetails {
    pub(crate) token: String,
    pub(crate) brand: String,
    pub(crate) last4: String,
    pub(crate) expiry_month: u8,
    pub(crate) expiry_year: u16,
}

/// Without the token, which is only for the processor.
impl fmt::Debug for PaymentMethodDetails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PaymentMethodDetails").field("brand", &self.brand).field("last4", &self.last4).finish()
    }
}

/// One payment method of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PaymentMethod {
    pub(crate) id: String,
    pub(crate) details: PaymentMethodDetails,
}

impl PaymentMethodDetails {
    /// The payment method itself, if its card is valid `now`. An error does not repeat the sent values.
    pub(crate) fn check(self, now: Timestamp) -> Result<Self, Faults> {
        let mut faults = Faults::new();
        if has_card_number(&self.token) {
            faults
                .add("/token", "looks like a card number: send the token that the payment processor gave for the card");
        } else {
            let visible = self.token.bytes().all(|byte| byte.is_ascii_graphic());
            let fits = (1..=TOKEN_CHARS_MAX).contains(&self.token.len());
            faults.check(visible && fits, "/token", "must be 1 to 256 visible ASCII characters");
        }
        faults.line("/brand", &self.brand, 1..=BRAND_CHARS_MAX);
        faults.check(!has_card_number(&self.brand), "/brand", "looks like a card number");
        let four_digits = self.last4.len() == 4 && self.last4.bytes().all(|byte| byte.is_ascii_digit());
        faults.check(four_digits, "/last4", "must be four digits");
        let month_fine = (1..=12).contains(&self.expiry_month);
        faults.check(month_fine, "/expiryMonth", "must be 1 to 12");
        let (year, month) = now.year_month();
        let expiry = (u64::from(self.expiry_year), u64::from(self.expiry_month));
        let expired = expiry.0 < year || month_fine && expiry < (year, month);
        faults.check(!expired, "/expiryYear", "the card has expired");
        faults.into_result(self)
    }
}
