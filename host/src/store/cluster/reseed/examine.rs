//! Reads a whole stream, and says what is wrong with it and what only it has.

use std::collections::HashMap;
use std::time::Duration;

use super::local_history::LocalHistory;
use crate::journal::JournalId;
use crate::journal::stream::{
    ChainHash, Content, Message, Position, Stream, StreamError, StreamInfo, StreamReader, StreamSeq,
};
use crate::names::CommitSeq;
use crate::observe::error_chain;
use crate::store::cluster::copies::{CopyDocument, CopyName, Listed, continues, loadable, written_again_after};
use crate::store::cluster::error::JoinError;
use crate::store::cluster::identity::identify;

/// How long a message may take to come: the servers read it from a disk.
const MESSAGE_MAX: Duration = Duration::from_secs(5);

/// What the servers have.
#[derive(Debug, Default)]
pub(super) struct Examined {
    /// `None` if the stream does not exist.
    pub(super) info: Option<StreamInfo>,
    /// The position after its last message, if that can be read.
    pub(super) last: Option<Position>,
    pub(super) journal: Option<JournalId>,
    /// The complete copies, the newest first, and the last commit in each.
    pub(super) copies: Vec<(CopyName, CommitSeq)>,
    pub(super) problem: Option<String>,
    /// What the stream or a copy has, and this node does not.
    pub(super) losses: Vec<String>,
}

/// Examines `stream` for the node that has `local`.
pub(super) fn examine(stream: &dyn Stream, local: &LocalHistory) -> Result<Examined, StreamError> {
    let objects = stream.objects();
    let copies = match Listed::read(&*objects) {
        Ok(listed) => listed.complete(&*objects)?,
        // There is no object store.
        Err(StreamError::Missing) => Vec::new(),
        Err(error) => return Err(error),
    };
    let mut examined = Examined {
        copies: copies.iter().map(|(name, document)| (*name, document.backup.number())).collect(),
        ..Examined::default()
    };
    let info = match stream.info() {
        Err(StreamError::Missing) => {
            examined.problem = Some(StreamError::Missing.to_string());
            examined.add_copies(local, &copies);
            return Ok(examined);
        }
        info => info?,
    };
    examined.info = Some(info);
    let newest = if info.last < info.first { None } else { stream.get(info.last)? };
    let newest = newest.and_then(|bytes| Message::decode(&bytes).ok());
    examined.last = newest.as_ref().map(|message| position_after(info.last, message));
    examined.journal = newest.map(|message| message.journal);
    let read = read_all(stream, local, &copies, &info)?;
    if let Ok(position) = &read {
        examined.last = Some(*position);
    }
    examined.problem = match refusal(stream, local, &copies, &info)? {
        None => read.err(),
        refused => refused,
    };
    examined.add_losses(local);
    examined.add_copies(local, &copies);
    Ok(examined)
}

impl Examined {
    fn add_losses(&mut self, local: &LocalHistory) {
        let Some(last) = self.last.filter(|last| last.number.0 > 0) else { return };
        let (end, has) = (last.number.0, local.end.number.0);
        match self.journal {
            Some(found) if found != local.journal => {
                self.losses.push(format!("the stream is of another journal, {found}, and has its commits up to {end}"));
            }
            _ if end > has => self.losses.push(format!("the stream has the commits {} to {end}", has + 1)),
            _ if !local.has(&last) => {
                let loss =
                    format!("the stream has commits up to {end}, and this host cannot tell whether it has the same");
                self.losses.push(loss);
            }
            _ => {}
        }
    }

    fn add_copies(&mut self, local: &LocalHistory, copies: &[(CopyName, CopyDocument)]) {
        let newest = copies.iter().find(|(_, document)| document.backup.journal() == local.journal);
        let Some((name, document)) = newest else { return };
        let (number, has) = (document.backup.number(), local.end.number);
        if number > has {
            self.losses.push(format!("the copy {name} in the object store has the commits up to {}", number.0));
        } else if document.written_again().is_some_and(|base| number > base.number)
            && local.needs_copy().keeps_everything(document).is_err()
        {
            let of = "is of a stream that this host has not followed, and has commits up to";
            self.losses.push(format!("the copy {name} in the object store {of} {}", number.0));
        }
    }
}

/// The position after `message`, which is the message `sequence`.
fn position_after(sequence: StreamSeq, message: &Message) -> Position {
    let (mut hash, mut number) = (message.previous, CommitSeq(message.number.0.saturating_sub(1)));
    if let Content::Records(records) = &message.content {
        for record in records {
            number.0 = number.0.saturating_add(1);
            hash = hash.with(message.epoch, number, record);
        }
    }
    Position { sequence, epoch: message.epoch, number, hash }
}

/// Why this node would not take part, if so.
fn refusal(
    stream: &dyn Stream,
    local: &LocalHistory,
    copies: &[(CopyName, CopyDocument)],
    info: &StreamInfo,
) -> Result<Option<String>, StreamError> {
    match identify(stream, local.position, Some(local.journal)) {
        Ok(_) => return Ok(None),
        Err(JoinError::Stream(error)) => return Err(error),
        Err(error) if error.asks_for_copy() => {}
        Err(error) => return Ok(Some(error_chain(&error))),
    }
    if written_again_after(stream, local.journal, &local.end)?.is_some() {
        return Ok(None);
    }
    Ok(loadable(copies, info, &local.needs_copy()).err().map(|refused| error_chain(&refused)))
}

/// Reads every message, as a new node would. Returns the position after the last one, or what is wrong.
fn read_all(
    stream: &dyn Stream,
    local: &LocalHistory,
    copies: &[(CopyName, CopyDocument)],
    info: &StreamInfo,
) -> Result<Result<Position, String>, StreamError> {
    let Some(begin) = beginning(stream, local, copies, info)? else {
        let text = format!("the stream begins with message {}, and there is no complete copy for it", info.first.0);
        return Ok(Err(text));
    };
    let marks = local.history.iter().map(|position| (position.number, position.hash));
    let known: HashMap<CommitSeq, ChainHash> = marks.collect();
    let mut reader = StreamReader::new(local.journal, begin);
    let mut messages = stream.messages(reader.next())?;
    while reader.next() <= info.last {
        let Some((sequence, bytes)) = messages.next(MESSAGE_MAX)? else {
            return Ok(Err(format!("message {} of the stream cannot be read", reader.next().0)));
        };
        if let Err(damage) = reader.read(sequence, &bytes) {
            return Ok(Err(error_chain(&damage)));
        }
        let Position { number, hash, .. } = reader.position();
        if known.get(&number).is_some_and(|known| *known != hash) {
            let text = format!("commit {} in the stream is another one than this node has", number.0);
            return Ok(Err(text));
        }
    }
    let (found, has) = (reader.position().number, local.end.number);
    if found < has {
        let text = format!("the stream ends with commit {}, and this node has the commits up to {}", found.0, has.0);
        return Ok(Err(text));
    }
    Ok(Ok(reader.position()))
}

/// The position before the first message that a new node would read.
fn beginning(
    stream: &dyn Stream,
    local: &LocalHistory,
    copies: &[(CopyName, CopyDocument)],
    info: &StreamInfo,
) -> Result<Option<Position>, StreamError> {
    let mut usable =
        copies.iter().filter(|(name, document)| continues(name, info) && document.backup.journal() == local.journal);
    if let Some((_, oldest)) = usable.next_back() {
        return Ok(Some(oldest.position));
    }
    if info.first == StreamSeq(1) {
        let first = stream.get(info.first)?.and_then(|bytes| Message::decode(&bytes).ok());
        let number = first.map_or(0, |message| message.number.0.saturating_sub(1));
        return Ok(Some(Position::before(CommitSeq(number))));
    }
    // The next leader stores a copy at once.
    let goes_on = info.first.0 <= local.position.sequence.0.saturating_add(1) && local.position.sequence <= info.last;
    Ok(goes_on.then_some(local.position))
}
