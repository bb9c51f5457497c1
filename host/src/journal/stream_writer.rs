//! The writer thread of a journal that is a stream. A leader appends its records to the stream; a follower has them from
//! there. Both also write them into the segments of their node, which a start reads before it asks the stream.
//!
//! Invariant: a record is in the segments, and counts as durable, only when the stream has acknowledged it and all before
//! it.

use std::io;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::batch::Gathering;
use super::frame::{Body, FrameKind};
use super::segment_writer::SegmentWriter;
use super::shared::{POSITION_FRAME_BYTES, Queued, Shared, State};
use super::stream::{Outcome, Position, Publisher, ResolveError};
use crate::clock;
use crate::fail_point::{Sabotage, is_broken};
use crate::names::CommitSeq;
use crate::observe::LogLimit;

/// The time between two looks into a stream that does not answer.
const RESOLVE_AFTER: Duration = Duration::from_millis(200);

/// The shortest time between two looks into a stream that answers.
const RESOLVE_PERIOD_MIN: Duration = Duration::from_millis(20);

/// How long a leader whose stream has lost messages waits for them, and for another leader of the stream that may have them. Then
/// it leads no more.
const DAMAGED_MAX: Duration = Duration::from_secs(20);

const SILENT: &str =
    "the stream acknowledges nothing, and NATS was asked to elect another leader of it: look at the NATS servers";

/// How long a close waits for the last acknowledgements. Their callers have no answer, and retry.
const CLOSE_MAX: Duration = Duration::from_secs(5);

/// Messages without records, after which a mark says where the stream continues: a few minutes of heartbeats.
const UNMARKED_MAX: u32 = 500;

pub(super) struct StreamWriter {
    shared: Arc<Shared>,
    segments: SegmentWriter,
    publisher: Option<Publisher<Vec<Queued>>>,
    /// The last record that was taken out of the queue.
    taken: CommitSeq,
    /// The last record that is written into the segments.
    written: CommitSeq,
    /// What this node has of the stream.
    position: Position,
    heartbeat: Duration,
    /// When it said the last time that this node leads.
    beaten: Instant,
    /// When to look again for messages whose fate is unknown.
    resolve_at: Option<Instant>,
    /// When it looked for them the last time.
    resolved: Instant,
    /// When the close began.
    closing: Option<Instant>,
    has_stepped_down: bool,
    gathering: Gathering,
    log: LogLimit,
    /// Messages without records since the last mark.
    unmarked: u32,
}

/// The next work of the writer.
enum Work {
    Records(Vec<Queued>),
    Outcomes(Vec<Outcome>),
    Resolve,
    Heartbeat,
    StepDown,
    Sync,
    End,
}

impl StreamWriter {
    /// Continues after `position`.
    pub(super) fn new(shared: Arc<Shared>, position: Position, heartbeat: Duration) -> Self {
        let last = shared.watermark.durable();
        let segments = SegmentWriter::new(Arc::clone(&shared));
        Self {
            shared,
            segments,
            publisher: None,
            taken: last,
            written: last,
            position,
            heartbeat,
            beaten: clock::now(),
            resolve_at: None,
            resolved: clock::now(),
            closing: None,
            has_stepped_down: false,
            gathering: Gathering::default(),
            log: LogLimit::default(),
            unmarked: 0,
        }
    }

    /// Runs until the journal is closed and everything is written, or it can write no more.
    pub(super) fn run(mut self) -> io::Result<()> {
        let done = self.write_all();
        if let Err(error) = &done {
            tracing::error!(%error, "the journal has stopped: restart the host");
            self.shared.stop(&format!("{error}: restart the host"));
        }
        done
    }

    fn write_all(&mut self) -> io::Result<()> {
        loop {
            match self.next_work() {
                Work::Records(batch) => self.take(batch)?,
                Work::Outcomes(outcomes) => self.settle(outcomes)?,
                Work::Resolve => self.resolve()?,
                Work::Heartbeat => self.beat(),
                Work::StepDown => self.step_down(),
                Work::Sync => self.sync()?,
                Work::End => break,
            }
        }
        // Then the next start knows that all of it is durable, and where the stream continues.
        self.sync()?;
        self.mark_if_room()?;
        self.segments.finish()?;
        match self.publisher.as_ref().is_none_or(Publisher::carries_nothing) {
            true => Ok(()),
            false => Err(io::Error::other("the stream of the cluster did not acknowledge the last commits")),
        }
    }

    /// Waits for the next work.
    fn next_work(&mut self) -> Work {
        let shared = Arc::clone(&self.shared);
        let mut state = shared.lock();
        loop {
            self.take_the_lead(&mut state);
            let now = clock::now();
            if state.closing {
                self.closing.get_or_insert(now);
            }
            if let Some(work) = self.work_now(&mut state, now) {
                state.writer_waits = false;
                return match work {
                    Work::Records(_) => {
                        state = self.gathering.gather(&shared, state);
                        Work::Records(self.take_queued(&mut state))
                    }
                    work => work,
                };
            }
            state.writer_waits = true;
            state = match self.next_time().map(|time| time.saturating_duration_since(now)) {
                Some(wait) => shared.work.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0,
                None => shared.work.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// Begins to lead once everything that came from the stream is written.
    fn take_the_lead(&mut self, state: &mut State) {
        if state.queue.is_empty()
            && let Some(publisher) = state.lead.take()
        {
            (self.position, self.publisher) = (publisher.end(), Some(publisher));
            (state.leads, state.acknowledged) = (true, Some(self.position));
            state.published = self.written;
            self.shared.room.notify_waiters();
        }
    }

    /// What there is to do at `now`. The records are still in the queue.
    fn work_now(&self, state: &mut State, now: Instant) -> Option<Work> {
        if !state.outcomes.is_empty() {
            return Some(Work::Outcomes(std::mem::take(&mut state.outcomes)));
        }
        if self.resolve_at.is_some_and(|at| at <= now) {
            return Some(Work::Resolve);
        }
        let in_segments = self.shared.in_segments.as_ref().map_or(self.written, |in_segments| in_segments.durable());
        if state.wanted_in_segments > in_segments && self.written > in_segments {
            return Some(Work::Sync);
        }
        let is_wanted = self.publisher.is_none() || state.wanted > self.taken || self.shared.is_full(state);
        let has_room = self.publisher.as_ref().is_none_or(Publisher::has_room);
        if !state.queue.is_empty() && has_room && (is_wanted || state.closing) {
            return Some(Work::Records(Vec::new()));
        }
        let is_idle = self.publisher.as_ref().is_none_or(Publisher::is_idle);
        let gives_up = self.closing.is_some_and(|since| now.saturating_duration_since(since) >= CLOSE_MAX);
        if state.closing && (gives_up || (state.queue.is_empty() && is_idle)) {
            let leads = self.publisher.is_some() && !self.has_stepped_down;
            return Some(if leads && !gives_up { Work::StepDown } else { Work::End });
        }
        self.next_beat().is_some_and(|beat| beat <= now).then_some(Work::Heartbeat)
    }

    /// When there is something to do although nobody wakes this thread.
    fn next_time(&self) -> Option<Instant> {
        let close = self.closing.map(|since| since + CLOSE_MAX);
        [self.resolve_at, self.next_beat(), close].into_iter().flatten().min()
    }

    /// When to say again that this node leads, unless messages wait for the servers anyway.
    fn next_beat(&self) -> Option<Instant> {
        let publisher = self.publisher.as_ref()?;
        (publisher.has_room() && self.resolve_at.is_none() && !self.has_stepped_down)
            .then_some(self.beaten + self.heartbeat)
    }

    /// Takes the records of one message; of a follower, everything.
    fn take_queued(&self, state: &mut State) -> Vec<Queued> {
        if self.publisher.is_none() {
            return state.queue.drain(..).collect();
        }
        let count_max = self.shared.batch_commits_max.max(1);
        let fits =
            |count: usize| Publisher::<()>::fits(state.queue.iter().take(count).map(|queued| queued.body.bytes()));
        let mut count = 1;
        while count < count_max && count < state.queue.len() && fits(count + 1) {
            count += 1;
        }
        let count = count.min(state.queue.len());
        state.queue.drain(..count).collect()
    }

    fn take(&mut self, batch: Vec<Queued>) -> io::Result<()> {
        let records = batch.iter().filter(|queued| queued.body.kind().is_record());
        self.taken.0 += records.clone().count() as u64;
        if self.publisher.is_none() {
            return self.write(batch, None);
        }
        let records: Vec<&[u8]> = records.map(|queued| queued.body.as_bytes()).collect();
        if let Some(publisher) = &mut self.publisher {
            publisher.add_records(&records);
            // It goes along until it is acknowledged, and then into the segments.
            publisher.attach(batch);
            // Before it is sent: from then on other nodes may show it.
            self.shared.lock().published = self.taken;
        }
        self.send();
        if is_broken(Sabotage::AnswerBeforeAck) {
            self.shared.watermark.advance(self.taken);
        }
        Ok(())
    }

    fn send(&mut self) {
        let now = clock::now();
        if let Some(publisher) = self.publisher.as_mut().filter(|publisher| publisher.has_unsent()) {
            publisher.send(now);
        }
    }

    fn beat(&mut self) {
        self.beaten = clock::now();
        if let (Some(publisher), Some(node)) = (&mut self.publisher, self.shared.node.get()) {
            publisher.add_heartbeat(node);
        }
        self.send();
    }

    /// Lets another node lead at once. Everything is acknowledged, and from here on this node speaks for nobody.
    fn step_down(&mut self) {
        self.has_stepped_down = true;
        if let Some(lease) = self.shared.lease.get() {
            lease.end();
        }
        if let Some(publisher) = &mut self.publisher {
            publisher.add_step_down();
        }
        self.send();
    }

    fn settle(&mut self, outcomes: Vec<Outcome>) -> io::Result<()> {
        if let Some(publisher) = &mut self.publisher {
            outcomes.into_iter().for_each(|outcome| publisher.settle(outcome));
        }
        if self.publisher.as_ref().is_some_and(|publisher| publisher.unresolved().is_some()) {
            // Servers that refuse at once are not asked at full speed.
            self.resolve_at = Some(self.resolved + RESOLVE_PERIOD_MIN);
            return Ok(());
        }
        self.write_acknowledged()?;
        self.send();
        Ok(())
    }

    /// Finds out what became of messages that were not acknowledged.
    fn resolve(&mut self) -> io::Result<()> {
        self.resolve_at = None;
        self.resolved = clock::now();
        let Some(publisher) = &mut self.publisher else { return Ok(()) };
        let why = publisher.unresolved().map(ToString::to_string);
        let resolved = publisher.resolve(self.resolved);
        let silence = publisher.silence(self.resolved);
        match resolved {
            Ok(()) => {
                if self.log.allows() {
                    tracing::warn!(why, "a message to the stream was not acknowledged; the host has looked for it");
                }
                if publisher.has_asked_to_elect() {
                    self.shared.lock().unavailable = Some(SILENT.into());
                }
                self.write_acknowledged()?;
                self.send();
            }
            Err(ResolveError::Fenced(fenced)) => return Err(io::Error::other(fenced)),
            Err(ResolveError::Stream(error)) if error.is_damage() && silence >= DAMAGED_MAX => {
                return Err(io::Error::other(error));
            }
            Err(ResolveError::Stream(error)) => {
                if self.log.allows() {
                    tracing::error!(%error, why, "the stream of the cluster does not answer; commits wait for it");
                }
                let asked = if publisher.has_asked_to_elect() { format!("; {SILENT}") } else { String::new() };
                self.shared.lock().unavailable = Some(format!("{error}{asked}").into());
                self.resolve_at = Some(clock::now() + RESOLVE_AFTER);
            }
        }
        Ok(())
    }

    /// Writes what the stream has acknowledged.
    fn write_acknowledged(&mut self) -> io::Result<()> {
        let mut any = false;
        while let Some((position, batch)) = self.publisher.as_mut().and_then(Publisher::next_acknowledged) {
            any = true;
            // Behind a piece of a large record are the other pieces: nobody can continue between them.
            let is_whole = batch.is_some() || self.publisher.as_ref().is_none_or(Publisher::is_idle);
            if let Some(batch) = batch {
                self.write(batch, Some(position))?;
            }
            // After the write: a segment that begins with these records may be torn behind its first mark.
            if is_whole {
                self.position = position;
            }
        }
        if any {
            let mut state = self.shared.lock();
            (state.unavailable, state.acknowledged) = (None, Some(self.position));
            drop(state);
            self.unmarked += 1;
        }
        if self.unmarked >= UNMARKED_MAX { self.mark_if_room() } else { Ok(()) }
    }

    /// Writes records that the stream has into the segments, and says that they are durable. `position` follows them.
    fn write(&mut self, batch: Vec<Queued>, position: Option<Position>) -> io::Result<()> {
        let (shared, mut commits) = (Arc::clone(&self.shared), 0);
        for Queued { body, opens } in batch {
            let next = CommitSeq(self.written.0 + 1);
            if let Some(spare) = opens {
                self.segments.write()?;
                self.segments.begin_at(spare, next, self.position)?;
                self.unmarked = 0;
            }
            self.put(next, &body);
            if body.kind().is_record() {
                self.written = next;
                commits += 1;
            } else if let Some(position) = Position::decode(body.as_bytes()) {
                self.position = position;
            }
        }
        if let Some(position) = position {
            self.mark(position);
        }
        self.segments.write()?;
        shared.metrics.batch_commits.record(f64::from(commits));
        shared.watermark.advance(self.written);
        Ok(())
    }

    /// Writes a mark if the open segment has room for it: a start then reads less from the stream.
    fn mark_if_room(&mut self) -> io::Result<()> {
        if self.segments.has_room(POSITION_FRAME_BYTES) {
            self.mark(self.position);
            self.segments.write()?;
        }
        Ok(())
    }

    fn mark(&mut self, position: Position) {
        self.unmarked = 0;
        let mark = Body::of_kind(FrameKind::Mark, position.encode());
        self.put(CommitSeq(self.written.0 + 1), &mark);
    }

    fn put(&mut self, number: CommitSeq, body: &Body) {
        let durable =
            self.shared.in_segments.as_ref().map_or(CommitSeq::default(), |in_segments| in_segments.durable());
        self.segments.put(number, durable, body);
    }

    fn sync(&mut self) -> io::Result<()> {
        self.segments.sync()?;
        if let Some(in_segments) = &self.shared.in_segments {
            in_segments.advance(self.written);
        }
        Ok(())
    }
}
