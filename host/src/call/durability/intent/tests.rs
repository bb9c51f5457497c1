use proptest::prelude::*;

use super::*;

fn intent(request: &str, arguments: Vec<u8>) -> Intent {
    Intent {
        service: ServiceName::parse("cart").unwrap(),
        interface: "shop:cart/cart@1.0.0".into(),
        function: "checkout".into(),
        seed: [7; 32],
        time_unix_micros: 1,
        identity: Some(Identity { id: "a\nb".into(), role: "customer".into(), session: None }),
        calling_service: None,
        request: request.into(),
        key: None,
        releases: vec![(ServiceName::parse("cart").unwrap(), Digest::of(b"cart"))],
        rows: vec![crate::store::system::INTENTS.put(&CallId([1; 16]), vec![1])],
        on_live: true,
        reached: CommitSeq(0),
        arguments,
    }
}

proptest! {
    #[test]
    fn an_intent_reads_as_it_was_written(request in "[!-~]{1,20}", arguments: Vec<u8>) {
        let intent = intent(&request, arguments);
        prop_assert_eq!(Intent::decode(&intent.encode()), Ok(intent));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
        let _read = Intent::decode(&bytes);
    }
}
