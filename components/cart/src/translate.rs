//! Conversions to the contract's answers and problems.

use switchyard_sdk::types::Money as ContractMoney;
use switchyard_sdk::{Money, Problem};

use crate::bindings::exports::shop::cart::cart as contract;
use crate::checkout::NotBought;
use crate::domain::cart::{Cart, CartError, State};
use crate::domain::order::{HasShipped, Order, Status};
use crate::domain::price::{OfferedLine, PricedLine};

pub(crate) fn cart(cart_id: String, cart: Cart, lines: Vec<OfferedLine>, subtotal: Money) -> contract::Cart {
    let status = match cart.state {
        State::Open => contract::CartStatus::Open,
        State::CheckedOut { .. } => contract::CartStatus::CheckedOut,
    };
    let (lines, subtotal): (_, ContractMoney) = (lines.into_iter().map(cart_line).collect(), subtotal.into());
    let currency = subtotal.currency.clone();
    contract::Cart { id: cart_id, status, account_id: cart.owner, lines, subtotal, currency }
}

pub(crate) fn order(order_id: String, order: Order) -> contract::Order {
    let Order { cart_id, account_id, lines, subtotal, shipping, total, payment, shipment, status, placed_at } = order;
    contract::Order {
        id: order_id,
        cart_id,
        account_id,
        lines: lines.into_iter().map(line).collect(),
        subtotal: subtotal.into(),
        shipping: shipping.into(),
        total: total.into(),
        payment: contract::OrderPayment { id: payment.id, status: payment.status.as_str().to_owned() },
        shipment: contract::OrderShipment {
            id: shipment.id,
            status: shipment.status.as_str().to_owned(),
            tracking_number: shipment.tracking_number,
        },
        status: order_status(status),
        placed_at: placed_at.to_rfc3339(),
    }
}

fn cart_line(OfferedLine { line, available }: OfferedLine) -> contract::CartLine {
    let PricedLine { sku, title, quantity, unit_price, total } = line;
    contract::CartLine { sku, title, quantity, unit_price: unit_price.into(), total: total.into(), available }
}

pub(crate) fn line(line: PricedLine) -> contract::Line {
    let PricedLine { sku, title, quantity, unit_price, total } = line;
    contract::Line { sku, title, quantity, unit_price: unit_price.into(), total: total.into() }
}

pub(crate) fn order_status(status: Status) -> contract::OrderStatus {
    match status {
        Status::Placed => contract::OrderStatus::Placed,
        Status::Packed => contract::OrderStatus::Packed,
        Status::Shipped => contract::OrderStatus::Shipped,
        Status::Delivered => contract::OrderStatus::Delivered,
        Status::Lost => contract::OrderStatus::Lost,
        Status::Cancelled => contract::OrderStatus::Cancelled,
    }
}

impl From<CartError> for Problem {
    fn from(error: CartError) -> Self {
        let detail = error.to_string();
        match error {
            CartError::Quantity => Self::invalid("/quantity", detail),
            CartError::Empty => Self::invalid_request(detail),
            CartError::CheckedOut | CartError::LineCount | CartError::ItemTwice => Self::conflict(detail),
        }
    }
}

impl From<NotBought> for contract::CheckoutProblem {
    fn from(reason: NotBought) -> Self {
        match reason {
            NotBought::TotalChanged(total) => {
                let detail = "the total is no longer the expected one; nothing was charged".to_owned();
                Self::TotalChanged(contract::TotalChange { detail, total: total.into() })
            }
            NotBought::Refused(problem) => match problem {
                Problem::Malformed(faults) => Self::Malformed(faults),
                Problem::Unauthenticated(detail) => Self::Unauthenticated(detail),
                Problem::Declined(decline) => Self::Declined(decline),
                Problem::Forbidden(detail) => Self::Forbidden(detail),
                Problem::NotFound(detail) => Self::NotFound(detail),
                Problem::Conflict(detail) => Self::Conflict(detail),
                Problem::Invalid(faults) => Self::Invalid(faults),
                Problem::Unavailable(detail) => Self::Unavailable(detail),
                Problem::Unreachable(detail) => Self::Unreachable(detail),
            },
        }
    }
}

impl From<HasShipped> for Problem {
    fn from(error: HasShipped) -> Self {
        Self::conflict(error.to_string())
    }
}
