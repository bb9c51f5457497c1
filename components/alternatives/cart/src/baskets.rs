//! The stored carts: a header, and one entry for each line in the order of their addition.
//!
//! | key | value |
//! |---|---|
//! | `basket/<cart>` | [`Basket`] |
//! | `line/<cart>/<number>` | [`Line`] |
//! | `open/<account>/<time>/<cart>` | nothing: the open carts of a customer, the last is the one that they touched last |
//! | `last-since/<cart>` | the time in that key, unless it is the creation time |
//! | `used/<cart>` | the last use of a guest's cart, at most a day too early |
//! | `idle/<time>/<cart>` | nothing: at that time the guest's cart is checked |

use serde::{Deserialize, Serialize};
use switchyard_sdk::state::Page;
use switchyard_sdk::store::{self, Direction, Scan};
use switchyard_sdk::{Timestamp, id};

/// Maximum number of lines of a cart, and of pieces of one item.
pub(crate) const LINES_MAX: usize = 100;
pub(crate) const QUANTITY_MAX: u32 = 1_000;

/// Maximum number of carts that one run checks. A commit may write 512 keys, and a full cart has more than a hundred.
const CHECKED_AT_ONCE: usize = 100;
const KEYS_AT_ONCE: usize = 400;

const DAY_SECONDS: u64 = 24 * 60 * 60;
const BASKET: &str = "basket/";
const IDLE: &str = "idle/";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Basket {
    /// The customer; `None` for a guest.
    pub(crate) owner: Option<String>,
    pub(crate) created_at: Timestamp,
    /// The order that it became.
    pub(crate) order_id: Option<String>,
}

impl Basket {
    pub(crate) fn is_guests(&self) -> bool {
        self.owner.is_none() && self.order_id.is_none()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) sku: String,
    pub(crate) quantity: u32,
}

/// The cart of that id, which may be any text.
pub(crate) fn basket(cart_id: &str) -> Option<Basket> {
    if id::is_id(cart_id) { store::get(&basket_key(cart_id)) } else { None }
}

/// The lines of a cart, each with its number.
pub(crate) fn lines(cart_id: &str) -> Vec<(u32, Line)> {
    let prefix = line_prefix(cart_id);
    let number = |key: &str| key.strip_prefix(&prefix)?.parse().ok();
    store::all(&prefix).filter_map(|(key, line)| Some((number(&key)?, line))).collect()
}

/// Stores a header, and lists the cart with its owner's while it is open. `before` is the header that it replaces.
pub(crate) fn set_basket(cart_id: &str, before: Option<&Basket>, after: &Basket) {
    if let Some(open) = before.and_then(|before| open_key(cart_id, before)) {
        store::delete(&open);
    }
    store::set(&basket_key(cart_id), after);
    match open_key(cart_id, after) {
        Some(open) => store::set(&open, &()),
        None => forget_last_since(cart_id),
    }
}

/// Moves a customer's open cart behind all others of that customer, unless it is there.
pub(crate) fn move_last(cart_id: &str, account_id: &str, basket: &Basket, now: Timestamp) {
    if last_open(account_id).as_deref() == Some(cart_id) {
        return;
    }
    if let Some(open) = open_key(cart_id, basket) {
        store::delete(&open);
    }
    set_last_since(cart_id, now);
    if let Some(open) = open_key(cart_id, basket) {
        store::set(&open, &());
    }
}

/// When a cart was moved behind the others of its customer, if it was.
pub(crate) fn last_since(cart_id: &str) -> Option<Timestamp> {
    store::get(&last_since_key(cart_id))
}

/// Records the place of a cart that is not listed yet.
pub(crate) fn set_last_since(cart_id: &str, since: Timestamp) {
    store::set(&last_since_key(cart_id), &since);
}

fn forget_last_since(cart_id: &str) {
    if last_since(cart_id).is_some() {
        store::delete(&last_since_key(cart_id));
    }
}

pub(crate) fn set_line(cart_id: &str, number: u32, line: &Line) {
    store::set(&line_key(cart_id, number), line);
}

pub(crate) fn delete_line(cart_id: &str, number: u32) {
    store::delete(&line_key(cart_id, number));
}

/// Deletes a cart with its lines. Gives the number of deleted keys.
pub(crate) fn delete(cart_id: &str, basket: &Basket) -> usize {
    let lines = lines(cart_id);
    lines.iter().for_each(|(number, _)| delete_line(cart_id, *number));
    store::delete(&basket_key(cart_id));
    if let Some(open) = open_key(cart_id, basket) {
        store::delete(&open);
    }
    forget_last_since(cart_id);
    lines.len() + 2
}

/// The id of the open cart that a customer touched last.
pub(crate) fn last_open(account_id: &str) -> Option<String> {
    let prefix = ["open/", account_id, "/"].concat();
    let scan = Scan { prefix: &prefix, after: None, direction: Direction::Descending, limit: 1 };
    let (key, ()) = store::scan::<()>(&scan).entries.pop()?;
    key.rsplit('/').next().map(str::to_owned)
}

/// The stored time of the last use of a guest's cart.
pub(crate) fn used_at(cart_id: &str) -> Option<Timestamp> {
    store::get(&used_key(cart_id))
}

/// Records that a guest's cart is used now, once a day.
pub(crate) fn use_now(cart_id: &str, now: Timestamp, kept_seconds: u64) {
    match used_at(cart_id) {
        Some(before) if before.plus_seconds(DAY_SECONDS) > now => {}
        Some(_) => store::set(&used_key(cart_id), &now),
        None => set_used_at(cart_id, now, kept_seconds),
    }
}

/// Records the last use of a guest's cart, and when to check it.
pub(crate) fn set_used_at(cart_id: &str, used_at: Timestamp, kept_seconds: u64) {
    store::set(&used_key(cart_id), &used_at);
    store::set(&idle_key(used_at.plus_seconds(kept_seconds), cart_id), &());
}

/// Forgets the last use. A check at another time than `kept_seconds` after it stays, and then finds nothing to do.
pub(crate) fn forget_use(cart_id: &str, kept_seconds: u64) {
    if let Some(used_at) = used_at(cart_id) {
        store::delete(&idle_key(used_at.plus_seconds(kept_seconds), cart_id));
        store::delete(&used_key(cart_id));
    }
}

/// Deletes the guests' carts that nobody used for `kept_seconds`, the earliest first, as many as fit in one commit.
pub(crate) fn delete_idle(now: Timestamp, kept_seconds: u64) {
    let now_text = now.sortable();
    let (mut checked, mut keys) = (0, 0);
    while checked < CHECKED_AT_ONCE && keys < KEYS_AT_ONCE {
        let scan = Scan { prefix: IDLE, after: None, direction: Direction::Ascending, limit: 1 };
        let Some((idle, ())) = store::scan::<()>(&scan).entries.pop() else { return };
        let Some((time, cart_id)) = idle.strip_prefix(IDLE).and_then(|rest| rest.split_once('/')) else { return };
        if time > now_text.as_str() {
            return;
        }
        store::delete(&idle);
        (checked, keys) = (checked + 1, keys + 3);
        let guests = basket(cart_id).filter(Basket::is_guests);
        let until = used_at(cart_id).map(|used_at| used_at.plus_seconds(kept_seconds)).filter(|until| *until > now);
        match (guests, until) {
            (Some(_), Some(until)) => store::set(&idle_key(until, cart_id), &()),
            (guests, _) => {
                store::delete(&used_key(cart_id));
                keys += guests.map_or(0, |basket| delete(cart_id, &basket));
            }
        }
    }
}

/// Adds the carts of a page of entities.
pub(crate) fn export<E>(page: &mut Page<E>, entity: impl Fn(&str, Basket) -> E) {
    page.add("cart/", BASKET, |cart_id, basket: Basket| Some(entity(cart_id, basket)));
}

fn basket_key(cart_id: &str) -> String {
    [BASKET, cart_id].concat()
}

fn line_prefix(cart_id: &str) -> String {
    ["line/", cart_id, "/"].concat()
}

fn line_key(cart_id: &str, number: u32) -> String {
    format!("line/{cart_id}/{number:010}")
}

fn open_key(cart_id: &str, basket: &Basket) -> Option<String> {
    let owner = basket.owner.as_deref().filter(|_| basket.order_id.is_none())?;
    let since = last_since(cart_id).unwrap_or(basket.created_at);
    Some(["open/", owner, "/", &since.sortable(), "/", cart_id].concat())
}

fn last_since_key(cart_id: &str) -> String {
    ["last-since/", cart_id].concat()
}

fn used_key(cart_id: &str) -> String {
    ["used/", cart_id].concat()
}

fn idle_key(at: Timestamp, cart_id: &str) -> String {
    [IDLE, &at.sortable(), "/", cart_id].concat()
}
