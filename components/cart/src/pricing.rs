//! The lines of a cart at the current prices of the inventory.

use switchyard_sdk::{Money, Problem};

use crate::bindings::shop::inventory::inventory::PricedItem;
use crate::domain::cart::{Cart, Line};
use crate::domain::price::{self, Offer, OfferedLine, PriceError, Priced, PricedLine};
use crate::services::Services;

/// The lines at their prices.
///
/// # Errors
///
/// [`Problem::NotFound`] when an item is not on sale.
pub(crate) fn price(services: &impl Services, lines: &[Line]) -> Result<Priced, Problem> {
    if lines.is_empty() {
        return Ok(price::price(lines, Vec::new())?);
    }
    let skus: Vec<String> = lines.iter().map(|line| line.sku.clone()).collect();
    let offers = services.price_items(&skus)?.into_iter().map(offer).collect::<Result<_, _>>()?;
    Ok(price::price(lines, offers)?)
}

/// Removes items that are no longer on sale from the cart, and prices the other lines.
pub(crate) fn price_what_is_on_sale(services: &impl Services, cart: &mut Cart) -> Result<Priced, Problem> {
    let skus: Vec<String> = cart.lines().iter().map(|line| line.sku.clone()).collect();
    let offers: Vec<Offer> = offers_on_sale(services, &skus)?.into_iter().flatten().collect();
    cart.retain(|sku| offers.iter().any(|offer| offer.sku == sku));
    Ok(price::price(cart.lines(), offers)?)
}

/// The lines of an order as lines of a cart: with what can be bought of each item now, which is nothing if it is no longer on sale.
pub(crate) fn offer_again(services: &impl Services, lines: Vec<PricedLine>) -> Result<Vec<OfferedLine>, Problem> {
    let skus: Vec<String> = lines.iter().map(|line| line.sku.clone()).collect();
    let offers = offers_on_sale(services, &skus)?;
    let line = |(line, offer): (PricedLine, Option<Offer>)| OfferedLine {
        line,
        available: offer.map_or(0, |offer| offer.available),
    };
    Ok(lines.into_iter().zip(offers).map(line).collect())
}

/// The offer of each item, `None` for one that is not on sale.
fn offers_on_sale(services: &impl Services, skus: &[String]) -> Result<Vec<Option<Offer>>, Problem> {
    if skus.is_empty() {
        return Ok(Vec::new());
    }
    match services.price_items(skus) {
        // One of them is gone. Ask for each, to learn which.
        Err(Problem::NotFound(_)) => {}
        items => return items?.into_iter().map(|item| offer(item).map(Some)).collect(),
    }
    let one = |sku: &String| match services.price_items(std::slice::from_ref(sku)) {
        Ok(items) => items.into_iter().next().map(offer).transpose(),
        Err(Problem::NotFound(_)) => Ok(None),
        Err(problem) => Err(problem),
    };
    skus.iter().map(one).collect()
}

fn offer(item: PricedItem) -> Result<Offer, Problem> {
    let PricedItem { sku, title, price, weight_grams, available } = item;
    let price = Money::parse(&price, "/price");
    let price = price.map_err(|_| Problem::conflict(format!("{sku} has a price of no known currency")))?;
    Ok(Offer { sku, title, price, weight_grams, available })
}

impl From<PriceError> for Problem {
    fn from(error: PriceError) -> Self {
        match error {
            PriceError::NotOnSale { .. } => Self::not_found(error.to_string()),
            PriceError::Currencies | PriceError::Overflow | PriceError::Weight => {
                Self::invalid_request(error.to_string())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkout::tests::Fake;
    use crate::domain::cart::tests::cart;

    #[test]
    fn what_is_no_longer_on_sale_drops_out() {
        let shop = Fake::without(&["b", "d"]);
        let mut cart = cart(&[("a", 1), ("b", 1), ("c", 2), ("d", 1)]);
        assert!(matches!(price(&shop, cart.lines()), Err(Problem::NotFound(_))));
        let priced = price_what_is_on_sale(&shop, &mut cart).expect("prices");
        assert_eq!(priced.lines.iter().map(|offered| offered.line.sku.as_str()).collect::<String>(), "ac");
        assert_eq!(cart.lines().len(), 2);
    }

    #[test]
    fn an_empty_cart_asks_nobody() {
        let shop = Fake::without(&["a"]);
        assert_eq!(price(&shop, &[]).expect("prices").subtotal.minor_units, 0);
        assert_eq!(shop.calls(), "");
    }
}
