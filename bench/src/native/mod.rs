//! The same operations without components, for comparison with the platform.

mod journal;
mod operations;
mod redb_group;
mod server;
mod services;

pub(crate) use journal::JournalBackend;
pub(crate) use redb_group::RedbBackend;
pub(crate) use server::serve_shop;
pub(crate) use services::{Peers, serve_service};

/// The service that owns a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Owner {
    Account,
    Inventory,
    Cart,
    Payment,
    Shipping,
}

impl Owner {
    pub(crate) const ALL: [Self; 5] = [Self::Account, Self::Inventory, Self::Cart, Self::Payment, Self::Shipping];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Inventory => "inventory",
            Self::Cart => "cart",
            Self::Payment => "payment",
            Self::Shipping => "shipping",
        }
    }
}

/// The reads and writes of an operation.
pub(crate) trait Access {
    fn get(&mut self, owner: Owner, key: &str) -> anyhow::Result<Option<Vec<u8>>>;
    fn set(&mut self, owner: Owner, key: &str, value: Vec<u8>) -> anyhow::Result<()>;
    /// The values of the first `limit` keys with `prefix`.
    fn first(&mut self, owner: Owner, prefix: &str, limit: u32) -> anyhow::Result<Vec<Vec<u8>>>;
}

/// An operation may run more than once; its answer comes from the run that was committed.
pub(crate) type Operation = std::sync::Arc<dyn Fn(&mut dyn Access) -> anyhow::Result<Vec<u8>> + Send + Sync>;

/// Runs operations serializably; a write is durable when its future resolves.
pub(crate) trait Backend: Send + Sync + 'static {
    fn read(&self, operation: &Operation) -> anyhow::Result<Vec<u8>>;
    fn write(&self, operation: Operation) -> impl Future<Output = anyhow::Result<Vec<u8>>> + Send;
}
