//! The demo shop's goods, put on sale by the staff.

use anyhow::Context as _;
use serde_json::{Value, json};
use shop_tests::Staff;
use shop_tests::json::text;

const GOODS: &str = include_str!("../../../xtask/goods.json");

/// Puts every good on sale, with so many pieces in stock; `stock` gives them by SKU and the number that `cargo xtask up` gives.
pub(crate) async fn sell(staff: &Staff, stock: impl Fn(&str, u64) -> u64) -> anyhow::Result<()> {
    let goods: Vec<Value> = serde_json::from_str(GOODS)?;
    for good in &goods {
        let sku = text(good, "/sku")?;
        staff.client.send(&format!("PUT /items/{sku}"), &good["details"]).await?.expect(200)?;
        let quantity = stock(&sku, good["stock"].as_u64().context("a stock")?);
        if quantity > 0 {
            let receipt = json!({ "quantity": quantity });
            staff.client.send(&format!("POST /items/{sku}/receipts"), &receipt).await?.expect(200)?;
        }
    }
    Ok(())
}
