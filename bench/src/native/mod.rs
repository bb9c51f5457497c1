//! The same operations without components: what the platform is measured against.

mod journal;
mod operations;
mod redb_group;
mod server;

pub use journal::JournalBackend;
pub use redb_group::RedbBackend;
pub use server::serve;

/// Whose data a key belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    Inventory,
    Cart,
    Payment,
    Shipping,
}

impl Owner {
    pub const ALL: [Self; 4] = [Self::Inventory, Self::Cart, Self::Payment, Self::Shipping];

    pub fn name(self) -> &'static str {
        match self {
            Self::Inventory => "inventory",
            Self::Cart => "cart",
            Self::Payment => "payment",
            Self::Shipping => "shipping",
        }
    }
}

/// What an operation reads and writes.
pub trait Access {
    fn get(&mut self, owner: Owner, key: &str) -> anyhow::Result<Option<Vec<u8>>>;
    fn set(&mut self, owner: Owner, key: &str, value: Vec<u8>) -> anyhow::Result<()>;
    /// The values of the first `limit` keys with `prefix`.
    fn first(&mut self, owner: Owner, prefix: &str, limit: u32) -> anyhow::Result<Vec<Vec<u8>>>;
}

/// An operation may run more than once; its answer is the one of the run that was committed.
pub type Operation = std::sync::Arc<dyn Fn(&mut dyn Access) -> anyhow::Result<Vec<u8>> + Send + Sync>;

/// Runs operations, serializably; a write is durable when its future resolves.
pub trait Backend: Send + Sync + 'static {
    fn read(&self, operation: &Operation) -> anyhow::Result<Vec<u8>>;
    fn write(&self, operation: Operation) -> impl Future<Output = anyhow::Result<Vec<u8>>> + Send;
}
