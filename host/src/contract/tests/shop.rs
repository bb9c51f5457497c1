//! A shop of four services, and edits of its contract: the candidates for the tests of compatibility.

use super::component;
use crate::contract::{Compatibility, Neighbour, Surface};
use crate::names::ServiceName;

/// `web` and `mail` call `cart`, which calls `payment` and emits events to `web`.
pub(super) const SHOP: &str = "
    package a:shop@1.0.0;

    interface types {
        record money { amount: s64, currency: string }
        variant problem { not-found(string), conflict(string), gone }
        type sku = string;
    }
    interface cart {
        use types.{money, problem, sku};
        enum size { small, large }
        flags options { gift, express }
        record line { sku: sku, quantity: u32, price: option<money> }
        /// Adds a line.
        add: func(id: string, line: line) -> result<money, problem>;
        total: func(id: string) -> option<money>;
        pack: func(lines: list<line>, size: size, options: options) -> tuple<u32, string>;
    }
    interface payment {
        use types.{money};
        charge: func(order: string, amount: money) -> result<string>;
        refund: func(order: string);
    }
    interface events { changed: func(id: string); }
    interface extra { f: func(); }

    world cart-service { import payment; import events; export cart; }
    world web-service { import cart; export events; }
    world mail-service { import cart; }
    world payment-service { export payment; }
";

/// Edits that turn the shop's WIT into that of a component that calls only `total` of the cart.
pub(super) const TOTAL_ALONE: &[(&str, &str)] = &[
    ("add: func(id: string, line: line) -> result<money, problem>;", ""),
    ("pack: func(lines: list<line>, size: size, options: options) -> tuple<u32, string>;", ""),
];

/// A piece of the shop's WIT, and its replacement.
pub(super) type Edit<'e> = (&'e str, &'e str);

#[track_caller]
pub(super) fn text(edits: &[Edit<'_>]) -> String {
    edits.iter().fold(SHOP.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from} is not in the shop");
        text.replace(from, to)
    })
}

/// The component of `world` in the shop after `edits`.
#[track_caller]
pub(super) fn edited(world: &str, edits: &[Edit<'_>]) -> Vec<u8> {
    component(&[&text(edits)], world)
}

#[track_caller]
pub(super) fn surface(world: &str, edits: &[Edit<'_>]) -> Surface {
    Surface::read(&edited(world, edits)).expect("it is a component")
}

/// Judges whether a candidate can replace the shop's cart, given these neighbours.
pub(super) fn judged(candidate: &Surface, neighbours: &[(&str, &Surface)]) -> Compatibility {
    let names: Vec<_> = neighbours.iter().map(|(name, _)| ServiceName::parse(name).expect("it is a name")).collect();
    let neighbours = names.iter().zip(neighbours);
    let neighbours = neighbours.map(|(service, (_, surface))| Neighbour { service, surface });
    Compatibility::judge(&surface("cart-service", &[]), candidate, neighbours)
}
