//! Orders as entities.

use switchyard_sdk::{Faults, Money, id};

use super::time;
use crate::answers;
use crate::bindings::exports::shop::cart::cart::{Line as ContractLine, OrderStatus as ContractStatus};
use crate::bindings::exports::shop::cart::state as contract;
use crate::prices::PricedLine;
use crate::receipts::{OrderStatus, PaymentStatus, Progress, Receipt, ShipmentStatus};

pub(super) fn state(receipt: Receipt, progress: &Progress) -> contract::OrderState {
    contract::OrderState {
        cart_id: receipt.cart_id,
        account_id: receipt.account_id,
        lines: receipt.lines.into_iter().map(answers::line).collect(),
        subtotal: receipt.subtotal.into(),
        shipping: receipt.shipping.into(),
        total: receipt.total.into(),
        payment_id: receipt.payment_id,
        payment_status: match progress.payment {
            PaymentStatus::Captured => contract::OrderPaymentStatus::Captured,
            PaymentStatus::PartiallyRefunded => contract::OrderPaymentStatus::PartiallyRefunded,
            PaymentStatus::Refunded => contract::OrderPaymentStatus::Refunded,
        },
        refunded: progress.refunded.into(),
        shipment_id: receipt.shipment_id,
        shipment_status: match progress.shipment {
            ShipmentStatus::Scheduled => contract::OrderShipmentStatus::Scheduled,
            ShipmentStatus::Packed => contract::OrderShipmentStatus::Packed,
            ShipmentStatus::Shipped => contract::OrderShipmentStatus::Shipped,
            ShipmentStatus::Delivered => contract::OrderShipmentStatus::Delivered,
            ShipmentStatus::Lost => contract::OrderShipmentStatus::Lost,
            ShipmentStatus::Cancelled => contract::OrderShipmentStatus::Cancelled,
        },
        tracking_number: receipt.tracking_number,
        status: answers::status(progress.status),
        placed_at: receipt.placed_at.to_rfc3339_micros(),
    }
}

pub(super) fn parse(order: contract::OrderState) -> Result<(Receipt, Progress), Faults> {
    let mut faults = Faults::new();
    faults.check(id::is_id(&order.account_id), "/accountId", "must be an id");
    let placed_at = faults.take(time(&order.placed_at, "/placedAt"));
    let amounts = [
        (&order.subtotal, "/subtotal"),
        (&order.shipping, "/shipping"),
        (&order.total, "/total"),
        (&order.refunded, "/refunded"),
    ];
    let [subtotal, shipping, total, refunded] =
        amounts.map(|(amount, pointer)| faults.take(Money::parse(amount, pointer)));
    let lines = order.lines.into_iter().enumerate();
    let lines: Vec<PricedLine> = lines.filter_map(|(number, line)| faults.take(parse_line(line, number))).collect();
    let (Some(placed_at), Some(subtotal), Some(shipping)) = (placed_at, subtotal, shipping) else { return Err(faults) };
    let (Some(total), Some(refunded)) = (total, refunded) else { return Err(faults) };
    let is_part = refunded.currency == total.currency && (0..=total.minor_units).contains(&refunded.minor_units);
    faults.check(is_part, "/refunded", "must be a part of the total");
    let progress = Progress {
        status: status(order.status),
        payment: payment(order.payment_status),
        refunded,
        shipment: shipment(order.shipment_status),
    };
    let receipt = Receipt {
        placed_at,
        account_id: order.account_id,
        cart_id: order.cart_id,
        payment_id: order.payment_id,
        shipment_id: order.shipment_id,
        tracking_number: order.tracking_number,
        subtotal,
        shipping,
        total,
        lines,
    };
    faults.into_result((receipt, progress))
}

fn parse_line(line: ContractLine, number: usize) -> Result<PricedLine, Faults> {
    let ContractLine { sku, title, quantity, unit_price, total } = line;
    let mut faults = Faults::new();
    let unit_price = faults.take(Money::parse(&unit_price, &format!("/lines/{number}/unitPrice")));
    let total = faults.take(Money::parse(&total, &format!("/lines/{number}/total")));
    let parts = unit_price.zip(total);
    faults.complete(parts.map(|(unit_price, total)| PricedLine { sku, title, quantity, unit_price, total }))
}

fn payment(status: contract::OrderPaymentStatus) -> PaymentStatus {
    match status {
        contract::OrderPaymentStatus::Captured => PaymentStatus::Captured,
        contract::OrderPaymentStatus::PartiallyRefunded => PaymentStatus::PartiallyRefunded,
        contract::OrderPaymentStatus::Refunded => PaymentStatus::Refunded,
    }
}

fn shipment(status: contract::OrderShipmentStatus) -> ShipmentStatus {
    match status {
        contract::OrderShipmentStatus::Scheduled => ShipmentStatus::Scheduled,
        contract::OrderShipmentStatus::Packed => ShipmentStatus::Packed,
        contract::OrderShipmentStatus::Shipped => ShipmentStatus::Shipped,
        contract::OrderShipmentStatus::Delivered => ShipmentStatus::Delivered,
        contract::OrderShipmentStatus::Lost => ShipmentStatus::Lost,
        contract::OrderShipmentStatus::Cancelled => ShipmentStatus::Cancelled,
    }
}

fn status(status: ContractStatus) -> OrderStatus {
    match status {
        ContractStatus::Placed => OrderStatus::Placed,
        ContractStatus::Packed => OrderStatus::Packed,
        ContractStatus::Shipped => OrderStatus::Shipped,
        ContractStatus::Delivered => OrderStatus::Delivered,
        ContractStatus::Lost => OrderStatus::Lost,
        ContractStatus::Cancelled => OrderStatus::Cancelled,
    }
}
