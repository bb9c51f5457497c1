use std::ops::Bound;

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::journal::Event;
use crate::names::{CallId, CommitSeq, Digest, Generation, ServiceName};

fn name(text: &str) -> ServiceName {
    ServiceName::parse(text).unwrap()
}

fn event_id((emitter, number, index): (String, u64, u32)) -> EventId {
    EventId { emitter: name(&emitter), seq: EventSeq(CommitSeq(number), index) }
}

fn event_ids() -> impl Strategy<Value = EventId> {
    // Names, some of which are a prefix of another.
    (prop::sample::select(vec!["a", "a-a", "aa", "b"]), 0_u64..3, 0_u32..3)
        .prop_map(|(emitter, number, position)| event_id((emitter.into(), number, position)))
}

fn round_trip<K: RowKey + Clone + PartialEq + std::fmt::Debug>(table: &Table<K>, key: &K) {
    assert_eq!(table.decode(table.key(key).as_bytes()).as_ref(), Some(key));
    let _bytes = table.put(key, "1");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn keys_read_as_they_were_written(bytes: [u8; 16], time: u64, number: u64, position: u32, digest: Vec<u8>) {
        let call = CallId(bytes);
        round_trip(&ANSWERS, &call);
        round_trip(&INTENTS, &call);
        round_trip(&MEMOS, &MemoKey { began_at: time, root: CallId([7; 16]), call });
        round_trip(&ANSWER_EXPIRIES, &AgedCall { began_at: time, call });
        round_trip(&OUTBOX, &OutboxKey { seq: EventSeq(CommitSeq(number), position), emitted_at: time });
        round_trip(&RETRIES, &event_id(("stock-2".into(), number, position)));
        round_trip(&DEAD_LETTERS, &event_id(("stock-2".into(), number, position)));
        round_trip(&CURSORS, &name("stock"));
        round_trip(&SCHEDULE_SLOTS, &Digest::of(&digest));
    }

    #[test]
    fn rows_are_ordered_as_their_keys(one in event_ids(), other in event_ids(), time: (u64, u64)) {
        prop_assert_eq!(one.cmp(&other), RETRIES.key(&one).cmp(&RETRIES.key(&other)));
        let outbox = |seq| OUTBOX.key(&OutboxKey { seq, emitted_at: 7 });
        prop_assert_eq!(one.seq.cmp(&other.seq), outbox(one.seq).cmp(&outbox(other.seq)));
        let behind = OUTBOX.key(&OutboxKey::last_of(one.seq)) < outbox(other.seq);
        prop_assert_eq!(behind, one.seq < other.seq);
        let aged = |time| MEMOS.key(&MemoKey { began_at: time, root: CallId([7; 16]), call: CallId([7; 16]) });
        prop_assert_eq!(time.0.cmp(&time.1), aged(time.0).cmp(&aged(time.1)));
        prop_assert_eq!(time.0 < time.1, aged(time.0) < MEMOS.key(&MemoKey::first_of(time.1)));
    }

    #[test]
    fn a_range_holds_the_rows_within_its_bounds_and_no_row_of_another_table(
        start in (0_u8..3, event_ids()), end in (0_u8..3, event_ids()), row in event_ids(),
    ) {
        let bound = |(kind, key): &(u8, EventId)| match kind {
            0 => Bound::Included(key.clone()),
            1 => Bound::Excluded(key.clone()),
            _ => Bound::Unbounded,
        };
        let bounds = (bound(&start), bound(&end));
        let range = RETRIES.range(&bounds);
        let expected = std::ops::RangeBounds::contains(&bounds, &row);
        prop_assert_eq!(range.contains(RETRIES.key(&row).as_bytes()), expected);
        prop_assert!(!range.contains(DEAD_LETTERS.key(&row).as_bytes()));
    }

    #[test]
    fn an_event_reads_as_it_was_emitted(
        number: u64, position: u32, time: u64, interface in "[a-z:/@.0-9]{0,40}", function in "[a-z-]{0,20}",
        payload: Vec<u8>,
    ) {
        let event = Event { interface: interface.into(), function: function.into(), payload: payload.into() };
        let (_, value) = outbox_rows(CommitSeq(number), time, [outbox_value(&event)]).next().unwrap();
        let key = OutboxKey { seq: EventSeq(CommitSeq(number), position), emitted_at: time };
        prop_assert_eq!(Emitted::of_row(key, &value), Some(Emitted { key, event }));
    }

    #[test]
    fn no_bytes_end_the_host(fields: Vec<u8>, value: Vec<u8>) {
        let _read = (CallId::decode(&fields), AgedCall::decode(&fields), EventId::decode(&fields));
        let _read = (MemoKey::decode(&fields), OutboxKey::decode(&fields));
        let _read = (ServiceName::decode(&fields), Digest::decode(&fields));
        let _read = Emitted::of_row(OutboxKey::last_of(EventSeq::START), &Bytes::from(value));
        let _read = serde_json::from_slice::<RowWrite>(&fields);
    }
}

#[test]
fn the_shares_of_the_tables_are_of_what_a_service_may_keep() {
    assert_eq!(OUTBOX.bytes_max(1_000), 200);
    assert_eq!(OUTBOX.bytes_max(10), 2);
    assert_eq!(ANSWERS.bytes_max(u64::MAX), u64::MAX / 100 * 30 + u64::MAX % 100 * 30 / 100);
    assert_eq!(CURSORS.bytes_max(0), u64::MAX, "contracts bound it");
}

#[test]
fn a_write_is_stored_and_read_back_and_never_one_of_a_component() {
    let write = ANSWER_EXPIRIES.put(&AgedCall { began_at: 7, call: CallId([1; 16]) }, "answer");
    let text = serde_json::to_string(&write).unwrap();
    assert_eq!(serde_json::from_str::<RowWrite>(&text).unwrap(), write);
    let component = crate::names::Key::parse(Generation::First, "a").unwrap();
    let forged = serde_json::to_string(&(component.as_bytes(), Some([1]))).unwrap();
    serde_json::from_str::<RowWrite>(&forged).unwrap_err();
}
