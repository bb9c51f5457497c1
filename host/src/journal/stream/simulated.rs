//! A stream for tests, behind a network that delays, loses, repeats and reorders what is sent, in the same way for the same
//! seed.
//!
//! Nothing happens by itself: each [`SimulatedStream::step`] delivers one message or one acknowledgement of those that
//! are on their way, or loses it.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "it is a part of tests, also where they are a program"
)]
#![cfg_attr(not(test), allow(dead_code, reason = "the tests of the journal use more of it than the simulator"))]

mod objects;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use bytes::Bytes;

use self::objects::SimulatedObjects;
use super::error::StreamError;
use super::interface::{Done, Messages, Publish, PublishError, Stream, StreamInfo};
use super::objects::Objects;
use super::position::StreamSeq;
use crate::clock;
use crate::journal::frame::JournalId;
use crate::journal::simulated::Random;

/// How often the network and the servers fail, in percent.
#[derive(Debug, Clone, Copy, Default)]
pub struct StreamFaults {
    /// A message does not arrive.
    pub lost: u64,
    /// A message arrives twice.
    pub repeated: u64,
    /// The servers refuse a message, as without a leader of their own.
    pub refused: u64,
    /// An acknowledgement does not arrive.
    pub acks_lost: u64,
    /// The sender of a message gives up before it arrives.
    pub given_up: u64,
    /// A question to the servers has no answer.
    pub unavailable: u64,
}

/// A stream that exists only in memory. Clones are the same stream.
#[derive(Clone)]
pub struct SimulatedStream(Arc<Shared>);

struct Shared {
    world: Mutex<World>,
    objects: Arc<SimulatedObjects>,
    /// Notified when a message is appended or something is on its way.
    moved: Condvar,
}

struct World {
    messages: Vec<(String, Bytes)>,
    /// Messages that were purged.
    purged: usize,
    /// What is on its way, in any order.
    network: Vec<Packet>,
    faults: StreamFaults,
    random: Random,
    closed: bool,
    journal: JournalId,
    /// Consumers that were opened before this many were lost deliver nothing.
    consumers_lost: u64,
    /// How many consumers were ever opened.
    consumers: u64,
    /// A consumer delivers nothing for so long after it was opened, as over a slow link.
    delay: Duration,
    exists: bool,
    /// Whether the next recreation fails after the deletion.
    fails_to_create: bool,
    /// No message is stored until another leader of the stream is elected.
    blocked: bool,
    elections: u32,
}

enum Packet {
    /// A message, and who waits for its outcome. A repeated one, or one whose sender gave up, has nobody.
    Message(Publish, Option<Done>),
    Outcome(Result<(), PublishError>, Done),
}

impl fmt::Debug for SimulatedStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulatedStream").field("messages", &self.lock().messages.len()).finish_non_exhaustive()
    }
}

impl SimulatedStream {
    /// An empty stream without faults.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let (messages, network) = (Vec::new(), Vec::new());
        let (faults, journal) = (StreamFaults::default(), JournalId(u128::from(seed).to_le_bytes()));
        let world = World {
            messages,
            purged: 0,
            network,
            faults,
            random: Random(seed),
            closed: false,
            journal,
            consumers_lost: 0,
            consumers: 0,
            delay: Duration::ZERO,
            exists: true,
            fails_to_create: false,
            blocked: false,
            elections: 0,
        };
        Self(Arc::new(Shared { world: Mutex::new(world), objects: Arc::default(), moved: Condvar::new() }))
    }

    pub fn set_faults(&self, faults: StreamFaults) {
        self.lock().faults = faults;
    }

    pub(crate) fn as_stream(&self) -> Arc<dyn Stream> {
        Arc::new(self.clone())
    }

    /// All messages.
    pub(crate) fn contents(&self) -> Vec<Bytes> {
        self.lock().messages.iter().map(|(_, bytes)| bytes.clone()).collect()
    }

    /// Changes the messages, as a faulty server does.
    pub(crate) fn damage(&self, change: impl FnOnce(&mut Vec<Bytes>)) {
        let mut world = self.lock();
        let mut messages = world.messages.iter().map(|(_, bytes)| bytes.clone()).collect();
        change(&mut messages);
        world.messages = messages.into_iter().map(|bytes| (String::new(), bytes)).collect();
    }

    /// How many consumers were ever opened.
    pub(crate) fn consumers(&self) -> u64 {
        self.lock().consumers
    }

    /// Loses the server that delivers to all consumers there are: they get nothing more, and no error.
    pub(crate) fn lose_consumers(&self) {
        self.lock().consumers_lost += 1;
    }

    /// From now on each consumer takes so long to deliver its first message.
    pub(crate) fn delay_consumers(&self, delay: Duration) {
        self.lock().delay = delay;
    }

    /// Deletes the stream, as an operator does.
    pub(crate) fn delete(&self) {
        self.lock().delete();
        self.0.moved.notify_all();
    }

    /// The next recreation fails after the deletion.
    pub(crate) fn fail_to_create(&self) {
        self.lock().fails_to_create = true;
    }

    /// From now on no message is stored, until another leader of the stream is elected.
    pub(crate) fn block(&self) {
        self.lock().blocked = true;
    }

    /// How often another leader of the stream was elected.
    pub(crate) fn elections(&self) -> u32 {
        self.lock().elections
    }

    /// From now on only so many calls of the object store are answered; `None`: all are.
    pub fn answer_objects(&self, calls: Option<u64>) {
        self.0.objects.answer(calls);
    }

    /// All objects.
    pub(crate) fn stored_objects(&self) -> BTreeMap<String, Bytes> {
        self.0.objects.all()
    }

    /// Changes the objects, as a faulty server does.
    pub(crate) fn damage_objects(&self, change: impl FnOnce(&mut BTreeMap<String, Bytes>)) {
        self.0.objects.change(change);
    }

    /// Delivers one of the things on their way, whichever the seed chooses; false if there is none.
    pub fn step(&self) -> bool {
        let mut world = self.lock();
        let Some(last) = world.network.len().checked_sub(1) else { return false };
        let chosen = usize::try_from(world.random.below(last as u64 + 1)).unwrap();
        let packet = world.network.swap_remove(chosen);
        let done = world.deliver(packet);
        drop(world);
        self.0.moved.notify_all();
        if let Some((result, done)) = done {
            done(result);
        }
        true
    }

    /// Loses everything that is on its way.
    pub fn lose_all(&self) {
        self.lock().network.clear();
    }

    /// Delivers until [`SimulatedStream::close`]; for a thread of its own.
    pub fn run(&self) {
        loop {
            while self.step() {}
            let world =
                self.0.moved.wait_while(self.lock(), |world| world.network.is_empty() && !world.closed).unwrap();
            if world.closed && world.network.is_empty() {
                return;
            }
        }
    }

    /// Ends [`SimulatedStream::run`] when nothing is on its way.
    pub fn close(&self) {
        self.lock().closed = true;
        self.0.moved.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, World> {
        self.0.world.lock().unwrap()
    }

    fn is_unavailable(&self) -> Result<(), StreamError> {
        let mut world = self.lock();
        let percent = world.faults.unavailable;
        match world.happens(percent) {
            true => Err(StreamError::Unavailable { why: "planned".into() }),
            false if !world.exists => Err(StreamError::Missing),
            false => Ok(()),
        }
    }
}

impl World {
    fn delete(&mut self) {
        (self.exists, self.purged) = (false, 0);
        self.messages.clear();
    }

    fn happens(&mut self, percent: u64) -> bool {
        percent > 0 && self.random.below(100) < percent
    }

    fn last(&self) -> StreamSeq {
        StreamSeq((self.purged + self.messages.len()) as u64)
    }

    fn deliver(&mut self, packet: Packet) -> Option<(Result<(), PublishError>, Done)> {
        let (publish, done) = match packet {
            Packet::Outcome(result, done) => return Some((result, done)),
            Packet::Message(publish, done) => (publish, done),
        };
        let faults = self.faults;
        let no_ack = || Err(PublishError { why: "no acknowledgement in time".into() });
        if self.happens(faults.given_up) && done.is_some() {
            self.network.push(Packet::Message(publish, None));
            return Some(no_ack()).zip(done);
        }
        if self.happens(faults.lost) {
            return Some(no_ack()).zip(done);
        }
        if self.happens(faults.repeated) {
            self.network.push(Packet::Message(publish.clone(), None));
        }
        let result = if self.happens(faults.refused) {
            Err(PublishError { why: "the servers have no leader".into() })
        } else {
            self.append(publish)
        };
        let result = if self.happens(faults.acks_lost) { no_ack() } else { result };
        self.network.extend(done.map(|done| Packet::Outcome(result, done)));
        None
    }

    fn append(&mut self, publish: Publish) -> Result<(), PublishError> {
        if self.messages.iter().any(|(id, _)| *id == publish.id) {
            return Ok(());
        }
        if self.blocked {
            return Err(PublishError { why: "no acknowledgement in time".into() });
        }
        if !self.exists {
            return Err(PublishError { why: "no stream has this subject".into() });
        }
        if publish.after != self.last() {
            let why = format!("wrong last sequence: {}", self.last().0);
            return Err(PublishError { why });
        }
        self.messages.push((publish.id, publish.bytes));
        Ok(())
    }

    fn message(&self, sequence: StreamSeq) -> Option<Bytes> {
        let at = usize::try_from(sequence.0).unwrap().checked_sub(self.purged + 1)?;
        self.messages.get(at).map(|(_, bytes)| bytes.clone())
    }
}

impl Stream for SimulatedStream {
    fn publish(&self, publish: Publish, done: Done) {
        self.lock().network.push(Packet::Message(publish, Some(done)));
        self.0.moved.notify_all();
    }

    fn get(&self, sequence: StreamSeq) -> Result<Option<Bytes>, StreamError> {
        self.is_unavailable()?;
        Ok(self.lock().message(sequence))
    }

    fn messages(&self, from: StreamSeq) -> Result<Box<dyn Messages>, StreamError> {
        self.is_unavailable()?;
        self.lock().consumers += 1;
        let lost_before = self.lock().consumers_lost;
        Ok(Box::new(SimulatedMessages { stream: self.clone(), next: from, lost_before, opened: clock::now() }))
    }

    fn info(&self) -> Result<StreamInfo, StreamError> {
        self.is_unavailable()?;
        let world = self.lock();
        let bytes = world.messages.iter().map(|(_, bytes)| bytes.len() as u64).sum();
        Ok(StreamInfo { first: StreamSeq(world.purged as u64 + 1), last: world.last(), bytes })
    }

    fn new_journal(&self) -> Result<JournalId, StreamError> {
        self.is_unavailable()?;
        Ok(self.lock().journal)
    }

    fn purge_through(&self, sequence: StreamSeq) -> Result<(), StreamError> {
        self.is_unavailable()?;
        let mut world = self.lock();
        let through = usize::try_from(sequence.0).unwrap().saturating_sub(world.purged).min(world.messages.len());
        world.messages.drain(..through);
        world.purged += through;
        Ok(())
    }

    fn recreate(&self, first: StreamSeq) -> Result<(), StreamError> {
        let mut world = self.lock();
        world.delete();
        if std::mem::take(&mut world.fails_to_create) {
            return Err(StreamError::unavailable("planned"));
        }
        (world.exists, world.purged) = (true, usize::try_from(first.0).unwrap() - 1);
        drop(world);
        self.0.moved.notify_all();
        Ok(())
    }

    fn elect_leader(&self) -> Result<(), StreamError> {
        let mut world = self.lock();
        world.elections += 1;
        world.blocked = false;
        Ok(())
    }

    fn objects(&self) -> Arc<dyn Objects> {
        Arc::<SimulatedObjects>::clone(&self.0.objects)
    }
}

struct SimulatedMessages {
    stream: SimulatedStream,
    next: StreamSeq,
    lost_before: u64,
    opened: Instant,
}

impl Messages for SimulatedMessages {
    fn next(&mut self, wait_max: Duration) -> Result<Option<(StreamSeq, Bytes)>, StreamError> {
        self.stream.is_unavailable()?;
        let (lost_before, opened) = (self.lost_before, self.opened);
        let is_lost = |world: &World| world.consumers_lost > lost_before || clock::elapsed(opened) < world.delay;
        let is_absent = |world: &mut World| (world.last() < self.next || is_lost(world)) && !world.closed;
        let world = self.stream.0.moved.wait_timeout_while(self.stream.lock(), wait_max, is_absent).unwrap().0;
        if is_lost(&world) {
            return Ok(None);
        }
        // As NATS does: it goes on with the oldest message that it has.
        let sequence = self.next.max(StreamSeq(world.purged as u64 + 1));
        let message = world.message(sequence).map(|bytes| (sequence, bytes));
        if message.is_some() {
            self.next = StreamSeq(sequence.0 + 1);
        }
        Ok(message)
    }
}
