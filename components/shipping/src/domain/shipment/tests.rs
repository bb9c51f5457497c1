use super::*;

const NOW: Timestamp = Timestamp::from_unix_micros(1_767_225_600_000_000);

const ALL: [Status; 6] =
    [Status::Scheduled, Status::Packed, Status::Shipped, Status::Delivered, Status::Lost, Status::Cancelled];

fn consignment() -> Consignment {
    parse("ord_1", "standard", "Anna Lee", "DE").expect("it can be sent")
}

fn parse(order_id: &str, option: &str, recipient: &str, country: &str) -> Result<Consignment, Faults> {
    let destination = Destination::parse(country, "10115".into(), 500);
    Consignment::parse(order_id.into(), "acc_1".into(), option.into(), recipient.into(), destination)
}

/// A shipment with the state `status`.
fn at(status: Status) -> Shipment {
    let mut shipment = Shipment::schedule("shp_1".into(), tracking_number([7; 12]), consignment(), NOW);
    match status {
        Status::Scheduled => {}
        Status::Cancelled => assert_eq!(shipment.cancel(NOW), Ok(true)),
        status => shipment.record(status, None, NOW).expect("it is ahead"),
    }
    shipment
}

#[test]
fn a_shipment_moves_forward_only() {
    let forward = |from, to| match from {
        Status::Scheduled => matches!(to, Status::Packed | Status::Shipped | Status::Delivered | Status::Lost),
        Status::Packed => matches!(to, Status::Shipped | Status::Delivered | Status::Lost),
        Status::Shipped => matches!(to, Status::Delivered | Status::Lost),
        Status::Delivered | Status::Lost | Status::Cancelled => false,
    };
    for from in ALL {
        for to in [Status::Packed, Status::Shipped, Status::Delivered, Status::Lost] {
            let (mut shipment, before) = (at(from), at(from));
            let moved = shipment.record(to, Some("at the depot".into()), NOW.plus_seconds(1));
            if forward(from, to) {
                assert_eq!((moved, shipment.status), (Ok(()), to), "{from:?} {to:?}");
                let last = Event { status: to, note: Some("at the depot".into()), at: NOW.plus_seconds(1) };
                assert_eq!(shipment.events.split_last(), Some((&last, before.events.as_slice())), "{from:?} {to:?}");
            } else {
                assert_eq!((moved, shipment), (Err(Refusal::Move { from, to }), before), "{from:?} {to:?}");
            }
        }
    }
}

#[test]
fn a_shipment_is_called_off_before_it_ships_and_only_once() {
    for from in ALL {
        let (mut shipment, before) = (at(from), at(from));
        let cancelled = shipment.cancel(NOW);
        match from {
            Status::Scheduled | Status::Packed => {
                assert_eq!((cancelled, shipment.status), (Ok(true), Status::Cancelled), "{from:?}");
            }
            Status::Cancelled => assert_eq!((cancelled, shipment), (Ok(false), before)),
            _ => {
                let refusal = Refusal::Move { from, to: Status::Cancelled };
                assert_eq!((cancelled, shipment), (Err(refusal), before), "{from:?}");
            }
        }
    }
}

#[test]
fn staff_record_neither_scheduled_nor_cancelled_nor_a_long_note() {
    let long = "n".repeat(NOTE_CHARS_MAX + 1);
    let cases = [
        (Status::Scheduled, None, "/status"),
        (Status::Cancelled, None, "/status"),
        (Status::Packed, Some(long.as_str()), "/note"),
        (Status::Packed, Some("two\nlines"), "/note"),
    ];
    for (to, note, expected) in cases {
        let mut shipment = at(Status::Scheduled);
        let refused = shipment.record(to, note.map(str::to_owned), NOW);
        let Err(Refusal::Invalid(faults)) = refused else { panic!("{to:?}: {refused:?}") };
        assert_eq!(faults.iter().map(|(pointer, _)| pointer).collect::<Vec<_>>(), [expected]);
        assert_eq!(shipment, at(Status::Scheduled));
    }
}

#[test]
fn a_consignment_has_ids_a_recipient_and_an_option_of_its_country() {
    let cases = [
        (parse("ord_1", "pickup", "Anna Lee", "DE"), ""),
        (parse("ord 1", "standard", "Anna Lee", "DE"), "/orderId"),
        (parse("ord_1", "teleport", "Anna Lee", "DE"), "/option"),
        (parse("ord_1", "pickup", "Anna Lee", "JP"), "/option"),
        (parse("ord_1", "standard", "", "XX"), "/recipient /country"),
    ];
    for (parsed, expected) in cases {
        let faults = parsed.clone().err().unwrap_or_default();
        let found: Vec<_> = faults.iter().map(|(pointer, _)| pointer).collect();
        assert_eq!(found.join(" "), expected, "{parsed:?}");
    }
}

#[test]
fn a_tracking_number_shows_all_its_random_bytes() {
    assert_eq!(tracking_number([0; 12]), format!("SY{}", "0".repeat(24)));
    assert_eq!(tracking_number([1, 0x2f, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0xcd]), "SY012F030405060708090A0BCD");
}
