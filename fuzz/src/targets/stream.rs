//! Any bytes, read as messages of a cluster's stream: they are read or refused, and what is read continues one chain.

use switchyard::journal::JournalId;
use switchyard::journal::stream::{
    ChainHash, ClaimId, Content, Epoch, Leader, Message, Position, StreamReader, StreamSeq,
};
use switchyard::names::CommitSeq;

use super::kind_of;
use crate::run::Target;

const ID: JournalId = JournalId([7; 16]);

/// Parts the messages of one input.
const BETWEEN: &[u8] = b"SWYS";

pub(crate) struct Stream;

impl Target for Stream {
    fn corpus(&self) -> Vec<Vec<u8>> {
        let leader = Leader { node: "a".into(), address: "a:1".into() };
        let contents = [
            Content::Epoch { claim: ClaimId([1; 16]), leader: leader.clone() },
            Content::Records(vec![b"one".as_slice().into(), b"two".as_slice().into()]),
            Content::Piece { index: 0, count: 2, bytes: b"three, ".as_slice().into() },
            Content::Piece { index: 1, count: 2, bytes: b"in pieces".as_slice().into() },
            Content::Heartbeat(leader),
            Content::StepDown,
        ];
        let (mut position, mut messages) = (Position::default(), Vec::new());
        for (sequence, content) in (1..).map(StreamSeq).zip(contents) {
            let (number, previous) = (CommitSeq(position.number.0 + 1), position.hash);
            let message = Message { journal: ID, epoch: Epoch(1), number, previous, content }.encode();
            let mut reader = StreamReader::new(ID, position);
            if reader.read(sequence, &message.clone().into()).is_ok() {
                position = reader.position();
            }
            messages.push(message);
        }
        let all = messages.concat();
        messages.push(all);
        messages
    }

    fn words(&self) -> &'static [&'static [u8]] {
        &[
            BETWEEN,
            b"SWYS\x01\x01\0\0",
            b"SWYS\x01\x02\0\0",
            b"SWYS\x01\x03\0\0",
            b"SWYS\x01\x04\0\0",
            b"\xff\xff\xff\xff",
        ]
    }

    fn run(&mut self, input: &[u8]) -> String {
        let mut reader = StreamReader::new(ID, Position::default());
        let (mut outcome, mut hash, mut last) = (String::new(), ChainHash::default(), CommitSeq::default());
        for bytes in messages(input) {
            if let Ok(message) = Message::decode(&bytes.clone().into()) {
                assert_eq!(message.encode(), bytes, "a message has one form");
            }
            let before = reader.position();
            match reader.read(reader.next(), &bytes.into()) {
                Ok(read) => {
                    for (number, record) in read.records {
                        assert_eq!(number.0, last.0 + 1);
                        last = number;
                        hash = hash.with(reader.position().epoch, number, &record);
                    }
                    assert_eq!((reader.position().number, reader.position().hash), (last, hash));
                    outcome.push('.');
                }
                Err(error) => {
                    assert_eq!(reader.position(), before);
                    outcome.push_str(&kind_of(&format!("{error}: {:?}", std::error::Error::source(&error))));
                }
            }
        }
        outcome
    }
}

/// The messages in `input`, each with a good checksum: it would keep most inputs out of the content.
fn messages(input: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let begins = input.windows(BETWEEN.len()).enumerate().filter(|(_, bytes)| *bytes == BETWEEN).map(|(at, _)| at);
    let begins: Vec<usize> = std::iter::once(0).chain(begins.filter(|at| *at > 0)).collect();
    let ends: Vec<usize> = begins.iter().skip(1).copied().chain([input.len()]).collect();
    begins.into_iter().zip(ends).filter_map(|(begin, end)| {
        let (covered, _checksum) = input.get(begin..end)?.split_last_chunk::<4>()?;
        Some([covered, &crc32fast::hash(covered).to_le_bytes()].concat())
    })
}
