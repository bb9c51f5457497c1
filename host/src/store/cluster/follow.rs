//! Takes the commits of the other nodes from the stream into the stores and segments of this one.
//!
//! Invariant: a commit is applied whole, in order, and once, and only if the stream continues what this node has.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::error::JoinError;
use super::member::ClusterMember;
use super::view;
use crate::clock;
use crate::journal::Record;
use crate::journal::stream::{Messages, Position, Stream, StreamReader, StreamSeq};
use crate::names::{CommitSeq, ServiceName};
use crate::store::commit::part::Part;
use crate::store::services::Services;
use crate::tasks::CancellationToken;

/// How often a waiting node looks whether it should stop.
const LOOK_PERIOD: Duration = Duration::from_millis(200);

pub(super) struct Following<'a> {
    services: &'a Services,
    stream: Arc<dyn Stream>,
    reader: StreamReader,
    member: &'a ClusterMember<'a>,
    /// Whether another node shall lead first, because this one has just stepped down.
    yields: bool,
    /// The last message of the stream when the reading began.
    last: StreamSeq,
    /// When the last message came, or the reading began.
    heard: Instant,
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
        Self { services, stream, reader, member, yields: member.yields, last: StreamSeq(u64::MAX), heard: clock::now() }
    }

    pub(super) fn position(&self) -> Position {
        // Pieces of a record that no leader completed are behind it.
        Position { sequence: StreamSeq(self.reader.next().0 - 1), ..self.reader.position() }
    }

    /// Applies messages until none has come for `patience`. There is no leader to wait for in an empty stream, and after one
    /// has stepped down.
    pub(super) fn until_silence(&mut self, patience: Duration, cancelled: &CancellationToken) -> Result<(), JoinError> {
        self.last = self.stream.info()?.last;
        if self.last.0 == 0 {
            return Ok(());
        }
        self.tell();
        let mut messages = self.stream.messages(self.reader.next())?;
        self.heard = clock::now();
        loop {
            let patience = if self.reader.has_stepped_down() && !self.yields { Duration::ZERO } else { patience };
            let left = patience.saturating_sub(clock::elapsed(self.heard));
            if left.is_zero() && self.reader.next() > self.stream.info()?.last {
                return Ok(());
            }
            if cancelled.is_cancelled() {
                return Err(JoinError::Cancelled);
            }
            self.take_next(&mut *messages, left.min(LOOK_PERIOD))?;
        }
    }

    fn take_next(&mut self, messages: &mut dyn Messages, wait_max: Duration) -> Result<(), JoinError> {
        if let Some((sequence, bytes)) = messages.next(wait_max)? {
            self.take(sequence, &bytes)?;
            self.tell();
            self.heard = clock::now();
        }
        Ok(())
    }

    /// Tells the others what this node sees.
    fn tell(&self) {
        let leader = self.reader.leader().filter(|_| !self.reader.has_stepped_down());
        let is_current = self.reader.next() > self.last;
        view::saw(&self.member.view, self.position(), leader, is_current);
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
