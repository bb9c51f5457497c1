//! A redb file on the disk of the journal.
//!
//! A full disk is not an error here: when the file grows, it waits until there is room. An error would make redb refuse
//! all later calls. Only the threads that write the indexes make them grow, so reads go on meanwhile.

use std::io;
use std::sync::Arc;

use redb::StorageBackend;

use super::disk_space::DiskSpace;
use crate::journal::DiskFile;

#[derive(Debug)]
pub(in crate::store) struct Backend {
    pub(in crate::store) file: Arc<dyn DiskFile>,
    pub(in crate::store) space: Arc<DiskSpace>,
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
        self.file.sync()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.file.write_at(offset, data)
    }
}
