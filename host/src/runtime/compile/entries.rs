//! The files of compiled code, by use: which of them to delete when they exceed their bound.
//!
//! A file is named `<component>-<host>-<tag>`: the digest of the component, a hash of everything that the code depends on,
//! and the tag that authenticates its bytes.

use std::collections::BTreeMap;

use crate::names::Digest;

/// The code of a component for one kind of engine of this host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Id {
    pub(super) component: Digest,
    pub(super) host: u64,
}

impl Id {
    /// The subject of the code's tag, and the beginning of its file's name.
    pub(super) fn subject(&self) -> String {
        format!("{}-{:016x}", self.component.hex(), self.host)
    }
}

/// A file of compiled code.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) tag: [u8; 32],
    pub(super) bytes: u64,
    /// Grows with each use of any file.
    used: u64,
    /// Whether a release names the component.
    named: bool,
}

/// The name of the file of `id`.
pub(super) fn file_name(id: &Id, tag: &[u8; 32]) -> String {
    format!("{}-{}", id.subject(), Digest::of_hash(*tag).hex())
}

/// Parses the name of a file.
pub(super) fn parse(name: &str) -> Option<(Id, [u8; 32])> {
    let mut parts = name.split('-');
    let (component, host, tag) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || host.len() != 16 {
        return None;
    }
    let digest = |hex: &str| Digest::parse(&format!("sha256:{hex}")).ok();
    let id = Id { component: digest(component)?, host: u64::from_str_radix(host, 16).ok()? };
    Some((id, *digest(tag)?.bytes()))
}

/// All files of one folder.
#[derive(Debug)]
pub(super) struct Entries {
    entries: BTreeMap<Id, Entry>,
    bytes: u64,
    bytes_max: u64,
    uses: u64,
}

impl Entries {
    pub(super) fn new(bytes_max: u64) -> Self {
        Self { entries: BTreeMap::new(), bytes: 0, bytes_max, uses: 0 }
    }

    /// The entry of `id`, marked as used now.
    pub(super) fn get(&mut self, id: &Id) -> Option<Entry> {
        self.uses += 1;
        let entry = self.entries.get_mut(id)?;
        entry.used = self.uses;
        Some(*entry)
    }

    /// Adds the file of `id`, and returns the names of the files to delete, including an earlier file of `id`.
    pub(super) fn put(&mut self, id: Id, tag: [u8; 32], bytes: u64) -> Vec<String> {
        let before = self.remove(&id);
        self.uses += 1;
        let named = before.is_some_and(|before| before.named);
        self.entries.insert(id, Entry { tag, bytes, used: self.uses, named });
        self.bytes += bytes;
        let replaced = before.filter(|before| before.tag != tag).map(|before| file_name(&id, &before.tag));
        replaced.into_iter().chain(self.trim()).collect()
    }

    pub(super) fn remove(&mut self, id: &Id) -> Option<Entry> {
        let removed = self.entries.remove(id)?;
        self.bytes -= removed.bytes;
        Some(removed)
    }

    /// Records which components the releases name, and returns the names of the files to delete.
    pub(super) fn set_named(&mut self, is_named: impl Fn(&Digest) -> bool) -> Vec<String> {
        for (id, entry) in &mut self.entries {
            entry.named = is_named(&id.component);
        }
        self.trim()
    }

    /// Removes entries until the bound is kept: first those that no release names, and of these the least recently used
    /// ones. The last used one stays: it may be about to go live.
    fn trim(&mut self) -> Vec<String> {
        let mut gone = Vec::new();
        while self.bytes > self.bytes_max {
            let earlier = self.entries.iter().filter(|(_, entry)| entry.used < self.uses);
            let first = earlier.min_by_key(|(_, entry)| (entry.named, entry.used));
            let Some((id, tag)) = first.map(|(id, entry)| (*id, entry.tag)) else { break };
            self.remove(&id);
            gone.push(file_name(&id, &tag));
        }
        gone
    }
}
