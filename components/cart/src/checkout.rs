//! The checkout: a sequence of steps at other services, and how they are undone.
//!
//! The key of each step is the order's id, which the host fixes for the whole call, so that a repeated step has no
//! second effect. The same holds for undoing. It needs no answer of the undone step, because that answer may be lost,
//! or may belong to an earlier run of this call that read another state of the cart.
//!
//! Invariant: after [`undo`] succeeded, nothing is reserved, charged or scheduled for the order.

use switchyard_sdk::types::Faults;
use switchyard_sdk::{Money, Problem, Timestamp};

use crate::bindings::exports::shop::cart::cart::CheckoutRequest;
use crate::bindings::shop::inventory::inventory::Line;
use crate::bindings::shop::payment::payment::{Card, ChargeDetails, PaymentStatus as ContractPaymentStatus};
use crate::bindings::shop::shipping::shipping::{
    QuoteRequest, ShipmentDetails, ShipmentStatus as ContractShipmentStatus, ShippingOption,
};
use crate::domain::cart::Cart;
use crate::domain::order::{Order, Payment, PaymentStatus, Shipment, ShipmentStatus, Status};
use crate::domain::price::PriceError;
use crate::pricing;
use crate::services::Services;

/// The cart, its customer, and the id of the new order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Purchase<'a> {
    pub(crate) cart_id: &'a str,
    pub(crate) cart: &'a Cart,
    pub(crate) account_id: &'a str,
    pub(crate) order_id: &'a str,
    pub(crate) now: Timestamp,
}

/// Why nothing was bought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NotBought {
    Refused(Problem),
    /// The checkout would charge this, and the client expected another total.
    TotalChanged(Money),
}

impl From<Problem> for NotBought {
    fn from(problem: Problem) -> Self {
        Self::Refused(problem)
    }
}

/// Does all steps up to the order. After an error the effects of earlier steps remain: [`undo`] removes them.
pub(crate) fn buy(
    services: &impl Services,
    purchase: Purchase<'_>,
    request: CheckoutRequest,
) -> Result<Order, NotBought> {
    let expected = request.expected_total.as_ref().map(|total| Money::parse(total, "/expectedTotal")).transpose();
    let expected = expected.map_err(Problem::from)?;
    let Purchase { cart_id, cart, account_id, order_id, now } = purchase;
    let priced = pricing::price(services, cart.lines()).map_err(refused)?;
    let chosen = services
        .checkout_details(account_id, &request.address_id, &request.payment_method_id)
        .map_err(not_the_customers)?;
    let line = |line: &crate::domain::cart::Line| Line { sku: line.sku.clone(), quantity: line.quantity };
    services.reserve(order_id, &cart.lines().iter().map(line).collect::<Vec<_>>()).map_err(refused)?;
    let weight_grams = priced.weight_grams;
    let (country, postal_code) = (chosen.address.country, chosen.address.postal_code);
    let parcel = QuoteRequest { country, postal_code, weight_grams };
    let quotes = services.quote(&parcel).map_err(refused)?;
    let option = choose(quotes.options, &request.shipping_option)?;
    let shipping = Money::parse(&option.price, "/shippingOption").map_err(Problem::from).map_err(refused)?;
    let total = priced.subtotal.plus(shipping).map_err(PriceError::from).map_err(Problem::from)?;
    if expected.is_some_and(|expected| expected != total) {
        return Err(NotBought::TotalChanged(total));
    }
    let charge = ChargeDetails {
        order_id: order_id.to_owned(),
        account_id: account_id.to_owned(),
        amount: total.into(),
        token: chosen.payment_token,
        method: Card { brand: chosen.payment_method.brand, last4: chosen.payment_method.last4 },
    };
    let payment = services.charge(&charge).map_err(refused)?;
    if payment.status != ContractPaymentStatus::Captured {
        return Err(Problem::conflict("the payment was taken back").into());
    }
    let details = ShipmentDetails {
        order_id: order_id.to_owned(),
        account_id: account_id.to_owned(),
        option: option.option,
        recipient: chosen.address.recipient,
        country: parcel.country,
        postal_code: parcel.postal_code,
        weight_grams,
    };
    let shipment = services.schedule(&details).map_err(refused)?;
    if shipment.status == ContractShipmentStatus::Cancelled {
        return Err(Problem::conflict("the shipment was called off").into());
    }
    services.confirm(order_id).map_err(refused)?;
    let refunded = Money::zero(total.currency);
    let (id, tracking_number) = (shipment.id, shipment.tracking_number);
    Ok(Order {
        cart_id: cart_id.to_owned(),
        account_id: account_id.to_owned(),
        lines: priced.lines.into_iter().map(|offered| offered.line).collect(),
        subtotal: priced.subtotal,
        shipping,
        total,
        payment: Payment { id: payment.id, refunded, status: PaymentStatus::Captured },
        shipment: Shipment { id, tracking_number, status: ShipmentStatus::Scheduled },
        status: Status::Placed,
        placed_at: now,
    })
}

/// Some step is not undone, because its service cannot be reached.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotUndone;

/// Undoes everything that was done for a failed order. Repeating it changes nothing more.
pub(crate) fn undo(services: &impl Services, order_id: &str) -> Result<(), NotUndone> {
    let steps = [services.call_off(order_id), services.void(order_id), services.release(order_id)];
    // A retry would not change any other error.
    let again = |step: &Result<(), Problem>| matches!(step, Err(Problem::Unavailable(_) | Problem::Unreachable(_)));
    if steps.iter().any(again) { Err(NotUndone) } else { Ok(()) }
}

/// Cancels an order that has not shipped. After an error some steps may be done; repeating it does the rest.
pub(crate) fn cancel(services: &impl Services, order_id: &str, order: &mut Order) -> Result<(), Problem> {
    // The shipment comes first: if it has left, nothing else may happen.
    services.call_off(order_id).map_err(refused)?;
    services.refund_all(&order.payment.id, "the order was cancelled").map_err(refused)?;
    services.release(order_id).map_err(refused)?;
    order.cancelled();
    Ok(())
}

/// The client's error for a reason whose writes are kept, so that the undoing is recorded.
pub(crate) fn told_while_undoing(reason: NotBought) -> Problem {
    let detail = match reason {
        NotBought::Refused(problem @ (Problem::Declined(_) | Problem::Unreachable(_))) => return problem,
        NotBought::Refused(problem) => detail(problem),
        NotBought::TotalChanged(_) => "the total is no longer the expected one".to_owned(),
    };
    Problem::unreachable(format!("{detail}; nothing is bought, and what was done is being undone"))
}

fn choose(options: Vec<ShippingOption>, wanted: &str) -> Result<ShippingOption, Problem> {
    let option = options.into_iter().find(|option| option.option == wanted);
    option.ok_or_else(|| Problem::invalid("/shippingOption", "is not among the options for this address and weight"))
}

/// The client's error for a refused step: a thing that is missing now existed before, and field names belong to the
/// step.
pub(crate) fn refused(problem: Problem) -> Problem {
    match problem {
        Problem::NotFound(detail) => Problem::conflict(detail),
        Problem::Malformed(faults) | Problem::Invalid(faults) => Problem::invalid_request(of_faults(faults)),
        problem => problem,
    }
}

/// The parameters in errors of the account service are fields of the checkout.
fn not_the_customers(problem: Problem) -> Problem {
    let Problem::Invalid(mut faults) = problem else { return refused(problem) };
    for fault in &mut faults.errors {
        let field = match fault.parameter.take().as_deref() {
            Some("address-id") => Some("/addressId"),
            Some("payment-method-id") => Some("/paymentMethodId"),
            _ => None,
        };
        fault.field = field.map(str::to_owned);
    }
    faults.errors.retain(|fault| fault.field.is_some());
    Problem::Invalid(faults)
}

fn detail(problem: Problem) -> String {
    match problem {
        Problem::Malformed(faults) | Problem::Invalid(faults) => of_faults(faults),
        Problem::Declined(decline) => decline.detail,
        Problem::Unauthenticated(detail)
        | Problem::Forbidden(detail)
        | Problem::NotFound(detail)
        | Problem::Conflict(detail)
        | Problem::Unavailable(detail)
        | Problem::Unreachable(detail) => detail,
    }
}

fn of_faults(faults: Faults) -> String {
    faults.errors.into_iter().next().map_or(faults.detail, |fault| fault.detail)
}

#[cfg(test)]
pub(crate) mod tests;
