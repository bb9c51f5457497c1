//! The writes of a simulated disk, and what remains of them after a power loss.

use std::collections::BTreeMap;

use super::Random;

const SECTOR_BYTES: usize = 512;

#[derive(Debug, Clone, Default)]
pub(super) struct Content {
    pub(super) now: Vec<u8>,
    pub(super) durable: Vec<u8>,
    /// The changes since the last sync.
    pub(super) unsynced: Vec<Change>,
    pub(super) syncs: u64,
    pub(super) written_bytes: u64,
    pub(super) read_bytes: u64,
}

#[derive(Debug, Clone)]
pub(super) enum Change {
    Write { offset: usize, data: Vec<u8> },
    Length(usize),
}

#[derive(Debug, Clone)]
pub(super) enum NameChange {
    Set(String, usize),
    Remove(String),
}

impl Change {
    pub(super) fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Write { offset, data } => {
                let end = offset + data.len();
                bytes.resize(bytes.len().max(end), 0);
                bytes[*offset..end].copy_from_slice(data);
            }
            Self::Length(length) => bytes.resize(*length, 0),
        }
    }

    /// Some of the sectors of the change.
    pub(super) fn tear(&self, random: &mut Random) -> Vec<Change> {
        match self {
            Self::Length(_) if random.coin() => Vec::new(),
            Self::Length(length) => vec![Self::Length(*length)],
            Self::Write { offset, data } => {
                let mut kept = Vec::new();
                let mut at = 0;
                while at < data.len() {
                    let end = data.len().min(at + SECTOR_BYTES - (offset + at) % SECTOR_BYTES);
                    if random.coin() {
                        kept.push(Self::Write { offset: offset + at, data: data[at..end].to_vec() });
                    }
                    at = end;
                }
                kept
            }
        }
    }
}

impl NameChange {
    pub(super) fn folder(&self) -> &str {
        let (Self::Set(path, _) | Self::Remove(path)) = self;
        path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    pub(super) fn apply(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            Self::Set(path, file) => drop(names.insert(path.clone(), *file)),
            Self::Remove(path) => drop(names.remove(path)),
        }
    }
}
