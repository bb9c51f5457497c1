//! The list of the services that have an index: without it, an index that got lost would look like one that never was.
//!
//! `data/services/list` is text, a name a line. It is replaced as a whole, after the index of the new name is there.

use std::collections::BTreeSet;
use std::io;

use super::error::OpenError;
use crate::journal::{Disk, SERVICES_FOLDER};
use crate::names::ServiceName;

pub(super) const LIST: &str = "services/list";
const LIST_NEW: &str = "services/list.new";

/// The services on the list; none when there is no list yet.
pub(super) fn read(disk: &dyn Disk) -> Result<BTreeSet<ServiceName>, OpenError> {
    let at_file = |source| OpenError::Folder { path: disk.full(LIST), source };
    let file = match disk.open(LIST) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        opened => opened.map_err(at_file)?,
    };
    let bytes = file.bytes().and_then(|bytes| usize::try_from(bytes).map_err(io::Error::other)).map_err(at_file)?;
    let mut text = vec![0; bytes];
    file.read_at(0, &mut text).map_err(at_file)?;
    let names = String::from_utf8(text).map_err(|error| at_file(io::Error::new(io::ErrorKind::InvalidData, error)))?;
    let names = names.lines().map(ServiceName::of_store);
    names.collect::<Result<_, _>>().map_err(|error| at_file(io::Error::new(io::ErrorKind::InvalidData, error)))
}

/// Puts `services` on the list, in place of what was there.
pub(super) fn write(disk: &dyn Disk, services: &BTreeSet<ServiceName>) -> io::Result<()> {
    let text: String = services.iter().map(|service| format!("{service}\n")).collect();
    let file = disk.create(LIST_NEW)?;
    file.write_at(0, text.as_bytes())?;
    file.sync()?;
    disk.rename(LIST_NEW, LIST)?;
    disk.sync_folder(SERVICES_FOLDER)
}
