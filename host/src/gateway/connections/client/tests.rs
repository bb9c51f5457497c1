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
    let connections =
        Connections::new(ConnectionLimits { in_all_max: 2, per_client_max: 1, unauthenticated_max: None });
    let first = connections.take(Some(key("10.0.0.1"))).expect("nobody is there");
    assert_eq!(connections.take(Some(key("10.0.0.1"))).err(), Some(ConnectionLimit::Client));
    let _second = connections.take(Some(key("10.0.0.2"))).expect("there is one place more");
    assert_eq!(connections.take(Some(key("10.0.0.3"))).err(), Some(ConnectionLimit::Full));
    drop(first);
    assert!(connections.take(Some(key("10.0.0.1"))).is_ok());
}

#[tokio::test(start_paused = true)]
async fn an_unauthenticated_connection_makes_room_and_a_trusted_connection_stays() {
    let connections =
        Connections::new(ConnectionLimits { in_all_max: 4, per_client_max: 9, unauthenticated_max: Some(2) });
    let place = || connections.take(Some(key("10.0.0.1"))).expect("an unauthenticated one makes room");
    let ended = async |place: &ConnectionPermit| {
        let trust = place.trust().expect("unauthenticated are told apart");
        tokio::time::timeout(Duration::from_secs(5), trust.ends(Duration::from_secs(10))).await.is_ok()
    };
    let trusted = place();
    trusted.trust().expect("it has one").authenticate();
    let unauthenticated: Vec<_> = (0..5).map(|_| place()).collect();
    let mut gone = Vec::new();
    for connection in &unauthenticated {
        gone.push(ended(connection).await);
    }
    assert_eq!((gone, ended(&trusted).await), (vec![true, true, true, false, false], false));
    let last = unauthenticated.last().expect("there are some").trust().expect("it has one");
    let late = tokio::time::timeout(Duration::from_secs(11), last.ends(Duration::from_secs(10))).await;
    assert!(late.is_ok(), "without trust its time is short");
    let (second, third) = (place(), place());
    second.trust().expect("it has one").authenticate();
    let trust = third.trust().expect("it has one");
    trust.authenticate();
    let late = tokio::time::timeout(Duration::from_secs(11), trust.ends(Duration::from_secs(10))).await;
    assert!(late.is_ok() && !ended(&second).await, "the places of trusted connections are bounded too");
}
