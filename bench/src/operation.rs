//! The measured operations, as requests to the platform and to the native servers.

use crate::load::{Script, request};
use crate::platform::Platform;
use crate::shop::{self, sku};

/// Items on sale in each server.
pub(crate) const ITEMS: usize = 1000;

/// The measured operations of the shop; each has a number of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    GetItem,
    ListItems,
    Nothing,
    CartWrite,
    HotReservation,
    Checkout,
}

impl Operation {
    pub(crate) const ALL: [Self; 6] =
        [Self::GetItem, Self::ListItems, Self::Nothing, Self::CartWrite, Self::HotReservation, Self::Checkout];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::GetItem => "GET one item",
            Self::ListItems => "list 20 items",
            Self::Nothing => "a request for nothing",
            Self::CartWrite => "durable cart write",
            Self::HotReservation => "reservation of one hot SKU",
            Self::Checkout => "checkout, four services",
        }
    }

    pub(crate) fn connections(self) -> usize {
        match self {
            Self::GetItem | Self::ListItems | Self::Nothing | Self::Checkout => 64,
            Self::CartWrite => 256,
            // Through the operator's side, which takes 256 connections and reserves a part of them.
            Self::HotReservation => 128,
        }
    }

    /// The operations that can reuse answers, and are measured without reuse too.
    pub(crate) fn reads(self) -> bool {
        matches!(self, Self::GetItem | Self::ListItems)
    }

    /// The status that its answers have.
    pub(crate) fn is_good(self, status: u16) -> bool {
        if self == Self::Nothing { status == 404 } else { (200..300).contains(&status) }
    }

    pub(crate) fn on_platform(self, platform: &Platform, connection: usize) -> Script {
        let mut step = connection * 7919;
        match self {
            Self::GetItem => get_item(step, ITEMS),
            Self::ListItems => get("/items?limit=20"),
            Self::Nothing => get("/no/such/thing"),
            Self::CartWrite => {
                let each = platform.carts.len() / self.connections();
                let carts = platform.carts.iter().skip(connection * each).take(each).cloned().collect::<Vec<_>>();
                cart_lines(step, carts)
            }
            Self::HotReservation => {
                let (token, sku) = (platform.operator.clone(), sku(0));
                Box::new(move |out| {
                    step += 1;
                    let line = format!(r#"[{{"sku":"{sku}","quantity":1}}]"#);
                    let body = format!(r#"{{"orderId":"order-{connection}-{step}","lines":{line}}}"#);
                    request(out, "POST", "/services/inventory/call/reserve", Some(&token), Some(&body));
                    true
                })
            }
            Self::Checkout => checkout(platform.customers.get(connection).cloned()),
        }
    }

    /// For a server that has the whole shop in one process.
    pub(crate) fn on_native(self, connection: usize) -> Script {
        let step = connection * 7919;
        match self {
            Self::GetItem => get_item(step, ITEMS),
            Self::ListItems => get("/items/"),
            Self::Nothing => get("/no/such/thing"),
            Self::CartWrite => cart_lines(step, (0..8).map(|cart| format!("c{connection}-{cart}")).collect()),
            Self::HotReservation => post(format!("/reservations/{}", sku(0))),
            Self::Checkout => post(format!("/carts/x{connection}/checkout/token-{connection}")),
        }
    }
}

/// The checkouts of a customer's carts, until there is none left.
pub(crate) fn checkout(customer: Option<(shop::Customer, Vec<String>)>) -> Script {
    let Some((customer, carts)) = customer else { return Box::new(|_out| false) };
    let mut carts = carts.into_iter();
    Box::new(move |out| {
        let Some(cart) = carts.next() else { return false };
        let path = format!("/carts/{cart}/checkout");
        request(out, "POST", &path, Some(&customer.token), Some(&customer.checkout));
        true
    })
}

pub(crate) fn get(path: &'static str) -> Script {
    Box::new(move |out| {
        request(out, "GET", path, None, None);
        true
    })
}

fn post(path: String) -> Script {
    Box::new(move |out| {
        request(out, "POST", &path, None, None);
        true
    })
}

pub(crate) fn get_item(mut step: usize, items: usize) -> Script {
    Box::new(move |out| {
        step += 1;
        request(out, "GET", &format!("/items/{}", sku(step % items)), None, None);
        true
    })
}

pub(crate) fn cart_lines(mut step: usize, carts: Vec<String>) -> Script {
    Box::new(move |out| {
        step += 1;
        let Some(cart) = carts.get(step % carts.len().max(1)) else { return false };
        let path = format!("/carts/{cart}/lines/{}", sku(step % 3));
        request(out, "PUT", &path, None, Some(&format!(r#"{{"quantity":{}}}"#, step % 1000 + 1)));
        true
    })
}
