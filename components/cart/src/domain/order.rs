//! An order: the bought items, and the state of its payment and shipment.

use serde::{Deserialize, Serialize};
use switchyard_sdk::{Money, Timestamp};

use crate::domain::price::PricedLine;

/// The items that a customer bought.
///
/// Invariant: the refunds are at most the total.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) cart_id: String,
    pub(crate) account_id: String,
    pub(crate) lines: Vec<PricedLine>,
    pub(crate) subtotal: Money,
    pub(crate) shipping: Money,
    /// Subtotal and shipping.
    pub(crate) total: Money,
    pub(crate) payment: Payment,
    pub(crate) shipment: Shipment,
    pub(crate) status: Status,
    pub(crate) placed_at: Timestamp,
}

/// How an order was paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Payment {
    pub(crate) id: String,
    /// The refunded part of the total.
    pub(crate) refunded: Money,
    pub(crate) status: PaymentStatus,
}

/// The shipment of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shipment {
    pub(crate) id: String,
    pub(crate) tracking_number: String,
    pub(crate) status: ShipmentStatus,
}

/// The state of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Status {
    Placed,
    Packed,
    Shipped,
    Delivered,
    Lost,
    Cancelled,
}

/// The state of an order's payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum PaymentStatus {
    Captured,
    PartiallyRefunded,
    Refunded,
}

/// The state of a shipment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ShipmentStatus {
    Scheduled,
    Packed,
    Shipped,
    Delivered,
    Lost,
    Cancelled,
}

/// The order has left the warehouse and can no longer be cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the order has shipped")]
pub(crate) struct HasShipped;

impl Order {
    /// Records that `amount` was refunded. Ignores money of another currency.
    pub(crate) fn refunded(&mut self, amount: Money) {
        let Ok(refunded) = self.payment.refunded.plus(amount) else { return };
        if refunded.minor_units < self.total.minor_units {
            (self.payment.refunded, self.payment.status) = (refunded, PaymentStatus::PartiallyRefunded);
        } else {
            (self.payment.refunded, self.payment.status) = (self.total, PaymentStatus::Refunded);
        }
    }

    /// Records a new state of the shipment. An earlier state, which arrived late, changes nothing.
    pub(crate) fn shipment_moved(&mut self, status: ShipmentStatus) {
        if status.stage() <= self.shipment.status.stage() {
            return;
        }
        self.shipment.status = status;
        let follows = match status {
            ShipmentStatus::Packed => Status::Packed,
            ShipmentStatus::Shipped => Status::Shipped,
            ShipmentStatus::Delivered => Status::Delivered,
            ShipmentStatus::Lost => Status::Lost,
            // Cancelling an order begins with its shipment. The order is cancelled when all of its steps are done.
            ShipmentStatus::Scheduled | ShipmentStatus::Cancelled => self.status,
        };
        if self.status != Status::Cancelled {
            self.status = follows;
        }
    }

    /// Whether the order is already cancelled; otherwise it can be.
    ///
    /// # Errors
    ///
    /// [`HasShipped`].
    pub(crate) fn is_cancelled(&self) -> Result<bool, HasShipped> {
        match self.status {
            Status::Placed | Status::Packed => Ok(false),
            Status::Cancelled => Ok(true),
            Status::Shipped | Status::Delivered | Status::Lost => Err(HasShipped),
        }
    }

    /// Records that the shipment was cancelled, the money refunded and the goods put back.
    pub(crate) fn cancelled(&mut self) {
        self.status = Status::Cancelled;
        self.shipment.status = ShipmentStatus::Cancelled;
        (self.payment.refunded, self.payment.status) = (self.total, PaymentStatus::Refunded);
    }
}

impl PaymentStatus {
    /// The name in the contract of payments.
    #[must_use]
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Captured => "captured",
            Self::PartiallyRefunded => "partially-refunded",
            Self::Refunded => "refunded",
        }
    }
}

impl ShipmentStatus {
    const ALL: [Self; 6] = [Self::Scheduled, Self::Packed, Self::Shipped, Self::Delivered, Self::Lost, Self::Cancelled];

    /// `None` for other texts.
    #[must_use]
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// The name in the contract of shipping.
    #[must_use]
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Packed => "packed",
            Self::Shipped => "shipped",
            Self::Delivered => "delivered",
            Self::Lost => "lost",
            Self::Cancelled => "cancelled",
        }
    }

    /// Shipments move only to a higher stage.
    fn stage(self) -> u8 {
        match self {
            Self::Scheduled => 0,
            Self::Packed => 1,
            Self::Shipped => 2,
            Self::Delivered | Self::Lost | Self::Cancelled => 3,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use switchyard_sdk::Currency;

    use super::*;

    fn eur(minor_units: i64) -> Money {
        Money::new(minor_units, Currency::EUR)
    }

    pub(crate) fn order() -> Order {
        let payment = Payment { id: "pay_1".to_owned(), refunded: eur(0), status: PaymentStatus::Captured };
        let (id, tracking_number) = ("shp_1".to_owned(), "T1".to_owned());
        Order {
            cart_id: "cart_1".to_owned(),
            account_id: "acc_1".to_owned(),
            lines: Vec::new(),
            subtotal: eur(900),
            shipping: eur(100),
            total: eur(1000),
            payment,
            shipment: Shipment { id, tracking_number, status: ShipmentStatus::Scheduled },
            status: Status::Placed,
            placed_at: Timestamp::from_unix_micros(0),
        }
    }

    #[test]
    fn the_order_follows_its_shipment_forward_only() {
        use ShipmentStatus as S;
        let cases: &[(&[S], Status, S)] = &[
            (&[], Status::Placed, S::Scheduled),
            (&[S::Packed], Status::Packed, S::Packed),
            (&[S::Packed, S::Shipped, S::Delivered], Status::Delivered, S::Delivered),
            (&[S::Shipped], Status::Shipped, S::Shipped),
            (&[S::Shipped, S::Packed], Status::Shipped, S::Shipped),
            (&[S::Shipped, S::Lost, S::Delivered], Status::Lost, S::Lost),
            (&[S::Packed, S::Cancelled], Status::Packed, S::Cancelled),
            (&[S::Cancelled, S::Shipped], Status::Placed, S::Cancelled),
        ];
        for (moves, status, shipment) in cases {
            let mut order = order();
            moves.iter().for_each(|status| order.shipment_moved(*status));
            assert_eq!((order.status, order.shipment.status), (*status, *shipment), "{moves:?}");
        }
    }

    #[test]
    fn a_cancelled_order_stays_cancelled_and_refunded() {
        let mut order = order();
        order.cancelled();
        let cancelled = order.clone();
        order.shipment_moved(ShipmentStatus::Cancelled);
        order.shipment_moved(ShipmentStatus::Shipped);
        order.refunded(eur(300));
        assert_eq!(order, cancelled);
        assert_eq!((order.payment.refunded, order.payment.status), (eur(1000), PaymentStatus::Refunded));
    }

    #[test]
    fn refunds_add_up_to_the_total() {
        let usd = Money::new(1000, "USD".parse().expect("a currency"));
        let cases: &[(&[Money], i64, PaymentStatus)] = &[
            (&[], 0, PaymentStatus::Captured),
            (&[eur(1)], 1, PaymentStatus::PartiallyRefunded),
            (&[eur(400), eur(599)], 999, PaymentStatus::PartiallyRefunded),
            (&[eur(400), eur(600)], 1000, PaymentStatus::Refunded),
            (&[eur(400), eur(i64::MAX - 400)], 1000, PaymentStatus::Refunded),
            (&[usd], 0, PaymentStatus::Captured),
        ];
        for (refunds, refunded, status) in cases {
            let mut order = order();
            refunds.iter().for_each(|amount| order.refunded(*amount));
            assert_eq!((order.payment.refunded, order.payment.status), (eur(*refunded), *status), "{refunds:?}");
        }
    }

    #[test]
    fn an_order_is_cancelled_until_it_ships() {
        for (status, expected) in [
            (Status::Placed, Ok(false)),
            (Status::Packed, Ok(false)),
            (Status::Shipped, Err(HasShipped)),
            (Status::Delivered, Err(HasShipped)),
            (Status::Lost, Err(HasShipped)),
            (Status::Cancelled, Ok(true)),
        ] {
            assert_eq!(Order { status, ..order() }.is_cancelled(), expected, "{status:?}");
        }
    }

    #[test]
    fn a_status_is_read_as_it_is_written() {
        for status in ShipmentStatus::ALL {
            assert_eq!(ShipmentStatus::parse(status.as_str()), Some(status));
        }
        assert_eq!(ShipmentStatus::parse("Shipped"), None);
    }
}
