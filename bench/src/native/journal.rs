//! The platform's own journal and store, called directly.

use std::path::Path;

use anyhow::Context as _;
use switchyard::config::StoreSettings;
use switchyard::names::{CallId, CommitSeq, ServiceName};
use switchyard::store::{CommitDetails, CommitError, Direction, Scan, Stores, Transaction};

use super::{Access, Backend, Operation, Owner};

pub(crate) struct JournalBackend {
    stores: Stores,
}

impl JournalBackend {
    pub(crate) fn open(data: &Path, settings: &StoreSettings) -> anyhow::Result<Self> {
        let names = Owner::ALL.map(|owner| ServiceName::parse(owner.name()).map(|name| (name, u64::MAX)));
        let names = names.into_iter().collect::<Result<Vec<_>, _>>()?;
        Ok(Self { stores: Stores::open(data, settings, &names)? })
    }
}

/// One transaction for each owner that the operation touches.
struct Transactions<'a> {
    stores: &'a Stores,
    open: [Option<Transaction>; 5],
}

impl Transactions<'_> {
    fn of(&mut self, owner: Owner) -> anyhow::Result<&mut Transaction> {
        let place = &mut self.open[owner as usize];
        if place.is_none() {
            let store = self.stores.service(&ServiceName::parse(owner.name())?).context("a store for each owner")?;
            *place = Some(store.begin());
        }
        place.as_mut().context("just opened")
    }
}

impl Access for Transactions<'_> {
    fn get(&mut self, owner: Owner, key: &str) -> anyhow::Result<Option<Vec<u8>>> {
        Ok(self.of(owner)?.get(key)?.map(Into::into))
    }

    fn set(&mut self, owner: Owner, key: &str, value: Vec<u8>) -> anyhow::Result<()> {
        Ok(self.of(owner)?.set(key, value)?)
    }

    fn first(&mut self, owner: Owner, prefix: &str, limit: u32) -> anyhow::Result<Vec<Vec<u8>>> {
        let page = self.of(owner)?.scan(&Scan { prefix, after: None, direction: Direction::Ascending, limit })?;
        Ok(page.entries.into_iter().map(|entry| entry.value.into()).collect())
    }
}

impl Backend for JournalBackend {
    fn read(&self, operation: &Operation) -> anyhow::Result<Vec<u8>> {
        operation(&mut Transactions { stores: &self.stores, open: Default::default() })
    }

    async fn write(&self, operation: Operation) -> anyhow::Result<Vec<u8>> {
        loop {
            let (answer, open) = {
                let mut transactions = Transactions { stores: &self.stores, open: Default::default() };
                (operation(&mut transactions)?, transactions.open)
            };
            let mut last = CommitSeq::default();
            let mut conflict = false;
            for transaction in open.into_iter().flatten() {
                match transaction.commit(CommitDetails { call: CallId([0; 16]), data_version: None }).await {
                    Ok(number) => last = last.max(number),
                    Err(CommitError::Conflict { .. }) => conflict = true,
                    Err(error) => return Err(error.into()),
                }
            }
            if !conflict {
                self.stores.wait_durable(last).await?;
                return Ok(answer);
            }
        }
    }
}
