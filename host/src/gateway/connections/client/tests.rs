use super::*;

fn key(ip: &str) -> ClientKey {
    Client::new(SocketAddr::new(ip.parse().expect("an address"), 1)).key
}

#[test]
fn one_subscriber_is_one_client() {
    assert_eq!(key("2001:db8::1"), key("2001:db8::2:3"));
    assert_ne!(key("2001:db8::1"), key("2001:db8:0:1::1"));
    assert_eq!(key("10.0.0.1"), key("::ffff:10.0.0.1"), "an IPv4 client of a dual-stack listener");
    assert_ne!(key("10.0.0.1"), key("10.0.0.2"));
}

#[test]
fn a_place_is_free_again_when_its_connection_ends() {
    let connections = Connections::new(2, 1);
    let first = connections.take(key("10.0.0.1")).expect("nobody is there");
    assert_eq!(connections.take(key("10.0.0.1")).err(), Some(ConnectionLimit::Client));
    let _second = connections.take(key("10.0.0.2")).expect("there is one place more");
    assert_eq!(connections.take(key("10.0.0.3")).err(), Some(ConnectionLimit::Full));
    drop(first);
    assert!(connections.take(key("10.0.0.1")).is_ok());
}
