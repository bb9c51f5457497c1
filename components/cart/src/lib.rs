//! The shop's carts and orders: translates between the contract `shop:cart` and the rules in `domain`.

#[allow(unsafe_code, unreachable_pub, missing_debug_implementations, reason = "generated")]
mod bindings;
mod checkout;
mod domain;
mod pricing;
mod quotes;
mod rehearsal;
mod services;
mod state;
mod storage;
mod translate;

use switchyard_sdk::caller::{self, Identity};
use switchyard_sdk::types::Money as ContractMoney;
use switchyard_sdk::{Money, Problem, id, time};

use bindings::Component;
use bindings::exports::shop::cart::cart as contract;
use bindings::exports::shop::events::{payment_events, shipment_events};
#[cfg(not(test))]
use bindings::shop::events::order_events::{order_cancelled, order_placed};
use checkout::{NotBought, Purchase};
use domain::cart::{Cart, State};
use domain::order::{Order, ShipmentStatus};
use services::linked;
#[cfg(test)]
use tests::{order_cancelled, order_placed};

/// Maximum of checkouts that one run undoes.
const UNDOS_AT_ONCE: u32 = 10;

/// The variable with the number of days for which an unchanged guest's cart is kept, and its default.
const GUEST_CART_DAYS: &str = "GUEST_CART_DAYS";
const GUEST_CART_DAYS_DEFAULT: u64 = 30;

impl contract::Guest for Component {
    fn create_cart() -> Result<contract::Cart, Problem> {
        let owner = caller::current().map(account_of).transpose()?;
        let (cart_id, cart) = (id::new("cart"), Cart::new(owner, time::now()));
        storage::set_cart(&cart_id, &cart);
        touch(&cart_id, &cart);
        shown(cart_id, cart)
    }

    fn current_cart() -> Result<contract::Cart, Problem> {
        let account_id = account_of(caller::customer()?)?;
        let (cart_id, cart) = storage::current_cart(&account_id).ok_or_else(|| Problem::not_found("no open cart"))?;
        shown(cart_id, cart)
    }

    fn get_cart(cart_id: String) -> Result<contract::Cart, Problem> {
        rehearsal::fault();
        let cart = the_callers(&cart_id)?;
        shown(cart_id, cart)
    }

    fn quote_cart(cart_id: String, destination: contract::Destination) -> Result<contract::CartQuotes, Problem> {
        let cart = the_callers(&cart_id)?;
        cart.require_full()?;
        quotes::quote(&linked(), &cart, destination)
    }

    fn set_line(cart_id: String, sku: String, change: contract::LineChange) -> Result<contract::Cart, Problem> {
        let mut cart = the_callers(&cart_id)?;
        cart.set_line(&sku, change.quantity)?;
        let priced = pricing::price_what_is_on_sale(&linked(), &mut cart)?;
        if !cart.lines().iter().any(|line| line.sku == sku) {
            return Err(Problem::not_found("no such item"));
        }
        storage::set_lines(&cart_id, &cart);
        touch(&cart_id, &cart);
        Ok(translate::cart(cart_id, cart, priced.lines, priced.subtotal))
    }

    fn remove_line(cart_id: String, sku: String) -> Result<contract::Cart, Problem> {
        let mut cart = the_callers(&cart_id)?;
        cart.remove_line(&sku)?;
        let priced = pricing::price_what_is_on_sale(&linked(), &mut cart)?;
        storage::set_lines(&cart_id, &cart);
        touch(&cart_id, &cart);
        Ok(translate::cart(cart_id, cart, priced.lines, priced.subtotal))
    }

    fn claim_cart(cart_id: String) -> Result<contract::Cart, Problem> {
        let account_id = account_of(caller::customer()?)?;
        let mut cart = the_callers(&cart_id)?;
        if cart.owner.is_some() {
            return shown(cart_id, cart);
        }
        let Some((own_id, mut own)) = storage::current_cart(&account_id) else {
            cart.owner = Some(account_id);
            storage::set_cart(&cart_id, &cart);
            touch(&cart_id, &cart);
            return shown(cart_id, cart);
        };
        own.merge(&cart)?;
        storage::set_lines(&own_id, &own);
        storage::delete_guest_cart(&cart_id);
        shown(own_id, own)
    }

    fn checkout(
        cart_id: String,
        request: contract::CheckoutRequest,
    ) -> Result<contract::Order, contract::CheckoutProblem> {
        let account_id = caller::customer().and_then(account_of).map_err(NotBought::from)?;
        let order_id = id::new("ord");
        match place_order(&cart_id, &account_id, &order_id, request) {
            Ok(order) => Ok(translate::order(order_id, order)),
            Err(reason) => Err(match checkout::undo(&linked(), &order_id) {
                Ok(()) => reason.into(),
                Err(checkout::NotUndone) => {
                    storage::add_undo(&order_id);
                    NotBought::Refused(checkout::told_while_undoing(reason)).into()
                }
            }),
        }
    }

    fn undo_checkouts() {
        for order_id in storage::undos(UNDOS_AT_ONCE) {
            if checkout::undo(&linked(), &order_id).is_ok() {
                storage::delete_undo(&order_id);
            }
        }
    }

    fn forget_expired() {
        storage::forget_guest_carts(time::now(), guest_cart_seconds());
    }

    fn list_orders(cursor: Option<String>, limit: Option<u32>) -> Result<contract::OrderPage, Problem> {
        let identity = caller::anyone()?;
        let of_account = if caller::is_staff(&identity) { None } else { Some(account_of(identity)?) };
        let page = storage::orders(of_account.as_deref(), cursor.as_deref(), limit)?;
        let page = page.map(|(order_id, order)| translate::order(order_id, order));
        Ok(contract::OrderPage { items: page.items, next_cursor: page.next_cursor })
    }

    fn get_order(order_id: String) -> Result<contract::Order, Problem> {
        let order = the_callers_order(&order_id)?;
        Ok(translate::order(order_id, order))
    }

    fn cancel_order(order_id: String) -> Result<contract::Order, Problem> {
        let mut order = the_callers_order(&order_id)?;
        if !order.is_cancelled()? {
            checkout::cancel(&linked(), &order_id, &mut order)?;
            storage::set_order(&order_id, &order);
            order_cancelled(&order_id, &order.account_id);
        }
        Ok(translate::order(order_id, order))
    }
}

/// If there is no order, the event is about a failed checkout: nothing to do.
impl payment_events::Guest for Component {
    fn payment_captured(_payment_id: String, _order_id: String, _amount: ContractMoney) {
        // The payment is captured before the order is placed.
    }

    fn payment_refunded(payment_id: String, order_id: String, amount: ContractMoney) {
        let Ok(amount) = Money::parse(&amount, "/amount") else { return };
        if let Some(mut order) = storage::order(&order_id)
            && order.payment.id == payment_id
        {
            order.refunded(amount);
            storage::set_order(&order_id, &order);
        }
    }
}

impl shipment_events::Guest for Component {
    fn shipment_status_changed(shipment_id: String, order_id: String, status: String) {
        let Some(status) = ShipmentStatus::parse(&status) else { return };
        if let Some(mut order) = storage::order(&order_id)
            && order.shipment.id == shipment_id
        {
            order.shipment_moved(status);
            storage::set_order(&order_id, &order);
        }
    }
}

/// Does the steps of the checkout and stores the result.
fn place_order(
    cart_id: &str,
    account_id: &str,
    order_id: &str,
    request: contract::CheckoutRequest,
) -> Result<Order, NotBought> {
    let cart = the_callers(cart_id)?;
    cart.require_full().map_err(Problem::from)?;
    let purchase = Purchase { cart_id, cart: &cart, account_id, order_id, now: time::now() };
    let order = checkout::buy(&linked(), purchase, request)?;
    let bought = cart.checked_out(account_id, order_id).map_err(Problem::from)?;
    storage::set_cart(cart_id, &bought);
    storage::add_order(order_id, &order);
    order_placed(order_id, account_id);
    Ok(order)
}

/// Restarts the time for which a guest's cart is kept after a change, and puts a customer's cart before the customer's others.
fn touch(cart_id: &str, cart: &Cart) {
    match &cart.owner {
        None => storage::touch_guest_cart(cart_id, time::now(), guest_cart_seconds()),
        Some(account_id) => storage::make_current(cart_id, account_id, cart, time::now()),
    }
}

/// How long an unchanged guest's cart is kept.
#[expect(clippy::disallowed_methods, reason = "the environment is the configuration of a component")]
fn guest_cart_seconds() -> u64 {
    let days = std::env::var(GUEST_CART_DAYS).ok().and_then(|days| days.parse::<u64>().ok());
    days.unwrap_or(GUEST_CART_DAYS_DEFAULT).saturating_mul(24 * 60 * 60)
}

/// The cart, if it belongs to the caller or to a guest. A guest's cart needs only its id.
fn the_callers(cart_id: &str) -> Result<Cart, Problem> {
    let cart = storage::cart(cart_id).ok_or_else(|| Problem::not_found("no such cart"))?;
    if let Some(owner) = &cart.owner {
        caller::require_owner(owner, "cart")?;
    }
    Ok(cart)
}

fn the_callers_order(order_id: &str) -> Result<Order, Problem> {
    let order = storage::order(order_id).ok_or_else(|| Problem::not_found("no such order"))?;
    caller::require_owner_or_staff(&order.account_id, "order")?;
    Ok(order)
}

/// The account id of the caller, as used in keys.
fn account_of(identity: Identity) -> Result<String, Problem> {
    if id::is_id(&identity.id) {
        Ok(identity.id)
    } else {
        Err(Problem::forbidden("the account has no id of an account"))
    }
}

/// The cart at the current prices, or at the prices of its order.
fn shown(cart_id: String, mut cart: Cart) -> Result<contract::Cart, Problem> {
    if let State::CheckedOut { order_id } = &cart.state {
        let order = storage::order(order_id).ok_or_else(|| Problem::not_found("no such cart"))?;
        let lines = pricing::offer_again(&linked(), order.lines)?;
        return Ok(translate::cart(cart_id, cart, lines, order.subtotal));
    }
    let priced = pricing::price_what_is_on_sale(&linked(), &mut cart)?;
    Ok(translate::cart(cart_id, cart, priced.lines, priced.subtotal))
}

#[cfg(test)]
mod tests;
