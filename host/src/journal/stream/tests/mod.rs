//! The stream: what is written is read again, and no fault of the network or the servers loses, repeats or reorders it.

mod codec;
mod publishing;
mod reading;

use std::sync::{Arc, Mutex};

use bytes::Bytes;

use super::interface::Stream;
use super::lease::Lease;
use super::message::Leader;
use super::position::{ClaimId, Epoch, Position, StreamSeq};
use super::publisher::{Outcome, Publisher};
use super::reader::StreamReader;
use super::simulated::SimulatedStream;
use crate::clock;
use crate::journal::JournalId;
use crate::names::CommitSeq;

const ID: JournalId = JournalId([0x5a; 16]);
const LEASE: std::time::Duration = std::time::Duration::from_secs(2);

fn leader(node: &str) -> Leader {
    Leader { node: node.into(), address: format!("{node}:8080") }
}

fn claim(byte: u8) -> ClaimId {
    ClaimId([byte; 16])
}

/// A leader in one thread, which delivers what is on its way by itself.
struct Leading {
    stream: SimulatedStream,
    publisher: Publisher<u64>,
    outcomes: Arc<Mutex<Vec<Outcome>>>,
    lease: Arc<Lease>,
    /// The payloads of the acknowledged messages, in the order of their acknowledgements.
    acknowledged: Vec<u64>,
}

impl Leading {
    fn new(stream: &SimulatedStream, epoch: u64, position: Position) -> Self {
        let outcomes = Arc::new(Mutex::new(Vec::new()));
        let report = Arc::clone(&outcomes);
        let lease = Arc::new(Lease::new(clock::now(), LEASE));
        let publisher = Publisher::new(
            stream.as_stream(),
            ID,
            Epoch(epoch),
            position,
            Arc::clone(&lease),
            Arc::new(move |outcome| report.lock().unwrap().push(outcome)),
        );
        Self { stream: stream.clone(), publisher, outcomes, lease, acknowledged: Vec::new() }
    }

    fn add(&mut self, records: &[&[u8]], payload: u64) {
        self.publisher.add_records(records);
        self.publisher.attach(payload);
    }

    /// One turn: sends, lets one thing arrive, and takes what is acknowledged.
    fn turn(&mut self) -> Result<(), super::publisher::ResolveError> {
        self.turn_at(clock::now())
    }

    fn turn_at(&mut self, now: std::time::Instant) -> Result<(), super::publisher::ResolveError> {
        self.publisher.send(now);
        self.stream.step();
        let outcomes = std::mem::take(&mut *self.outcomes.lock().unwrap());
        outcomes.into_iter().for_each(|outcome| self.publisher.settle(outcome));
        if self.publisher.unresolved().is_some() {
            match self.publisher.resolve(now) {
                Err(super::publisher::ResolveError::Stream(_)) => {}
                done => done?,
            }
        }
        while let Some((_, payload)) = self.publisher.next_acknowledged() {
            self.acknowledged.extend(payload);
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), super::publisher::ResolveError> {
        while !self.publisher.is_idle() {
            self.turn()?;
        }
        Ok(())
    }
}

/// Everything in the stream, read from its beginning: its records, and its end.
fn read_all(stream: &SimulatedStream, from: Position) -> (Vec<(CommitSeq, Bytes)>, StreamReader) {
    let mut reader = StreamReader::new(ID, from);
    let mut records = Vec::new();
    for (at, bytes) in (from.sequence.0 + 1..).zip(stream.contents()) {
        records.extend(reader.read(StreamSeq(at), &bytes).unwrap().records);
    }
    (records, reader)
}

fn info_last(stream: &SimulatedStream) -> StreamSeq {
    stream.info().unwrap().last
}
