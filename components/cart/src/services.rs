//! The other services for checkouts and cancellations. Tests replace them.

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

/// The functions of the other services; each is one call.
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
    /// Cancels the shipment of the order.
    fn call_off(&self, order_id: &str) -> Result<(), Problem>;
    /// Voids the payment that was captured for a failed order.
    fn void(&self, order_id: &str) -> Result<(), Problem>;
    /// Refunds the rest of a payment.
    fn refund_all(&self, payment_id: &str, reason: &str) -> Result<(), Problem>;
    /// Returns the goods that the order reserved or bought.
    fn release(&self, order_id: &str) -> Result<(), Problem>;
}
