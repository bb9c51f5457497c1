//! The empty state of a store: for runs without a store, and for the handles of a dropped one.

use std::sync::{Arc, LazyLock};

use redb::Database;
use redb::backends::InMemoryBackend;

use super::snapshot::{Snapshot, Totals};
use crate::names::{CommitSeq, ServiceName};
use crate::store::index::error::IndexError;
use crate::store::index::health::IndexHealth;
use crate::store::index::reader::IndexReader;

static EMPTY: LazyLock<Empty> = LazyLock::new(|| Empty::make().expect("memory is a disk without errors"));

struct Empty {
    index: Arc<IndexReader>,
    /// An index can be read only while its database is open.
    _database: Database,
}

impl Empty {
    fn make() -> Result<Self, IndexError> {
        let health = Arc::new(IndexHealth::new("(memory)".into(), &ServiceName::platform()));
        let database = Database::builder().set_cache_size(0).create_with_backend(InMemoryBackend::new())?;
        Ok(Self { index: Arc::new(IndexReader::open_new(&database, health)?), _database: database })
    }
}

/// An empty snapshot at `number`.
pub(in crate::store) fn snapshot(number: CommitSeq) -> Snapshot {
    Snapshot::new(number, Totals::default(), Arc::clone(&EMPTY.index))
}
