//! The stored orders: a receipt that never changes, and the progress, which does.
//!
//! | key | value |
//! |---|---|
//! | `receipt/<order>` | [`Receipt`] |
//! | `progress/<order>` | [`Progress`] |
//! | `all/<time>/<order>`, `customer/<account>/<time>/<order>` | nothing: the lists |
//! | `undo/<order>` | nothing: a failed checkout that is not undone completely |

use serde::{Deserialize, Serialize};
use switchyard_sdk::paging::PageRequest;
use switchyard_sdk::state::Page;
use switchyard_sdk::store::{self, Direction, Scan};
use switchyard_sdk::{Money, Timestamp, id};

use crate::prices::PricedLine;

const RECEIPT: &str = "receipt/";
const UNDO: &str = "undo/";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Receipt {
    pub(crate) placed_at: Timestamp,
    pub(crate) account_id: String,
    pub(crate) cart_id: String,
    pub(crate) payment_id: String,
    pub(crate) shipment_id: String,
    pub(crate) tracking_number: String,
    pub(crate) subtotal: Money,
    pub(crate) shipping: Money,
    pub(crate) total: Money,
    pub(crate) lines: Vec<PricedLine>,
}

/// How far an order, its payment and its shipment are, as the contract names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Progress {
    pub(crate) status: OrderStatus,
    pub(crate) payment: PaymentStatus,
    pub(crate) refunded: Money,
    pub(crate) shipment: ShipmentStatus,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum OrderStatus {
    Placed,
    Packed,
    Shipped,
    Delivered,
    Lost,
    Cancelled,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum PaymentStatus {
    Captured,
    PartiallyRefunded,
    Refunded,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum ShipmentStatus {
    Scheduled,
    Packed,
    Shipped,
    Delivered,
    Lost,
    Cancelled,
}

impl ShipmentStatus {
    const NAMES: [(Self, &'static str); 6] = [
        (Self::Scheduled, "scheduled"),
        (Self::Packed, "packed"),
        (Self::Shipped, "shipped"),
        (Self::Delivered, "delivered"),
        (Self::Lost, "lost"),
        (Self::Cancelled, "cancelled"),
    ];

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::NAMES.into_iter().find(|(_, name)| *name == text).map(|(status, _)| status)
    }

    pub(crate) fn name(self) -> &'static str {
        Self::NAMES.into_iter().find(|(status, _)| *status == self).map_or("", |(_, name)| name)
    }

    /// The last three statuses are all final.
    fn stage(self) -> Self {
        self.min(Self::Delivered)
    }
}

impl PaymentStatus {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Captured => "captured",
            Self::PartiallyRefunded => "partially-refunded",
            Self::Refunded => "refunded",
        }
    }
}

impl Progress {
    /// The progress of a new order of `total`.
    pub(crate) fn placed(total: Money) -> Self {
        let refunded = Money::zero(total.currency);
        let (status, payment, shipment) = (OrderStatus::Placed, PaymentStatus::Captured, ShipmentStatus::Scheduled);
        Self { status, payment, refunded, shipment }
    }

    /// Records a refund of `amount`. Money of another currency changes nothing.
    pub(crate) fn refund(&mut self, amount: Money, total: Money) {
        let Ok(refunded) = self.refunded.plus(amount) else { return };
        let is_whole = refunded.minor_units >= total.minor_units;
        self.refunded = if is_whole { total } else { refunded };
        self.payment = if is_whole { PaymentStatus::Refunded } else { PaymentStatus::PartiallyRefunded };
    }

    /// Records the status of the shipment. A status that comes late changes nothing.
    pub(crate) fn ship(&mut self, status: ShipmentStatus) {
        if status.stage() <= self.shipment.stage() {
            return;
        }
        self.shipment = status;
        let follows = match status {
            ShipmentStatus::Packed => OrderStatus::Packed,
            ShipmentStatus::Shipped => OrderStatus::Shipped,
            ShipmentStatus::Delivered => OrderStatus::Delivered,
            ShipmentStatus::Lost => OrderStatus::Lost,
            // The cancellation of an order begins with its shipment and is not complete then.
            ShipmentStatus::Scheduled | ShipmentStatus::Cancelled => return,
        };
        if self.status != OrderStatus::Cancelled {
            self.status = follows;
        }
    }

    /// Records that the shipment, the payment and the reservation are undone.
    pub(crate) fn cancel(&mut self, total: Money) {
        self.status = OrderStatus::Cancelled;
        self.shipment = ShipmentStatus::Cancelled;
        (self.refunded, self.payment) = (total, PaymentStatus::Refunded);
    }
}

/// The order of that id, which may be any text.
pub(crate) fn order(order_id: &str) -> Option<(Receipt, Progress)> {
    if !id::is_id(order_id) {
        return None;
    }
    Some((store::get(&[RECEIPT, order_id].concat())?, store::get(&progress_key(order_id))?))
}

/// Stores a new order.
pub(crate) fn add(order_id: &str, receipt: &Receipt, progress: &Progress) {
    store::set(&[RECEIPT, order_id].concat(), receipt);
    for listed in list_keys(order_id, receipt) {
        store::set(&listed, &());
    }
    set_progress(order_id, progress);
}

pub(crate) fn set_progress(order_id: &str, progress: &Progress) {
    store::set(&progress_key(order_id), progress);
}

/// Deletes an order.
pub(crate) fn remove(order_id: &str) {
    let Some((receipt, _)) = order(order_id) else { return };
    store::delete(&[RECEIPT, order_id].concat());
    store::delete(&progress_key(order_id));
    list_keys(order_id, &receipt).iter().for_each(|key| store::delete(key));
}

/// A page of the ids of orders, newest first, of one customer if given, and the cursor of the next page.
pub(crate) fn list(request: &PageRequest, account_id: Option<&str>) -> (Vec<String>, Option<String>) {
    let prefix = account_id.map_or_else(|| "all/".to_owned(), |account_id| ["customer/", account_id, "/"].concat());
    let after = request.after().map(|position| [prefix.as_str(), position].concat());
    let (direction, limit) = (Direction::Descending, request.limit());
    let page = store::scan::<()>(&Scan { prefix: &prefix, after: after.as_deref(), direction, limit });
    let positions = page.entries.iter().filter_map(|(key, ())| key.strip_prefix(&prefix));
    let next_cursor = positions.clone().next_back().filter(|_| page.more).map(|position| request.cursor(position));
    let order_id = |position: &str| Some(position.split_once('/')?.1.to_owned());
    (positions.filter_map(order_id).collect(), next_cursor)
}

pub(crate) fn set_undo(order_id: &str, is_needed: bool) {
    let key = [UNDO, order_id].concat();
    if is_needed { store::set(&key, &()) } else { store::delete(&key) }
}

/// Some of the checkouts to undo.
pub(crate) fn undos(limit: u32) -> Vec<String> {
    let scan = Scan { prefix: UNDO, after: None, direction: Direction::Ascending, limit };
    let entries = store::scan::<()>(&scan).entries;
    entries.iter().filter_map(|(key, ())| key.strip_prefix(UNDO)).map(str::to_owned).collect()
}

/// Adds the orders of a page of entities.
pub(crate) fn export<E>(page: &mut Page<E>, entity: impl Fn(Receipt, Progress) -> E) {
    page.add("order/", RECEIPT, |order_id, receipt: Receipt| {
        store::get(&progress_key(order_id)).map(|progress| entity(receipt, progress))
    });
}

/// Adds the checkouts to undo of a page of entities.
pub(crate) fn export_undos<E>(page: &mut Page<E>, entity: impl Fn() -> E) {
    page.add("undo/", UNDO, |_, (): ()| Some(entity()));
}

fn list_keys(order_id: &str, receipt: &Receipt) -> [String; 2] {
    let position = [&receipt.placed_at.sortable(), "/", order_id].concat();
    [["all/", &position].concat(), ["customer/", &receipt.account_id, "/", &position].concat()]
}

fn progress_key(order_id: &str) -> String {
    ["progress/", order_id].concat()
}
