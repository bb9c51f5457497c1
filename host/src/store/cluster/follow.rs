//! Takes the commits of the other nodes from the stream into the stores and segments of this one.
//!
//! Invariant: a commit is applied whole, in order, and once, and only if the stream continues what this node has.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::error::JoinError;
use super::identity::identify;
use super::member::ClusterMember;
use super::view;
use crate::clock;
use crate::journal::Record;
use crate::journal::stream::{Position, Stream, StreamReader, StreamSeq};
use crate::names::{CommitSeq, ServiceName};
use crate::store::commit::part::Part;
use crate::store::services::Services;
use crate::tasks::CancellationToken;

/// How often a waiting node looks whether it should stop.
const LOOK_PERIOD: Duration = Duration::from_millis(200);
/// So that a node that has waited long enough does not ask the servers without a pause.
const WAIT_MIN: Duration = Duration::from_millis(1);

/// A node that gets no message for so long looks whether there is one: the server that sends them to this node may be lost,
/// which the NATS client finds out half a minute later. Longer than a leader is silent, and shorter than a lease.
const STUCK_AFTER: Duration = Duration::from_secs(1);
/// A new consumer gets twice as long as the one before it to deliver a message: over a slow link a large one takes its time.
const STUCK_AFTER_MAX: Duration = Duration::from_secs(32);

/// The time until a node tries again to read the stream.
const RETRY_PERIOD: Duration = Duration::from_millis(200);

/// For how long a stream may lack messages that this node has: a server that has just become its leader may say so before it
/// has read its own log.
const BEHIND_MAX: Duration = Duration::from_secs(10);

/// Why a node reads no further.
enum End {
    /// Nobody leads.
    Silence,
    /// Messages are in the stream and do not come.
    Stuck,
}

pub(super) struct Following<'a> {
    services: &'a Services,
    stream: Arc<dyn Stream>,
    reader: StreamReader,
    member: &'a ClusterMember<'a>,
    /// Whether another node shall lead first, because this one has just stepped down.
    yields: bool,
    /// The last message of the stream when this node looked.
    last: StreamSeq,
    /// When the last message came that was sent after that look. Its leader was there at most a moment earlier.
    heard: Instant,
    /// How long the current consumer may deliver nothing although there is something.
    stuck_after: Duration,
}

impl<'a> Following<'a> {
    /// Goes on after `position`, up to which the stores have everything.
    pub(super) fn new(
        services: &'a Services,
        stream: Arc<dyn Stream>,
        position: Position,
        member: &'a ClusterMember<'a>,
    ) -> Self {
        let reader = StreamReader::new(services.journal, position);
        Self {
            services,
            stream,
            reader,
            member,
            yields: member.yields,
            last: StreamSeq(u64::MAX),
            heard: clock::now(),
            stuck_after: STUCK_AFTER,
        }
    }

    pub(super) fn position(&self) -> Position {
        // Pieces of a record that no leader completed are behind it.
        Position { sequence: StreamSeq(self.reader.next().0 - 1), ..self.reader.position() }
    }

    /// Applies messages until none has come for `patience`. There is no leader to wait for in an empty stream, and after one
    /// has stepped down. While the servers do not answer, it tries again.
    pub(super) fn until_silence(&mut self, patience: Duration, cancelled: &CancellationToken) -> Result<(), JoinError> {
        let mut failing_since = None;
        loop {
            let error = match self.read(patience, cancelled, &mut failing_since) {
                Ok(End::Silence) => return Ok(()),
                Ok(End::Stuck) => {
                    tracing::warn!(
                        "the servers of the stream sent this node nothing, although there is more: it opens another consumer"
                    );
                    self.stuck_after = (self.stuck_after * 2).min(STUCK_AFTER_MAX);
                    continue;
                }
                Err(error) => error,
            };
            let since = *failing_since.get_or_insert_with(|| {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "this node does not get the stream of its cluster; it tries again"
                );
                clock::now()
            });
            match error {
                JoinError::Stream(error) if !error.is_damage() => {}
                JoinError::Behind { .. } if clock::elapsed(since) < BEHIND_MAX => {}
                error => return Err(error),
            }
            std::thread::park_timeout(RETRY_PERIOD);
        }
    }

    /// Reads on from where this node is, if the stream continues that.
    fn read(
        &mut self,
        patience: Duration,
        cancelled: &CancellationToken,
        failing_since: &mut Option<Instant>,
    ) -> Result<End, JoinError> {
        if cancelled.is_cancelled() {
            return Err(JoinError::Cancelled);
        }
        identify(&*self.stream, self.position(), Some(self.services.journal))?;
        self.look()?;
        if self.last.0 == 0 {
            return Ok(End::Silence);
        }
        self.tell();
        let mut messages = self.stream.messages(self.reader.next())?;
        if failing_since.take().is_some() {
            tracing::info!("this node gets the stream of its cluster again");
        }
        let mut received = clock::now();
        loop {
            if cancelled.is_cancelled() {
                return Err(JoinError::Cancelled);
            }
            let patience = if self.reader.has_stepped_down() && !self.yields { Duration::ZERO } else { patience };
            let left = patience.saturating_sub(clock::elapsed(self.heard));
            if left.is_zero() && self.has_all() {
                self.look()?;
                if self.has_all() {
                    return Ok(End::Silence);
                }
            }
            if clock::elapsed(received) >= self.stuck_after {
                self.look()?;
                if !self.has_all() {
                    return Ok(End::Stuck);
                }
                received = clock::now();
            }
            if let Some((sequence, bytes)) = messages.next(left.clamp(WAIT_MIN, LOOK_PERIOD))? {
                if sequence > self.last {
                    self.heard = clock::now();
                }
                self.take(sequence, &bytes)?;
                self.tell();
                // Its own work was no silence of the servers.
                (received, self.stuck_after) = (clock::now(), STUCK_AFTER);
            }
        }
    }

    /// Looks how far the stream goes. A message that is new in it was sent before now, however late it comes.
    fn look(&mut self) -> Result<(), JoinError> {
        self.last = self.stream.info()?.last;
        let has = StreamSeq(self.reader.next().0 - 1);
        if self.last < has {
            return Err(JoinError::Behind { last: self.last.0, has: has.0 });
        }
        if !self.has_all() {
            self.heard = clock::now();
        }
        Ok(())
    }

    /// Whether this node has all messages that it knows of.
    fn has_all(&self) -> bool {
        self.reader.next() > self.last
    }

    /// Tells the others what this node sees.
    fn tell(&self) {
        let leader = self.reader.leader().filter(|_| !self.reader.has_stepped_down());
        let is_current = self.has_all();
        view::saw(&self.member.view, self.position(), leader, is_current, self.heard);
        if is_current {
            self.member.observer.is_current();
        }
    }

    fn take(&mut self, sequence: StreamSeq, bytes: &Bytes) -> Result<(), JoinError> {
        let read = self.reader.read(sequence, bytes)?;
        // The other one leads.
        self.yields &= !read.begins_epoch;
        let journal = &self.services.pipeline.journal;
        let last = journal.last();
        let mut any = false;
        // A node that was killed may have records that its last mark does not cover.
        for (number, bytes) in read.records.iter().filter(|(number, _)| *number > last) {
            let record = Record::decode(bytes).map_err(|source| JoinError::Record { number: *number, source })?;
            self.apply(*number, record, bytes)?;
            any = true;
        }
        if any {
            journal.mark(self.reader.position()).map_err(|error| JoinError::Apply(error.into()))?;
        }
        Ok(())
    }

    fn apply(&self, number: CommitSeq, record: Record, bytes: &Bytes) -> Result<(), JoinError> {
        let time = record.time_unix_micros;
        let (mut parts, mut dropped) = (Vec::new(), Vec::new());
        if let Some(platform) = record.sections.iter().find(|section| section.service == ServiceName::platform()) {
            let mut keys = platform.writes.iter().filter_map(|(key, _)| key.component_text());
            self.member.observer.before_platform_commit(&mut keys);
        }
        for section in record.sections {
            let store = self.services.store_to_apply(&section.service).map_err(failed)?;
            if section.dropped {
                dropped.push(section.service.clone());
            }
            parts.push(Part::received(Arc::clone(store.shared_state()), section)?);
        }
        let applied =
            self.services.pipeline.apply(parts, bytes, time).map_err(|error| JoinError::Apply(error.into()))?;
        debug_assert_eq!(applied, number, "the reader checks the numbers");
        dropped.iter().try_for_each(|service: &ServiceName| self.services.remove_dropped(service).map_err(failed))
    }
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> JoinError {
    JoinError::Store(Box::new(error))
}
