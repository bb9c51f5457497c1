//! Orders as entities.

use switchyard_sdk::types::Money as ContractMoney;
use switchyard_sdk::{Faults, Money, id};

use super::time;
use crate::bindings::exports::shop::cart::cart::{Line as ContractLine, OrderStatus};
use crate::bindings::exports::shop::cart::state as contract;
use crate::domain::order::{Order, Payment, PaymentStatus, Shipment, ShipmentStatus, Status};
use crate::domain::price::PricedLine;
use crate::translate;

pub(super) fn state(order: Order) -> contract::OrderState {
    let Order { cart_id, account_id, lines, subtotal, shipping, total, payment, shipment, status, placed_at } = order;
    contract::OrderState {
        cart_id,
        account_id,
        lines: lines.into_iter().map(translate::line).collect(),
        subtotal: subtotal.into(),
        shipping: shipping.into(),
        total: total.into(),
        payment_id: payment.id,
        payment_status: match payment.status {
            PaymentStatus::Captured => contract::OrderPaymentStatus::Captured,
            PaymentStatus::PartiallyRefunded => contract::OrderPaymentStatus::PartiallyRefunded,
            PaymentStatus::Refunded => contract::OrderPaymentStatus::Refunded,
        },
        refunded: payment.refunded.into(),
        shipment_id: shipment.id,
        shipment_status: match shipment.status {
            ShipmentStatus::Scheduled => contract::OrderShipmentStatus::Scheduled,
            ShipmentStatus::Packed => contract::OrderShipmentStatus::Packed,
            ShipmentStatus::Shipped => contract::OrderShipmentStatus::Shipped,
            ShipmentStatus::Delivered => contract::OrderShipmentStatus::Delivered,
            ShipmentStatus::Lost => contract::OrderShipmentStatus::Lost,
            ShipmentStatus::Cancelled => contract::OrderShipmentStatus::Cancelled,
        },
        tracking_number: shipment.tracking_number,
        status: translate::order_status(status),
        placed_at: placed_at.to_rfc3339_micros(),
    }
}

pub(super) fn parse(order: contract::OrderState) -> Result<Order, Faults> {
    let mut faults = Faults::new();
    faults.check(id::is_id(&order.account_id), "/accountId", "must be an id");
    let placed_at = faults.take(time(&order.placed_at, "/placedAt"));
    let mut money = |money: &ContractMoney, pointer: &str| faults.take(Money::parse(money, pointer));
    let (subtotal, shipping) = (money(&order.subtotal, "/subtotal"), money(&order.shipping, "/shipping"));
    let (total, refunded) = (money(&order.total, "/total"), money(&order.refunded, "/refunded"));
    let lines = order.lines.into_iter().enumerate();
    let lines: Vec<_> = lines.filter_map(|(place, line)| faults.take(parse_line(line, place))).collect();
    if let (Some(total), Some(refunded)) = (total, refunded) {
        let is_within = refunded.currency == total.currency && (0..=total.minor_units).contains(&refunded.minor_units);
        faults.check(is_within, "/refunded", "must be a part of the total");
    }
    let (Some(placed_at), Some(subtotal), Some(shipping)) = (placed_at, subtotal, shipping) else { return Err(faults) };
    let (Some(total), Some(refunded)) = (total, refunded) else { return Err(faults) };
    faults.into_result(Order {
        cart_id: order.cart_id,
        account_id: order.account_id,
        lines,
        subtotal,
        shipping,
        total,
        payment: Payment { id: order.payment_id, refunded, status: payment_status(order.payment_status) },
        shipment: Shipment {
            id: order.shipment_id,
            tracking_number: order.tracking_number,
            status: shipment_status(order.shipment_status),
        },
        status: status(order.status),
        placed_at,
    })
}

fn parse_line(line: ContractLine, place: usize) -> Result<PricedLine, Faults> {
    let ContractLine { sku, title, quantity, unit_price, total } = line;
    let mut faults = Faults::new();
    let unit_price = faults.take(Money::parse(&unit_price, &format!("/lines/{place}/unitPrice")));
    let total = faults.take(Money::parse(&total, &format!("/lines/{place}/total")));
    let prices = unit_price.zip(total);
    faults.complete(prices.map(|(unit_price, total)| PricedLine { sku, title, quantity, unit_price, total }))
}

fn payment_status(status: contract::OrderPaymentStatus) -> PaymentStatus {
    match status {
        contract::OrderPaymentStatus::Captured => PaymentStatus::Captured,
        contract::OrderPaymentStatus::PartiallyRefunded => PaymentStatus::PartiallyRefunded,
        contract::OrderPaymentStatus::Refunded => PaymentStatus::Refunded,
    }
}

fn shipment_status(status: contract::OrderShipmentStatus) -> ShipmentStatus {
    match status {
        contract::OrderShipmentStatus::Scheduled => ShipmentStatus::Scheduled,
        contract::OrderShipmentStatus::Packed => ShipmentStatus::Packed,
        contract::OrderShipmentStatus::Shipped => ShipmentStatus::Shipped,
        contract::OrderShipmentStatus::Delivered => ShipmentStatus::Delivered,
        contract::OrderShipmentStatus::Lost => ShipmentStatus::Lost,
        contract::OrderShipmentStatus::Cancelled => ShipmentStatus::Cancelled,
    }
}

fn status(status: OrderStatus) -> Status {
    match status {
        OrderStatus::Placed => Status::Placed,
        OrderStatus::Packed => Status::Packed,
        OrderStatus::Shipped => Status::Shipped,
        OrderStatus::Delivered => Status::Delivered,
        OrderStatus::Lost => Status::Lost,
        OrderStatus::Cancelled => Status::Cancelled,
    }
}
