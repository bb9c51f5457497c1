use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::journal::stream::message::{Content, MESSAGE_BYTES_MAX, Message, MessageError};
use crate::journal::stream::position::{CHAIN_HASH_BYTES, ChainHash};

fn block() -> impl Strategy<Value = Bytes> {
    proptest::collection::vec(any::<u8>(), 0..60).prop_map(Bytes::from)
}

fn content() -> impl Strategy<Value = Content> {
    let piece = (0..9_u32, 1..9_u32, proptest::collection::vec(any::<u8>(), 1..60));
    prop_oneof![
        (any::<[u8; 16]>(), "\\PC{0,20}", "\\PC{0,20}").prop_map(|(claim, node, address)| Content::Epoch {
            claim: ClaimId(claim),
            leader: Leader { node, address },
        }),
        proptest::collection::vec(block(), 1..6).prop_map(Content::Records),
        piece.prop_map(|(index, more, bytes)| Content::Piece { index, count: index + more, bytes: bytes.into() }),
        ("\\PC{0,20}", "\\PC{0,20}").prop_map(|(node, address)| Content::Heartbeat(Leader { node, address })),
        Just(Content::StepDown),
    ]
}

fn message() -> impl Strategy<Value = Message> {
    let fields = (any::<[u8; 16]>(), any::<u64>(), any::<u64>(), any::<[u8; CHAIN_HASH_BYTES]>(), content());
    fields.prop_map(|(journal, epoch, number, previous, content)| Message {
        journal: JournalId(journal),
        epoch: Epoch(epoch),
        number: CommitSeq(number),
        previous: ChainHash(previous),
        content,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_message_comes_back_as_it_was(message in message()) {
        prop_assert_eq!(Message::decode(&message.encode().into()), Ok(message));
    }

    #[test]
    fn a_changed_message_is_refused(message in message(), at in any::<prop::sample::Index>(), change in 1..=255_u8) {
        let mut bytes = message.encode();
        let at = at.index(bytes.len());
        bytes[at] ^= change;
        prop_assert!(Message::decode(&bytes.into()).is_err());
    }

    #[test]
    fn a_cut_message_is_refused(message in message(), at in any::<prop::sample::Index>()) {
        let mut bytes = message.encode();
        bytes.truncate(at.index(bytes.len()));
        prop_assert!(Message::decode(&bytes.into()).is_err());
    }

    #[test]
    fn content_with_a_good_checksum_is_read_or_refused(
        kind in 0..7_u8, content in proptest::collection::vec(any::<u8>(), 0..80),
    ) {
        let mut bytes = empty().encode();
        bytes.truncate(bytes.len() - 4);
        bytes[5] = kind;
        bytes.extend_from_slice(&content);
        let checksum = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&checksum.to_le_bytes());
        if let Ok(read) = Message::decode(&bytes.clone().into()) {
            prop_assert_eq!(read.encode(), bytes);
        }
    }

    #[test]
    fn a_position_comes_back_as_it_was(numbers in any::<[u64; 3]>(), hash in any::<[u8; CHAIN_HASH_BYTES]>()) {
        let [sequence, epoch, number] = numbers;
        let position = Position {
            sequence: StreamSeq(sequence),
            epoch: Epoch(epoch),
            number: CommitSeq(number),
            hash: ChainHash(hash),
        };
        prop_assert_eq!(Position::decode(&position.encode()), Some(position));
        prop_assert_eq!(Position::decode(&position.encode()[1..]), None);
    }
}

fn empty() -> Message {
    Message {
        journal: ID,
        epoch: Epoch(1),
        number: CommitSeq(1),
        previous: ChainHash::default(),
        content: Content::StepDown,
    }
}

#[test]
fn what_is_no_message_is_refused_with_its_reason() {
    let check = |bytes: Vec<u8>, expected| assert_eq!(Message::decode(&bytes.into()), Err(expected));
    check(Vec::new(), MessageError::Foreign);
    check(
        b"hello, this is no message of a journal, but it has the length of one: 76 bytes ".to_vec(),
        MessageError::Foreign,
    );
    check(vec![0; MESSAGE_BYTES_MAX + 1], MessageError::Foreign);
    let mut later = empty().encode();
    later[4] = 2;
    check(later, MessageError::Version { version: 2 });
}
