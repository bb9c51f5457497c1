//! The answers of the contract.

use switchyard_sdk::{Money, Problem};

use crate::baskets::Basket;
use crate::bindings::exports::shop::cart::cart as contract;
use crate::prices::PricedLine;
use crate::receipts::{OrderStatus, Progress, Receipt};

/// `available` is of the lines, in the same order.
pub(crate) fn cart(
    cart_id: String,
    basket: Basket,
    lines: Vec<PricedLine>,
    available: Vec<u32>,
    subtotal: Money,
) -> contract::Cart {
    let status = match basket.order_id {
        Some(_) => contract::CartStatus::CheckedOut,
        None => contract::CartStatus::Open,
    };
    contract::Cart {
        id: cart_id,
        status,
        account_id: basket.owner,
        lines: lines.into_iter().zip(available).map(cart_line).collect(),
        subtotal: subtotal.into(),
        currency: subtotal.currency.code().to_owned(),
    }
}

pub(crate) fn order(order_id: String, receipt: Receipt, progress: &Progress) -> contract::Order {
    contract::Order {
        id: order_id,
        cart_id: receipt.cart_id,
        account_id: receipt.account_id,
        lines: receipt.lines.into_iter().map(line).collect(),
        subtotal: receipt.subtotal.into(),
        shipping: receipt.shipping.into(),
        total: receipt.total.into(),
        payment: contract::OrderPayment { id: receipt.payment_id, status: progress.payment.name().to_owned() },
        shipment: contract::OrderShipment {
            id: receipt.shipment_id,
            status: progress.shipment.name().to_owned(),
            tracking_number: receipt.tracking_number,
        },
        status: status(progress.status),
        placed_at: receipt.placed_at.to_rfc3339(),
    }
}

fn cart_line((line, available): (PricedLine, u32)) -> contract::CartLine {
    let PricedLine { sku, title, quantity, unit_price, total } = line;
    contract::CartLine { sku, title, quantity, unit_price: unit_price.into(), total: total.into(), available }
}

pub(crate) fn line(line: PricedLine) -> contract::Line {
    let PricedLine { sku, title, quantity, unit_price, total } = line;
    contract::Line { sku, title, quantity, unit_price: unit_price.into(), total: total.into() }
}

pub(crate) fn status(status: OrderStatus) -> contract::OrderStatus {
    match status {
        OrderStatus::Placed => contract::OrderStatus::Placed,
        OrderStatus::Packed => contract::OrderStatus::Packed,
        OrderStatus::Shipped => contract::OrderStatus::Shipped,
        OrderStatus::Delivered => contract::OrderStatus::Delivered,
        OrderStatus::Lost => contract::OrderStatus::Lost,
        OrderStatus::Cancelled => contract::OrderStatus::Cancelled,
    }
}

/// A problem of the services as one of the checkout.
pub(crate) fn problem(problem: Problem) -> contract::CheckoutProblem {
    use contract::CheckoutProblem as Checkout;
    match problem {
        Problem::Malformed(faults) => Checkout::Malformed(faults),
        Problem::Unauthenticated(detail) => Checkout::Unauthenticated(detail),
        Problem::Declined(decline) => Checkout::Declined(decline),
        Problem::Forbidden(detail) => Checkout::Forbidden(detail),
        Problem::NotFound(detail) => Checkout::NotFound(detail),
        Problem::Conflict(detail) => Checkout::Conflict(detail),
        Problem::Invalid(faults) => Checkout::Invalid(faults),
        Problem::Unavailable(detail) => Checkout::Unavailable(detail),
        Problem::Unreachable(detail) => Checkout::Unreachable(detail),
    }
}
