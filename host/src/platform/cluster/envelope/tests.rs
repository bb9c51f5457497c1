use proptest::prelude::*;

use super::*;

fn key(byte: u8) -> NodeKey {
    NodeKey::new(&HostSecret::new([byte; 32]))
}

fn envelope() -> Envelope {
    let client = Client { is_behind_proxy: true, ..Client::new("[2001:db8::7]:4711".parse().unwrap()) };
    Envelope { side: Side::Operator, client, is_admin: true, is_repeated: false }
}

#[test]
fn an_envelope_comes_back_as_it_was() {
    for side in [Side::Public, Side::Operator, Side::Node] {
        for (is_admin, is_repeated) in [(false, true), (true, false)] {
            let sent = Envelope { side, is_admin, is_repeated, ..envelope() };
            let uri: Uri = "http://10.0.0.1:7900/items?limit=2".parse().unwrap();
            let header = sent.seal(&key(1), &Method::POST, &uri);
            let read = Envelope::open(&header, &key(1), &Method::POST, &"/items?limit=2".parse().unwrap()).unwrap();
            assert_eq!(read.text(), sent.text());
            assert!(read.client.is_behind_proxy && read.client.address == sent.client.address);
        }
    }
}

#[test]
fn an_envelope_holds_for_one_request_of_one_cluster() {
    let (uri, other): (Uri, Uri) = ("/carts/1".parse().unwrap(), "/carts/2".parse().unwrap());
    let header = envelope().seal(&key(1), &Method::GET, &uri);
    assert!(Envelope::open(&header, &key(1), &Method::GET, &uri).is_some());
    assert!(Envelope::open(&header, &key(2), &Method::GET, &uri).is_none(), "another cluster");
    assert!(Envelope::open(&header, &key(1), &Method::DELETE, &uri).is_none(), "another method");
    assert!(Envelope::open(&header, &key(1), &Method::GET, &other).is_none(), "another path");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_changed_envelope_is_refused(at in any::<prop::sample::Index>(), letter in 0x20_u8..0x7f) {
        let uri: Uri = "/".parse().unwrap();
        let header = envelope().seal(&key(1), &Method::GET, &uri);
        let mut bytes = header.as_bytes().to_vec();
        let at = at.index(bytes.len());
        prop_assume!(!bytes[at].eq_ignore_ascii_case(&letter));
        bytes[at] = letter;
        let changed = HeaderValue::from_bytes(&bytes).unwrap();
        prop_assert!(Envelope::open(&changed, &key(1), &Method::GET, &uri).is_none());
    }

    #[test]
    fn any_other_text_is_refused(text in "[ -~]{0,120}") {
        let uri: Uri = "/".parse().unwrap();
        prop_assert!(Envelope::open(&HeaderValue::from_str(&text).unwrap(), &key(1), &Method::GET, &uri).is_none());
    }
}
