use super::*;

fn proxies(from: ClientAddressFrom) -> TrustedProxies {
    let network = |text: &str| text.parse().expect("a network");
    TrustedProxies::new(vec![network("10.0.0.0/8"), network("fd00::/8")], from)
}

#[test]
fn a_list_is_read_from_its_end_up_to_the_first_stranger() {
    use ClientAddressFrom::{Forwarded, XForwardedFor};
    let check = |from, lines: &[&str], peer: &str, expected: Option<&str>| {
        let name = if from == Forwarded { FORWARDED } else { X_FORWARDED_FOR };
        let mut map = HeaderMap::new();
        for line in lines {
            map.append(name.clone(), line.parse().expect("a value"));
        }
        let found = proxies(from).farthest(&map, peer.parse().expect("an address"));
        assert_eq!(found, expected.map(|text| text.parse().expect("an address")), "{lines:?} by {peer}");
    };
    let proxy = "10.0.0.1";
    check(XForwardedFor, &["203.0.113.7"], proxy, Some("203.0.113.7"));
    check(XForwardedFor, &["198.51.100.1, 203.0.113.7"], proxy, Some("203.0.113.7"));
    check(XForwardedFor, &["198.51.100.1", "203.0.113.7, 10.0.0.2"], proxy, Some("203.0.113.7"));
    check(XForwardedFor, &["203.0.113.7:4711"], proxy, Some("203.0.113.7"));
    check(XForwardedFor, &["[2001:db8::7]:4711"], proxy, Some("2001:db8::7"));
    check(XForwardedFor, &["2001:db8::7"], "fd00::1", Some("2001:db8::7"));
    check(XForwardedFor, &["203.0.113.7"], "::ffff:10.0.0.1", Some("203.0.113.7"));
    check(XForwardedFor, &["10.0.0.3, 10.0.0.2"], proxy, Some("10.0.0.3"));
    check(XForwardedFor, &["198.51.100.1, nonsense, 10.0.0.2"], proxy, Some("10.0.0.2"));
    check(XForwardedFor, &["nonsense"], proxy, None);
    check(XForwardedFor, &[], proxy, None);
    check(XForwardedFor, &["203.0.113.7"], "192.0.2.1", None);
    check(Forwarded, &["for=203.0.113.7;proto=https;by=10.0.0.1"], proxy, Some("203.0.113.7"));
    check(Forwarded, &["For=\"[2001:db8::7]:4711\""], proxy, Some("2001:db8::7"));
    check(Forwarded, &["for=198.51.100.1, by=\"a,b\";for=203.0.113.7"], proxy, Some("203.0.113.7"));
    check(Forwarded, &["for=198.51.100.1;x=\"\\\",for=10.0.0.9\""], proxy, Some("198.51.100.1"));
    check(Forwarded, &["for=198.51.100.1, for=unknown, for=10.0.0.2"], proxy, Some("10.0.0.2"));
    check(Forwarded, &["for=_hidden"], proxy, None);
}

#[test]
fn the_proxy_protocol_names_the_source() {
    let check = |header: &[u8], expected: Option<Option<&str>>| {
        let expected = expected.map(|source| source.map(|text| text.parse().expect("an address")));
        assert_eq!(source(header), expected, "{header:?}");
    };
    check(b"PROXY TCP4 203.0.113.7 192.0.2.1 4711 443\r\n", Some(Some("203.0.113.7:4711")));
    check(b"PROXY TCP6 2001:db8::7 2001:db8::1 4711 443\r\n", Some(Some("[2001:db8::7]:4711")));
    check(b"PROXY UNKNOWN\r\n", Some(None));
    check(b"PROXY TCP4 nonsense\r\n", None);
    check(b"GET / HTTP/1.1\r\n", None);
    let v2 = |command: u8| {
        let mut header = V2_SIGNATURE.to_vec();
        header.extend_from_slice(&[command, 0x11, 0, 12, 203, 0, 113, 7, 192, 0, 2, 1, 0x12, 0x67, 1, 0xbb]);
        header
    };
    check(&v2(0x21), Some(Some("203.0.113.7:4711")));
    check(&v2(0x20), Some(None));
}

#[test]
fn only_a_trusted_proxy_that_reads_http_writes_headers() {
    use ClientAddressFrom::{Forwarded, ProxyProtocol, XForwardedFor};
    for (from, peer, expected) in [
        (XForwardedFor, "10.0.0.1", true),
        (Forwarded, "fd00::1", true),
        (ProxyProtocol, "10.0.0.1", false),
        (XForwardedFor, "192.0.2.1", false),
    ] {
        assert_eq!(proxies(from).writes_headers(peer.parse().expect("an address")), expected, "{from:?} of {peer}");
    }
}
