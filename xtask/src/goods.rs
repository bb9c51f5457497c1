//! The demo shop's goods, in `goods.json`. Their pictures are in the storefront.

use anyhow::Context as _;
use serde_json::Value;

const GOODS: &str = include_str!("../goods.json");

pub(crate) struct Good {
    /// Also the name of its picture: `storefront/images/<sku>.svg`.
    pub(crate) sku: String,
    pub(crate) stock: u64,
    /// The body of `PUT /items/{sku}`.
    pub(crate) details: Value,
}

/// # Errors
///
/// When the file is not a list of goods.
pub(crate) fn goods() -> anyhow::Result<Vec<Good>> {
    let goods: Vec<Value> = serde_json::from_str(GOODS).context("goods.json is no list")?;
    let good = |good: Value| {
        let sku = good.get("sku").and_then(Value::as_str).context("goods.json has a good without sku")?.to_owned();
        let stock = good.get("stock").and_then(Value::as_u64).with_context(|| format!("{sku} has no stock"))?;
        let details = good.get("details").with_context(|| format!("{sku} has no details"))?.clone();
        Ok(Good { sku, stock, details })
    };
    goods.into_iter().map(good).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_good_has_a_picture_and_a_name_of_its_own() {
        let goods = goods().expect("a list");
        let skus: BTreeSet<_> = goods.iter().map(|good| good.sku.as_str()).collect();
        assert_eq!((skus.len(), skus.is_empty()), (goods.len(), false));
        for good in &goods {
            let image = good.details["image"].as_str().expect("an image");
            assert_eq!(image, format!("/images/{}.svg", good.sku));
            let picture = crate::step::root().join(format!("storefront{image}"));
            assert!(picture.exists(), "{} is not there", picture.display());
        }
    }
}
