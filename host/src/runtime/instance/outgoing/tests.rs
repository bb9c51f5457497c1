use super::*;

#[test]
fn a_request_goes_only_to_a_host_and_port_that_are_granted() {
    let hosts = ["api.example.com", "127.0.0.1:9000"].map(String::from);
    let grants = Grants { hosts: hosts.into(), tls: None };
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
