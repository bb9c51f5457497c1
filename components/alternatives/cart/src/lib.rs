//! A second cart service for the shop's contract. It stores each line of a cart as an entry of its own.

mod answers;
mod baskets;
#[allow(unsafe_code, unreachable_pub, missing_debug_implementations, reason = "generated")]
mod bindings;
mod buying;
mod prices;
mod receipts;
mod services;
mod state;

use switchyard_sdk::caller::{self, Identity};
use switchyard_sdk::paging::PageRequest;
use switchyard_sdk::types::Money as ContractMoney;
use switchyard_sdk::{Money, Problem, id, time};

use baskets::{Basket, LINES_MAX, Line, QUANTITY_MAX};
use bindings::Component;
use bindings::exports::shop::cart::cart as contract;
use bindings::exports::shop::events::{payment_events, shipment_events};
use buying::{OTHER_TOTAL, Refusal};
use receipts::{OrderStatus, Progress, Receipt, ShipmentStatus};
use services::{order_cancelled, order_placed};

/// Number of checkouts that one run undoes.
const UNDOS_AT_ONCE: u32 = 10;

/// The variable with the number of days for which an unused guest's cart is kept, and its default.
const GUEST_CART_DAYS: &str = "GUEST_CART_DAYS";
const GUEST_CART_DAYS_DEFAULT: u64 = 30;

impl contract::Guest for Component {
    fn create_cart() -> Result<contract::Cart, Problem> {
        let owner = caller::current().map(account_of).transpose()?;
        let cart_id = id::new("cart");
        let basket = Basket { owner, created_at: time::now(), order_id: None };
        baskets::set_basket(&cart_id, None, &basket);
        use_now(&cart_id, &basket);
        shown(cart_id, basket)
    }

    fn current_cart() -> Result<contract::Cart, Problem> {
        let (cart_id, basket) =
            last_open(&account_of(caller::customer()?)?).ok_or_else(|| Problem::not_found("no cart is open"))?;
        shown(cart_id, basket)
    }

    fn get_cart(cart_id: String) -> Result<contract::Cart, Problem> {
        let basket = the_callers(&cart_id)?;
        shown(cart_id, basket)
    }

    fn quote_cart(cart_id: String, place: contract::Destination) -> Result<contract::CartQuotes, Problem> {
        let lines = lines_to_buy(&cart_id, &the_callers(&cart_id)?)?;
        buying::quote(&lines, place)
    }

    fn set_line(cart_id: String, sku: String, change: contract::LineChange) -> Result<contract::Cart, Problem> {
        let basket = the_callers(&cart_id)?;
        if !(1..=QUANTITY_MAX).contains(&change.quantity) {
            return Err(Problem::invalid("/quantity", "must be 1 to 1,000"));
        }
        require_open(&basket)?;
        let before = baskets::lines(&cart_id);
        let mut lines = before.clone();
        put(&mut lines, &sku, |_| change.quantity)?;
        let cart = store_priced(cart_id, basket, &before, lines)?;
        match cart.lines.iter().any(|line| line.sku == sku) {
            true => Ok(cart),
            false => Err(Problem::not_found("no such item")),
        }
    }

    fn remove_line(cart_id: String, sku: String) -> Result<contract::Cart, Problem> {
        let basket = the_callers(&cart_id)?;
        require_open(&basket)?;
        let before = baskets::lines(&cart_id);
        let lines = before.iter().filter(|(_, line)| line.sku != sku).cloned().collect();
        store_priced(cart_id, basket, &before, lines)
    }

    fn claim_cart(cart_id: String) -> Result<contract::Cart, Problem> {
        let account_id = account_of(caller::customer()?)?;
        let basket = the_callers(&cart_id)?;
        if basket.owner.is_some() {
            return shown(cart_id, basket);
        }
        let Some((own_id, own)) = last_open(&account_id) else {
            let claimed = Basket { owner: Some(account_id), ..basket.clone() };
            baskets::set_basket(&cart_id, Some(&basket), &claimed);
            use_now(&cart_id, &claimed);
            return shown(cart_id, claimed);
        };
        let before = baskets::lines(&own_id);
        let mut lines = before.clone();
        for (_, Line { sku, quantity }) in baskets::lines(&cart_id) {
            put(&mut lines, &sku, |there| there.saturating_add(quantity).min(QUANTITY_MAX))?;
        }
        store(&own_id, &before, &lines);
        baskets::delete(&cart_id, &basket);
        shown(own_id, own)
    }

    fn checkout(
        cart_id: String,
        request: contract::CheckoutRequest,
    ) -> Result<contract::Order, contract::CheckoutProblem> {
        let account_id = caller::customer().and_then(account_of).map_err(answers::problem)?;
        let order_id = id::new("ord");
        place(&cart_id, &account_id, &order_id, &request).map_err(|refusal| {
            if !buying::undo(&order_id) {
                receipts::set_undo(&order_id, true);
                return answers::problem(buying::to_be_undone(refusal));
            }
            match refusal {
                Refusal::Problem(problem) => answers::problem(problem),
                Refusal::OtherTotal(total) => contract::CheckoutProblem::TotalChanged(contract::TotalChange {
                    detail: OTHER_TOTAL.to_owned(),
                    total: total.into(),
                }),
            }
        })
    }

    fn undo_checkouts() {
        for order_id in receipts::undos(UNDOS_AT_ONCE) {
            if buying::undo(&order_id) {
                receipts::set_undo(&order_id, false);
            }
        }
    }

    fn forget_expired() {
        baskets::delete_idle(time::now(), guest_cart_seconds());
    }

    fn list_orders(cursor: Option<String>, limit: Option<u32>) -> Result<contract::OrderPage, Problem> {
        let identity = caller::anyone()?;
        let account_id = if caller::is_staff(&identity) { None } else { Some(account_of(identity)?) };
        let list = ["orders ", account_id.as_deref().unwrap_or_default()].concat();
        let request = PageRequest::parse(list, cursor.as_deref(), limit)?;
        let (order_ids, next_cursor) = receipts::list(&request, account_id.as_deref());
        let order = |order_id: String| {
            receipts::order(&order_id).map(|(receipt, progress)| answers::order(order_id, receipt, &progress))
        };
        Ok(contract::OrderPage { items: order_ids.into_iter().filter_map(order).collect(), next_cursor })
    }

    fn get_order(order_id: String) -> Result<contract::Order, Problem> {
        let (receipt, progress) = the_callers_order(&order_id)?;
        Ok(answers::order(order_id, receipt, &progress))
    }

    fn cancel_order(order_id: String) -> Result<contract::Order, Problem> {
        let (receipt, mut progress) = the_callers_order(&order_id)?;
        match progress.status {
            OrderStatus::Cancelled => {}
            OrderStatus::Placed | OrderStatus::Packed => {
                buying::cancel(&order_id, &receipt.payment_id)?;
                progress.cancel(receipt.total);
                receipts::set_progress(&order_id, &progress);
                order_cancelled(&order_id, &receipt.account_id);
            }
            OrderStatus::Shipped | OrderStatus::Delivered | OrderStatus::Lost => {
                return Err(Problem::conflict("the order has shipped"));
            }
        }
        Ok(answers::order(order_id, receipt, &progress))
    }
}

impl payment_events::Guest for Component {
    fn payment_captured(_payment_id: String, _order_id: String, _amount: ContractMoney) {
        // An order is placed with its payment captured.
    }

    fn payment_refunded(payment_id: String, order_id: String, amount: ContractMoney) {
        let Ok(amount) = Money::parse(&amount, "/amount") else { return };
        if let Some((receipt, mut progress)) = receipts::order(&order_id)
            && receipt.payment_id == payment_id
        {
            progress.refund(amount, receipt.total);
            receipts::set_progress(&order_id, &progress);
        }
    }
}

impl shipment_events::Guest for Component {
    fn shipment_status_changed(shipment_id: String, order_id: String, status: String) {
        let Some(status) = ShipmentStatus::parse(&status) else { return };
        if let Some((receipt, mut progress)) = receipts::order(&order_id)
            && receipt.shipment_id == shipment_id
        {
            progress.ship(status);
            receipts::set_progress(&order_id, &progress);
        }
    }
}

/// Does the steps of the checkout and stores the order.
fn place(
    cart_id: &str,
    account_id: &str,
    order_id: &str,
    request: &contract::CheckoutRequest,
) -> Result<contract::Order, Refusal> {
    let basket = the_callers(cart_id)?;
    let lines = lines_to_buy(cart_id, &basket)?;
    let receipt = buying::buy(cart_id, &lines, account_id, order_id, request)?;
    let progress = Progress::placed(receipt.total);
    let (owner, became) = (Some(account_id.to_owned()), Some(order_id.to_owned()));
    baskets::set_basket(cart_id, Some(&basket), &Basket { owner, order_id: became, ..basket.clone() });
    receipts::add(order_id, &receipt, &progress);
    order_placed(order_id, account_id);
    Ok(answers::order(order_id.to_owned(), receipt, &progress))
}

/// The lines of an open cart that is not empty.
fn lines_to_buy(cart_id: &str, basket: &Basket) -> Result<Vec<Line>, Problem> {
    require_open(basket)?;
    let lines: Vec<Line> = baskets::lines(cart_id).into_iter().map(|(_, line)| line).collect();
    if lines.is_empty() { Err(Problem::invalid_request("the cart is empty")) } else { Ok(lines) }
}

/// The open cart that a customer touched last.
fn last_open(account_id: &str) -> Option<(String, Basket)> {
    let cart_id = baskets::last_open(account_id)?;
    baskets::basket(&cart_id).map(|basket| (cart_id, basket))
}

/// Changes the quantity of an item, or adds it.
fn put(lines: &mut Vec<(u32, Line)>, sku: &str, change: impl Fn(u32) -> u32) -> Result<(), Problem> {
    if let Some((_, line)) = lines.iter_mut().find(|(_, line)| line.sku == sku) {
        line.quantity = change(line.quantity);
        return Ok(());
    }
    if lines.len() >= LINES_MAX {
        return Err(Problem::conflict("a cart has at most 100 lines"));
    }
    let number = lines.last().map_or(0, |(last, _)| last.saturating_add(1));
    lines.push((number, Line { sku: sku.to_owned(), quantity: change(0) }));
    Ok(())
}

/// Stores the lines of a cart that are on sale, and gives the cart at their prices.
fn store_priced(
    cart_id: String,
    basket: Basket,
    before: &[(u32, Line)],
    mut lines: Vec<(u32, Line)>,
) -> Result<contract::Cart, Problem> {
    let priced = prices::price_on_sale(&lines.iter().map(|(_, line)| line.clone()).collect::<Vec<_>>())?;
    lines.retain(|(_, line)| priced.lines.iter().any(|priced| priced.sku == line.sku));
    store(&cart_id, before, &lines);
    use_now(&cart_id, &basket);
    Ok(answers::cart(cart_id, basket, priced.lines, priced.available, priced.subtotal))
}

/// Writes the lines that differ.
fn store(cart_id: &str, before: &[(u32, Line)], after: &[(u32, Line)]) {
    for (number, _) in before.iter().filter(|(number, _)| !after.iter().any(|(kept, _)| kept == number)) {
        baskets::delete_line(cart_id, *number);
    }
    for (number, line) in after.iter().filter(|line| !before.contains(line)) {
        baskets::set_line(cart_id, *number, line);
    }
}

fn require_open(basket: &Basket) -> Result<(), Problem> {
    if basket.order_id.is_some() { Err(Problem::conflict("the cart is checked out")) } else { Ok(()) }
}

/// A guest's cart is kept for the whole time from its last change on. A customer's comes before the customer's others.
fn use_now(cart_id: &str, basket: &Basket) {
    match &basket.owner {
        None => baskets::use_now(cart_id, time::now(), guest_cart_seconds()),
        Some(account_id) => baskets::move_last(cart_id, account_id, basket, time::now()),
    }
}

#[expect(clippy::disallowed_methods, reason = "the environment is the configuration of a component")]
fn guest_cart_seconds() -> u64 {
    let days = std::env::var(GUEST_CART_DAYS).ok().and_then(|days| days.parse::<u64>().ok());
    days.unwrap_or(GUEST_CART_DAYS_DEFAULT).saturating_mul(24 * 60 * 60)
}

/// The cart, if it is the caller's or a guest's.
fn the_callers(cart_id: &str) -> Result<Basket, Problem> {
    let basket = baskets::basket(cart_id).ok_or_else(no_such_cart)?;
    if let Some(owner) = &basket.owner {
        caller::require_owner(owner, "cart")?;
    }
    Ok(basket)
}

fn the_callers_order(order_id: &str) -> Result<(Receipt, Progress), Problem> {
    let (receipt, progress) = receipts::order(order_id).ok_or_else(|| Problem::not_found("no such order"))?;
    caller::require_owner_or_staff(&receipt.account_id, "order")?;
    Ok((receipt, progress))
}

fn account_of(identity: Identity) -> Result<String, Problem> {
    if id::is_id(&identity.id) { Ok(identity.id) } else { Err(Problem::forbidden("the caller has no account")) }
}

fn no_such_cart() -> Problem {
    Problem::not_found("no such cart")
}

/// The cart at the current prices, or at those of its order.
fn shown(cart_id: String, basket: Basket) -> Result<contract::Cart, Problem> {
    if let Some(order_id) = &basket.order_id {
        let (receipt, _) = receipts::order(order_id).ok_or_else(no_such_cart)?;
        let available = prices::available(&receipt.lines)?;
        return Ok(answers::cart(cart_id, basket, receipt.lines, available, receipt.subtotal));
    }
    let lines: Vec<Line> = baskets::lines(&cart_id).into_iter().map(|(_, line)| line).collect();
    let priced = prices::price_on_sale(&lines)?;
    Ok(answers::cart(cart_id, basket, priced.lines, priced.available, priced.subtotal))
}

#[cfg(test)]
mod tests;
