//! A redb file on the disk of the journal.
//!
//! A full disk is not an error here: when the file grows, it waits until there is room. An error would make redb refuse
//! all later calls. Only the threads that write the indexes make them grow, so reads go on meanwhile.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use redb::StorageBackend;

use super::disk_space::DiskSpace;
use crate::journal::DiskFile;
use crate::limits::INDEX_SYNC_BYTES;

#[derive(Debug)]
pub(in crate::store) struct Backend {
    file: Arc<dyn DiskFile>,
    space: Arc<DiskSpace>,
    /// Bytes that were written since the last sync.
    unsynced: AtomicUsize,
}

impl Backend {
    pub(in crate::store) fn new(file: Arc<dyn DiskFile>, space: Arc<DiskSpace>) -> Self {
        Self { file, space, unsynced: AtomicUsize::new(0) }
    }
}

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        self.file.bytes()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read_at(offset, out)
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        if bytes < self.file.bytes()? {
            return self.file.cut(bytes);
        }
        self.space.wait_for_room(|| self.file.allocate(bytes))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.unsynced.store(0, Ordering::Relaxed);
        self.file.sync()
    }

    /// Also syncs now and then: the one large sync at the end of a checkpoint would hold up the syncs of the journal, for
    /// which calls wait, for as long as the disk needs for all of it.
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.file.write_at(offset, data)?;
        if self.unsynced.fetch_add(data.len(), Ordering::Relaxed) + data.len() >= INDEX_SYNC_BYTES {
            self.sync_data()?;
        }
        Ok(())
    }
}
