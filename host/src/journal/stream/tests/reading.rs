use super::*;
use crate::journal::stream::message::Message;
use crate::journal::stream::reader::StreamDamage;

/// A stream with an epoch, five records, and another epoch with two.
fn stream() -> SimulatedStream {
    let stream = SimulatedStream::new(1);
    let mut first = Leading::new(&stream, 1, Position::before(CommitSeq(41)));
    first.publisher.add_epoch(claim(b'a'), &leader("a"));
    (42..=46).for_each(|number| first.add(&[&[u8::try_from(number).unwrap()]], number));
    first.finish().unwrap();
    let mut second = Leading::new(&stream, 2, first.publisher.end());
    second.publisher.add_epoch(claim(b'b'), &leader("b"));
    second.add(&[b"of b", b"of b too"], 47);
    second.finish().unwrap();
    stream
}

/// Reads until the first error, after the number of good messages.
fn damage(stream: &SimulatedStream) -> (u64, StreamDamage) {
    let mut reader = StreamReader::new(ID, Position::before(CommitSeq(41)));
    for (at, bytes) in (1..).zip(stream.contents()) {
        let before = reader.position();
        if let Err(error) = reader.read(StreamSeq(at), &bytes) {
            assert_eq!(reader.position(), before);
            return (at - 1, error);
        }
    }
    panic!("no damage was found");
}

#[test]
fn a_reader_goes_on_where_another_stopped() {
    let stream = stream();
    let (records, whole) = read_all(&stream, Position::before(CommitSeq(41)));
    let numbers: Vec<_> = records.iter().map(|(number, _)| number.0).collect();
    assert_eq!(numbers, (42..=48).collect::<Vec<_>>());
    let contents = stream.contents();
    for stop in 0..contents.len() {
        let mut first = StreamReader::new(ID, Position::before(CommitSeq(41)));
        let mut found = Vec::new();
        for (at, bytes) in (1..).zip(&contents) {
            if at == stop as u64 + 1 {
                first = StreamReader::new(ID, first.position());
            }
            found.extend(first.read(StreamSeq(at), bytes).unwrap().records);
        }
        assert_eq!((found, first.position()), (records.clone(), whole.position()), "stopped after {stop}");
    }
}

/// Changes the message at `at`, with a good checksum.
fn edit(at: usize, change: impl Fn(&mut Message)) -> impl Fn(&mut Vec<Bytes>) {
    move |messages| {
        let mut message = Message::decode(&messages[at]).unwrap();
        change(&mut message);
        messages[at] = message.encode().into();
    }
}

#[test]
fn a_stream_that_is_not_the_one_that_was_read_is_refused() {
    let check = |change: &dyn Fn(&mut Vec<Bytes>), expected: (u64, &str)| {
        let stream = stream();
        stream.damage(|messages| change(messages));
        let (good, error) = damage(&stream);
        let said = error.to_string();
        assert!((good, said.contains(expected.1)) == (expected.0, true), "{good} were good, then: {said}");
    };
    check(
        &|messages| drop(messages.remove(3)),
        (3, "message 4 begins with commit 45, and this node has the commits up to 43"),
    );
    check(&|messages| messages.swap(2, 3), (2, "message 3 begins with commit 44"));
    check(&|messages| messages.insert(3, messages[2].clone()), (3, "message 4 begins with commit 43"));
    check(&|messages| messages[2] = Bytes::from_static(b"x"), (2, "message 3 cannot be read"));
    check(&edit(1, |message| message.journal.0[0] ^= 1), (1, "it is of another cluster"));
    check(&edit(1, |message| message.epoch.0 = 2), (1, "message 2 is of epoch 2, after one of epoch 1"));
    check(&edit(6, |message| message.epoch.0 = 3), (6, "message 7 is of epoch 3, after one of epoch 1"));
    // Another record with a good checksum: the next message shows it.
    let other = |message: &mut Message| {
        message.content = crate::journal::stream::message::Content::Records(vec![Bytes::from_static(b"other")]);
    };
    check(&edit(3, other), (4, "message 5 follows another commit 44 than this node has"));
}

#[test]
fn a_straggler_of_an_earlier_epoch_is_skipped() {
    let stream = stream();
    let (records, whole) = read_all(&stream, Position::before(CommitSeq(41)));
    // The old leader's next message, which assumed that another one of its own was in the place of the new epoch.
    stream.damage(|messages| messages.insert(7, messages[5].clone()));
    let (found, reader) = read_all(&stream, Position::before(CommitSeq(41)));
    assert_eq!((found, reader.position().hash), (records, whole.position().hash));
    assert_eq!(reader.next(), StreamSeq(10));
}

#[test]
fn messages_that_are_missing_at_the_beginning_are_noticed() {
    let stream = stream();
    stream.as_stream().purge_through(StreamSeq(2)).unwrap();
    let mut messages = stream.as_stream().messages(StreamSeq(1)).unwrap();
    let (sequence, bytes) = messages.next(std::time::Duration::ZERO).unwrap().unwrap();
    let mut reader = StreamReader::new(ID, Position::before(CommitSeq(41)));
    let gap = StreamDamage::Gap { due: StreamSeq(1), found: StreamSeq(3) };
    assert_eq!(reader.read(sequence, &bytes), Err(gap));
}

#[test]
fn the_pieces_of_a_record_whose_leader_died_are_forgotten() {
    let stream = SimulatedStream::new(1);
    let mut first = Leading::new(&stream, 1, Position::default());
    first.publisher.add_epoch(claim(b'a'), &leader("a"));
    first.add(&[b"whole"], 1);
    first.finish().unwrap();
    let position = first.publisher.end();
    first.add(&[&vec![7; 3 << 20]], 2);
    while info_last(&stream).0 < 4 {
        first.turn().unwrap();
    }
    stream.lose_all();
    let (records, reader) = read_all(&stream, Position::default());
    assert_eq!((records.len(), reader.position()), (1, position), "two pieces are no record");
    assert_eq!(reader.next(), StreamSeq(5));
    let mut second = Leading::new(&stream, 2, Position { sequence: StreamSeq(4), ..position });
    second.publisher.add_epoch(claim(b'b'), &leader("b"));
    second.add(&[b"of b"], 2);
    second.finish().unwrap();
    let (records, _) = read_all(&stream, Position::default());
    assert_eq!(records[1..], [(CommitSeq(2), Bytes::from_static(b"of b"))]);
}
