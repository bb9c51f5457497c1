//! The format: what is written is read again, whatever else is there, and the page that documents it is right.

use bytes::Bytes;
use proptest::prelude::*;

use super::frame::{SEGMENT_HEADER_BYTES, SegmentHeader, frame_bytes, put_frame};
use super::*;
use crate::names::{CallId, Key, ServiceName};

const ID: JournalId = JournalId([0x5a; 16]);

fn encode(record: &Record) -> Vec<u8> {
    let mut writer = RecordWriter::new(&record.service, record.call, 0);
    if !record.writes.is_empty() {
        writer.writes(record.writes.len(), record.writes.iter().map(|(key, value)| (key, value.as_ref())));
    }
    if !record.events.is_empty() {
        writer.events(&record.events);
    }
    if let Some(time) = record.time_unix_micros {
        writer.time(time);
    }
    if let Some(version) = record.data_version {
        writer.data_version(version);
    }
    if record.drops {
        writer.drops();
    }
    writer.finish()
}

/// A segment of `bodies` from number 7 on, written in batches of `batch`; and where each frame ends.
fn segment(bodies: &[Vec<u8>], batch: usize) -> (Vec<u8>, Vec<usize>) {
    let mut bytes = SegmentHeader { journal: ID, first: CommitSeq(7) }.encode().to_vec();
    let mut ends = vec![bytes.len()];
    for (position, body) in bodies.iter().enumerate() {
        let durable = CommitSeq(6 + (position / batch * batch) as u64);
        put_frame(&mut bytes, ID, CommitSeq(7 + position as u64), durable, &Body::new(body.clone()));
        ends.push(bytes.len());
    }
    bytes.resize(bytes.len() + 256, 0);
    (bytes, ends)
}

fn read(bytes: &[u8]) -> (Vec<Vec<u8>>, End) {
    let mut frames = Frames::read(bytes).unwrap();
    let bodies = frames.by_ref().map(|(_, body)| body.to_vec()).collect();
    (bodies, frames.end())
}

fn bodies() -> Vec<Vec<u8>> {
    (0..6).map(|length| vec![b'a'; length * 7]).collect()
}

fn block() -> impl Strategy<Value = Bytes> {
    proptest::collection::vec(any::<u8>(), 0..40).prop_map(Bytes::from)
}

fn record() -> impl Strategy<Value = Record> {
    let writes = proptest::collection::vec(("\\PC{1,9}", proptest::option::of(block())), 0..5);
    let events = proptest::collection::vec(("\\PC{0,9}", "[a-z]{0,9}", block()), 0..3);
    let time_and_version = any::<(Option<u64>, Option<u64>)>();
    ("[a-z]{1,9}", any::<[u8; 16]>(), writes, events, time_and_version).prop_map(
        |(service, call, writes, events, (time_unix_micros, data_version))| Record {
            service: ServiceName::parse(&service).unwrap(),
            call: CallId(call),
            writes: writes.into_iter().map(|(key, value)| (Key::parse(&key).unwrap(), value)).collect(),
            events: events
                .into_iter()
                .map(|(interface, function, payload)| Event {
                    interface: interface.into(),
                    function: function.into(),
                    payload,
                })
                .collect(),
            time_unix_micros,
            data_version,
            drops: false,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_record_comes_back_as_it_was(record in record()) {
        prop_assert_eq!(Record::decode(&encode(&record)), Ok(record));
    }

    #[test]
    fn any_bytes_can_be_read(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _record = Record::decode(&bytes);
        let mut behind_header = SegmentHeader { journal: ID, first: CommitSeq(1) }.encode().to_vec();
        behind_header.extend_from_slice(&bytes);
        read(&behind_header);
        let _foreign = Frames::read(&bytes);
    }

    #[test]
    fn a_damaged_record_is_refused_or_read_as_something_else(
        record in record(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>(),
    ) {
        let mut bytes = encode(&record);
        let at = at.index(bytes.len());
        if cut { bytes.truncate(at) } else { bytes[at] = byte }
        if let Ok(read) = Record::decode(&bytes) {
            prop_assert_eq!(encode(&read), bytes);
        }
    }

    #[test]
    fn of_a_changed_segment_only_what_was_written_is_read(
        at in any::<prop::sample::Index>(), flip in 1..=u8::MAX, batch in 1_usize..7,
    ) {
        let (mut bytes, _) = segment(&bodies(), batch);
        let at = SEGMENT_HEADER_BYTES + at.index(bytes.len() - SEGMENT_HEADER_BYTES);
        bytes[at] ^= flip;
        let (read, _) = read(&bytes);
        prop_assert!(bodies().starts_with(&read));
    }
}

#[test]
fn a_segment_that_ends_anywhere_gives_the_records_before() {
    for batch in [1, 3, 6] {
        let (bytes, ends) = segment(&bodies(), batch);
        for length in SEGMENT_HEADER_BYTES..bytes.len() {
            let whole = ends.iter().filter(|end| **end <= length).count() - 1;
            let (read, end) = read(&bytes[..length]);
            assert_eq!(read, bodies()[..whole], "{length} bytes");
            let rest = &bytes[ends[whole]..length];
            let expected = if rest.iter().all(|byte| *byte == 0) { End::Clean } else { End::Torn };
            assert_eq!(end, expected, "{length} bytes");
        }
    }
}

#[test]
fn a_changed_record_is_damage_exactly_when_a_later_batch_is_there() {
    for batch in [1, 2, 3, 6] {
        let (bytes, ends) = segment(&bodies(), batch);
        for at in SEGMENT_HEADER_BYTES..ends[6] {
            let mut bytes = bytes.clone();
            bytes[at] ^= 0x40;
            let frame = ends.iter().filter(|end| **end <= at).count() - 1;
            let (read, end) = read(&bytes);
            assert_eq!(read, bodies()[..frame], "byte {at}");
            let later_batch = frame / batch < 5 / batch;
            let expected =
                if later_batch { End::Damaged(Damage::Frame { number: 7 + frame as u64 }) } else { End::Torn };
            assert_eq!(end, expected, "byte {at}, batches of {batch}");
        }
    }
}

#[test]
fn a_stored_value_that_looks_like_a_frame_is_none() {
    // What a guest could store: the frames of a journal with another id, all of them durable.
    let forged = segment(&bodies(), 1).0.split_off(SEGMENT_HEADER_BYTES);
    let mut bytes = SegmentHeader { journal: JournalId([1; 16]), first: CommitSeq(7) }.encode().to_vec();
    put_frame(&mut bytes, JournalId([1; 16]), CommitSeq(7), CommitSeq(6), &Body::new(forged));
    bytes[SEGMENT_HEADER_BYTES] ^= 1;
    assert_eq!(read(&bytes), (Vec::new(), End::Torn));
}

#[test]
fn a_field_that_is_not_known_is_refused() {
    let record = encode(&example());
    let mut newer = record.clone();
    newer.extend_from_slice(&[10, 1, 0, 0, 0, b'x']);
    assert_eq!(Record::decode(&newer), Err(RecordError::UnknownField { tag: 10 }));
    let mut twice = record.clone();
    twice.extend_from_slice(&[5, 0, 0, 0, 0]);
    assert_eq!(Record::decode(&twice), Err(RecordError::FieldOrder { tag: 5 }));
    assert_eq!(Record::decode(&[]), Err(RecordError::MissingField { tag: 1 }));
}

/// The record of the documentation.
fn example() -> Record {
    Record {
        service: ServiceName::parse("cart").unwrap(),
        call: CallId(*b"0123456789abcdef"),
        writes: vec![
            (Key::parse("cart/7").unwrap(), Some(Bytes::from_static(b"hello"))),
            (Key::parse("old").unwrap(), None),
        ],
        events: vec![Event { interface: "a:b/c".into(), function: "e".into(), payload: Bytes::from_static(b"{}") }],
        time_unix_micros: Some(0x0102_0304_0506_0708),
        data_version: None,
        drops: false,
    }
}

#[test]
fn the_end_of_a_store_is_a_record_of_its_own() {
    let drops = Record { writes: Vec::new(), events: Vec::new(), time_unix_micros: None, drops: true, ..example() };
    assert_eq!(Record::decode(&encode(&drops)), Ok(drops));
    let with_writes = encode(&Record { drops: true, ..example() });
    assert_eq!(Record::decode(&with_writes), Err(RecordError::Content { tag: 9, what: "record of its own" }));
    let mut with_more = encode(&example());
    with_more.extend_from_slice(&[8, 7, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(Record::decode(&with_more), Err(RecordError::Content { tag: 8, what: "data version" }));
}

#[test]
fn the_documented_bytes_are_what_is_written() {
    let mut bytes = SegmentHeader { journal: JournalId(*b"journal-identity"), first: CommitSeq(42) }.encode().to_vec();
    let body = Body::new(encode(&example()));
    let frame = frame_bytes(body.bytes());
    put_frame(&mut bytes, JournalId(*b"journal-identity"), CommitSeq(42), CommitSeq(41), &body);
    assert_eq!(bytes.len(), SEGMENT_HEADER_BYTES + frame);
    let page = include_str!("../../../docs/journal-format.md");
    let dump = |bytes: &[u8]| -> String {
        let line = |(position, line): (usize, &[u8])| {
            let hex: String = line.iter().map(|byte| format!(" {byte:02x}")).collect();
            let text: String = line.iter().map(|b| if b.is_ascii_graphic() { char::from(*b) } else { '.' }).collect();
            format!("{:04x} {hex:<49}| {text}\n", position * 16)
        };
        bytes.chunks(16).enumerate().map(line).collect()
    };
    let dump = dump(&bytes);
    assert!(page.contains(&dump), "{dump}");
}
