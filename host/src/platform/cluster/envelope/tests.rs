use proptest::prelude::*;

use super::*;

fn key(byte: u8) -> NodeKey {
    NodeKey::new(&HostSecret::new([byte; 32]))
}

fn envelope() -> Envelope {
    let client = Client { is_behind_proxy: true, ..Client::new("[2001:db8::7]:4711".parse().unwrap()) };
    Envelope { side: Side::Operator, client, is_admin: true, is_repeated: false }
}

fn request<'a>(method: &'a Method, uri: &'a Uri) -> Sealed<'a> {
    Sealed { to: "10.0.0.1:7900", method, uri }
}

#[test]
fn an_envelope_comes_back_as_it_was() {
    for side in [Side::Public, Side::Operator, Side::Node(Digest::of(b"{}"))] {
        for (is_admin, is_repeated) in [(false, true), (true, false)] {
            let sent = Envelope { side, is_admin, is_repeated, ..envelope() };
            let uri: Uri = "http://10.0.0.1:7900/items?limit=2".parse().unwrap();
            let header = sent.seal(&key(1), request(&Method::POST, &uri));
            let uri = "/items?limit=2".parse().unwrap();
            let (read, _) = Envelope::open(&header, &key(1), request(&Method::POST, &uri), 0).unwrap();
            assert_eq!((read.side, read.is_admin, read.is_repeated), (side, is_admin, is_repeated));
            assert!(read.client.is_behind_proxy && read.client.address == sent.client.address);
        }
    }
}

#[test]
fn an_envelope_holds_for_one_request_to_one_node_of_one_cluster() {
    let (uri, other): (Uri, Uri) = ("/carts/1".parse().unwrap(), "/carts/2".parse().unwrap());
    let header = envelope().seal(&key(1), request(&Method::GET, &uri));
    let open = |key: NodeKey, request: Sealed<'_>| Envelope::open(&header, &key, request, 0).map(|(_, tag)| tag);
    let own = request(&Method::GET, &uri);
    assert!(open(key(1), own).is_ok());
    for (who, key, request) in [
        ("another cluster", key(2), own),
        ("another method", key(1), request(&Method::DELETE, &uri)),
        ("another path", key(1), request(&Method::GET, &other)),
        ("another node", key(1), Sealed { to: "10.0.0.2:7900", ..own }),
    ] {
        assert_eq!(open(key, request), Err(Refused::Foreign), "{who}");
    }
    // Each has a tag of its own, which is the same whenever it is opened.
    let again = envelope().seal(&key(1), own);
    assert_eq!(open(key(1), own), open(key(1), own));
    assert_ne!(Envelope::open(&again, &key(1), own, 0).unwrap().1, open(key(1), own).unwrap());
}

#[test]
fn an_envelope_that_is_old_or_of_another_time_is_refused() {
    let (uri, max) = (Uri::from_static("/carts/1"), u64::try_from(AGE_MAX.as_micros()).unwrap());
    let now = clock::unix_micros();
    for (time, is_taken) in [
        (now, true),
        (now - max + 5_000_000, true),
        (now + max - 5_000_000, true),
        (now - max - 1, false),
        (now + max + 5_000_000, false),
        (0, false),
        (u64::MAX, false),
    ] {
        let header = envelope().seal_at(&key(1), request(&Method::POST, &uri), time, 7);
        let opened = Envelope::open(&header, &key(1), request(&Method::POST, &uri), 0);
        assert_eq!(opened.is_ok(), is_taken, "{time} at {now}");
        assert!(is_taken || matches!(opened, Err(Refused::Age(age)) if age > AGE_MAX), "{opened:?}");
    }
    // A process that has just begun does not know what the one before it has taken.
    let header = envelope().seal_at(&key(1), request(&Method::POST, &uri), now, 7);
    let open = |since| Envelope::open(&header, &key(1), request(&Method::POST, &uri), since);
    assert!(open(now).is_ok() && matches!(open(now + 1), Err(Refused::Age(_))), "{:?}", open(now + 1));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_changed_envelope_is_refused(at in any::<prop::sample::Index>(), letter in 0x20_u8..0x7f) {
        let uri: Uri = "/".parse().unwrap();
        let header = envelope().seal(&key(1), request(&Method::GET, &uri));
        let mut bytes = header.as_bytes().to_vec();
        let at = at.index(bytes.len());
        prop_assume!(!bytes[at].eq_ignore_ascii_case(&letter));
        bytes[at] = letter;
        let changed = HeaderValue::from_bytes(&bytes).unwrap();
        prop_assert!(Envelope::open(&changed, &key(1), request(&Method::GET, &uri), 0).is_err());
    }

    #[test]
    fn any_other_text_is_refused(text in "[ -~]{0,120}") {
        let (uri, header): (Uri, _) = ("/".parse().unwrap(), HeaderValue::from_str(&text).unwrap());
        prop_assert!(Envelope::open(&header, &key(1), request(&Method::GET, &uri), 0).is_err());
    }
}
