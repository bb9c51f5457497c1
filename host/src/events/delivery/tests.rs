use proptest::prelude::*;

use super::*;
use crate::names::CommitSeq;

fn name(text: &str) -> ServiceName {
    ServiceName::parse(text).expect("a name")
}

proptest! {
    #[test]
    fn a_delivery_reads_as_it_was_written(
        number: u64, index: u32, emitted_at: u64, payload: Vec<u8>, failure in proptest::option::of((any::<u32>(), ".{0,40}")),
    ) {
        let failure = failure.map(|(attempts, error)| Failure { attempts, first_at: 1, last_at: 2, error });
        let id = EventId { emitter: name("stock-2"), seq: EventSeq(CommitSeq(number), index) };
        let event = Event { interface: "a:b/c@1.0.0".into(), function: "f".into(), payload: payload.into() };
        let delivery = Delivery { id, event, emitted_at, failure };
        prop_assert_eq!(Delivery::of_value(delivery.id.clone(), &delivery.value()), Some(delivery.clone()));
        prop_assert_eq!(EventId::parse(&delivery.id.to_string()), Ok(delivery.id));
    }

    #[test]
    fn no_bytes_end_the_host(text in "\\PC{0,60}", value: Vec<u8>) {
        let id = EventId { emitter: name("a"), seq: EventSeq::START };
        let _read = Delivery::of_value(id, &value.into());
        let _parsed = EventId::parse(&text);
    }
}

#[test]
fn an_id_is_a_service_and_two_numbers() {
    for text in ["", "inventory", "inventory.1", "inventory.1.x", "inventory.1.0.0", "Inventory.1.0", ".1.0", "a.-1.0"]
    {
        assert!(EventId::parse(text).is_err(), "{text:?}");
    }
}
