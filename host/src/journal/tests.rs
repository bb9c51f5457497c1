//! The format: written records are read again, whatever else is in the file, and the page that documents the format is
//! right.

use bytes::Bytes;
use proptest::prelude::*;

use super::durable::DurabilityWatermark;
use super::frame::{
    FRAME_HEADER_BYTES, FrameKind, HEAD_BYTES, SEGMENT_HEADER_BYTES, SegmentHeader, frame_bytes, put_frame,
};
use super::stream::Position;
use super::*;
use crate::names::{CallId, CommitSeq, Generation, Key, ServiceName};

const ID: JournalId = JournalId([0x5a; 16]);

fn encode(record: &Record) -> Vec<u8> {
    let mut writer = RecordWriter::new(record.call, 0);
    for Section { service, writes, events, data_version, dropped } in &record.sections {
        writer.section(service, |section| {
            if !writes.is_empty() {
                section.writes(writes.len(), writes.iter().map(|(key, value)| (key, value.as_ref())));
            }
            if !events.is_empty() {
                section.events(events);
            }
            if let Some(version) = data_version {
                section.data_version(*version);
            }
            if *dropped {
                section.dropped();
            }
        });
    }
    let mut bytes = writer.finish();
    bytes[..8].copy_from_slice(&record.time_unix_micros.to_le_bytes());
    bytes
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

fn section() -> impl Strategy<Value = Section> {
    let writes = proptest::collection::vec(("\\PC{1,9}", proptest::option::of(block())), 0..5);
    let events = proptest::collection::vec(("\\PC{0,9}", "[a-z]{0,9}", block()), 0..3);
    let service = prop_oneof![9 => "[a-z]{1,9}", 1 => Just("@platform".to_owned())];
    let said = (service, writes, events, any::<Option<u64>>());
    let said = said.prop_map(|(service, writes, events, data_version)| Section {
        writes: writes.into_iter().map(|(key, value)| (Key::parse(Generation::First, &key).unwrap(), value)).collect(),
        events: events
            .into_iter()
            .map(|(interface, function, payload)| Event {
                interface: interface.into(),
                function: function.into(),
                payload,
            })
            .collect(),
        data_version,
        ..Section::new(ServiceName::of_store(&service).unwrap())
    });
    let dropped = "[a-z]{1,9}".prop_map(|service| dropped(&service));
    prop_oneof![5 => said, 1 => dropped]
}

fn dropped(service: &str) -> Section {
    Section { dropped: true, ..Section::new(ServiceName::parse(service).unwrap()) }
}

fn record() -> impl Strategy<Value = Record> {
    let sections = proptest::collection::vec(section(), 1..4);
    (any::<[u8; 16]>(), any::<u64>(), sections).prop_map(|(call, time_unix_micros, mut sections)| {
        sections.sort_by(|one, other| one.service.cmp(&other.service));
        sections.dedup_by(|one, other| one.service == other.service);
        Record { time_unix_micros, call: CallId(call), sections }
    })
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
    fn a_stamped_record_has_its_time_and_its_checksum(record in record(), time: u64) {
        let mut body = Body::new(encode(&record));
        body.stamp(time);
        let mut bytes = SegmentHeader { journal: ID, first: CommitSeq(7) }.encode().to_vec();
        put_frame(&mut bytes, ID, CommitSeq(7), CommitSeq(6), &body);
        let (bodies, end) = read(&bytes);
        prop_assert_eq!(end, End::Clean);
        let stamped = Record { time_unix_micros: time, ..record };
        prop_assert_eq!(Record::decode(&bodies[0]), Ok(stamped));
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
    // Bytes that a guest could store: the frames of a journal with another id, all marked as durable.
    let forged = segment(&bodies(), 1).0.split_off(SEGMENT_HEADER_BYTES);
    let mut bytes = SegmentHeader { journal: JournalId([1; 16]), first: CommitSeq(7) }.encode().to_vec();
    put_frame(&mut bytes, JournalId([1; 16]), CommitSeq(7), CommitSeq(6), &Body::new(forged));
    bytes[SEGMENT_HEADER_BYTES] ^= 1;
    assert_eq!(read(&bytes), (Vec::new(), End::Torn));
}

/// The bytes of a record with one section of `cart`, whose fields are `fields`.
fn with_fields(fields: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; 24];
    for block in [b"cart".as_slice(), fields] {
        bytes.extend_from_slice(&u32::try_from(block.len()).unwrap().to_le_bytes());
        bytes.extend_from_slice(block);
    }
    bytes
}

#[test]
fn what_is_unknown_or_in_a_wrong_place_is_refused() {
    const VERSION: [u8; 13] = [3, 8, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];
    const DROPPED: [u8; 5] = [4, 0, 0, 0, 0];
    let check = |fields: &[u8], expected: RecordError| {
        assert_eq!(Record::decode(&with_fields(fields)), Err(expected), "{fields:?}");
    };
    check(&[5, 1, 0, 0, 0, b'x'], RecordError::UnknownField { tag: 5 });
    check(&[0, 1, 0, 0, 0, b'x'], RecordError::FieldOrder { tag: 0 });
    check(&[VERSION, VERSION].concat(), RecordError::FieldOrder { tag: 3 });
    check(&[&DROPPED[..], &VERSION].concat(), RecordError::FieldOrder { tag: 3 });
    check(&[&VERSION[..], &DROPPED].concat(), RecordError::Content { tag: 4, what: "section of its own" });
    check(&[4, 1, 0, 0, 0, 0], RecordError::Length { tag: 4 });
    check(&[3, 7, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7], RecordError::Content { tag: 3, what: "data version" });
    check(&[3, 9, 0, 0, 0, 1], RecordError::Length { tag: 3 });
    let good = encode(&example());
    assert_eq!(Record::decode(&good[..24]), Err(RecordError::Short), "no store");
    assert_eq!(Record::decode(&good[..10]), Err(RecordError::Short));
    assert_eq!(Record::decode(&[&good[..], &[0]].concat()), Err(RecordError::Section));
    let no_service = [vec![0; 24], vec![4, 0, 0, 0], b"Cart".to_vec(), vec![0; 4]].concat();
    assert_eq!(Record::decode(&no_service), Err(RecordError::Section));
}

#[test]
fn each_store_has_one_section_in_the_order_of_the_names() {
    let [cart, stock, platform] = ["cart", "stock", "@platform"].map(|name| ServiceName::of_store(name).unwrap());
    let check = |names: &[&ServiceName], good: bool| {
        let sections = names.iter().map(|name| Section { data_version: Some(1), ..Section::new((*name).clone()) });
        let record = Record { sections: sections.collect(), ..example() };
        let read = Record::decode(&encode(&record));
        assert_eq!(read, if good { Ok(record) } else { Err(RecordError::SectionOrder) }, "{names:?}");
    };
    check(&[&platform, &cart, &stock], true);
    check(&[&cart, &platform], false);
    check(&[&stock, &cart], false);
    check(&[&cart, &cart], false);
}

/// The example record in the documentation.
fn example() -> Record {
    let cart = Section {
        writes: vec![
            (Key::parse(Generation::First, "cart/7").unwrap(), Some(Bytes::from_static(b"hello"))),
            (Key::parse(Generation::First, "old").unwrap(), None),
        ],
        events: vec![Event { interface: "a:b/c".into(), function: "e".into(), payload: Bytes::from_static(b"{}") }],
        ..Section::new(ServiceName::parse("cart").unwrap())
    };
    let stock = Section { data_version: Some(2), ..Section::new(ServiceName::parse("stock").unwrap()) };
    let (time_unix_micros, call) = (0x0102_0304_0506_0708, CallId(*b"0123456789abcdef"));
    Record { time_unix_micros, call, sections: vec![cart, dropped("mail"), stock] }
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

/// A segment from number 7 on: a record, the pieces of two large records between others (one of which never comes), a
/// mark.
fn segment_with_pieces() -> (Vec<u8>, Vec<Vec<u8>>) {
    let mut bytes = SegmentHeader { journal: ID, first: CommitSeq(7) }.encode().to_vec();
    let large: Vec<u8> = (0..100).collect();
    let (head, rest) = large.split_at(HEAD_BYTES);
    let pieces: Vec<_> = rest.chunks(40).collect();
    let mut put = |number, durable, body: &Body| put_frame(&mut bytes, ID, CommitSeq(number), CommitSeq(durable), body);
    put(7, 6, &Body::piece(1, pieces[0]));
    put(7, 6, &Body::new(b"first".to_vec()));
    put(8, 7, &Body::piece(2, b"of a commit that never came"));
    put(8, 7, &Body::piece(1, pieces[1]));
    put(8, 7, &Body::new(b"second".to_vec()));
    put(9, 7, &Body::piece(1, pieces[2]));
    put(9, 8, &Body::in_pieces(1, head, 3));
    put(10, 9, &Body::of_kind(FrameKind::Mark, Vec::new()));
    bytes.resize(bytes.len() + 64, 0);
    (bytes, vec![b"first".to_vec(), b"second".to_vec(), large])
}

#[test]
fn a_record_in_pieces_is_read_whole_where_it_counts() {
    let (bytes, records) = segment_with_pieces();
    assert_eq!(read(&bytes), (records, End::Clean));
}

#[test]
fn behind_a_mark_all_is_known_to_be_durable_and_damage_before_it_is_damage() {
    let (bytes, records) = segment_with_pieces();
    let mut frames = Frames::read(&bytes).unwrap();
    assert_eq!(frames.by_ref().count(), records.len());
    assert!(frames.all_durable());
    let mark = frames.offset() - FRAME_HEADER_BYTES;
    for at in SEGMENT_HEADER_BYTES..mark {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        let (read, end) = read(&damaged);
        assert!(read.len() < records.len() && records.starts_with(&read), "byte {at}");
        assert!(matches!(end, End::Damaged(_)), "byte {at}: {end:?}");
    }
    // Without the mark, the last batch looks torn.
    let mut torn = bytes.clone();
    torn[mark..].fill(0);
    let last = mark - 8;
    torn[last] ^= 1;
    assert_eq!(read(&torn).1, End::Torn);
    torn[last] ^= 1;
    let mut frames = Frames::read(&torn).unwrap();
    assert_eq!(frames.by_ref().count(), records.len());
    assert!(!frames.all_durable());
}

#[test]
fn a_mark_may_have_a_position_in_a_stream_and_the_last_one_counts() {
    let position = |number| Position { number: CommitSeq(number), ..Position::default() };
    let mut bytes = SegmentHeader { journal: ID, first: CommitSeq(7) }.encode().to_vec();
    let mut put = |number, body: &Body| put_frame(&mut bytes, ID, CommitSeq(number), CommitSeq(6), body);
    put(7, &Body::of_kind(FrameKind::Mark, position(6).encode()));
    put(7, &Body::new(b"first".to_vec()));
    put(8, &Body::of_kind(FrameKind::Mark, position(7).encode()));
    put(8, &Body::of_kind(FrameKind::Mark, Vec::new()));
    put(8, &Body::new(b"second".to_vec()));
    bytes.resize(bytes.len() + 64, 0);
    let mut frames = Frames::read(&bytes).unwrap();
    assert_eq!(frames.position(), None);
    assert_eq!(frames.by_ref().count(), 2);
    assert_eq!((frames.position(), frames.end()), (Some(position(7)), End::Clean));
}

#[test]
fn a_record_without_one_of_its_pieces_is_none() {
    let mut bytes = SegmentHeader { journal: ID, first: CommitSeq(7) }.encode().to_vec();
    put_frame(&mut bytes, ID, CommitSeq(7), CommitSeq(6), &Body::piece(1, b"a"));
    put_frame(&mut bytes, ID, CommitSeq(7), CommitSeq(6), &Body::in_pieces(1, b"12345678", 2));
    assert_eq!(read(&bytes), (Vec::new(), End::Torn));
}

#[tokio::test]
async fn whoever_waits_leaves_nothing_behind() {
    let watermark = DurabilityWatermark::new(CommitSeq(1));
    let mut polled = Box::pin(watermark.wait(CommitSeq(3)));
    let mut other = Box::pin(watermark.wait(CommitSeq(3)));
    for _ in 0..100 {
        assert!(futures::poll!(polled.as_mut()).is_pending());
        assert!(futures::poll!(other.as_mut()).is_pending());
    }
    assert_eq!(watermark.waiters(), 2, "one waker each, however often they are polled");
    drop(polled);
    assert_eq!(watermark.waiters(), 1);
    watermark.advance(CommitSeq(2));
    assert!(futures::poll!(other.as_mut()).is_pending());
    watermark.advance(CommitSeq(3));
    assert_eq!(watermark.waiters(), 0);
    other.await.unwrap();
}
