//! On hand + reserved + sold = received, for each item.

use std::collections::BTreeMap;

use serde_json::Value;
use shop_tests::Client;
use shop_tests::json::{number, text};

use super::orders::Books;
use crate::act::Act;
use crate::ask::Exchange;
use crate::report::Violation;

/// `goods` are the items with their first stock. No call is running, so that nothing may be reserved: the available
/// stock is the stock on hand.
pub(super) async fn check(
    staff: &Client,
    goods: impl Iterator<Item = (&'static str, u32)>,
    exchanges: &[Exchange],
    books: &Books,
) -> anyhow::Result<Vec<Violation>> {
    let mut sold: BTreeMap<String, i64> = BTreeMap::new();
    for line in books.standing().filter_map(|order| order["lines"].as_array()).flatten() {
        *sold.entry(text(line, "/sku")?).or_default() += number(line, "/quantity")?;
    }
    let mut found = Vec::new();
    for (sku, first) in goods {
        let arrived = exchanges.iter().filter_map(|exchange| match &exchange.act {
            Act::Receive { sku: of, quantity } if of == sku && exchange.status == 200 => Some(i64::from(*quantity)),
            _ => None,
        });
        let received = i64::from(first) + arrived.sum::<i64>();
        let item: Value = staff.ask(&format!("GET /items/{sku}")).await?.expect(200)?;
        let (available, sold) = (number(&item, "/available")?, sold.get(sku).copied().unwrap_or(0));
        let detail = format!("{sku}: {received} received, {sold} sold, {available} available");
        match (available + sold).cmp(&received) {
            std::cmp::Ordering::Less => found.push(Violation::lost(detail)),
            std::cmp::Ordering::Equal => {}
            std::cmp::Ordering::Greater => found.push(Violation::doubled(detail)),
        }
    }
    Ok(found)
}
