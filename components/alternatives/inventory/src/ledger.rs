//! The stock of an item as a ledger: each movement is a row with the balance after it. Rows never change. The last
//! [`ROWS_KEPT`] rows of an item are kept.
//!
//! | key | value |
//! |---|---|
//! | `ledger/<sku>/<number>` | [`Row`], numbered from 1 |

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use switchyard_sdk::store::{self, Direction, Scan};

/// How many rows of one item stay.
const ROWS_KEPT: u64 = 50;

/// One change of the stock of an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Movement {
    /// Somebody counted, or another implementation did.
    Counted,
    Received(u32),
    /// Set aside for an order.
    Held {
        order_id: String,
        quantity: u32,
    },
    LetGo {
        order_id: String,
        quantity: u32,
    },
    Bought {
        order_id: String,
        quantity: u32,
    },
    GivenBack {
        order_id: String,
        quantity: u32,
    },
}

/// How much there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Balance {
    pub(crate) on_hand: u32,
    /// Set aside of what is on hand. It is more only while the state of another implementation comes in.
    pub(crate) held: u32,
    pub(crate) bought: u64,
}

/// A movement, and the balance after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) movement: Movement,
    pub(crate) balance: Balance,
}

/// Why something does not move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MovementError {
    #[error("only {available} left")]
    Short { available: u32 },
    #[error("more pieces than can be counted")]
    Overflow,
    #[error("fewer pieces are set aside than are taken from there")]
    NotHeld,
}

impl Balance {
    /// The pieces that can be sold.
    pub(crate) fn available(self) -> u32 {
        self.on_hand.saturating_sub(self.held)
    }

    /// The balance after a movement.
    pub(crate) fn after(self, movement: &Movement) -> Result<Self, MovementError> {
        let mut after = self;
        match movement {
            Movement::Counted => {}
            Movement::Received(quantity) => after.on_hand = added(self.on_hand, *quantity)?,
            Movement::Held { quantity, .. } => {
                if *quantity > self.available() {
                    return Err(MovementError::Short { available: self.available() });
                }
                after.held = added(self.held, *quantity)?;
            }
            Movement::LetGo { quantity, .. } => after.held = taken(self.held, *quantity)?,
            Movement::Bought { quantity, .. } => {
                after.held = taken(self.held, *quantity)?;
                after.on_hand = taken(self.on_hand, *quantity)?;
                after.bought = self.bought.checked_add((*quantity).into()).ok_or(MovementError::Overflow)?;
            }
            Movement::GivenBack { quantity, .. } => {
                after.on_hand = added(self.on_hand, *quantity)?;
                after.bought = self.bought.saturating_sub((*quantity).into());
            }
        }
        Ok(after)
    }
}

fn added(number: u32, quantity: u32) -> Result<u32, MovementError> {
    number.checked_add(quantity).ok_or(MovementError::Overflow)
}

fn taken(number: u32, quantity: u32) -> Result<u32, MovementError> {
    number.checked_sub(quantity).ok_or(MovementError::NotHeld)
}

/// The balance of an item now; zero for an item without a row.
pub(crate) fn balance(sku: &str) -> Balance {
    last(sku).map_or_else(Balance::default, |(_, row)| row.balance)
}

/// Removes every row of an item.
pub(crate) fn erase(sku: &str) {
    let keys: Vec<String> = store::all::<Row>(&prefix(sku)).map(|(key, _)| key).collect();
    keys.iter().for_each(|key| store::delete(key));
}

/// The number of the last row, and the row.
fn last(sku: &str) -> Option<(u64, Row)> {
    let prefix = prefix(sku);
    let scan = Scan { prefix: &prefix, after: None, direction: Direction::Descending, limit: 1 };
    let (key, row) = store::scan::<Row>(&scan).entries.pop()?;
    Some((key.strip_prefix(&prefix)?.parse().ok()?, row))
}

fn prefix(sku: &str) -> String {
    ["ledger/", sku, "/"].concat()
}

fn key(sku: &str, number: u64) -> String {
    format!("ledger/{sku}/{number:020}")
}

/// Movements that are written together or not at all.
#[derive(Debug, Default)]
pub(crate) struct Postings(BTreeMap<String, Posting>);

#[derive(Debug)]
struct Posting {
    before: Balance,
    /// The number of the last row in the store.
    number: u64,
    rows: Vec<Row>,
}

impl Posting {
    fn of(sku: &str) -> Self {
        let (number, before) = last(sku).map_or_else(Default::default, |(number, row)| (number, row.balance));
        Self { before, number, rows: Vec::new() }
    }

    fn balance(&self) -> Balance {
        self.rows.last().map_or(self.before, |row| row.balance)
    }
}

impl Postings {
    /// Adds a movement of an item.
    pub(crate) fn post(&mut self, sku: &str, movement: Movement) -> Result<Balance, MovementError> {
        let balance = self.posting(sku).balance().after(&movement)?;
        self.post_as_counted(sku, movement, balance);
        Ok(balance)
    }

    /// Adds a movement with the balance after it, whatever the balance before.
    pub(crate) fn post_as_counted(&mut self, sku: &str, movement: Movement, balance: Balance) {
        self.posting(sku).rows.push(Row { movement, balance });
    }

    fn posting(&mut self, sku: &str) -> &mut Posting {
        self.0.entry(sku.to_owned()).or_insert_with(|| Posting::of(sku))
    }

    /// Writes the rows. Gives the items of which more or fewer pieces are on hand than before, and how many.
    pub(crate) fn write(self) -> Vec<(String, u32)> {
        let mut changed = Vec::new();
        for (sku, posting) in self.0 {
            let (on_hand, after) = (posting.before.on_hand, posting.balance().on_hand);
            let mut number = posting.number;
            for row in posting.rows {
                number += 1;
                store::set(&key(&sku, number), &row);
                if let Some(old) = number.checked_sub(ROWS_KEPT) {
                    store::delete(&key(&sku, old));
                }
            }
            if on_hand != after {
                changed.push((sku, after));
            }
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use switchyard_sdk::native;

    use super::*;

    #[test]
    fn a_ledger_has_what_happened_last_and_what_there_is() {
        native::reset();
        for _ in 0..ROWS_KEPT + 20 {
            let mut postings = Postings::default();
            postings.post("mug", Movement::Received(2)).expect("it counts");
            let held = Movement::Held { order_id: "ord_1".to_owned(), quantity: 1 };
            postings.post("mug", held).expect("enough");
            postings.write();
        }
        assert_eq!(balance("mug"), Balance { on_hand: 140, held: 70, bought: 0 });
        assert_eq!(native::keys().len(), 50);
        erase("mug");
        assert_eq!((native::keys().len(), balance("mug")), (0, Balance::default()));
    }

    #[test]
    fn what_is_not_there_does_not_move() {
        let order = |quantity| ("ord_1".to_owned(), quantity);
        let held = |(order_id, quantity)| Movement::Held { order_id, quantity };
        let let_go = |(order_id, quantity)| Movement::LetGo { order_id, quantity };
        let bought = |(order_id, quantity)| Movement::Bought { order_id, quantity };
        let balance = Balance { on_hand: 5, held: 2, bought: 0 };
        assert_eq!(balance.after(&held(order(4))), Err(MovementError::Short { available: 3 }));
        assert_eq!(balance.after(&let_go(order(3))), Err(MovementError::NotHeld));
        assert_eq!(balance.after(&bought(order(3))), Err(MovementError::NotHeld));
        assert_eq!(balance.after(&Movement::Received(u32::MAX)), Err(MovementError::Overflow));
        assert_eq!(balance.after(&bought(order(2))), Ok(Balance { on_hand: 3, held: 0, bought: 2 }));
    }
}
