//! The shop's inventory: translates between the contract `shop:inventory` and the rules in `domain`.

#[allow(unsafe_code, unreachable_pub, missing_debug_implementations, reason = "generated")]
mod bindings;
mod domain;
mod listing;
mod state;
mod storage;

use switchyard_sdk::{Money, Problem, time};

use bindings::Component;
use bindings::exports::shop::inventory::inventory as contract;
#[cfg(not(test))]
use bindings::shop::events::stock_events::stock_changed;
use domain::item::{Details, Item, Sku};
use domain::lines::{Line, Lines, LinesError};
use domain::reservation::{ExpiryBudget, Reservation, ReservationError, Stocks};
use domain::stock::{Stock, StockError};
use listing::Listing;
use storage::OrderId;
#[cfg(test)]
use tests::stock_changed;

/// Maximum of items in one request for prices: several times a full cart.
const PRICED_ITEMS_MAX: usize = 1_000;

impl contract::Guest for Component {
    fn list_items(
        query: Option<String>,
        category: Option<String>,
        cursor: Option<String>,
        limit: Option<u32>,
    ) -> Result<contract::ItemPage, Problem> {
        let page = Listing::parse(query.as_deref(), category, cursor.as_deref(), limit)?.read();
        let page = page.map(|(sku, item, stock)| answer(sku, item, stock));
        Ok(contract::ItemPage { items: page.items, next_cursor: page.next_cursor })
    }

    fn get_item(sku: String) -> Result<contract::Item, Problem> {
        let (sku, item) = on_sale(sku)?;
        let stock = storage::stock(&sku).unwrap_or_default();
        Ok(answer(sku, item, stock))
    }

    fn put_item(sku: String, details: contract::ItemDetails) -> Result<contract::Item, Problem> {
        let sku = Sku::parse(sku).ok_or_else(bad_sku)?;
        let price = Money::parse(&details.price, "/price");
        let contract::ItemDetails { title, description, category, price: _, image, weight_grams } = details;
        let item = Details { title, description, category, price, image, weight_grams }.check()?;
        storage::set_item(&sku, &item, storage::item(&sku).as_ref());
        let stock = storage::stock(&sku).unwrap_or_else(|| {
            storage::set_stock(&sku, &Stock::default());
            Stock::default()
        });
        Ok(answer(sku, item, stock))
    }

    fn receive_stock(sku: String, receipt: contract::Receipt) -> Result<contract::Item, Problem> {
        let (sku, item) = on_sale(sku)?;
        let stock =
            storage::stock(&sku).unwrap_or_default().received(receipt.quantity).map_err(|error| match error {
                StockError::Receipt => Problem::invalid("/quantity", "must be 1 to 1,000,000"),
                error => Problem::conflict(error.to_string()),
            })?;
        storage::set_stock(&sku, &stock);
        stock_changed(sku.as_str(), stock.on_hand());
        Ok(answer(sku, item, stock))
    }

    fn price_items(skus: Vec<String>) -> Result<Vec<contract::PricedItem>, Problem> {
        if skus.len() > PRICED_ITEMS_MAX {
            return Err(Problem::invalid("/skus", "must be at most 1,000"));
        }
        let offer = |sku: String| {
            let (sku, item) = on_sale(sku.clone()).map_err(|_| Problem::not_found(format!("{sku} is not on sale")))?;
            let stock = storage::stock(&sku).unwrap_or_default();
            Ok(priced(sku, item, stock))
        };
        skus.into_iter().map(offer).collect()
    }

    fn reserve(order_id: String, lines: Vec<contract::Line>) -> Result<contract::Reservation, Problem> {
        let order = order(&order_id)?;
        let lines = checked(lines)?;
        let earlier = storage::reservation(order);
        if let Some(earlier) = &earlier
            && earlier.lines == lines
        {
            return Ok(held(&order_id, earlier.clone()));
        }
        let mut stocks = Stocks::default();
        storage::load_stocks(&lines, &mut stocks);
        if let Some(earlier) = earlier {
            storage::load_stocks(&earlier.lines, &mut stocks);
            storage::delete_reservation(order, &earlier);
            earlier.put_back(&mut stocks).map_err(refused)?;
        }
        let reservation = Reservation::hold(lines, time::now(), &mut stocks).map_err(refused)?;
        save(&stocks);
        storage::set_reservation(order, &reservation);
        Ok(held(&order_id, reservation))
    }

    fn confirm(order_id: String) -> Result<(), Problem> {
        let order = order(&order_id)?;
        let held = storage::reservation(order).ok_or_else(|| Problem::not_found("the order holds nothing"))?;
        let mut stocks = Stocks::default();
        storage::load_stocks(&held.lines, &mut stocks);
        let sold = held.sell(&mut stocks).map_err(refused)?;
        save(&stocks);
        storage::set_reservation(order, &sold);
        Ok(())
    }

    fn release(order_id: String) -> Result<(), Problem> {
        let order = order(&order_id)?;
        storage::reservation(order).map_or(Ok(()), |reservation| let_go(order, reservation))
    }

    fn expire_reservations() {
        let (now, mut budget) = (time::now(), ExpiryBudget::default());
        while let Some(order_id) = storage::first_to_expire() {
            let Some(order) = OrderId::parse(&order_id) else { return };
            let Some(reservation) = storage::reservation(order) else { return };
            if !reservation.is_expired(now) || !budget.take(&reservation) {
                return;
            }
            // A reservation that contradicts its stock is dropped like the others: it must not delay them.
            let_go(order, reservation).unwrap_or_default();
        }
    }
}

/// The item that a client or service names.
fn on_sale(sku: String) -> Result<(Sku, Item), Problem> {
    let found = Sku::parse(sku).and_then(|sku| storage::item(&sku).map(|item| (sku, item)));
    found.ok_or_else(|| Problem::not_found("no such item"))
}

fn bad_sku() -> Problem {
    let detail = "must be 1 to 64 letters, digits, `.`, `_` and `-`, a letter or digit first";
    Problem::invalid_parameter("sku", detail)
}

fn order(id: &str) -> Result<OrderId<'_>, Problem> {
    OrderId::parse(id).ok_or_else(|| Problem::malformed_parameter("order-id", "must be an id"))
}

fn checked(lines: Vec<contract::Line>) -> Result<Lines, Problem> {
    let line = |line: contract::Line| {
        let sku = Sku::parse(line.sku).ok_or_else(|| Problem::not_found("no such item"))?;
        Ok(Line { sku, quantity: line.quantity })
    };
    let lines = lines.into_iter().map(line).collect::<Result<_, Problem>>()?;
    Lines::new(lines).map_err(|error: LinesError| Problem::invalid("/lines", error.to_string()))
}

fn refused(error: ReservationError) -> Problem {
    match error {
        ReservationError::NotOnSale { .. } => Problem::not_found(error.to_string()),
        ReservationError::Stock { .. } => Problem::conflict(error.to_string()),
    }
}

fn let_go(order: OrderId<'_>, reservation: Reservation) -> Result<(), Problem> {
    let mut stocks = Stocks::default();
    storage::load_stocks(&reservation.lines, &mut stocks);
    storage::delete_reservation(order, &reservation);
    reservation.put_back(&mut stocks).map_err(refused)?;
    save(&stocks);
    Ok(())
}

/// Writes the changes, and emits an event for each item whose pieces came or went.
fn save(stocks: &Stocks) {
    for (sku, before, after) in stocks.changes() {
        storage::set_stock(sku, &after);
        if before.on_hand() != after.on_hand() {
            stock_changed(sku.as_str(), after.on_hand());
        }
    }
}

fn answer(sku: Sku, item: Item, stock: Stock) -> contract::Item {
    let Item { title, description, category, price, image, weight_grams: _ } = item;
    let available = stock.available();
    contract::Item { sku: sku.into_string(), title, description, category, price: price.into(), image, available }
}

fn priced(sku: Sku, item: Item, stock: Stock) -> contract::PricedItem {
    let Item { title, price, weight_grams, .. } = item;
    let available = stock.available();
    contract::PricedItem { sku: sku.into_string(), title, price: price.into(), weight_grams, available }
}

fn held(order_id: &str, reservation: Reservation) -> contract::Reservation {
    let line = |line: Line| contract::Line { sku: line.sku.into_string(), quantity: line.quantity };
    contract::Reservation {
        order_id: order_id.to_owned(),
        lines: reservation.lines.into_vec().into_iter().map(line).collect(),
        expires_at: reservation.expires_at.to_rfc3339(),
    }
}

#[cfg(test)]
mod tests;
