//! Which addresses belong to the public internet. All others lead to this machine, to its neighbours, or to the
//! metadata of a cloud. A component may reach those only by an explicit grant.

#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub(super) fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// According to the registry of special addresses (RFC 6890). Metadata is at 169.254.169.254, and at some clouds in
/// 100.64.0.0/10.
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    let is_shared = first == 100 && (64..128).contains(&second);
    let is_benchmark = first == 198 && (second == 18 || second == 19);
    let is_protocol = first == 192 && second == 0 && third == 0;
    let is_special = address.is_private() || address.is_loopback() || address.is_link_local();
    // 0.0.0.0/8 is this host, 224.0.0.0/3 is multicast, reserved and broadcast.
    !(is_special || is_shared || is_benchmark || is_protocol || first == 0 || first >= 224)
}

/// Global unicast (2000::/3), unless it contains an IPv4 address that is not public: by 6to4, or by NAT64.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let embedded = |high: u16, low: u16| is_public_v4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)));
    match address.segments() {
        [0x2002, high, low, ..] => embedded(high, low),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        // Teredo contains addresses too, and the second is for documentation.
        [0x2001, 0 | 0xdb8, ..] => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}
