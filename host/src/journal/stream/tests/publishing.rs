use std::time::Duration;

use super::*;
use crate::journal::simulated::Random;
use crate::journal::stream::error::StreamError;
use crate::journal::stream::message::{CONTENT_BYTES_MAX, PIECE_BYTES_MAX};
use crate::journal::stream::publisher::{Fenced, IN_FLIGHT_MAX, ResolveError, SILENCE_MAX};
use crate::journal::stream::simulated::StreamFaults;

const BAD: StreamFaults =
    StreamFaults { lost: 10, repeated: 20, refused: 10, acks_lost: 20, given_up: 20, unavailable: 30 };

fn record(number: u64) -> Vec<u8> {
    format!("record {number}").into_bytes()
}

/// Adds the records of `numbers` one by one and lets some of them arrive meanwhile.
fn lead(
    leading: &mut Leading,
    numbers: std::ops::RangeInclusive<u64>,
    random: &mut Random,
) -> Result<(), ResolveError> {
    for number in numbers {
        leading.add(&[&record(number)], number);
        for _ in 0..random.below(4) {
            leading.turn()?;
        }
    }
    leading.finish()
}

#[test]
fn no_fault_of_the_network_loses_repeats_or_reorders_a_record() {
    for seed in 0..300 {
        let stream = SimulatedStream::new(seed);
        stream.set_faults(BAD);
        let mut leading = Leading::new(&stream, 1, Position::default());
        leading.publisher.add_epoch(claim(b'a'), &leader("a"));
        lead(&mut leading, 1..=40, &mut Random(seed)).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        assert_eq!(leading.acknowledged, (1..=40).collect::<Vec<_>>(), "seed {seed}");
        let (records, reader) = read_all(&stream, Position::default());
        let expected: Vec<_> = (1..=40).map(|number| (CommitSeq(number), record(number).into())).collect();
        assert_eq!(records, expected, "seed {seed}");
        assert_eq!(reader.position(), leading.publisher.end(), "seed {seed}");
        assert_eq!(reader.leader(), Some(&leader("a")));
    }
}

#[test]
fn a_leader_that_was_replaced_appends_nothing_more_and_what_it_acknowledged_stays() {
    for seed in 0..300 {
        let (stream, mut random) = (SimulatedStream::new(seed), Random(seed));
        stream.set_faults(BAD);
        let mut first = Leading::new(&stream, 1, Position::default());
        first.publisher.add_epoch(claim(b'a'), &leader("a"));
        first.finish().unwrap();
        for number in 1..=20 {
            first.add(&[&record(number)], number);
            for _ in 0..random.below(3) {
                first.turn().unwrap();
            }
        }
        // The second node reads as far as it sees, and tries again if the end has moved.
        let (mut second, mut next) = loop {
            let (_, reader) = read_all(&stream, Position::default());
            let mut second = Leading::new(&stream, 2, reader.position());
            second.publisher.add_epoch(claim(b'b'), &leader("b"));
            match second.finish() {
                Ok(()) => break (second, reader.position().number.0 + 1),
                Err(error) => assert!(matches!(error, ResolveError::Fenced(_)), "seed {seed}: {error}"),
            }
        };
        let kept = first.acknowledged.len() as u64;
        assert!(kept < next, "seed {seed}: {kept} were acknowledged, {next} follows");
        for _ in 0..5 {
            second.add(&[b"of the second"], next);
            next += 1;
            second.turn().unwrap();
            let _late = first.turn();
        }
        second.finish().unwrap();
        match first.finish() {
            // All of its messages were in the stream before the second node led.
            Ok(()) => {}
            Err(ResolveError::Fenced(Fenced { by })) => {
                assert!(by.is_none_or(|by| by == (Epoch(2), leader("b"))), "seed {seed}");
            }
            Err(error) => panic!("seed {seed}: {error}"),
        }
        while stream.step() {}
        let (records, reader) = read_all(&stream, Position::default());
        assert_eq!(reader.leader(), Some(&leader("b")));
        assert_eq!(records.len() as u64 + 1, next, "seed {seed}");
        for (at, (number, found)) in records.iter().enumerate() {
            assert_eq!(number.0, at as u64 + 1);
            if at < first.acknowledged.len() {
                assert_eq!(*found, record(number.0), "seed {seed}: an acknowledged record is gone");
            }
        }
    }
}

#[test]
fn a_large_record_spans_messages_and_counts_with_the_last() {
    for bytes in [CONTENT_BYTES_MAX - 4, CONTENT_BYTES_MAX - 3, 2 * PIECE_BYTES_MAX, 2 * PIECE_BYTES_MAX + 1] {
        let stream = SimulatedStream::new(1);
        let mut leading = Leading::new(&stream, 1, Position::default());
        let large: Vec<u8> = (0..251_u8).cycle().take(bytes).collect();
        leading.publisher.add_epoch(claim(b'a'), &leader("a"));
        leading.add(&[b"before"], 1);
        leading.add(&[&large], 2);
        leading.add(&[b"after", b""], 3);
        leading.finish().unwrap();
        assert_eq!(leading.acknowledged, [1, 2, 3]);
        let (records, reader) = read_all(&stream, Position::default());
        let found: Vec<_> = records.iter().map(|(_, record)| record.as_ref()).collect();
        assert_eq!(found, [b"before".as_slice(), &large, b"after", b""], "{bytes} bytes");
        assert_eq!(reader.position(), leading.publisher.end());
        let messages = if bytes <= CONTENT_BYTES_MAX - 4 { 1 } else { bytes.div_ceil(PIECE_BYTES_MAX) };
        assert_eq!(info_last(&stream).0, 3 + messages as u64, "{bytes} bytes");
    }
}

#[test]
fn only_so_many_messages_are_in_flight() {
    let stream = SimulatedStream::new(1);
    let mut leading = Leading::new(&stream, 1, Position::default());
    let arrived = |leading: &mut Leading| {
        leading.publisher.send(clock::now());
        // A message and its acknowledgement.
        let mut arrived = 0;
        while stream.step() {
            arrived += 1;
        }
        arrived / 2
    };
    leading.publisher.add_epoch(claim(b'a'), &leader("a"));
    (1..=9).for_each(|number| leading.add(&[b"x"], number));
    assert!(!leading.publisher.has_room());
    assert_eq!(arrived(&mut leading), 1, "a straggler of the leader before it may still come");
    while info_last(&stream).0 < IN_FLIGHT_MAX as u64 {
        leading.turn().unwrap();
        leading.turn().unwrap();
    }
    leading.finish().unwrap();
    (10..=19).for_each(|number| leading.add(&[b"x"], number));
    assert_eq!(arrived(&mut leading), IN_FLIGHT_MAX);
    leading.finish().unwrap();
    assert_eq!(leading.acknowledged.len(), 19);
}

#[test]
fn a_lease_runs_from_the_first_time_that_an_acknowledged_message_was_sent() {
    let stream = SimulatedStream::new(1);
    stream.set_faults(StreamFaults { acks_lost: 100, ..StreamFaults::default() });
    let mut leading = Leading::new(&stream, 1, Position::default());
    leading.publisher.add_epoch(claim(b'a'), &leader("a"));
    let sent = clock::now();
    assert!(!leading.lease.is_valid(sent), "nothing is acknowledged");
    leading.publisher.send(sent);
    while stream.step() {}
    assert!(!leading.lease.is_valid(clock::now()));
    stream.set_faults(StreamFaults::default());
    leading.finish().unwrap();
    assert!(leading.lease.is_valid(sent + LEASE - Duration::from_nanos(1)));
    assert!(!leading.lease.is_valid(sent + LEASE));
    assert!(leading.lease.left(sent) == LEASE, "{:?}", leading.lease.left(sent));
}

#[test]
fn the_servers_of_a_silent_stream_are_asked_once_to_elect_another_leader_of_it() {
    let (stream, began) = (SimulatedStream::new(1), clock::now());
    let mut leading = Leading::new(&stream, 1, Position::default());
    leading.publisher.add_epoch(claim(b'a'), &leader("a"));
    leading.finish().unwrap();
    let mut silent = |from: Duration, number: u64| {
        // It refuses whatever it gets, also after the election.
        stream.set_faults(StreamFaults { refused: 100, ..StreamFaults::default() });
        leading.add(&[&record(number)], number);
        let after = [Duration::ZERO, SILENCE_MAX - Duration::from_millis(1), SILENCE_MAX, 9 * SILENCE_MAX];
        let turns = after.map(|after| {
            for _ in 0..4 {
                leading.turn_at(began + from + after).unwrap();
            }
            (stream.elections(), leading.publisher.has_asked_to_elect())
        });
        stream.set_faults(StreamFaults::default());
        leading.finish().unwrap();
        turns
    };
    assert_eq!(silent(Duration::ZERO, 1), [(0, false), (0, false), (1, true), (1, true)]);
    // The next silence is another one.
    assert_eq!(silent(Duration::from_hours(1), 2), [(1, false), (1, false), (2, true), (2, true)]);
    assert!(!leading.publisher.has_asked_to_elect());
    assert_eq!(leading.acknowledged, [1, 2]);
}

#[test]
fn a_stream_that_blocks_until_another_leader_is_elected_goes_on() {
    let stream = SimulatedStream::new(1);
    let mut leading = Leading::new(&stream, 1, Position::default());
    leading.publisher.add_epoch(claim(b'a'), &leader("a"));
    leading.finish().unwrap();
    stream.block();
    leading.add(&[b"x"], 1);
    leading.turn().unwrap();
    let mut turns = 0;
    while !leading.publisher.is_idle() {
        leading.turn_at(clock::now() + SILENCE_MAX).unwrap();
        turns += 1;
        assert!(turns < 100, "it blocks");
    }
    assert_eq!((leading.acknowledged.as_slice(), stream.elections()), ([1].as_slice(), 1));
}

#[test]
fn a_leader_notices_that_its_stream_has_lost_what_it_acknowledged() {
    let check = |damage: &dyn Fn(&SimulatedStream), expected: StreamError| {
        let stream = SimulatedStream::new(1);
        let mut leading = Leading::new(&stream, 1, Position::default());
        leading.publisher.add_epoch(claim(b'a'), &leader("a"));
        (1..=5).for_each(|number| leading.add(&[b"x"], number));
        leading.finish().unwrap();
        damage(&stream);
        leading.add(&[b"late"], 6);
        leading.publisher.send(clock::now());
        while stream.step() {}
        let outcomes = std::mem::take(&mut *leading.outcomes.lock().unwrap());
        outcomes.into_iter().for_each(|outcome| leading.publisher.settle(outcome));
        assert!(leading.publisher.unresolved().is_some());
        let found = leading.publisher.resolve(clock::now()).unwrap_err();
        assert_eq!(found, ResolveError::Stream(expected));
        leading.turn().unwrap();
        assert_eq!(leading.acknowledged, [1, 2, 3, 4, 5], "it counts nothing more");
    };
    let cut = |first, last| StreamError::Cut { first, last, due: 7 };
    check(&|stream| stream.damage(|messages| messages.truncate(4)), cut(1, 4));
    check(&|stream| stream.delete(), StreamError::Missing);
    check(&|stream| stream.recreate(StreamSeq(100)).unwrap(), cut(100, 99));
    check(&|stream| stream.recreate(StreamSeq(1)).unwrap(), cut(1, 0));
}
