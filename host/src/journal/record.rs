//! One record: what one commit says, and its bytes.
//!
//! A record is a run of fields: a tag (one byte), a length (four, little-endian), that many bytes. Fields come in the
//! order of their tags, each at most once. A tag that is not known is refused, never skipped: what it says must not
//! be lost. `docs/journal-format.md` has it byte by byte.

use std::sync::Arc;

use bytes::Bytes;

use crate::limits::VALUE_BYTES_MAX;
use crate::names::{CallId, Key, ServiceName};

const SERVICE: u8 = 1;
const CALL: u8 = 2;
const WRITES: u8 = 3;
const EVENTS: u8 = 4;
const TIME: u8 = 6;
const DATA_VERSION: u8 = 8;
const DROPS: u8 = 9;

/// What stands for the length of a value that is no value: the key was deleted.
const DELETED: u32 = u32::MAX;
const _: () = assert!(VALUE_BYTES_MAX < DELETED as usize);

/// One commit as the journal has it. Its number is in its frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub service: ServiceName,
    pub call: CallId,
    /// In the order of their keys; nothing for a key that was deleted.
    pub writes: Vec<(Key, Option<Bytes>)>,
    /// In the order they were emitted.
    pub events: Vec<Event>,
    /// When it was committed, in microseconds since the Unix epoch; nothing in a journal of before there were times.
    pub time_unix_micros: Option<u64>,
    /// The version that the service's data has from now on, where the commit changes it.
    pub data_version: Option<u64>,
    /// The service's store ends here: nothing of it remains, and nothing else is in the record.
    pub drops: bool,
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

/// Why bytes with a good checksum are no record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    #[error("field {tag} is not known to this version of switchyard")]
    UnknownField { tag: u8 },
    #[error("field {tag} is out of order or there twice")]
    FieldOrder { tag: u8 },
    #[error("field {tag} is missing")]
    MissingField { tag: u8 },
    #[error("field {tag} is cut short, or longer than what it says")]
    Length { tag: u8 },
    #[error("field {tag} holds no {what}")]
    Content { tag: u8, what: &'static str },
}

/// The bytes of a record, put together field by field.
#[derive(Debug)]
pub(crate) struct RecordWriter {
    bytes: Vec<u8>,
}

impl RecordWriter {
    pub(crate) fn new(service: &ServiceName, call: CallId, bytes_expected: usize) -> Self {
        let mut writer = Self { bytes: Vec::with_capacity(bytes_expected + 128) };
        writer.field(SERVICE, |bytes| bytes.extend_from_slice(service.as_str().as_bytes()));
        writer.field(CALL, |bytes| bytes.extend_from_slice(&call.0));
        writer
    }

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

    pub(crate) fn time(&mut self, time_unix_micros: u64) {
        self.field(TIME, |bytes| bytes.extend_from_slice(&time_unix_micros.to_le_bytes()));
    }

    pub(crate) fn data_version(&mut self, version: u64) {
        self.field(DATA_VERSION, |bytes| bytes.extend_from_slice(&version.to_le_bytes()));
    }

    pub(crate) fn drops(&mut self) {
        self.field(DROPS, |_nothing| ());
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.bytes
    }

    fn field(&mut self, tag: u8, content: impl FnOnce(&mut Vec<u8>)) {
        self.bytes.push(tag);
        let at = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 4]);
        content(&mut self.bytes);
        let length = length(self.bytes.len() - at - 4);
        if let Some(place) = self.bytes.get_mut(at..at + 4) {
            place.copy_from_slice(&length.to_le_bytes());
        }
    }
}

/// A length that is bounded by `COMMIT_BYTES_MAX` before it comes here.
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
    /// Reads a record; what it holds is copied out of `bytes`.
    ///
    /// # Errors
    ///
    /// [`RecordError`], whatever the bytes are: they may come from a damaged or foreign file.
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        let (mut service, mut call, mut time, mut data_version) = (None, None, None, None);
        let (mut writes, mut events) = (Vec::new(), Vec::new());
        let (mut last, mut drops) = (0, false);
        let mut rest = bytes;
        while let Some((&tag, behind)) = rest.split_first() {
            if tag <= last {
                return Err(RecordError::FieldOrder { tag });
            }
            if tag == DROPS && last > CALL {
                return Err(RecordError::Content { tag, what: "record of its own" });
            }
            last = tag;
            let mut reader = Reader { tag, rest: behind };
            let mut field = Reader { tag, rest: reader.block()? };
            rest = reader.rest;
            match tag {
                SERVICE => service = Some(field.service()?),
                CALL => call = Some(field.call()?),
                WRITES => writes = field.writes()?,
                EVENTS => events = field.events()?,
                TIME => time = Some(field.number_of("time")?),
                DATA_VERSION => data_version = Some(field.number_of("data version")?),
                DROPS => drops = true,
                _ => return Err(RecordError::UnknownField { tag }),
            }
            if !field.rest.is_empty() {
                return Err(RecordError::Length { tag });
            }
        }
        let service = service.ok_or(RecordError::MissingField { tag: SERVICE })?;
        let call = call.ok_or(RecordError::MissingField { tag: CALL })?;
        Ok(Self { service, call, writes, events, time_unix_micros: time, data_version, drops })
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

    fn service(&mut self) -> Result<ServiceName, RecordError> {
        let bytes = self.take(self.rest.len())?;
        let name = std::str::from_utf8(bytes).ok().and_then(|text| ServiceName::parse(text).ok());
        name.ok_or_else(|| self.content("service name"))
    }

    fn call(&mut self) -> Result<CallId, RecordError> {
        let bytes = self.take(self.rest.len())?;
        Ok(CallId(bytes.try_into().map_err(|_| self.content("call id"))?))
    }

    fn number_of(&mut self, what: &'static str) -> Result<u64, RecordError> {
        let bytes = self.take(self.rest.len())?;
        Ok(u64::from_le_bytes(bytes.try_into().map_err(|_| self.content(what))?))
    }

    fn writes(&mut self) -> Result<Vec<(Key, Option<Bytes>)>, RecordError> {
        // The count is not trusted with memory: what it counts must be there.
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
