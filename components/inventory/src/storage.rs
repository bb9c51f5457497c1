//! The stored values of the inventory, and their keys.
//!
//! | key | value |
//! |---|---|
//! | `item/<sku>` | [`Item`] |
//! | `stock/<sku>` | [`Stock`], for every item: apart from it, so that orders of a busy item write little |
//! | `category/<category>\n<sku>` | nothing: the items of a category; no category has a line break |
//! | `reservation/<order>` | [`Reservation`] |
//! | `expiry/<time>/<order>` | the order, for every reservation that is held |

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use switchyard_sdk::id;
use switchyard_sdk::state::Page;
use switchyard_sdk::store::{self, Direction, Scan};

use crate::domain::item::{Item, Sku};
use crate::domain::lines::Lines;
use crate::domain::reservation::{Reservation, State, Stocks};
use crate::domain::stock::Stock;

const ITEM: &str = "item/";
const STOCK: &str = "stock/";
const RESERVATION: &str = "reservation/";
const EXPIRY: &str = "expiry/";

/// The stored form of a value; a later form becomes a new variant.
#[derive(Serialize, Deserialize)]
enum Stored<T> {
    V1(T),
}

/// An order's id that fits in a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OrderId<'a>(&'a str);

impl<'a> OrderId<'a> {
    /// `None` if `text` is not a valid id.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        id::is_id(text).then_some(Self(text))
    }
}

pub(crate) fn item(sku: &Sku) -> Option<Item> {
    get(&key(ITEM, sku.as_str()))
}

/// Writes `item` in place of `before`.
pub(crate) fn set_item(sku: &Sku, item: &Item, before: Option<&Item>) {
    store::set(&key(ITEM, sku.as_str()), &Stored::V1(item));
    let category_before = before.map(|before| before.category.as_str());
    if category_before == Some(item.category.as_str()) {
        return;
    }
    if let Some(category) = category_before {
        store::delete(&[&category_prefix(category), sku.as_str()].concat());
    }
    store::set(&[&category_prefix(&item.category), sku.as_str()].concat(), &());
}

/// Deletes an item. The pieces that orders hold of it stay counted.
pub(crate) fn delete_item(sku: &Sku) {
    if let Some(item) = item(sku) {
        store::delete(&[&category_prefix(&item.category), sku.as_str()].concat());
        store::delete(&key(ITEM, sku.as_str()));
    }
    if let Some(stock) = stock(sku) {
        set_reserved(sku, &Stock::counted(0, stock.reserved_pieces(), 0));
    }
}

pub(crate) fn stock(sku: &Sku) -> Option<Stock> {
    get(&key(STOCK, sku.as_str()))
}

pub(crate) fn set_stock(sku: &Sku, stock: &Stock) {
    store::set(&key(STOCK, sku.as_str()), &Stored::V1(stock));
}

/// Writes the stock of what may be no item: then it is kept while orders hold something of it.
fn set_reserved(sku: &Sku, stock: &Stock) {
    if *stock == Stock::default() && item(sku).is_none() {
        store::delete(&key(STOCK, sku.as_str()));
    } else {
        set_stock(sku, stock);
    }
}

/// Adds the stock of those items in `lines` that are on sale.
pub(crate) fn load_stocks(lines: &Lines, stocks: &mut Stocks) {
    for line in lines.iter().filter(|line| !stocks.contains(&line.sku)).collect::<Vec<_>>() {
        if let Some(stock) = stock(&line.sku) {
            stocks.insert(line.sku.clone(), stock);
        }
    }
}

/// Items after one SKU, sorted by SKU.
#[derive(Debug)]
pub(crate) struct Items {
    pub(crate) items: Vec<(Sku, Item)>,
    /// Whether more follow.
    pub(crate) more: bool,
}

pub(crate) fn items_behind(after: Option<&str>, limit: u32) -> Items {
    let page = scan::<Stored<Item>>(ITEM, after, limit);
    let sku = |key: &str| Sku::parse(key.strip_prefix(ITEM)?.to_owned());
    let items = page.entries.into_iter().filter_map(|(key, Stored::V1(item))| Some((sku(&key)?, item)));
    Items { items: items.collect(), more: page.more }
}

pub(crate) fn items_of_category_behind(category: &str, after: Option<&str>, limit: u32) -> Items {
    let prefix = category_prefix(category);
    let page = scan::<()>(&prefix, after, limit);
    let sku = |key: &str| Sku::parse(key.strip_prefix(&prefix)?.to_owned());
    let skus = page.entries.iter().filter_map(|(key, ())| sku(key));
    let items = skus.filter_map(|sku| item(&sku).map(|item| (sku, item)));
    Items { items: items.collect(), more: page.more }
}

/// The stock of consecutive items, by one scan instead of a read for each.
pub(crate) fn stocks_behind(after: Option<&str>, limit: u32) -> Vec<(String, Stock)> {
    let page = scan::<Stored<Stock>>(STOCK, after, limit);
    page.entries
        .into_iter()
        .map(|(key, Stored::V1(stock))| (key.get(STOCK.len()..).unwrap_or_default().to_owned(), stock))
        .collect()
}

pub(crate) fn reservation(order: OrderId<'_>) -> Option<Reservation> {
    get(&key(RESERVATION, order.0))
}

pub(crate) fn set_reservation(order: OrderId<'_>, reservation: &Reservation) {
    store::set(&key(RESERVATION, order.0), &Stored::V1(reservation));
    match reservation.state {
        State::Held => store::set(&expiry_key(order, reservation), order.0),
        State::Sold => store::delete(&expiry_key(order, reservation)),
    }
}

pub(crate) fn delete_reservation(order: OrderId<'_>, reservation: &Reservation) {
    store::delete(&key(RESERVATION, order.0));
    store::delete(&expiry_key(order, reservation));
}

/// Puts `after` in place of what an order holds, and counts what is reserved. Unlike what orders do, it may reserve more
/// than there is: what is written with it may come later.
pub(crate) fn replace_reservation(order: OrderId<'_>, after: Option<&Reservation>) {
    let before = reservation(order);
    if let Some(before) = &before {
        delete_reservation(order, before);
        reserve(before, u32::saturating_sub);
    }
    if let Some(after) = after {
        set_reservation(order, after);
        reserve(after, u32::saturating_add);
    }
}

/// Changes how much is reserved by what a reservation holds.
fn reserve(reservation: &Reservation, change: impl Fn(u32, u32) -> u32) {
    for line in reservation.lines.iter().filter(|_| reservation.state == State::Held) {
        let stock = stock(&line.sku).unwrap_or_default();
        let reserved = change(stock.reserved_pieces(), line.quantity);
        set_reserved(&line.sku, &Stock::counted(stock.on_hand(), reserved, stock.sold_pieces()));
    }
}

/// Adds the items of a page of entities.
pub(crate) fn export_items<E>(page: &mut Page<E>, entity: impl Fn(Item, Stock) -> E) {
    page.add(ITEM, ITEM, |rest, Stored::V1(item): Stored<Item>| {
        let sku = Sku::parse(rest.to_owned())?;
        Some(entity(item, stock(&sku).unwrap_or_default()))
    });
}

/// Adds the reservations of a page of entities.
pub(crate) fn export_reservations<E>(page: &mut Page<E>, entity: impl Fn(Reservation) -> E) {
    page.add(RESERVATION, RESERVATION, |_, Stored::V1(reservation)| Some(entity(reservation)));
}

/// The order whose reservation expires first. It reads only this first entry, so that concurrent new reservations,
/// which expire later, cause no conflict.
pub(crate) fn first_to_expire() -> Option<String> {
    scan(EXPIRY, None, 1).entries.pop().map(|(_, order)| order)
}

fn get<T: DeserializeOwned>(key: &str) -> Option<T> {
    store::get(key).map(|Stored::V1(value)| value)
}

fn scan<T: DeserializeOwned>(prefix: &str, after: Option<&str>, limit: u32) -> store::Page<T> {
    let after = after.map(|after| key(prefix, after));
    store::scan(&Scan { prefix, after: after.as_deref(), direction: Direction::Ascending, limit })
}

fn category_prefix(category: &str) -> String {
    ["category/", category, "\n"].concat()
}

fn expiry_key(order: OrderId<'_>, reservation: &Reservation) -> String {
    [EXPIRY, &reservation.expires_at.sortable(), "/", order.0].concat()
}

fn key(prefix: &str, rest: &str) -> String {
    [prefix, rest].concat()
}
