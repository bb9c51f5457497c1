//! The lines of a cart at the current prices of the inventory.

use switchyard_sdk::{Money, Problem};

use crate::bindings::shop::inventory::inventory::PricedItem;
use crate::domain::cart::{Cart, Line};
use crate::domain::price::{self, Offer, PriceError, Priced};
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
    match price(services, cart.lines()) {
        Err(Problem::NotFound(_)) => {}
        priced => return priced,
    }
    let mut gone = Vec::new();
    for line in cart.lines() {
        match services.price_items(std::slice::from_ref(&line.sku)) {
            Ok(_) => {}
            Err(Problem::NotFound(_)) => gone.push(line.sku.clone()),
            Err(problem) => return Err(problem),
        }
    }
    cart.retain(|sku| !gone.iter().any(|gone| gone == sku));
    price(services, cart.lines())
}

fn offer(item: PricedItem) -> Result<Offer, Problem> {
    let PricedItem { sku, title, price, weight_grams } = item;
    let price = Money::parse(&price, "/price");
    let price = price.map_err(|_| Problem::conflict(format!("{sku} has a price of no known currency")))?;
    Ok(Offer { sku, title, price, weight_grams })
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
        assert_eq!(priced.lines.iter().map(|line| line.sku.as_str()).collect::<String>(), "ac");
        assert_eq!(cart.lines().len(), 2);
    }

    #[test]
    fn an_empty_cart_asks_nobody() {
        let shop = Fake::without(&["a"]);
        assert_eq!(price(&shop, &[]).expect("prices").subtotal.minor_units, 0);
        assert_eq!(shop.calls(), "");
    }
}
