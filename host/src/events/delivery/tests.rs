use proptest::prelude::*;

use super::*;

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
        for state in [DeliveryState::Retrying, DeliveryState::Dead] {
            let (key, value) = delivery.entry(state);
            prop_assert_eq!(Delivery::of_entry(key.as_str(), &value.expect("a value"), state), Some(delivery.clone()));
        }
        prop_assert_eq!(EventId::parse(&delivery.id.to_string()), Ok(delivery.id));
    }

    #[test]
    fn no_bytes_end_the_host(key in "\\PC{0,60}", value: Vec<u8>) {
        let _read = Delivery::of_entry(&format!("\0r{key}"), &value.into(), DeliveryState::Retrying);
        let _parsed = EventId::parse(&key);
    }
}

#[test]
fn an_id_is_a_service_and_two_numbers() {
    for text in ["", "inventory", "inventory.1", "inventory.1.x", "inventory.1.0.0", "Inventory.1.0", ".1.0", "a.-1.0"]
    {
        assert!(EventId::parse(text).is_err(), "{text:?}");
    }
}
