use super::*;

fn granted(texts: &[&str]) -> Grants {
    let granted = texts.iter().map(|text| Grant::parse(text).unwrap()).collect();
    Grants { granted, tls: None, connections: ConnectionLimit::of_release() }
}

#[test]
fn a_request_goes_only_to_a_host_and_port_that_are_granted() {
    let grants = granted(&["API.example.com", "127.0.0.1:9000"]);
    let check = |url: &str, granted: bool| {
        let uri: Uri = url.parse().unwrap();
        let target = grants.target(uri.scheme().unwrap(), uri.authority().unwrap());
        assert_eq!(target.is_some(), granted, "{url}");
    };
    check("https://api.example.com/pay", true);
    check("http://API.example.com", true);
    check("https://api.example.com:443", true);
    check("https://api.example.com:8443", false);
    check("https://user@api.example.com", true);
    check("https://api.example.com@evil.example", false);
    check("https://evil.api.example.com", false);
    check("http://127.0.0.1:9000", true);
    check("http://127.0.0.1", false);
    check("http://localhost:9000", false);
}

#[tokio::test]
async fn a_granted_name_does_not_reach_addresses_that_are_not_public_unless_their_range_is_granted() {
    let service = ServiceName::parse("payment").unwrap();
    let log = RequestLog { service, limits: Arc::new(LogLimits::of_requests()) };
    let check = async |grants: &[&str], host: &str, reached: bool| {
        let addresses = granted(grants).addresses(&log, host, 80).await;
        match addresses {
            Ok(addresses) => assert!(reached && !addresses.is_empty(), "{host}: {addresses:?}"),
            Err(error) => assert!(!reached && matches!(error, Error::DestinationIpProhibited), "{host}: {error}"),
        }
    };
    check(&["localhost"], "localhost", false).await;
    check(&["localhost", "10.0.0.0/8"], "localhost", false).await;
    check(&["localhost", "127.0.0.0/8", "::1/128"], "localhost", true).await;
    // An address that is granted itself is intended by the operator.
    check(&["127.0.0.1"], "127.0.0.1", true).await;
    check(&["169.254.169.254"], "169.254.169.254", true).await;
}
