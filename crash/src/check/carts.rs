//! A refused checkout leaves its cart unchanged.

use serde_json::Value;
use shop_tests::Client;

use super::orders::{lines, put_into};
use crate::act::Act;
use crate::ask::Exchange;
use crate::report::Violation;

/// Checks the carts whose checkouts were refused, from the exchange `begin` on. `public` is any client of the shop.
pub(super) async fn check(public: &Client, exchanges: &[Exchange], begin: usize) -> anyhow::Result<Vec<Violation>> {
    let mut found = Vec::new();
    for exchange in exchanges.iter().skip(begin).filter(|exchange| exchange.status >= 400) {
        let Act::CheckOut { cart, .. } = &exchange.act else { continue };
        let answer = exchange.client.at(public).ask(&format!("GET /carts/{cart}")).await?;
        let expected = put_into(cart, exchanges);
        if !is_open_with(&answer.body, &expected) {
            let detail = format!("{cart}, whose checkout was refused, had {expected:?} and is {}", answer.body);
            found.push(Violation::lost(detail));
        }
    }
    Ok(found)
}

fn is_open_with(cart: &Value, expected: &std::collections::BTreeMap<String, i64>) -> bool {
    cart["status"] == "open" && lines(cart).is_ok_and(|lines| lines == *expected)
}
