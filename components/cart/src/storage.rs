//! The stored values of the cart service, and their keys.
//!
//! | key | value |
//! |---|---|
//! | `cart/<id>` | [`Cart`] |
//! | `open/<account>/<time>/<cart>` | the cart: a customer's open carts by the time they were made |
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
        State::CheckedOut { .. } => store::delete(&open_key),
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

/// Puts a cart, and when it was touched if it is a guest's, in place of what is there. The host forgets it `kept_seconds`
/// after that.
pub(crate) fn replace_cart(cart_id: &str, after: Option<(Cart, Option<Timestamp>)>, kept_seconds: u64) {
    if let Some(before) = cart(cart_id) {
        if let Some(open_key) = open_key(cart_id, &before) {
            store::delete(&open_key);
        }
        delete_guest_cart(cart_id);
    }
    let touched_key = key(TOUCHED, cart_id);
    if let Some(before) = store::get::<Timestamp>(&touched_key) {
        // An earlier one that is left finds the cart and moves on, or finds none.
        store::delete(&expiry_key(before.plus_seconds(kept_seconds), cart_id));
        store::delete(&touched_key);
    }
    let Some((after, touched_at)) = after else { return };
    set_cart(cart_id, &after);
    if let Some(touched_at) = touched_at {
        store::set(&touched_key, &touched_at);
        store::set(&expiry_key(touched_at.plus_seconds(kept_seconds), cart_id), &());
    }
}

/// Adds the carts of a page of entities, each with when it was touched if it is a guest's.
pub(crate) fn export_carts<E>(page: &mut Page<E>, entity: impl Fn(Cart, Option<Timestamp>) -> E) {
    page.add(CART, CART, |cart_id, Stored::V1(cart): Stored<Cart>| {
        let is_guests = cart.owner.is_none() && cart.state == State::Open;
        let touched_at = if is_guests { store::get(&key(TOUCHED, cart_id)) } else { None };
        Some(entity(cart, touched_at))
    });
}

fn expiry_key(at: Timestamp, cart_id: &str) -> String {
    [EXPIRY, &at.sortable(), "/", cart_id].concat()
}

/// The customer's last opened cart that is still open, and its id.
pub(crate) fn open_cart(account_id: &str) -> Option<(String, Cart)> {
    let prefix = open_prefix(account_id);
    let scan = Scan { prefix: &prefix, after: None, direction: Direction::Descending, limit: 1 };
    let (_, cart_id) = store::scan::<String>(&scan).entries.pop()?;
    cart(&cart_id).map(|cart| (cart_id, cart))
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
    Some([&open_prefix(owner), &cart.created_at.sortable(), "/", cart_id].concat())
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
    fn the_last_of_a_customers_open_carts_is_found() {
        native::reset();
        let found = |account_id| open_cart(account_id).map(|(cart_id, _)| cart_id);
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
