//! What a checkout of a cart would charge, with each way of shipping.

use switchyard_sdk::{Money, Problem};

use crate::bindings::exports::shop::cart::cart::{CartQuotes, Destination, QuoteOption};
use crate::bindings::shop::shipping::shipping::{QuoteRequest, ShippingOption};
use crate::checkout;
use crate::domain::cart::Cart;
use crate::pricing;
use crate::services::Services;

/// The totals for a parcel of the cart to `destination`, in the order of the shipping service. Its faults have the same fields
/// as `destination`.
///
/// # Errors
///
/// Like a checkout: [`Problem::Conflict`] when an item is no longer on sale.
pub(crate) fn quote(services: &impl Services, cart: &Cart, destination: Destination) -> Result<CartQuotes, Problem> {
    let priced = pricing::price(services, cart.lines()).map_err(checkout::refused)?;
    let Destination { country, postal_code } = destination;
    let parcel = QuoteRequest { country, postal_code, weight_grams: priced.weight_grams };
    let options = services.quote(&parcel)?.options;
    let options = options.into_iter().filter_map(|option| with_total(priced.subtotal, option)).collect();
    Ok(CartQuotes { subtotal: priced.subtotal.into(), options })
}

/// The option with the sum that it comes to. One in another currency than the goods has none, and a checkout refuses it.
fn with_total(subtotal: Money, shipping: ShippingOption) -> Option<QuoteOption> {
    let ShippingOption { option, carrier, price, estimated_days } = shipping;
    let total = subtotal.plus(Money::parse(&price, "/price").ok()?).ok()?;
    Some(QuoteOption { option, carrier, price, estimated_days, total: total.into() })
}
