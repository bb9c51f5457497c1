//! One record: the changes of one commit in each store, and their encoding.
//!
//! A record consists of the journal time of the commit, the id of its call, and a section for each store, sorted by
//! store name. A section is a sequence of fields: a tag (one byte), a length (four, little-endian), that many bytes.
//! Fields are sorted by tag, each at most once. An unknown tag is an error and never skipped, because its content must
//! not be lost. `docs/journal-format.md` has it byte by byte.

use std::sync::Arc;

use bytes::Bytes;

use crate::limits::VALUE_BYTES_MAX;
use crate::names::{CallId, Key, ServiceName};

/// The size of the journal time. A record is encoded before its time is known.
pub(super) const TIME_BYTES: usize = 8;

const WRITES: u8 = 1;
const EVENTS: u8 = 2;
const DATA_VERSION: u8 = 3;
const DROPPED: u8 = 4;

/// In place of the length of a value: the key was deleted.
const DELETED: u32 = u32::MAX;
const _: () = assert!(VALUE_BYTES_MAX < DELETED as usize);

/// One commit in the journal. Its number is in its frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The journal time of the commit, in microseconds since the Unix epoch.
    pub time_unix_micros: u64,
    pub call: CallId,
    /// At least one, sorted by store name, each store once.
    pub sections: Vec<Section>,
}

/// The changes of a commit in one store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    pub service: ServiceName,
    /// Sorted by key; `None` for a deleted key.
    pub writes: Vec<(Key, Option<Bytes>)>,
    /// In the order of emission.
    pub events: Vec<Event>,
    /// The new version of the service's data, if the commit changes it.
    pub data_version: Option<u64>,
    /// The store is dropped with all its content. The section contains nothing else.
    pub dropped: bool,
}

/// One emitted event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The full name of the interface: `shop:inventory/inventory-events@1.0.0`.
    pub interface: Arc<str>,
    pub function: Arc<str>,
    /// The parameters, as one JSON object.
    pub payload: Bytes,
}

/// Why bytes with a good checksum are not a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    #[error("it ends before its first section")]
    Short,
    #[error("the sections are out of order, or a store has two")]
    SectionOrder,
    #[error("a section is cut short, or has no store name")]
    Section,
    #[error("field {tag} is unknown to this version of switchyard")]
    UnknownField { tag: u8 },
    #[error("field {tag} is out of order or occurs twice")]
    FieldOrder { tag: u8 },
    #[error("field {tag} is cut short, or longer than its content")]
    Length { tag: u8 },
    #[error("field {tag} holds no {what}")]
    Content { tag: u8, what: &'static str },
}

/// Encodes a record, section by section. The time is zero until the record is stamped.
#[derive(Debug)]
pub(crate) struct RecordWriter {
    bytes: Vec<u8>,
}

impl RecordWriter {
    pub(crate) fn new(call: CallId, bytes_expected: usize) -> Self {
        let mut bytes = Vec::with_capacity(bytes_expected + 128);
        bytes.extend_from_slice(&[0; TIME_BYTES]);
        bytes.extend_from_slice(&call.0);
        Self { bytes }
    }

    /// Adds the section of the store of `service`. Sections must be sorted by these names, each once.
    pub(crate) fn section(&mut self, service: &ServiceName, content: impl FnOnce(&mut SectionWriter<'_>)) {
        put_block(&mut self.bytes, service.as_str().as_bytes());
        put_measured(&mut self.bytes, |bytes| content(&mut SectionWriter { bytes }));
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

/// The fields of one section. They are written in the order of these methods.
#[derive(Debug)]
pub(crate) struct SectionWriter<'a> {
    bytes: &'a mut Vec<u8>,
}

impl SectionWriter<'_> {
    pub(crate) fn writes<'a>(&mut self, count: usize, writes: impl Iterator<Item = (&'a Key, Option<&'a Bytes>)>) {
        self.field(WRITES, |bytes| {
            put_u32(bytes, count);
            for (key, value) in writes {
                put_block(bytes, key.as_bytes());
                match value {
                    Some(value) => put_block(bytes, value),
                    None => bytes.extend_from_slice(&DELETED.to_le_bytes()),
                }
            }
        });
    }

    pub(crate) fn events(&mut self, events: &[Event]) {
        self.field(EVENTS, |bytes| {
            put_u32(bytes, events.len());
            for event in events {
                put_block(bytes, event.interface.as_bytes());
                put_block(bytes, event.function.as_bytes());
                put_block(bytes, &event.payload);
            }
        });
    }

    pub(crate) fn data_version(&mut self, version: u64) {
        self.field(DATA_VERSION, |bytes| bytes.extend_from_slice(&version.to_le_bytes()));
    }

    pub(crate) fn dropped(&mut self) {
        self.field(DROPPED, |_nothing| ());
    }

    fn field(&mut self, tag: u8, content: impl FnOnce(&mut Vec<u8>)) {
        self.bytes.push(tag);
        put_measured(self.bytes, content);
    }
}

/// Writes `content` after its length.
fn put_measured(bytes: &mut Vec<u8>, content: impl FnOnce(&mut Vec<u8>)) {
    let at = bytes.len();
    bytes.extend_from_slice(&[0; 4]);
    content(bytes);
    let length = length(bytes.len() - at - 4);
    if let Some(place) = bytes.get_mut(at..at + 4) {
        place.copy_from_slice(&length.to_le_bytes());
    }
}

/// A length that was checked against `COMMIT_BYTES_MAX` before.
fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("a commit is bounded far below 4 GiB")
}

fn put_u32(bytes: &mut Vec<u8>, number: usize) {
    bytes.extend_from_slice(&length(number).to_le_bytes());
}

fn put_block(bytes: &mut Vec<u8>, block: &[u8]) {
    put_u32(bytes, block.len());
    bytes.extend_from_slice(block);
}

impl Record {
    /// Decodes a record; its content is copied from `bytes`.
    ///
    /// # Errors
    ///
    /// [`RecordError`]. The bytes may come from a damaged or foreign file.
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        let (time, rest) = bytes.split_first_chunk().ok_or(RecordError::Short)?;
        let (call, mut rest) = rest.split_first_chunk().ok_or(RecordError::Short)?;
        let mut sections: Vec<Section> = Vec::new();
        while !rest.is_empty() {
            let section;
            (section, rest) = Section::decode(rest)?;
            if sections.last().is_some_and(|before| before.service >= section.service) {
                return Err(RecordError::SectionOrder);
            }
            sections.push(section);
        }
        if sections.is_empty() {
            return Err(RecordError::Short);
        }
        Ok(Self { time_unix_micros: u64::from_le_bytes(*time), call: CallId(*call), sections })
    }
}

impl Section {
    pub(crate) fn new(service: ServiceName) -> Self {
        Self { service, writes: Vec::new(), events: Vec::new(), data_version: None, dropped: false }
    }

    /// Decodes the section at the beginning of `bytes`, and returns it with the rest.
    fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), RecordError> {
        let cut = |_| RecordError::Section;
        let mut reader = Reader { tag: 0, rest: bytes };
        let name = reader.text().ok().and_then(|name| ServiceName::of_store(name).ok()).ok_or(RecordError::Section)?;
        let mut section = Self::new(name);
        let mut fields = reader.block().map_err(cut)?;
        let mut last = 0;
        while let Some((&tag, behind)) = fields.split_first() {
            if tag <= last {
                return Err(RecordError::FieldOrder { tag });
            }
            if tag == DROPPED && last > 0 {
                return Err(RecordError::Content { tag, what: "section of its own" });
            }
            last = tag;
            let mut field = Reader { tag, rest: behind };
            let mut content = Reader { tag, rest: field.block()? };
            fields = field.rest;
            match tag {
                WRITES => section.writes = content.writes()?,
                EVENTS => section.events = content.events()?,
                DATA_VERSION => section.data_version = Some(content.number_of("data version")?),
                DROPPED => section.dropped = true,
                _ => return Err(RecordError::UnknownField { tag }),
            }
            if !content.rest.is_empty() {
                return Err(RecordError::Length { tag });
            }
        }
        Ok((section, reader.rest))
    }
}

struct Reader<'a> {
    tag: u8,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, bytes: usize) -> Result<&'a [u8], RecordError> {
        let (taken, rest) = self.rest.split_at_checked(bytes).ok_or(RecordError::Length { tag: self.tag })?;
        self.rest = rest;
        Ok(taken)
    }

    fn number(&mut self) -> Result<u32, RecordError> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(RecordError::Length { tag: self.tag })?;
        self.rest = rest;
        Ok(u32::from_le_bytes(*bytes))
    }

    fn block(&mut self) -> Result<&'a [u8], RecordError> {
        let bytes = self.number()?;
        self.take(usize::try_from(bytes).unwrap_or(usize::MAX))
    }

    fn text(&mut self) -> Result<&'a str, RecordError> {
        let bytes = self.block()?;
        std::str::from_utf8(bytes).map_err(|_| self.content("UTF-8"))
    }

    fn content(&self, what: &'static str) -> RecordError {
        RecordError::Content { tag: self.tag, what }
    }

    fn number_of(&mut self, what: &'static str) -> Result<u64, RecordError> {
        let bytes = self.take(self.rest.len())?;
        Ok(u64::from_le_bytes(bytes.try_into().map_err(|_| self.content(what))?))
    }

    fn writes(&mut self) -> Result<Vec<(Key, Option<Bytes>)>, RecordError> {
        // The count reserves no memory: the entries themselves must be there.
        (0..self.number()?)
            .map(|_| {
                let key = Key::stored(self.block()?).map_err(|_| self.content("key"))?;
                let bytes = self.number()?;
                if bytes == DELETED {
                    return Ok((key, None));
                }
                let value = self.take(usize::try_from(bytes).unwrap_or(usize::MAX))?;
                Ok((key, Some(Bytes::copy_from_slice(value))))
            })
            .collect()
    }

    fn events(&mut self) -> Result<Vec<Event>, RecordError> {
        (0..self.number()?)
            .map(|_| {
                Ok(Event {
                    interface: self.text()?.into(),
                    function: self.text()?.into(),
                    payload: Bytes::copy_from_slice(self.block()?),
                })
            })
            .collect()
    }
}
