//! The other services, as a checkout and a cancellation need them. Tests put services of their own in their place.

#[cfg(not(test))]
mod linked;

use switchyard_sdk::Problem;

use crate::bindings::shop::account::account::CheckoutDetails;
use crate::bindings::shop::inventory::inventory::{Line, PricedItem};
use crate::bindings::shop::payment::payment::{ChargeDetails, Payment};
use crate::bindings::shop::shipping::shipping::{QuoteRequest, Quotes, Shipment, ShipmentDetails};

#[cfg(test)]
pub(crate) use crate::tests::linked;
#[cfg(not(test))]
pub(crate) use linked::linked;

/// What the contracts of the other services offer; each function is one call.
pub(crate) trait Services {
    fn price_items(&self, skus: &[String]) -> Result<Vec<PricedItem>, Problem>;
    fn checkout_details(
        &self,
        account_id: &str,
        address_id: &str,
        payment_method_id: &str,
    ) -> Result<CheckoutDetails, Problem>;
    fn reserve(&self, order_id: &str, lines: &[Line]) -> Result<(), Problem>;
    fn quote(&self, request: &QuoteRequest) -> Result<Quotes, Problem>;
    fn charge(&self, details: &ChargeDetails) -> Result<Payment, Problem>;
    fn schedule(&self, details: &ShipmentDetails) -> Result<Shipment, Problem>;
    fn confirm(&self, order_id: &str) -> Result<(), Problem>;
    /// Calls the shipment of the order off.
    fn call_off(&self, order_id: &str) -> Result<(), Problem>;
    /// Takes back what was captured for an order that did not come about.
    fn void(&self, order_id: &str) -> Result<(), Problem>;
    /// Gives all that is left of a payment back.
    fn refund_all(&self, payment_id: &str, reason: &str) -> Result<(), Problem>;
    /// Puts back what the order holds or bought.
    fn release(&self, order_id: &str) -> Result<(), Problem>;
}
