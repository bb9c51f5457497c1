//! The leader's side of the stream: appends messages, several in flight, and finds out what became of those that were
//! not acknowledged.
//!
//! Invariant: a message is sent again only after a look at its place in the stream showed that it is not there. So each
//! message is in the stream once, and in order, or another node leads.
//!
//! A message in flight expects a number that it only assumes. When the message before it is lost, and a new leader's
//! message comes in its place, that number is right again: such a *straggler* of an earlier epoch can come behind the
//! beginning of the next one. Its leader never counts it, because the message before it is missing, and readers skip it. A
//! new leader sends one message at a time until no straggler fits any more.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::error::StreamError;
use super::interface::{Publish, PublishError, Stream, StreamInfo};
use super::lease::Lease;
use super::message::{CONTENT_BYTES_MAX, Content, Header, Leader, Message, PIECE_BYTES_MAX, block_bytes};
use super::position::{ClaimId, Epoch, Position, StreamSeq};
use crate::journal::frame::JournalId;
use crate::names::CommitSeq;
use crate::observe::cluster::PublishMetrics;

/// Messages that are sent before the first of them is acknowledged. With one, the time of each round trip is lost; with
/// more than four, nothing is won on servers that sync each message.
pub(crate) const IN_FLIGHT_MAX: usize = 4;

/// How long a stream may acknowledge nothing before its servers are asked to elect another leader of it: longer than an election
/// takes.
pub(crate) const SILENCE_MAX: Duration = Duration::from_secs(10);

/// Gets the outcome of each message that was sent.
pub(crate) type Report = Arc<dyn Fn(Outcome) + Send + Sync>;

/// What became of a message.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) sequence: StreamSeq,
    pub(crate) result: Result<(), PublishError>,
}

/// Another node leads: this one appends nothing any more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("another node leads the cluster{}", leads(.by))]
pub(crate) struct Fenced {
    pub(crate) by: Option<(Epoch, Leader)>,
}

fn leads(by: &Option<(Epoch, Leader)>) -> String {
    by.as_ref().map_or_else(String::new, |(epoch, leader)| format!(": {} in epoch {}", leader.node, epoch.0))
}

/// Why a message's fate is still unknown, or this node leads no more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ResolveError {
    #[error(transparent)]
    Fenced(#[from] Fenced),
    #[error(transparent)]
    Stream(#[from] StreamError),
}

/// Appends the messages of one epoch. `T` is what a message carries for its sender.
pub(crate) struct Publisher<T> {
    stream: Arc<dyn Stream>,
    journal: JournalId,
    epoch: Epoch,
    /// The position after the last message of `outgoing`.
    end: Position,
    /// Messages that are not acknowledged, in order. The first `sent` of them are in flight.
    outgoing: VecDeque<Outgoing<T>>,
    sent: usize,
    /// Distinguishes the ids of its messages while another node may send messages of the same epoch.
    claim: Option<ClaimId>,
    /// Whether the message that begins the epoch is in the stream. Before it, messages of other epochs are no stragglers.
    has_begun: bool,
    /// Messages up to this one are sent one at a time.
    alone_through: StreamSeq,
    lease: Arc<Lease>,
    report: Report,
    /// Whether it has asked for another leader of the stream since the last acknowledgement.
    has_asked: bool,
    metrics: PublishMetrics,
}

struct Outgoing<T> {
    bytes: Bytes,
    /// The position after it.
    end: Position,
    payload: Option<T>,
    /// When it was sent for the first time. It may be in the stream since then.
    sent: Option<Instant>,
    result: Option<Result<(), PublishError>>,
}

impl<T> fmt::Debug for Publisher<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher").field("epoch", &self.epoch).field("end", &self.end).finish_non_exhaustive()
    }
}

impl<T> Publisher<T> {
    /// Appends after `position`, the end of the stream, as the leader of `epoch`.
    pub(crate) fn new(
        stream: Arc<dyn Stream>,
        journal: JournalId,
        epoch: Epoch,
        position: Position,
        lease: Arc<Lease>,
        report: Report,
    ) -> Self {
        // A straggler expects at most the numbers that the messages in flight had after the end of its epoch.
        let alone_through = StreamSeq(position.sequence.0.saturating_add(IN_FLIGHT_MAX as u64));
        let (outgoing, has_begun) = (VecDeque::new(), position.epoch == epoch);
        Self {
            stream,
            journal,
            epoch,
            end: position,
            outgoing,
            sent: 0,
            claim: None,
            has_begun,
            alone_through,
            lease,
            report,
            has_asked: false,
            metrics: PublishMetrics::new(),
        }
    }

    /// The position after everything that was added.
    pub(crate) fn end(&self) -> Position {
        self.end
    }

    /// Adds the message that begins the epoch.
    pub(crate) fn add_epoch(&mut self, claim: ClaimId, leader: &Leader) {
        self.end.epoch = self.epoch;
        self.claim = Some(claim);
        self.add(&Content::Epoch { claim, leader: leader.clone() });
    }

    /// Adds a message that only says who leads.
    pub(crate) fn add_heartbeat(&mut self, leader: &Leader) {
        self.add(&Content::Heartbeat(leader.clone()));
    }

    /// Adds the message after which another node may lead.
    pub(crate) fn add_step_down(&mut self) {
        self.add(&Content::StepDown);
    }

    /// Adds records with the next numbers, at least one: as one message if they fit into one ([`Publisher::fits`]),
    /// otherwise it must be one record, which gets several messages.
    pub(crate) fn add_records(&mut self, records: &[&[u8]]) {
        match records {
            [large] if !Self::fits([large.len()]) => self.add_large(large),
            _ => {
                let header = self.header();
                let message = header.encode_records(records);
                for record in records {
                    self.end.number.0 += 1;
                    self.end.hash = self.end.hash.with(self.epoch, self.end.number, record);
                }
                self.push(message);
            }
        }
    }

    /// What the last message that was added carries.
    pub(crate) fn attach(&mut self, payload: T) {
        if let Some(last) = self.outgoing.back_mut() {
            last.payload = Some(payload);
        }
    }

    /// Whether records of these lengths fit into one message.
    pub(crate) fn fits(lengths: impl IntoIterator<Item = usize>) -> bool {
        lengths.into_iter().map(block_bytes).sum::<usize>() <= CONTENT_BYTES_MAX
    }

    fn add_large(&mut self, record: &[u8]) {
        let number = CommitSeq(self.end.number.0 + 1);
        let hash = self.end.hash.with(self.epoch, number, record);
        let pieces = record.chunks(PIECE_BYTES_MAX);
        let count = u32::try_from(pieces.len()).expect("a commit is bounded far below 4 GiB");
        for (index, piece) in (0..count).zip(pieces) {
            let content = Content::Piece { index, count, bytes: Bytes::copy_from_slice(piece) };
            let message = self.header().encode(&content);
            if index + 1 == count {
                (self.end.number, self.end.hash) = (number, hash);
            }
            self.push(message);
        }
    }

    fn header(&self) -> Header {
        Header::after(&self.end, self.journal, self.epoch)
    }

    fn add(&mut self, content: &Content) {
        let message = self.header().encode(content);
        self.push(message);
    }

    fn push(&mut self, message: Vec<u8>) {
        self.end.sequence.0 += 1;
        let (bytes, end) = (message.into(), self.end);
        self.outgoing.push_back(Outgoing { bytes, end, payload: None, sent: None, result: None });
    }

    /// Whether a further message would be sent at once.
    pub(crate) fn has_room(&self) -> bool {
        self.outgoing.len() < IN_FLIGHT_MAX
    }

    /// Whether everything that was added is acknowledged.
    pub(crate) fn is_idle(&self) -> bool {
        self.outgoing.is_empty()
    }

    /// Whether what it carries for its sender is acknowledged.
    pub(crate) fn carries_nothing(&self) -> bool {
        self.outgoing.iter().all(|message| message.payload.is_none())
    }

    /// Whether messages wait to be sent.
    pub(crate) fn has_unsent(&self) -> bool {
        self.outgoing.len() > self.sent
    }

    /// Sends messages up to the bound, unless the outcome of an earlier one is unknown.
    pub(crate) fn send(&mut self, now: Instant) {
        while self.sent < self.in_flight_max() && !self.has_failed() {
            let Some(message) = self.outgoing.get_mut(self.sent) else { return };
            message.sent.get_or_insert(now);
            let (sequence, bytes) = (message.end.sequence, message.bytes.clone());
            // The servers take a message with the id of another one for a repetition of that one.
            let claim = self.claim.map(|claim| claim.to_string()).unwrap_or_default();
            let id = format!("{}-{}-{}-{claim}", self.journal, self.epoch.0, sequence.0);
            let publish = Publish { after: StreamSeq(sequence.0 - 1), id, bytes };
            self.sent += 1;
            self.metrics.published.increment(1);
            let report = Arc::clone(&self.report);
            self.stream.publish(publish, Box::new(move |result| report(Outcome { sequence, result })));
        }
    }

    /// How many messages may be in flight.
    fn in_flight_max(&self) -> usize {
        let first = self.outgoing.front().map_or(self.end.sequence.0 + 1, |message| message.end.sequence.0);
        if first > self.alone_through.0 { IN_FLIGHT_MAX } else { 1 }
    }

    /// Notes the outcome of a message.
    pub(crate) fn settle(&mut self, outcome: Outcome) {
        let mut in_flight = self.outgoing.iter_mut().take(self.sent);
        if let Some(message) = in_flight.find(|message| message.end.sequence == outcome.sequence) {
            match &outcome.result {
                Ok(()) => self.metrics.acknowledged.increment(1),
                Err(_) => self.metrics.unacknowledged.increment(1),
            }
            message.result = Some(outcome.result);
        }
    }

    /// The next message that is acknowledged together with all before it: its payload, and the position after it.
    pub(crate) fn next_acknowledged(&mut self) -> Option<(Position, Option<T>)> {
        let message = self.outgoing.pop_front_if(|message| matches!(message.result, Some(Ok(()))))?;
        self.sent -= 1;
        (self.has_begun, self.has_asked) = (true, false);
        if let Some(sent) = message.sent {
            self.lease.renew(sent);
        }
        Some((message.end, message.payload))
    }

    fn has_failed(&self) -> bool {
        self.outgoing.iter().take(self.sent).any(|message| matches!(message.result, Some(Err(_))))
    }

    /// Why a message was not acknowledged, once nothing is in flight any more: it is time to [`Publisher::resolve`].
    pub(crate) fn unresolved(&self) -> Option<&PublishError> {
        let mut in_flight = self.outgoing.iter().take(self.sent);
        if in_flight.clone().any(|message| message.result.is_none()) {
            return None;
        }
        in_flight.find_map(|message| message.result.as_ref().and_then(|result| result.as_ref().err()))
    }

    /// For how long the stream has acknowledged nothing of what it was sent, at `now`.
    pub(crate) fn silence(&self, now: Instant) -> Duration {
        let first = self.outgoing.iter().find(|message| !matches!(message.result, Some(Ok(()))));
        let sent = first.and_then(|message| message.sent);
        sent.map_or(Duration::ZERO, |sent| now.saturating_duration_since(sent))
    }

    /// Whether it has asked for another leader of the stream, and still waits for an acknowledgement.
    pub(crate) fn has_asked_to_elect(&self) -> bool {
        self.has_asked
    }

    /// Asks the servers of a silent stream to elect another leader of it, once: some block writes until then.
    fn ask_to_elect(&mut self, now: Instant) {
        let silence = self.silence(now);
        if self.has_asked || silence < SILENCE_MAX {
            return;
        }
        self.has_asked = true;
        self.metrics.elections_asked.increment(1);
        match self.stream.elect_leader() {
            Ok(()) => tracing::warn!(
                ?silence,
                "the stream acknowledges nothing: NATS was asked to elect another leader of it"
            ),
            Err(error) => {
                tracing::error!(?silence, %error, "the stream acknowledges nothing, and NATS elects no other leader of it");
            }
        }
    }

    /// Looks into the stream for the messages that were not acknowledged. Those that are there count as acknowledged;
    /// the others will be sent again.
    ///
    /// # Errors
    ///
    /// [`ResolveError::Fenced`] if a message of another node is in the place of one of them; otherwise the stream did not
    /// answer or is damaged, and this is called again later.
    pub(crate) fn resolve(&mut self, now: Instant) -> Result<(), ResolveError> {
        self.ask_to_elect(now);
        for message in self.outgoing.iter_mut().take(self.sent) {
            match self.stream.get(message.end.sequence)? {
                Some(found) if found == message.bytes => message.result = Some(Ok(())),
                Some(found) if self.has_begun && is_straggler(&found, self.epoch) => {
                    self.move_behind_a_straggler();
                    return Ok(());
                }
                Some(found) => return Err(Fenced { by: leader_in(&found) }.into()),
                None => {
                    ends_before(&*self.stream, message.end.sequence)?;
                    break;
                }
            }
        }
        // The stream has no gaps: if one is missing, so are all after it.
        let found = self.outgoing.iter().take(self.sent).take_while(|message| matches!(message.result, Some(Ok(()))));
        self.sent = found.count();
        self.outgoing.iter_mut().skip(self.sent).for_each(|message| message.result = None);
        Ok(())
    }

    /// Gives every message the next place: a straggler is in the place of the first one, which was sent alone.
    fn move_behind_a_straggler(&mut self) {
        for message in &mut self.outgoing {
            message.end.sequence.0 += 1;
            message.result = None;
        }
        self.end.sequence.0 += 1;
        self.sent = 0;
    }
}

/// Checks that a stream without the message `due` has the message before it, which was acknowledged.
fn ends_before(stream: &dyn Stream, due: StreamSeq) -> Result<(), StreamError> {
    let StreamInfo { first, last, .. } = stream.info()?;
    // The message may have come since the look.
    if first <= due && last.0.saturating_add(1) >= due.0 {
        return Ok(());
    }
    Err(StreamError::Cut { first: first.0, last: last.0, due: due.0 })
}

/// Whether this message is of an earlier epoch than `epoch`.
fn is_straggler(bytes: &Bytes, epoch: Epoch) -> bool {
    Message::decode(bytes).is_ok_and(|message| message.epoch < epoch)
}

/// Who began an epoch with this message, if one does.
fn leader_in(bytes: &Bytes) -> Option<(Epoch, Leader)> {
    let message = Message::decode(bytes).ok()?;
    match message.content {
        Content::Epoch { leader, .. } => Some((message.epoch, leader)),
        _ => None,
    }
}
