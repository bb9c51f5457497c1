//! Orders with their payments and shipments: acknowledged ones exist exactly once, and the sums of money are right.

use std::collections::BTreeMap;

use serde_json::Value;
use shop_tests::json::{list, number, text};
use shop_tests::{Client, pages};

use crate::act::Act;
use crate::ask::Exchange;
use crate::people::order;
use crate::report::Violation;

/// The shop's reason for the refund of a cancelled order.
const CANCELLED: &str = "the order was cancelled";

/// The shop's records.
#[derive(Debug)]
pub(crate) struct Books {
    /// By id; an order occurs more than once if the shop lists it more than once.
    orders: Vec<(String, Value)>,
    /// Payments that took money, by order.
    paid: BTreeMap<String, Vec<Value>>,
    declined: usize,
    /// By order.
    shipments: BTreeMap<String, Value>,
}

/// The acknowledged facts about one order.
#[derive(Debug, Default)]
struct Known {
    is_cancelled: bool,
    /// The items that were put into its cart, by SKU.
    lines: BTreeMap<String, i64>,
    /// Keys of its refunds, in order.
    refunds: Vec<String>,
    /// Keys of the events of its shipment, in order.
    events: Vec<String>,
}

impl Books {
    pub(crate) async fn read(staff: &Client, exchanges: &[Exchange]) -> anyhow::Result<Self> {
        let mut books = Self { orders: Vec::new(), paid: BTreeMap::new(), declined: 0, shipments: BTreeMap::new() };
        for order in pages::all(staff, "/orders?limit=100").await?.into_iter().flatten() {
            books.orders.push((text(&order, "/id")?, order));
        }
        for payment in pages::all(staff, "/payments?limit=100").await?.into_iter().flatten() {
            match payment["status"].as_str() {
                Some("declined") => books.declined += 1,
                Some("captured" | "partially-refunded" | "refunded") => {
                    books.paid.entry(text(&payment, "/orderId")?).or_default().push(payment);
                }
                _ => {}
            }
        }
        for acknowledged in exchanges.iter().filter_map(order) {
            let shipment = staff.ask(&format!("GET /shipments/{}", text(acknowledged, "/shipment/id")?)).await?;
            books.shipments.insert(text(acknowledged, "/id")?, shipment.body);
        }
        Ok(books)
    }

    /// The number of orders of the account that are not cancelled.
    pub(crate) fn standing_of(&self, account: &str) -> usize {
        self.standing().filter(|order| order["accountId"] == account).count()
    }

    /// The orders that are not cancelled.
    pub(crate) fn standing(&self) -> impl Iterator<Item = &Value> {
        self.orders.iter().map(|(_, order)| order).filter(|order| order["status"] != "cancelled")
    }

    pub(crate) fn check(&self, exchanges: &[Exchange]) -> anyhow::Result<Vec<Violation>> {
        let mut found = Vec::new();
        let mut acknowledged = BTreeMap::new();
        for exchange in exchanges {
            if let Some(order) = order(exchange) {
                acknowledged.insert(text(order, "/id")?, (exchange.key.as_str(), order));
            }
        }
        for (id, (key, told)) in &acknowledged {
            match self.orders.iter().filter(|(found, _)| found == id).collect::<Vec<_>>().as_slice() {
                [] => found.push(Violation::lost(format!("the order {id}, acknowledged under the key {key}, is gone"))),
                [(_, order)] => {
                    let what = self.order(id, told, order, &Known::of(told, exchanges)?)?;
                    found.extend(
                        what.into_iter().map(|what| Violation {
                            detail: format!("order {id}, key {key}: {}", what.detail),
                            ..what
                        }),
                    );
                }
                many => found.push(Violation::doubled(format!("the order {id} is listed {} times", many.len()))),
            }
        }
        for (id, order) in self.orders.iter().filter(|(id, _)| !acknowledged.contains_key(id)) {
            found.push(Violation::doubled(format!("the order {id} is there, and nobody was told of it: {order}")));
        }
        for (order, payments) in self.paid.iter().filter(|(order, _)| !acknowledged.contains_key(*order)) {
            let detail = format!("money was taken for {order}, which is no order: {payments:?}");
            found.push(Violation::doubled(detail));
        }
        let declined = exchanges.iter().filter(|exchange| exchange.status == 402).count();
        if self.declined != declined {
            let detail = format!("{declined} checkouts were declined, {} declined payments are there", self.declined);
            found.push(Violation::doubled(detail));
        }
        found.extend(self.money()?);
        Ok(found)
    }

    /// Compares one order as it was acknowledged with its current state.
    fn order(&self, id: &str, told: &Value, order: &Value, known: &Known) -> anyhow::Result<Vec<Violation>> {
        let mut found = Vec::new();
        let facts = ["/cartId", "/accountId", "/lines", "/subtotal", "/shipping", "/total", "/placedAt"];
        let parts = ["/payment/id", "/shipment/id", "/shipment/trackingNumber"];
        for fact in facts.iter().chain(&parts) {
            if told.pointer(fact) != order.pointer(fact) {
                let (told, found_is) = (told.pointer(fact), order.pointer(fact));
                found.push(Violation::lost(format!("{fact} was {told:?} and is {found_is:?}")));
            }
        }
        let lines = lines(order)?;
        if lines != known.lines {
            found.push(Violation::lost(format!("{:?} was put into its cart, it has {lines:?}", known.lines)));
        }
        if known.is_cancelled != (order["status"] == "cancelled") {
            let status = &order["status"];
            found.push(Violation::lost(format!("it is {status}; cancelled as was told: {}", known.is_cancelled)));
        }
        match self.paid.get(id).map(Vec::as_slice) {
            None | Some([]) => found.push(Violation::lost("there is no payment for it")),
            Some([payment]) => found.extend(payment_of(order, payment, known)?),
            Some(many) => found.push(Violation::doubled(format!("it was paid {} times: {many:?}", many.len()))),
        }
        let shipment = self.shipments.get(id).unwrap_or(&Value::Null);
        found.extend(shipment_of(id, order, shipment, known)?);
        Ok(found)
    }

    /// Checks captured = ordered + refunded, over all orders.
    fn money(&self) -> anyhow::Result<Vec<Violation>> {
        let (mut captured, mut refunded, mut kept) = (0, 0, 0);
        for payment in self.paid.values().flatten() {
            captured += number(payment, "/amount/amount")?;
            refunded += refunds(payment)?.iter().map(|(_, cents)| cents).sum::<i64>();
        }
        for order in self.standing() {
            kept += number(order, "/total/amount")?;
            let payments = self.paid.get(&text(order, "/id")?).into_iter().flatten();
            for payment in payments {
                kept -= refunds(payment)?.iter().map(|(_, cents)| cents).sum::<i64>();
            }
        }
        let detail = format!("captured {captured}, kept for orders {kept}, refunded {refunded}");
        Ok(if captured == kept + refunded { Vec::new() } else { vec![Violation::wrong(detail)] })
    }
}

impl Known {
    fn of(told: &Value, exchanges: &[Exchange]) -> anyhow::Result<Self> {
        let (id, payment_id, shipment_id) =
            (text(told, "/id")?, text(told, "/payment/id")?, text(told, "/shipment/id")?);
        let mut known = Self { lines: put_into(&text(told, "/cartId")?, exchanges), ..Self::default() };
        for Exchange { act, key, status, .. } in exchanges {
            match act {
                Act::Cancel { order } if *order == id && *status == 200 => known.is_cancelled = true,
                Act::Refund { payment, .. } if *payment == payment_id && *status == 201 => {
                    known.refunds.push(key.clone());
                }
                Act::Record { shipment, .. } if *shipment == shipment_id && *status == 200 => {
                    known.events.push(key.clone());
                }
                _ => {}
            }
        }
        Ok(known)
    }
}

/// The acknowledged content of a cart that is filled once, by SKU.
pub(super) fn put_into(cart: &str, exchanges: &[Exchange]) -> BTreeMap<String, i64> {
    let put = exchanges.iter().filter_map(|exchange| match &exchange.act {
        Act::SetLine { cart: of, sku, quantity } if of == cart && exchange.status == 200 => {
            Some((sku.clone(), i64::from(*quantity)))
        }
        _ => None,
    });
    put.collect()
}

/// The quantities of an order or a cart, by SKU.
pub(super) fn lines(of: &Value) -> anyhow::Result<BTreeMap<String, i64>> {
    list(of, "/lines")?.iter().map(|line| Ok((text(line, "/sku")?, number(line, "/quantity")?))).collect()
}

/// Reason and cents of every refund.
fn refunds(payment: &Value) -> anyhow::Result<Vec<(String, i64)>> {
    let refund = |refund: &Value| Ok((text(refund, "/reason")?, number(refund, "/amount/amount")?));
    list(payment, "/refunds")?.iter().map(refund).collect()
}

fn payment_of(order: &Value, payment: &Value, known: &Known) -> anyhow::Result<Vec<Violation>> {
    let mut found = Vec::new();
    if payment["id"] != order["payment"]["id"] || payment["amount"] != order["total"] {
        found.push(Violation::lost(format!("its payment is another: {payment}")));
    }
    let refunds = refunds(payment)?;
    let reasons = refunds.iter().map(|(reason, _)| reason.as_str());
    found.extend(same("its refunds", &known.refunds, reasons.filter(|reason| *reason != CANCELLED)));
    let back: i64 = refunds.iter().map(|(_, cents)| cents).sum();
    let paid = number(payment, "/amount/amount")?;
    if back > paid || known.is_cancelled && back != paid {
        found.push(Violation::wrong(format!("of {paid} cents {back} were given back")));
    }
    if payment["status"] != order["payment"]["status"] {
        let (status, told) = (&payment["status"], &order["payment"]["status"]);
        found.push(Violation::wrong(format!("its payment is {status}, and the order says {told}")));
    }
    Ok(found)
}

fn shipment_of(id: &str, order: &Value, shipment: &Value, known: &Known) -> anyhow::Result<Vec<Violation>> {
    if shipment["orderId"] != id {
        return Ok(vec![Violation::lost(format!("there is no shipment for it: {shipment}"))]);
    }
    let mut found = Vec::new();
    let notes = list(shipment, "/events")?.iter().filter_map(|event| event["note"].as_str());
    found.extend(same("what happened to its shipment", &known.events, notes));
    let status = text(shipment, "/status")?;
    let expected = if status == "scheduled" { "placed" } else { &status };
    if order["status"] != expected || order["shipment"]["status"] != status.as_str() {
        let told = (&order["status"], &order["shipment"]["status"]);
        found.push(Violation::wrong(format!("its shipment is {status}, and the order says {told:?}")));
    }
    Ok(found)
}

/// Compares the acknowledged keys with those that the shop has.
fn same<'a>(what: &str, told: &[String], found: impl Iterator<Item = &'a str>) -> Vec<Violation> {
    let mut left: BTreeMap<&str, i64> = BTreeMap::new();
    for key in told {
        *left.entry(key).or_default() += 1;
    }
    for key in found {
        *left.entry(key).or_default() -= 1;
    }
    let wrong = left.into_iter().filter(|(_, count)| *count != 0);
    wrong
        .map(|(key, count)| match count > 0 {
            true => Violation::lost(format!("of {what}, {key} is gone")),
            false => Violation::doubled(format!("of {what}, {key} is there {} times too often", -count)),
        })
        .collect()
}

#[cfg(test)]
mod tests;
