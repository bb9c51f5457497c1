//! The people of a shop in a cluster, and the hosts that each of them uses.

use std::sync::Arc;
use std::time::Duration;

use shop_tests::{Client, Staff};

use super::counter::{self, Counter};
use super::plan::NODES;
use crate::ask::{Asker, Record};
use crate::host::Entrances;
use crate::people::Buyer;
use crate::plan::GOODS;
use crate::registers::{FIRST_CENTS, SKU};

/// Clients of each kind: fewer than a plan has, because three hosts and three NATS servers share the machine with them.
const CUSTOMERS: usize = 6;
pub(super) const STAFF: usize = 2;
pub(super) const SHOPPERS: usize = 6;

/// The first stock of each item; the last item is scarce.
const PIECES: [u32; GOODS.len()] = [1_000_000, 1_000_000, 20];

#[derive(Debug)]
pub(super) struct Clients {
    entrances: Entrances,
    pub(super) record: Arc<Record>,
    pub(super) staff: Staff,
    pub(super) buyers: Vec<Buyer>,
    pub(super) guest: Client,
    pub(super) counter: Arc<Counter>,
}

impl Clients {
    /// Puts goods on sale, and signs customers up.
    pub(super) async fn of_a_new_shop(entrances: Entrances) -> anyhow::Result<Self> {
        let record = Arc::default();
        let doors = Asker::new(entrances.clone(), Arc::clone(&record), String::new()).doors().await?;
        let staff = Staff::hire(&doors.public, &doors.operator).await?;
        for (sku, pieces) in GOODS.into_iter().zip(PIECES) {
            staff.sell(sku, 1250, pieces).await?;
        }
        staff.sell(SKU, FIRST_CENTS.into(), 0).await?;
        staff.sell(counter::SKU, 100, 0).await?;
        let mut buyers = Vec::new();
        for number in 0..CUSTOMERS {
            buyers.push(Buyer::sign_up(&doors.public, &format!("customer{number}")).await?);
        }
        Ok(Self { entrances, record, staff, buyers, guest: doors.public, counter: Arc::default() })
    }

    /// All items of which pieces are sold or received, with their first stock.
    pub(super) fn goods() -> impl Iterator<Item = (&'static str, u32)> {
        GOODS.into_iter().zip(PIECES).chain([(counter::SKU, 0)])
    }

    /// A client of all hosts.
    pub(super) fn asker(&self, name: String, attempt_max: Duration) -> Asker {
        Asker::new(self.entrances.clone(), Arc::clone(&self.record), name).with_attempt_max(attempt_max)
    }

    /// A client of one host, which goes on while another one is stopped or cut off.
    pub(super) fn asker_at(&self, node: usize, name: String, attempt_max: Duration) -> Asker {
        let entrances = self.entrances.iter().skip(node % NODES).take(1).cloned().collect();
        Asker::new(entrances, Arc::clone(&self.record), name).with_attempt_max(attempt_max)
    }

    /// Clients of two hosts: when the third one is stopped, clients at it wait, and others do not notice.
    pub(super) fn askers(
        &self,
        number: usize,
        attempt_max: Duration,
    ) -> impl Fn(String) -> Asker + Send + 'static + use<> {
        let (mut entrances, record) = (self.entrances.clone(), Arc::clone(&self.record));
        entrances.rotate_left(number % NODES);
        entrances.truncate(NODES - 1);
        move |name| Asker::new(entrances.clone(), Arc::clone(&record), name).with_attempt_max(attempt_max)
    }
}
