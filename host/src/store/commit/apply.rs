//! Applies commits of the cluster's leader: they are valid and have their numbers, and are published as they come.

use std::pin::pin;

use bytes::Bytes;

use super::part::Part;
use super::sequencer::Pipeline;
use crate::journal::{AppendError, Body, Staged};
use crate::names::CommitSeq;
use crate::store::error::CommitError;

impl Pipeline {
    /// Applies the next record of the stream, with the time that the leader gave it. Blocks while there is no room for it
    /// in the overlay or on the disk.
    ///
    /// # Errors
    ///
    /// [`CommitError`] when the journal has stopped; the record is not applied.
    pub(in crate::store) fn apply(
        &self,
        parts: Vec<Part>,
        record: &Bytes,
        time_unix_micros: u64,
    ) -> Result<CommitSeq, CommitError> {
        let mut staged = Staged::new(Body::new(record.to_vec()));
        loop {
            let mut room = pin!(self.room().notified());
            room.as_mut().enable();
            let mut sequencer = self.lock();
            if let Some(stopped) = self.journal.stopped() {
                return Err(stopped.into());
            }
            let memory = |part: &Part| part.state.snapshot.load().memory_bytes();
            let has_room = parts.iter().filter(|part| !part.drops).all(|part| sequencer.shares.have_room(memory(part)));
            if has_room {
                staged = match self.journal.receive(staged) {
                    Ok(number) => {
                        self.set_time(time_unix_micros);
                        let published: Vec<_> = parts
                            .into_iter()
                            .map(|part| {
                                let before = part.state.snapshot.load_full();
                                let totals = part.totals(&before.totals);
                                self.publish(&mut sequencer, part, &before, totals, (number, time_unix_micros))
                            })
                            .collect();
                        drop(sequencer);
                        published.iter().for_each(|published| self.tell(published, number));
                        return Ok(number);
                    }
                    Err(refused) => match *refused {
                        (AppendError::NotReady | AppendError::NoRoom { .. }, staged) => staged,
                        (error, _) => return Err(error.into()),
                    },
                };
            }
            drop(sequencer);
            futures::executor::block_on(room);
        }
    }
}
