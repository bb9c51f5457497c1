//! The services that the host links to the component's imports.

use switchyard_sdk::Problem;

use crate::bindings::shop::account::account::{self, CheckoutDetails};
use crate::bindings::shop::inventory::inventory::{self, PricedItem};
use crate::bindings::shop::payment::payment::{self, ChargeDetails, Payment};
use crate::bindings::shop::shipping::shipping::{self, QuoteRequest, Quotes, Shipment, ShipmentDetails};
use crate::services::Services;

/// The services behind the imports.
pub(crate) fn linked() -> impl Services {
    Linked
}

struct Linked;

impl Services for Linked {
    fn price_items(&self, skus: &[String]) -> Result<Vec<PricedItem>, Problem> {
        inventory::price_items(skus)
    }

    fn checkout_details(
        &self,
        account_id: &str,
        address_id: &str,
        payment_method_id: &str,
    ) -> Result<CheckoutDetails, Problem> {
        account::get_checkout_details(account_id, address_id, payment_method_id)
    }

    fn reserve(&self, order_id: &str, lines: &[inventory::Line]) -> Result<(), Problem> {
        inventory::reserve(order_id, lines).map(|_reservation| ())
    }

    fn quote(&self, request: &QuoteRequest) -> Result<Quotes, Problem> {
        shipping::quote(request)
    }

    fn charge(&self, details: &ChargeDetails) -> Result<Payment, Problem> {
        payment::charge(details)
    }

    fn schedule(&self, details: &ShipmentDetails) -> Result<Shipment, Problem> {
        shipping::schedule(details)
    }

    fn confirm(&self, order_id: &str) -> Result<(), Problem> {
        inventory::confirm(order_id)
    }

    fn call_off(&self, order_id: &str) -> Result<(), Problem> {
        shipping::cancel(order_id)
    }

    fn void(&self, order_id: &str) -> Result<(), Problem> {
        payment::void(order_id)
    }

    fn refund_all(&self, payment_id: &str, reason: &str) -> Result<(), Problem> {
        payment::refund_all(payment_id, reason).map(|_payment| ())
    }

    fn release(&self, order_id: &str) -> Result<(), Problem> {
        inventory::release(order_id)
    }
}
