//! A disk for tests that fails, fills up and loses power at any chosen operation, in the same way for the same seed.
//!
//! After a power loss, unsynced changes may exist, in part, in sectors, in any order, or not at all.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "it is a part of tests, also where they are a program"
)]
#![cfg_attr(not(test), allow(dead_code, reason = "the tests of the journal use more of it than the simulator"))]

mod changes;
mod random;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use super::disk::{Disk, DiskFile};
use changes::{Change, Content, NameChange};
pub use random::Random;

/// The fault of one operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It and all later ones fail: the power failed, or the process was killed.
    PowerLoss,
    /// It fails, later ones do not. The data of a failed sync may never become durable.
    Error,
    /// From it on, the first one that neither opens, writes nor syncs a file fails: the machine lacks memory.
    Shortage,
}

#[derive(Debug, Clone)]
pub struct SimulatedDisk(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    world: Mutex<World>,
    /// Notified when a sync begins to wait, and when held operations continue.
    let_go: Condvar,
}

#[derive(Debug)]
struct World {
    files: Vec<Content>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    /// Changes of names since their folder was synced, in order.
    name_changes: Vec<NameChange>,
    operations: u64,
    fault: Option<(u64, Fault)>,
    /// The file whose syncs fail.
    failing: Option<usize>,
    power_lost: bool,
    syncs_held: bool,
    /// The file whose reads are blocked.
    held_reads: Option<usize>,
    /// The one file whose syncs are blocked.
    held_file: Option<usize>,
    /// The number of blocked syncs.
    syncs_waiting: u64,
    bytes_max: u64,
    /// What was removed of the journal, and of the files that releases name: as an archive has it.
    archive: BTreeMap<String, Vec<u8>>,
    random: Random,
}

impl SimulatedDisk {
    /// An empty disk.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let world = World {
            files: Vec::new(),
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            name_changes: Vec::new(),
            operations: 0,
            fault: None,
            failing: None,
            power_lost: false,
            syncs_held: false,
            held_reads: None,
            held_file: None,
            syncs_waiting: 0,
            bytes_max: u64::MAX,
            archive: BTreeMap::new(),
            random: Random(seed),
        };
        Self(Arc::new(Shared { world: Mutex::new(world), let_go: Condvar::new() }))
    }

    pub(crate) fn as_disk(&self) -> Arc<dyn Disk> {
        Arc::new(self.clone())
    }

    /// A disk with the segments, components and contracts that were removed from this one and from its predecessors.
    pub(crate) fn archive(&self) -> Self {
        let files = self.lock().archive.clone();
        let names = files.keys().cloned().enumerate().map(|(file, name)| (name, file)).collect();
        Self::with(files.into_values().collect(), names, 0)
    }

    /// Plans `fault` for this operation, counted from now on; the next one is 0.
    pub fn plan(&self, operation: u64, fault: Fault) {
        let mut world = self.lock();
        world.fault = Some((world.operations + operation, fault));
    }

    /// Whether a planned fault has not happened yet.
    pub(crate) fn is_planned(&self) -> bool {
        self.lock().fault.is_some()
    }

    /// From now on, blocks syncs of all files until they are released.
    pub(crate) fn hold_syncs(&self) {
        self.lock().syncs_held = true;
    }

    /// The same for the syncs of one existing file.
    pub(crate) fn hold_syncs_of(&self, path: &str) {
        let mut world = self.lock();
        world.held_file = Some(world.names[path]);
    }

    /// From now on, blocks reads of the existing file `path` until they are released.
    pub(crate) fn hold_reads_of(&self, path: &str) {
        let mut world = self.lock();
        world.held_reads = Some(world.names[path]);
    }

    pub(crate) fn let_syncs_go(&self) {
        let mut world = self.lock();
        (world.syncs_held, world.held_file, world.held_reads) = (false, None, None);
        drop(world);
        self.0.let_go.notify_all();
    }

    /// Blocks until a sync is blocked.
    pub(crate) fn until_syncs_are_held(&self) {
        let held = self.0.let_go.wait_while(self.lock(), |world| world.syncs_waiting == 0);
        drop(held.unwrap());
    }

    /// How often the file `path` was synced.
    pub(crate) fn syncs(&self, path: &str) -> u64 {
        let world = self.lock();
        world.files[world.names[path]].syncs
    }

    /// The total of bytes ever written into the file `path`.
    pub(crate) fn written_bytes(&self, path: &str) -> u64 {
        let world = self.lock();
        world.files[world.names[path]].written_bytes
    }

    /// The total of bytes ever read from the file that is now called `path`, also after it was removed.
    pub(crate) fn read_bytes(&self, path: &str) -> impl Fn() -> u64 + use<> {
        let (disk, file) = (self.clone(), self.lock().names[path]);
        move || disk.lock().files[file].read_bytes
    }

    /// The current bytes of the file `path`.
    pub(crate) fn content(&self, path: &str) -> Vec<u8> {
        let world = self.lock();
        world.files[world.names[path]].now.clone()
    }

    /// From now on syncs of the file `path` fail.
    pub(crate) fn fail_syncs(&self, path: &str) {
        let mut world = self.lock();
        world.failing = Some(world.names[path]);
    }

    pub(crate) fn operations(&self) -> u64 {
        self.lock().operations
    }

    /// Sets the maximum size of all files together.
    pub(crate) fn set_bytes_max(&self, bytes_max: u64) {
        self.lock().bytes_max = bytes_max;
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.lock().bytes()
    }

    /// The disk after a power loss: synced changes exist, and some of the others.
    #[must_use]
    pub fn after_power_loss(&self) -> Self {
        let mut world = self.lock();
        let World { files, durable_names, name_changes, random, .. } = &mut *world;
        let mut names = durable_names.clone();
        // The file system keeps the order of changes of names: a prefix of them exists.
        let kept = random.below(name_changes.len() as u64 + 1);
        for change in name_changes.iter().take(usize::try_from(kept).unwrap()) {
            change.apply(&mut names);
        }
        let files: Vec<_> = files.iter().map(|file| Self::survivor(file, random)).collect();
        let (seed, archive) = (random.next(), world.archive.clone());
        drop(world);
        let after = Self::with(files, names, seed);
        after.lock().archive = archive;
        after
    }

    /// The disk after the process was killed: all writes exist, durable or not.
    #[must_use]
    pub fn after_kill(&self) -> Self {
        let mut world = self.lock();
        let killed = Self::new(world.random.next());
        let mut after = killed.lock();
        after.files.clone_from(&world.files);
        after.names.clone_from(&world.names);
        after.durable_names.clone_from(&world.durable_names);
        after.name_changes.clone_from(&world.name_changes);
        after.archive.clone_from(&world.archive);
        drop(after);
        killed
    }

    fn survivor(file: &Content, random: &mut Random) -> Vec<u8> {
        let mut bytes = file.durable.clone();
        for change in &file.unsynced {
            for kept in change.tear(random) {
                kept.apply(&mut bytes);
            }
        }
        bytes
    }

    fn with(files: Vec<Vec<u8>>, names: BTreeMap<String, usize>, seed: u64) -> Self {
        let disk = Self::new(seed);
        let content = |bytes: Vec<u8>| Content { durable: bytes.clone(), now: bytes, ..Content::default() };
        let mut world = disk.lock();
        world.files = files.into_iter().map(content).collect();
        world.durable_names.clone_from(&names);
        world.names = names;
        drop(world);
        disk
    }

    /// Changes the bytes of a file, as a faulty disk does.
    pub(crate) fn damage(&self, path: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut world = self.lock();
        let file = world.names[path];
        change(&mut world.files[file].now);
        world.files[file].durable = world.files[file].now.clone();
    }

    /// The existing paths.
    pub(crate) fn paths(&self) -> Vec<String> {
        self.lock().names.keys().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, World> {
        self.0.world.lock().unwrap()
    }

    fn file(&self, file: usize) -> Arc<dyn DiskFile> {
        Arc::new(SimulatedFile { disk: self.clone(), file })
    }
}

impl World {
    /// Counts an operation; an error when it fails.
    fn operate(&mut self) -> io::Result<()> {
        let operation = self.operations;
        self.operations += 1;
        match self.fault {
            Some((at, Fault::PowerLoss)) if operation >= at => self.power_lost = true,
            Some((at, Fault::Error)) if operation == at => return Err(io::Error::other("planned error")),
            _ => {}
        }
        if self.power_lost { Err(io::Error::other("the power went")) } else { Ok(()) }
    }

    /// Whether the planned shortage happens now.
    fn has_memory(&mut self) -> io::Result<()> {
        match self.fault {
            Some((at, Fault::Shortage)) if self.operations >= at => {
                self.fault = None;
                Err(rustix::io::Errno::NOMEM.into())
            }
            _ => Ok(()),
        }
    }

    fn bytes(&self) -> u64 {
        self.names.values().map(|file| self.files[*file].now.len() as u64).sum()
    }

    fn named(&self, path: &str) -> io::Result<usize> {
        self.names.get(path).copied().ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, path.to_owned()))
    }

    fn rename(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.name_changes.push(change);
    }
}

impl Disk for SimulatedDisk {
    fn open(&self, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut world = self.lock();
        world.operate()?;
        let file = world.named(path)?;
        drop(world);
        Ok(self.file(file))
    }

    fn create(&self, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut world = self.lock();
        world.operate()?;
        let file = world.files.len();
        world.files.push(Content::default());
        world.rename(NameChange::Set(path.into(), file));
        drop(world);
        Ok(self.file(file))
    }

    fn names(&self, folder: &str) -> io::Result<Vec<String>> {
        let mut world = self.lock();
        world.operate()?;
        let in_folder = |path: &String| Some(path.strip_prefix(folder)?.strip_prefix('/')?.to_owned());
        Ok(world.names.keys().filter_map(in_folder).collect())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut world = self.lock();
        world.has_memory()?;
        world.operate()?;
        let file = world.named(from)?;
        world.rename(NameChange::Set(to.into(), file));
        world.rename(NameChange::Remove(from.into()));
        Ok(())
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        let mut world = self.lock();
        world.has_memory()?;
        world.operate()?;
        let file = world.named(path)?;
        if [".segment", ".wasm", ".json"].iter().any(|end| path.ends_with(end)) {
            let bytes = world.files[file].now.clone();
            world.archive.insert(path.into(), bytes);
        }
        world.rename(NameChange::Remove(path.into()));
        Ok(())
    }

    fn sync_folder(&self, folder: &str) -> io::Result<()> {
        let mut world = self.lock();
        world.has_memory()?;
        world.operate()?;
        let World { name_changes, durable_names, .. } = &mut *world;
        for change in name_changes.extract_if(.., |change| change.folder() == folder) {
            change.apply(durable_names);
        }
        Ok(())
    }

    fn full(&self, path: &str) -> PathBuf {
        PathBuf::from("data").join(path)
    }
}

#[derive(Debug)]
struct SimulatedFile {
    disk: SimulatedDisk,
    file: usize,
}

impl SimulatedFile {
    /// Applies `change` now; it becomes durable later. A failed write may have been done in part.
    fn change(&self, change: Change) -> io::Result<()> {
        let mut world = self.disk.lock();
        let done = world.operate();
        let World { files, random, .. } = &mut *world;
        let file = &mut files[self.file];
        if let Change::Write { data, .. } = &change {
            file.written_bytes += data.len() as u64;
        }
        let changes = if done.is_ok() { vec![change] } else { change.tear(random) };
        for change in changes {
            change.apply(&mut file.now);
            file.unsynced.push(change);
        }
        done
    }
}

impl DiskFile for SimulatedFile {
    fn bytes(&self) -> io::Result<u64> {
        let mut world = self.disk.lock();
        world.has_memory()?;
        world.operate()?;
        Ok(world.files[self.file].now.len() as u64)
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let held = |world: &mut World| world.held_reads == Some(self.file);
        let mut world = self.disk.0.let_go.wait_while(self.disk.lock(), held).unwrap();
        world.has_memory()?;
        world.operate()?;
        let offset = usize::try_from(offset).unwrap();
        let file = &mut world.files[self.file];
        let bytes = file.now.get(offset..offset + out.len());
        out.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        file.read_bytes += out.len() as u64;
        Ok(())
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.change(Change::Write { offset: usize::try_from(offset).unwrap(), data: data.to_vec() })
    }

    fn cut(&self, bytes: u64) -> io::Result<()> {
        self.disk.lock().has_memory()?;
        self.change(Change::Length(usize::try_from(bytes).unwrap()))
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        let mut world = self.disk.lock();
        world.has_memory()?;
        let more = bytes.saturating_sub(world.files[self.file].now.len() as u64);
        if world.bytes() + more > world.bytes_max {
            return Err(io::ErrorKind::StorageFull.into());
        }
        drop(world);
        self.change(Change::Length(usize::try_from(bytes).unwrap()))
    }

    fn sync(&self) -> io::Result<()> {
        let mut world = self.disk.lock();
        world.syncs_waiting += 1;
        self.disk.0.let_go.notify_all();
        let mut world = self
            .disk
            .0
            .let_go
            .wait_while(world, |world| world.syncs_held || world.held_file == Some(self.file))
            .unwrap();
        world.syncs_waiting -= 1;
        let mut done = world.operate();
        if world.failing == Some(self.file) {
            done = Err(io::Error::other("planned error"));
        }
        let World { files, random, power_lost, .. } = &mut *world;
        let (file, power_lost) = (&mut files[self.file], *power_lost);
        file.syncs += 1;
        if done.is_ok() {
            for change in file.unsynced.drain(..) {
                change.apply(&mut file.durable);
            }
        } else if !power_lost {
            // The data of a failed sync is dropped: a later sync does not write it.
            file.durable = SimulatedDisk::survivor(file, random);
            file.unsynced.clear();
        }
        done
    }
}
