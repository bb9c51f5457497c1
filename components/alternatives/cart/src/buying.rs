//! The steps of a checkout at other services, and their undoing. Each step has the order's id as its key, so that a repeated
//! step has no second effect.

use switchyard_sdk::types::Faults;
use switchyard_sdk::{Money, Problem, time};

use crate::baskets::Line;
use crate::bindings::exports::shop::cart::cart::{CartQuotes, CheckoutRequest, Destination, QuoteOption};
use crate::bindings::shop::inventory::inventory::Line as StockLine;
use crate::bindings::shop::payment::payment::{Card, ChargeDetails, PaymentStatus};
use crate::bindings::shop::shipping::shipping::{QuoteRequest, ShipmentDetails, ShipmentStatus, ShippingOption};
use crate::prices;
use crate::receipts::Receipt;
use crate::services;

/// What a client reads whose total is another one.
pub(crate) const OTHER_TOTAL: &str = "the checkout comes to another total now; nothing was charged";

/// Why a checkout came to nothing.
#[derive(Debug)]
pub(crate) enum Refusal {
    Problem(Problem),
    /// It comes to this, and the customer agreed to another sum.
    OtherTotal(Money),
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

/// Does all steps. After an error, effects of earlier steps may remain; [`undo`] removes them.
pub(crate) fn buy(
    cart_id: &str,
    lines: &[Line],
    account_id: &str,
    order_id: &str,
    request: &CheckoutRequest,
) -> Result<Receipt, Refusal> {
    let agreed = request.expected_total.as_ref().map(|total| Money::parse(total, "/expectedTotal")).transpose();
    let agreed = agreed.map_err(Problem::from)?;
    let priced = prices::price(lines).map_err(of_step)?;
    let details = services::get_checkout_details(account_id, &request.address_id, &request.payment_method_id)
        .map_err(of_choice)?;
    let stock = |line: &Line| StockLine { sku: line.sku.clone(), quantity: line.quantity };
    services::reserve(order_id, &lines.iter().map(stock).collect::<Vec<_>>()).map_err(of_step)?;
    let address = details.address;
    let (country, postal_code, weight_grams) = (address.country, address.postal_code, priced.weight_grams);
    let parcel = QuoteRequest { country, postal_code, weight_grams };
    let option = chosen(services::quote(&parcel).map_err(of_step)?.options, &request.shipping_option)?;
    let shipping = Money::parse(&option.price, "/shippingOption").map_err(Problem::from)?;
    let total = prices::total(priced.subtotal, shipping)?;
    if agreed.is_some_and(|agreed| agreed != total) {
        return Err(Refusal::OtherTotal(total));
    }
    let (brand, last4) = (details.payment_method.brand, details.payment_method.last4);
    let payment = services::charge(&ChargeDetails {
        order_id: order_id.to_owned(),
        account_id: account_id.to_owned(),
        amount: total.into(),
        token: details.payment_token,
        method: Card { brand, last4 },
    });
    let payment = payment.map_err(of_step)?;
    if payment.status != PaymentStatus::Captured {
        return Err(Problem::conflict("the payment was taken back").into());
    }
    let shipment = services::schedule(&ShipmentDetails {
        order_id: order_id.to_owned(),
        account_id: account_id.to_owned(),
        option: option.option,
        recipient: address.recipient,
        country: parcel.country,
        postal_code: parcel.postal_code,
        weight_grams,
    });
    let shipment = shipment.map_err(of_step)?;
    if shipment.status == ShipmentStatus::Cancelled {
        return Err(Problem::conflict("the shipment was called off").into());
    }
    services::confirm(order_id).map_err(of_step)?;
    Ok(Receipt {
        placed_at: time::now(),
        account_id: account_id.to_owned(),
        cart_id: cart_id.to_owned(),
        payment_id: payment.id,
        shipment_id: shipment.id,
        tracking_number: shipment.tracking_number,
        subtotal: priced.subtotal,
        shipping,
        total,
        lines: priced.lines,
    })
}

/// Undoes all steps of an order that failed. False if a service cannot be reached: then it must be repeated.
pub(crate) fn undo(order_id: &str) -> bool {
    let steps = [services::cancel(order_id), services::void(order_id), services::release(order_id)];
    !steps.iter().any(|step| matches!(step, Err(Problem::Unavailable(_) | Problem::Unreachable(_))))
}

/// Cancels what belongs to an order. The shipment is first: if it has left, nothing else may happen.
pub(crate) fn cancel(order_id: &str, payment_id: &str) -> Result<(), Problem> {
    services::cancel(order_id).map_err(of_step)?;
    services::refund_all(payment_id, "the order was cancelled").map_err(of_step)?;
    services::release(order_id).map_err(of_step)
}

/// The problem of a checkout that is not undone yet. Its writes must stay.
pub(crate) fn to_be_undone(refusal: Refusal) -> Problem {
    let detail = match refusal {
        Refusal::Problem(problem @ (Problem::Declined(_) | Problem::Unreachable(_))) => return problem,
        Refusal::Problem(problem) => detail(problem),
        Refusal::OtherTotal(_) => OTHER_TOTAL.to_owned(),
    };
    Problem::unreachable(format!("{detail}; nothing is bought, and everything is being undone"))
}

/// The totals of a cart with these lines for each way of shipping to a place.
pub(crate) fn quote(lines: &[Line], place: Destination) -> Result<CartQuotes, Problem> {
    let priced = prices::price(lines).map_err(of_step)?;
    let Destination { country, postal_code } = place;
    let parcel = QuoteRequest { country, postal_code, weight_grams: priced.weight_grams };
    let mut options = Vec::new();
    // A fault of the place has the same field here as there.
    for ShippingOption { option, carrier, price, estimated_days } in services::quote(&parcel)?.options {
        // Without a total no checkout takes it.
        let shipping = Money::parse(&price, "/price").map_err(Problem::from);
        if let Ok(total) = shipping.and_then(|shipping| prices::total(priced.subtotal, shipping)) {
            options.push(QuoteOption { option, carrier, price, estimated_days, total: total.into() });
        }
    }
    Ok(CartQuotes { subtotal: priced.subtotal.into(), options })
}

fn chosen(options: Vec<ShippingOption>, wanted: &str) -> Result<ShippingOption, Problem> {
    let option = options.into_iter().find(|option| option.option == wanted);
    option.ok_or_else(|| Problem::invalid("/shippingOption", "is not among the options for this address and weight"))
}

/// The client's problem for a step: its fields are not the client's, and a missing thing was there before.
fn of_step(problem: Problem) -> Problem {
    match problem {
        Problem::NotFound(detail) => Problem::conflict(detail),
        Problem::Malformed(faults) | Problem::Invalid(faults) => Problem::invalid_request(first_detail(faults)),
        problem => problem,
    }
}

/// The client's problem for its choice of an address and a payment method.
fn of_choice(problem: Problem) -> Problem {
    let Problem::Invalid(mut faults) = problem else { return of_step(problem) };
    for fault in &mut faults.errors {
        fault.field = match fault.parameter.take().as_deref() {
            Some("address-id") => Some("/addressId".to_owned()),
            Some("payment-method-id") => Some("/paymentMethodId".to_owned()),
            _ => None,
        };
    }
    faults.errors.retain(|fault| fault.field.is_some());
    Problem::Invalid(faults)
}

fn detail(problem: Problem) -> String {
    match problem {
        Problem::Malformed(faults) | Problem::Invalid(faults) => first_detail(faults),
        Problem::Declined(decline) => decline.detail,
        Problem::Unauthenticated(detail)
        | Problem::Forbidden(detail)
        | Problem::NotFound(detail)
        | Problem::Conflict(detail)
        | Problem::Unavailable(detail)
        | Problem::Unreachable(detail) => detail,
    }
}

fn first_detail(faults: Faults) -> String {
    faults.errors.into_iter().next().map_or(faults.detail, |fault| fault.detail)
}
