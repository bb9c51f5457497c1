//! The items of the store, as lines of an import.

use std::io::{BufWriter, Write as _};
use std::path::Path;

use serde_json::json;

/// The SKU of an item; all have the same length, so that their order is that of their numbers.
pub(super) fn sku(number: u32) -> String {
    format!("sku-{number:08}")
}

/// Writes a file with `count` items.
pub(super) fn write(path: &Path, count: u32) -> anyhow::Result<()> {
    let mut file = BufWriter::new(std::fs::File::create(path)?);
    for number in 0..count {
        let item = json!({
            "title": format!("Thing number {number}"),
            "description": "A thing that is sold in the measurements, as long as one usually is.",
            "category": format!("things-{}", number % 100),
            "price": { "amount": 1_999, "currency": "EUR" },
            "image": "/images/thing.svg",
            "weightGrams": 500,
            "onHand": 1_000,
            "sold": 0,
        });
        let line = json!({ "key": format!("item/{}", sku(number)), "value": { "item": item } });
        writeln!(file, "{line}")?;
    }
    Ok(file.into_inner()?.sync_all()?)
}
