//! Conversions to the contract's answers and problems.

use switchyard_sdk::types::Money as ContractMoney;
use switchyard_sdk::{Money, Problem};

use crate::bindings::exports::shop::cart::cart as contract;
use crate::domain::cart::{Cart, CartError, State};
use crate::domain::order::{HasShipped, Order, Status};
use crate::domain::price::PricedLine;

pub(crate) fn cart(cart_id: String, cart: Cart, lines: Vec<PricedLine>, subtotal: Money) -> contract::Cart {
    let status = match cart.state {
        State::Open => contract::CartStatus::Open,
        State::CheckedOut { .. } => contract::CartStatus::CheckedOut,
    };
    let (lines, subtotal): (_, ContractMoney) = (lines.into_iter().map(line).collect(), subtotal.into());
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

impl From<HasShipped> for Problem {
    fn from(error: HasShipped) -> Self {
        Self::conflict(error.to_string())
    }
}
