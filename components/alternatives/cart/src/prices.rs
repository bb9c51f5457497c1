//! The prices and weights of lines, from the inventory.

use serde::{Deserialize, Serialize};
use switchyard_sdk::{Currency, Money, Problem};

use crate::baskets::Line;
use crate::services::price_items;

/// A line with its price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PricedLine {
    pub(crate) sku: String,
    pub(crate) title: String,
    pub(crate) quantity: u32,
    pub(crate) unit_price: Money,
    pub(crate) total: Money,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Priced {
    pub(crate) lines: Vec<PricedLine>,
    /// The pieces that are left of the item of each line, in the same order.
    pub(crate) available: Vec<u32>,
    pub(crate) subtotal: Money,
    pub(crate) weight_grams: u32,
}

/// Prices all lines.
///
/// # Errors
///
/// [`Problem::NotFound`] if an item is not on sale; [`Problem::Invalid`] if the lines have no sum.
pub(crate) fn price(lines: &[Line]) -> Result<Priced, Problem> {
    let skus: Vec<String> = lines.iter().map(|line| line.sku.clone()).collect();
    let items = if skus.is_empty() { Vec::new() } else { price_items(&skus)? };
    let mut priced = Priced {
        lines: Vec::with_capacity(lines.len()),
        available: items.iter().map(|item| item.available).collect(),
        subtotal: Money::zero(Currency::EUR),
        weight_grams: 0,
    };
    for (item, line) in items.into_iter().zip(lines) {
        let unit_price = Money::parse(&item.price, "/price")
            .map_err(|_| Problem::conflict(format!("{} has a price of no known currency", line.sku)))?;
        if priced.lines.is_empty() {
            priced.subtotal = Money::zero(unit_price.currency);
        }
        let no_sum = |_| Problem::invalid_request("the items have no sum in one currency");
        let total = unit_price.times(line.quantity).map_err(no_sum)?;
        priced.subtotal = priced.subtotal.plus(total).map_err(no_sum)?;
        let weight =
            item.weight_grams.checked_mul(line.quantity).and_then(|weight| weight.checked_add(priced.weight_grams));
        priced.weight_grams =
            weight.ok_or_else(|| Problem::invalid_request("the items are too heavy for one parcel"))?;
        let (sku, title, quantity) = (item.sku, item.title, line.quantity);
        priced.lines.push(PricedLine { sku, title, quantity, unit_price, total });
    }
    Ok(priced)
}

/// Prices the lines whose items are on sale.
pub(crate) fn price_on_sale(lines: &[Line]) -> Result<Priced, Problem> {
    match price(lines) {
        Err(Problem::NotFound(_)) => {}
        priced => return priced,
    }
    let mut on_sale = Vec::with_capacity(lines.len());
    for line in lines {
        match price_items(std::slice::from_ref(&line.sku)) {
            Ok(_) => on_sale.push(line.clone()),
            Err(Problem::NotFound(_)) => {}
            Err(problem) => return Err(problem),
        }
    }
    price(&on_sale)
}

/// How many pieces are left of the item of each line; none of an item that is no longer on sale.
pub(crate) fn available(lines: &[PricedLine]) -> Result<Vec<u32>, Problem> {
    let skus: Vec<String> = lines.iter().map(|line| line.sku.clone()).collect();
    match price_items(&skus) {
        Ok(items) => return Ok(items.into_iter().map(|item| item.available).collect()),
        Err(Problem::NotFound(_)) => {}
        Err(problem) => return Err(problem),
    }
    let one = |sku: &String| match price_items(std::slice::from_ref(sku)) {
        Ok(items) => Ok(items.first().map_or(0, |item| item.available)),
        Err(Problem::NotFound(_)) => Ok(0),
        Err(problem) => Err(problem),
    };
    skus.iter().map(one).collect()
}

/// The sum of the goods and their shipping.
///
/// # Errors
///
/// [`Problem::Invalid`] if they are of two currencies.
pub(crate) fn total(goods: Money, shipping: Money) -> Result<Money, Problem> {
    let no_sum = |_| Problem::invalid_request("the items and the shipping have no sum in one currency");
    goods.plus(shipping).map_err(no_sum)
}
