//! Host names as requests and settings have them.

use hyper::http::uri::Authority;

/// Whether `text` is a host name or address, with or without a port, and no other part of a URL.
pub(crate) fn is_host(text: &str) -> bool {
    // Nearly all are plain, and each request has one.
    is_plain(text) || is_authority(text)
}

fn is_plain(text: &str) -> bool {
    let (name, port) = text.rsplit_once(':').unwrap_or((text, "0"));
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-';
    let is_port = port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
    !name.is_empty() && name.bytes().all(is_plain) && is_port
}

fn is_authority(text: &str) -> bool {
    text.parse::<Authority>().is_ok_and(|authority| {
        let bare = authority.host() == text;
        !authority.host().is_empty() && !text.contains('@') && (bare || authority.port_u16().is_some())
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_and_addresses_are_hosts_and_other_parts_of_a_url_are_not() {
        for host in ["shop.example", "shop.example:8080", "127.0.0.1:80", "[::1]", "[::1]:8080", "localhost"] {
            assert!(is_host(host), "{host}");
        }
        for other in ["", ":80", "shop.example:", "shop.example:65536", "user@shop.example", "shop.example/a", "a b"] {
            assert!(!is_host(other), "{other}");
        }
    }

    proptest! {
        #[test]
        fn what_is_plain_is_a_host_for_the_parser_too(text in "[a-zA-Z0-9.:-]{0,12}(:[0-9]{0,6})?") {
            prop_assert!(!is_plain(&text) || is_authority(&text), "{text}");
        }
    }
}
