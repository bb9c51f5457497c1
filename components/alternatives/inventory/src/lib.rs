//! A second inventory, for the same contract as the shop's own: it keeps the stock as a ledger.

#[allow(unsafe_code, unreachable_pub, missing_debug_implementations, reason = "generated")]
mod bindings;
mod catalogue;
mod ledger;
mod list;
mod orders;
mod state;

use switchyard_sdk::{Money, Problem, id, time};

use bindings::Component;
use bindings::exports::shop::inventory::inventory as contract;
#[cfg(not(test))]
use bindings::shop::events::stock_events::stock_changed;
use catalogue::Product;
use ledger::{Movement, MovementError, Postings};
use orders::Holding;
#[cfg(test)]
use tests::stock_changed;

/// For how long an order has stock set aside.
const HELD_SECONDS: u64 = 15 * 60;

/// Most pieces of one delivery.
const DELIVERY_MAX: u32 = 1_000_000;

/// Most items that are priced in one call.
const PRICED_MAX: usize = 1_000;

/// How many lines one run of the expiry lets go: each writes and deletes a row of 512 that one commit may change.
const LINES_LET_GO_MAX: usize = 200;

impl contract::Guest for Component {
    fn list_items(
        query: Option<String>,
        category: Option<String>,
        cursor: Option<String>,
        limit: Option<u32>,
    ) -> Result<contract::ItemPage, Problem> {
        let page = list::read(query.as_deref(), category.as_deref(), cursor.as_deref(), limit)?;
        let page = page.map(|(sku, product)| answer(sku, product));
        Ok(contract::ItemPage { items: page.items, next_cursor: page.next_cursor })
    }

    fn get_item(sku: String) -> Result<contract::Item, Problem> {
        let product = on_sale(&sku)?;
        Ok(answer(sku, product))
    }

    fn put_item(sku: String, details: contract::ItemDetails) -> Result<contract::Item, Problem> {
        if !catalogue::is_sku(&sku) {
            let detail = "must be 1 to 64 letters, digits, `.`, `_` and `-`, a letter or digit first";
            return Err(Problem::invalid_parameter("sku", detail));
        }
        let contract::ItemDetails { title, description, category, price, image, weight_grams } = details;
        let (parsed, currency) = (Money::parse(&price, "/price"), switchyard_sdk::Currency::EUR);
        let product = Product { title, category, weight_grams, price: Money::zero(currency), image, description };
        let product = product.check(parsed)?;
        catalogue::put(&sku, &product);
        Ok(answer(sku, product))
    }

    fn receive_stock(sku: String, receipt: contract::Receipt) -> Result<contract::Item, Problem> {
        let product = on_sale(&sku)?;
        if !(1..=DELIVERY_MAX).contains(&receipt.quantity) {
            return Err(Problem::invalid("/quantity", "must be 1 to 1,000,000"));
        }
        let mut postings = Postings::default();
        let received = postings.post(&sku, Movement::Received(receipt.quantity));
        received.map_err(|error| Problem::conflict(error.to_string()))?;
        write(postings);
        Ok(answer(sku, product))
    }

    fn price_items(skus: Vec<String>) -> Result<Vec<contract::PricedItem>, Problem> {
        if skus.len() > PRICED_MAX {
            return Err(Problem::invalid("/skus", "must be at most 1,000"));
        }
        let priced = |sku: String| {
            let product = on_sale(&sku).map_err(|_| Problem::not_found(format!("{sku} is not on sale")));
            let Product { title, price, weight_grams, .. } = product?;
            let available = ledger::balance(&sku).available();
            Ok(contract::PricedItem { sku, title, price: price.into(), weight_grams, available })
        };
        skus.into_iter().map(priced).collect()
    }

    fn reserve(order_id: String, lines: Vec<contract::Line>) -> Result<contract::Reservation, Problem> {
        require_id(&order_id)?;
        let lines = lines.into_iter().map(|contract::Line { sku, quantity }| (sku, quantity)).collect();
        let lines = orders::lines(lines).map_err(|detail| Problem::invalid("/lines", detail))?;
        let before = orders::holding(&order_id);
        if let Some(before) = before.as_ref().filter(|before| before.lines == lines) {
            return Ok(reservation(order_id, before.clone()));
        }
        let mut postings = Postings::default();
        if let Some(before) = &before {
            before.give_up(&order_id, &mut postings).map_err(refused)?;
        }
        if let Some((sku, _)) = lines.iter().find(|(sku, _)| catalogue::product(sku).is_none()) {
            return Err(Problem::not_found(format!("no item {sku}")));
        }
        let holding = Holding { lines, is_bought: false, expires_at: time::now().plus_seconds(HELD_SECONDS) };
        let held = |quantity| Movement::Held { order_id: order_id.clone(), quantity };
        holding.post(&mut postings, held).map_err(refused)?;
        write(postings);
        orders::replace(&order_id, before.as_ref(), Some(&holding));
        Ok(reservation(order_id, holding))
    }

    fn confirm(order_id: String) -> Result<(), Problem> {
        require_id(&order_id)?;
        let before = orders::holding(&order_id).ok_or_else(|| Problem::not_found("the order holds nothing"))?;
        if before.is_bought {
            return Ok(());
        }
        let mut postings = Postings::default();
        let bought = |quantity| Movement::Bought { order_id: order_id.clone(), quantity };
        before.post(&mut postings, bought).map_err(refused)?;
        write(postings);
        orders::replace(&order_id, Some(&before), Some(&Holding { is_bought: true, ..before.clone() }));
        Ok(())
    }

    fn release(order_id: String) -> Result<(), Problem> {
        require_id(&order_id)?;
        orders::holding(&order_id).map_or(Ok(()), |holding| give_up(&order_id, &holding))
    }

    fn expire_reservations() {
        let mut lines_left = LINES_LET_GO_MAX;
        while let Some(order_id) = orders::first_due(time::now()) {
            let Some(holding) = orders::holding(&order_id) else { return };
            let Some(left) = lines_left.checked_sub(holding.lines.len() + 1) else { return };
            lines_left = left;
            if give_up(&order_id, &holding).is_err() {
                // It contradicts the ledger. It must not hold up those behind it.
                orders::replace(&order_id, Some(&holding), None);
            }
        }
    }
}

fn on_sale(sku: &str) -> Result<Product, Problem> {
    catalogue::product(sku).ok_or_else(|| Problem::not_found("no such item"))
}

fn require_id(order_id: &str) -> Result<(), Problem> {
    if id::is_id(order_id) { Ok(()) } else { Err(Problem::malformed_parameter("order-id", "must be an id")) }
}

fn refused((sku, error): (String, MovementError)) -> Problem {
    Problem::conflict(format!("{sku}: {error}"))
}

fn give_up(order_id: &str, holding: &Holding) -> Result<(), Problem> {
    let mut postings = Postings::default();
    holding.give_up(order_id, &mut postings).map_err(refused)?;
    write(postings);
    orders::replace(order_id, Some(holding), None);
    Ok(())
}

/// Writes the rows, and tells of the items of which more or fewer are on hand.
fn write(postings: Postings) {
    for (sku, on_hand) in postings.write() {
        stock_changed(&sku, on_hand);
    }
}

fn answer(sku: String, product: Product) -> contract::Item {
    let Product { title, category, weight_grams: _, price, image, description } = product;
    let available = ledger::balance(&sku).available();
    contract::Item { sku, title, description, category, price: price.into(), image, available }
}

fn reservation(order_id: String, holding: Holding) -> contract::Reservation {
    let line = |(sku, quantity)| contract::Line { sku, quantity };
    let lines = holding.lines.into_iter().map(line).collect();
    contract::Reservation { order_id, lines, expires_at: holding.expires_at.to_rfc3339() }
}

#[cfg(test)]
mod tests;
