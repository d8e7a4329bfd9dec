//! Whose request it is.

use std::net::{IpAddr, Ipv6Addr};

use http::HeaderMap;

use crate::config::Network;

const FORWARDED: &str = "x-forwarded-for";

/// Addresses in one `X-Forwarded-For` that are looked at: a chain of more
/// proxies is nobody's.
const HOPS: usize = 16;

/// The proxies whose word counts.
#[derive(Clone, Debug)]
pub(crate) struct Proxies(Vec<Network>);

impl Proxies {
    /// These, and nobody else.
    pub(crate) fn new(trusted: Vec<Network>) -> Self {
        Self(trusted)
    }

    /// Whether there are any.
    pub(super) fn any(&self) -> bool {
        !self.0.is_empty()
    }

    /// Whether `address` is one of them.
    pub(super) fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }

    /// The address of the client behind a request that came from `remote`.
    ///
    /// Each proxy adds at the end the address that it was asked by, so the list
    /// is read from the end as long as the one who wrote is trusted: what stands
    /// before was written by a stranger.
    pub(crate) fn client(&self, remote: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = remote.to_canonical();
        let values: Vec<_> = headers.get_all(FORWARDED).iter().collect();
        let hops = values.iter().rev().flat_map(|value| {
            let text = value.to_str().unwrap_or_default();
            text.split(',').rev().map(str::trim)
        });
        for hop in hops.take(HOPS) {
            if !self.trusts(client) {
                break;
            }
            let Some(address) = hop_address(hop) else {
                break;
            };
            client = address;
        }
        client
    }
}

/// An address, which some proxies write with a port.
fn hop_address(text: &str) -> Option<IpAddr> {
    let address: Option<IpAddr> = text.parse().ok();
    let with_port = || {
        text.parse()
            .ok()
            .map(|socket: std::net::SocketAddr| socket.ip())
    };
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let address = address.or_else(with_port).or_else(bracketed)?;
    Some(address.to_canonical())
}

/// What counts as one address: an IPv6 one has a whole /64 to itself.
pub(super) fn limit_key(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(
            address.to_bits() & !u128::from(u64::MAX),
        )),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(trusted: &[&str], remote: &str, forwarded: &[&str]) -> String {
        let trusted = trusted.iter().map(|text| text.parse().expect("network"));
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED, value.parse().expect("value"));
        }
        Proxies::new(trusted.collect())
            .client(remote.parse().expect("address"), &headers)
            .to_string()
    }

    #[test]
    fn a_stranger_is_not_believed() {
        assert_eq!(client(&[], "192.0.2.1", &["10.0.0.1"]), "192.0.2.1");
        assert_eq!(
            client(&["10.0.0.0/8"], "192.0.2.1", &["10.0.0.1"]),
            "192.0.2.1"
        );
    }

    #[test]
    fn a_proxy_says_whom_it_speaks_for() {
        let trusted = ["127.0.0.1", "10.0.0.0/8"];
        assert_eq!(
            client(&trusted, "127.0.0.1", &["203.0.113.7"]),
            "203.0.113.7"
        );
        assert_eq!(
            client(&trusted, "::ffff:127.0.0.1", &["203.0.113.7:1234"]),
            "203.0.113.7"
        );
        assert_eq!(
            client(&trusted, "127.0.0.1", &["[2001:db8::1]:80"]),
            "2001:db8::1"
        );
        assert_eq!(client(&trusted, "127.0.0.1", &[]), "127.0.0.1");
    }

    #[test]
    fn what_the_client_wrote_itself_is_not_believed() {
        let trusted = ["127.0.0.1", "10.0.0.0/8"];
        assert_eq!(
            client(&trusted, "127.0.0.1", &["1.1.1.1, 203.0.113.7"]),
            "203.0.113.7"
        );
        assert_eq!(
            client(&trusted, "127.0.0.1", &["1.1.1.1", "203.0.113.7, 10.2.3.4"]),
            "203.0.113.7"
        );
        assert_eq!(
            client(&trusted, "127.0.0.1", &["1.1.1.1, nonsense"]),
            "127.0.0.1"
        );
    }

    #[test]
    fn a_list_without_end_is_not_read_to_its_end() {
        let many = vec!["10.0.0.1"; 1000].join(",");
        assert_eq!(client(&["10.0.0.0/8"], "10.9.9.9", &[&many]), "10.0.0.1");
    }

    #[test]
    fn limits_see_networks_of_ipv6() {
        let key = |text: &str| limit_key(text.parse().expect("address")).to_string();
        assert_eq!(key("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(key("::ffff:192.0.2.1"), "192.0.2.1");
        assert_eq!(key("192.0.2.1"), "192.0.2.1");
    }
}
