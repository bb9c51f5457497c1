//! The stock that orders have set aside or bought.
//!
//! | key | value |
//! |---|---|
//! | `held-by/<order>` | [`Holding`] |
//! | `due/<time>/<order>` | nothing; at that time the order loses what it has set aside |

use serde::{Deserialize, Serialize};
use switchyard_sdk::state::Page;
use switchyard_sdk::store::{self, Direction, Scan};
use switchyard_sdk::{Timestamp, id};

use crate::ledger::{Movement, MovementError, Postings};

const PREFIX: &str = "held-by/";
const DUE: &str = "due/";

/// Most lines of an order, and most pieces of one.
const LINES_MAX: usize = 100;
const QUANTITY_MAX: u32 = 1_000_000;

/// Pieces by SKU, each SKU once, in ascending order.
pub(crate) type Lines = Vec<(String, u32)>;

/// The stock that an order has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Holding {
    pub(crate) lines: Lines,
    pub(crate) is_bought: bool,
    pub(crate) expires_at: Timestamp,
}

/// Sorts lines, and adds up those of one SKU. The error names the broken rule.
pub(crate) fn lines(lines: Vec<(String, u32)>) -> Result<Lines, &'static str> {
    if lines.is_empty() || lines.len() > LINES_MAX {
        return Err("an order has 1 to 100 lines");
    }
    let mut sums = std::collections::BTreeMap::<String, u32>::new();
    for (sku, quantity) in lines {
        let sum = sums.entry(sku).or_default();
        *sum = if quantity == 0 { u32::MAX } else { sum.saturating_add(quantity) };
    }
    if sums.values().any(|sum| *sum > QUANTITY_MAX) {
        return Err("an order takes 1 to 1,000,000 of an item");
    }
    Ok(sums.into_iter().collect())
}

impl Holding {
    /// Posts one movement for each line; the error names the SKU.
    pub(crate) fn post(
        &self,
        postings: &mut Postings,
        movement: impl Fn(u32) -> Movement,
    ) -> Result<(), (String, MovementError)> {
        self.lines.iter().try_for_each(|(sku, quantity)| {
            postings.post(sku, movement(*quantity)).map(drop).map_err(|error| (sku.clone(), error))
        })
    }

    /// Posts that the order gives everything up.
    pub(crate) fn give_up(&self, order_id: &str, postings: &mut Postings) -> Result<(), (String, MovementError)> {
        self.post(postings, |quantity| {
            let order_id = order_id.to_owned();
            match self.is_bought {
                true => Movement::GivenBack { order_id, quantity },
                false => Movement::LetGo { order_id, quantity },
            }
        })
    }
}

/// The stock that an order has; `None` for a text that is not an id.
pub(crate) fn holding(order_id: &str) -> Option<Holding> {
    if id::is_id(order_id) { store::get(&key(order_id)) } else { None }
}

/// Puts `after` in place of `before`.
pub(crate) fn replace(order_id: &str, before: Option<&Holding>, after: Option<&Holding>) {
    if let Some(before) = before {
        store::delete(&due_key(order_id, before));
    }
    match after {
        Some(after) => {
            store::set(&key(order_id), after);
            if !after.is_bought {
                store::set(&due_key(order_id, after), &());
            }
        }
        None => store::delete(&key(order_id)),
    }
}

/// The order that is due first, if it is due by `now`.
pub(crate) fn first_due(now: Timestamp) -> Option<String> {
    let scan = Scan { prefix: DUE, after: None, direction: Direction::Ascending, limit: 1 };
    let (key, ()) = store::scan::<()>(&scan).entries.pop()?;
    let (time, order_id) = key.strip_prefix(DUE)?.split_once('/')?;
    (time <= now.sortable().as_str()).then(|| order_id.to_owned())
}

/// Adds what orders have to a page of entities.
pub(crate) fn export<E>(page: &mut Page<E>, entity: impl Fn(Holding) -> E) {
    page.add("reservation/", PREFIX, |_, holding: Holding| Some(entity(holding)));
}

fn key(order_id: &str) -> String {
    [PREFIX, order_id].concat()
}

fn due_key(order_id: &str, holding: &Holding) -> String {
    [DUE, &holding.expires_at.sortable(), "/", order_id].concat()
}
