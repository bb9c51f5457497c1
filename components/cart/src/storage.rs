//! The stored values of the cart service, and their keys.
//!
//! | key | value |
//! |---|---|
//! | `cart/<id>` | [`Cart`] |
//! | `open/<account>/<time>/<cart>` | the cart: a customer's open carts, the one that was touched last at the end |
//! | `current/<cart>` | the time in the key before, if it is not that of the cart's creation |
//! | `order/<id>` | [`Order`] |
//! | `recent/<time>/<order>` | the order: every order by time |
//! | `account/<account>/<time>/<order>` | the order: a customer's orders by time |
//! | `touched/<cart>` | when a guest's cart was changed last, to the day |
//! | `expiry/<time>/<cart>` | nothing; at `<time>` the guest's cart is looked at |
//! | `undo/<order>` | the order: a checkout that failed, and is not wholly undone |

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use switchyard_sdk::paging::{PageOf, PageRequest};
use switchyard_sdk::state::Page;
use switchyard_sdk::store::{self, Direction, Scan};
use switchyard_sdk::{Problem, Timestamp, id};

use crate::domain::cart::{Cart, State};
use crate::domain::order::Order;

const CART: &str = "cart/";
const ORDER: &str = "order/";
const UNDO: &str = "undo/";
const TOUCHED: &str = "touched/";
const EXPIRY: &str = "expiry/";
const CURRENT: &str = "current/";

/// Maximum of carts that one run deletes: each takes four keys of the 512 that one commit may write.
const EXPIRED_AT_ONCE: u32 = 100;

/// The shortest time between two records of a cart's use, so that most changes by a guest need only one write.
const NOTED_EVERY_SECONDS: u64 = 24 * 60 * 60;

/// The stored form of a value; a later form becomes a new variant.
#[derive(Serialize, Deserialize)]
enum Stored<T> {
    V1(T),
}

pub(crate) fn cart(cart_id: &str) -> Option<Cart> {
    get(CART, cart_id)
}

/// Writes a cart, and whether it is open for its owner.
pub(crate) fn set_cart(cart_id: &str, cart: &Cart) {
    store::set(&key(CART, cart_id), &Stored::V1(cart));
    let Some(open_key) = open_key(cart_id, cart) else { return };
    match cart.state {
        State::Open => store::set(&open_key, cart_id),
        State::CheckedOut { .. } => {
            store::delete(&open_key);
            delete_current_since(cart_id);
        }
    }
}

/// Writes the lines of an existing cart that keeps its owner and state.
pub(crate) fn set_lines(cart_id: &str, cart: &Cart) {
    store::set(&key(CART, cart_id), &Stored::V1(cart));
}

/// Deletes a guest's cart.
pub(crate) fn delete_guest_cart(cart_id: &str) {
    store::delete(&key(CART, cart_id));
}

/// Records that a guest's cart is used now. It is then kept for `kept_seconds`, or up to a day less.
pub(crate) fn touch_guest_cart(cart_id: &str, now: Timestamp, kept_seconds: u64) {
    let key = key(TOUCHED, cart_id);
    let before: Option<Timestamp> = store::get(&key);
    if before.is_none() {
        store::set(&expiry_key(now.plus_seconds(kept_seconds), cart_id), &());
    }
    if before.is_none_or(|before| before.plus_seconds(NOTED_EVERY_SECONDS) <= now) {
        store::set(&key, &now);
    }
}

/// Deletes guests' carts that were not used for `kept_seconds`, the oldest first, as many as fit in one commit.
pub(crate) fn forget_guest_carts(now: Timestamp, kept_seconds: u64) {
    let earliest = Scan { prefix: EXPIRY, after: None, direction: Direction::Ascending, limit: EXPIRED_AT_ONCE };
    for (expiry, ()) in store::scan::<()>(&earliest).entries {
        let Some((time, cart_id)) = expiry.strip_prefix(EXPIRY).and_then(|rest| rest.split_once('/')) else { break };
        if time > now.sortable().as_str() {
            break;
        }
        store::delete(&expiry);
        let touched_key = key(TOUCHED, cart_id);
        let touched: Option<Timestamp> = store::get(&touched_key);
        let until = touched.map_or(now, |touched| touched.plus_seconds(kept_seconds));
        let is_guests = cart(cart_id).is_some_and(|cart| cart.owner.is_none() && cart.state == State::Open);
        if is_guests && until > now {
            store::set(&expiry_key(until, cart_id), &());
            continue;
        }
        store::delete(&touched_key);
        if is_guests {
            delete_guest_cart(cart_id);
        }
    }
}

/// Puts a cart, and when it was touched, in place of what is there. The host forgets a guest's `kept_seconds` after that.
pub(crate) fn replace_cart(cart_id: &str, after: Option<(Cart, Option<Timestamp>)>, kept_seconds: u64) {
    if let Some(before) = cart(cart_id) {
        if let Some(open_key) = open_key(cart_id, &before) {
            store::delete(&open_key);
        }
        delete_current_since(cart_id);
        delete_guest_cart(cart_id);
    }
    let touched_key = key(TOUCHED, cart_id);
    if let Some(before) = store::get::<Timestamp>(&touched_key) {
        // An earlier one that is left finds the cart and moves on, or finds none.
        store::delete(&expiry_key(before.plus_seconds(kept_seconds), cart_id));
        store::delete(&touched_key);
    }
    let Some((after, touched_at)) = after else { return };
    match touched_at {
        Some(touched_at) if after.owner.is_none() => {
            store::set(&touched_key, &touched_at);
            store::set(&expiry_key(touched_at.plus_seconds(kept_seconds), cart_id), &());
        }
        Some(touched_at) => store::set(&key(CURRENT, cart_id), &touched_at),
        None => {}
    }
    set_cart(cart_id, &after);
}

/// Adds the carts of a page of entities, each with when it was touched if it is open.
pub(crate) fn export_carts<E>(page: &mut Page<E>, entity: impl Fn(Cart, Option<Timestamp>) -> E) {
    page.add(CART, CART, |cart_id, Stored::V1(cart): Stored<Cart>| {
        let touched_at = match (&cart.state, &cart.owner) {
            (State::Open, None) => store::get(&key(TOUCHED, cart_id)),
            (State::Open, Some(_)) => current_since(cart_id),
            (State::CheckedOut { .. }, _) => None,
        };
        Some(entity(cart, touched_at))
    });
}

fn expiry_key(at: Timestamp, cart_id: &str) -> String {
    [EXPIRY, &at.sortable(), "/", cart_id].concat()
}

/// The customer's open cart that was touched last, and its id.
pub(crate) fn current_cart(account_id: &str) -> Option<(String, Cart)> {
    let cart_id = current_id(account_id)?;
    cart(&cart_id).map(|cart| (cart_id, cart))
}

/// Makes an open cart the one that its customer touched last. If it is already, nothing is written.
pub(crate) fn make_current(cart_id: &str, account_id: &str, cart: &Cart, now: Timestamp) {
    if current_id(account_id).is_some_and(|current| current == cart_id) {
        return;
    }
    open_key(cart_id, cart).iter().for_each(|before| store::delete(before));
    store::set(&key(CURRENT, cart_id), &now);
    open_key(cart_id, cart).iter().for_each(|after| store::set(after, cart_id));
}

fn current_id(account_id: &str) -> Option<String> {
    let prefix = open_prefix(account_id);
    let scan = Scan { prefix: &prefix, after: None, direction: Direction::Descending, limit: 1 };
    store::scan::<String>(&scan).entries.pop().map(|(_, cart_id)| cart_id)
}

/// When a customer's cart became the one that was touched last, if not by its creation.
fn current_since(cart_id: &str) -> Option<Timestamp> {
    store::get(&key(CURRENT, cart_id))
}

fn delete_current_since(cart_id: &str) {
    if current_since(cart_id).is_some() {
        store::delete(&key(CURRENT, cart_id));
    }
}

pub(crate) fn order(order_id: &str) -> Option<Order> {
    get(ORDER, order_id)
}

/// Writes an existing order.
pub(crate) fn set_order(order_id: &str, order: &Order) {
    store::set(&key(ORDER, order_id), &Stored::V1(order));
}

pub(crate) fn add_order(order_id: &str, order: &Order) {
    set_order(order_id, order);
    for listed in list_keys(order_id, order) {
        store::set(&listed, order_id);
    }
}

/// Puts an order in place of what is there.
pub(crate) fn replace_order(order_id: &str, after: Option<&Order>) {
    if let Some(before) = order(order_id) {
        for listed in list_keys(order_id, &before) {
            store::delete(&listed);
        }
        store::delete(&key(ORDER, order_id));
    }
    if let Some(after) = after {
        add_order(order_id, after);
    }
}

/// Adds the orders of a page of entities.
pub(crate) fn export_orders<E>(page: &mut Page<E>, entity: impl Fn(Order) -> E) {
    page.add(ORDER, ORDER, |_, Stored::V1(order)| Some(entity(order)));
}

/// Where an order is listed: with all, and with its customer's.
fn list_keys(order_id: &str, order: &Order) -> [String; 2] {
    let position = [&order.placed_at.sortable(), "/", order_id].concat();
    [key("recent/", &position), key(&account_prefix(&order.account_id), &position)]
}

/// A page of orders, newest first, of one customer if given.
pub(crate) fn orders(
    account_id: Option<&str>,
    cursor: Option<&str>,
    limit: Option<u32>,
) -> Result<PageOf<(String, Order)>, Problem> {
    let request = PageRequest::parse(key("orders ", account_id.unwrap_or_default()), cursor, limit)?;
    let prefix = account_id.map_or_else(|| "recent/".to_owned(), account_prefix);
    let PageOf { items, next_cursor } = request.read::<String>(&prefix, Direction::Descending);
    let with_order = |order_id: String| order(&order_id).map(|order| (order_id, order));
    Ok(PageOf { items: items.into_iter().filter_map(with_order).collect(), next_cursor })
}

/// Records that a checkout must be undone.
pub(crate) fn add_undo(order_id: &str) {
    store::set(&key(UNDO, order_id), order_id);
}

pub(crate) fn delete_undo(order_id: &str) {
    store::delete(&key(UNDO, order_id));
}

/// Adds the checkouts to undo of a page of entities.
pub(crate) fn export_undos<E>(page: &mut Page<E>, entity: impl Fn() -> E) {
    page.add(UNDO, UNDO, |_, _: String| Some(entity()));
}

/// Some of the checkouts that must be undone.
pub(crate) fn undos(limit: u32) -> Vec<String> {
    let scan = Scan { prefix: UNDO, after: None, direction: Direction::Ascending, limit };
    store::scan::<String>(&scan).entries.into_iter().map(|(_, order_id)| order_id).collect()
}

/// The value with an id, which may be any text.
fn get<T: DeserializeOwned>(prefix: &str, text: &str) -> Option<T> {
    if !id::is_id(text) {
        return None;
    }
    store::get(&key(prefix, text)).map(|Stored::V1(value)| value)
}

fn open_key(cart_id: &str, cart: &Cart) -> Option<String> {
    let owner = cart.owner.as_deref()?;
    let time = current_since(cart_id).unwrap_or(cart.created_at);
    Some([&open_prefix(owner), &time.sortable(), "/", cart_id].concat())
}

fn open_prefix(account_id: &str) -> String {
    ["open/", account_id, "/"].concat()
}

fn account_prefix(account_id: &str) -> String {
    ["account/", account_id, "/"].concat()
}

fn key(prefix: &str, rest: &str) -> String {
    [prefix, rest].concat()
}

#[cfg(test)]
mod tests {
    use switchyard_sdk::{Timestamp, native};

    use super::*;
    use crate::domain::order;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_unix_micros(0).plus_seconds(seconds)
    }

    #[test]
    fn the_open_cart_that_a_customer_touched_last_is_found() {
        native::reset();
        let found = |account_id| current_cart(account_id).map(|(cart_id, _)| cart_id);
        let own = |account_id: &str, seconds| Cart::new(Some(account_id.to_owned()), at(seconds));
        set_cart("cart_g", &Cart::new(None, at(9)));
        assert_eq!(found("acc_1"), None);
        set_cart("cart_b", &own("acc_1", 1));
        set_cart("cart_a", &own("acc_1", 2));
        set_cart("cart_c", &own("acc_10", 3));
        assert_eq!(found("acc_1").as_deref(), Some("cart_a"));
        let mut bought = own("acc_1", 2);
        bought.set_line("a", 1).expect("a line");
        set_cart("cart_a", &bought.checked_out("acc_1", "ord_1").expect("full"));
        assert_eq!(found("acc_1").as_deref(), Some("cart_b"));

        set_cart("cart_d", &own("acc_1", 4));
        for (cart_id, seconds) in [("cart_b", 5), ("cart_b", 6), ("cart_d", 7), ("cart_b", 8)] {
            let touched = cart(cart_id).expect("it is there");
            make_current(cart_id, "acc_1", &touched, at(seconds));
            assert_eq!(found("acc_1").as_deref(), Some(cart_id));
            assert_eq!(native::keys().iter().filter(|key| key.starts_with("open/acc_1/")).count(), 2);
        }
        let mut bought = own("acc_1", 1);
        bought.set_line("a", 1).expect("a line");
        set_cart("cart_b", &bought.checked_out("acc_1", "ord_2").expect("full"));
        assert_eq!(found("acc_1").as_deref(), Some("cart_d"));
        assert!(!native::keys().contains(&"current/cart_b".to_owned()), "it is open no more");
    }

    #[test]
    fn orders_are_listed_newest_first_and_by_customer() {
        native::reset();
        for (order_id, account_id, seconds) in [("ord_a", "acc_1", 1), ("ord_b", "acc_10", 2), ("ord_c", "acc_1", 300)]
        {
            let account_id = account_id.to_owned();
            add_order(order_id, &Order { account_id, placed_at: at(seconds), ..order::tests::order() });
        }
        let list = |account_id| {
            let page = orders(account_id, None, None).expect("a page");
            page.items.into_iter().map(|(order_id, _)| order_id).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(list(None), "ord_c ord_b ord_a");
        assert_eq!(list(Some("acc_1")), "ord_c ord_a");
        assert_eq!(list(Some("acc_2")), "");
    }

    #[test]
    fn what_is_no_id_is_nothing() {
        native::reset();
        for text in ["", "a/b", &"x".repeat(3000)] {
            assert_eq!((cart(text), order(text)), (None, None), "{text:?}");
        }
    }
}
