//! Who is reached without a proxy.

use std::net::IpAddr;

use ipnet::IpNet;
use url::Host;

/// What `no_proxy` says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Exceptions {
    everybody: bool,
    entries: Vec<Entry>,
}

#[derive(Debug, PartialEq, Eq)]
struct Entry {
    place: Place,
    /// Only this port; `None` is all of them.
    port: Option<u16>,
}

#[derive(Debug, PartialEq, Eq)]
enum Place {
    Network(IpNet),
    /// This name and all below it.
    Name(String),
}

impl Exceptions {
    /// Reads entries with commas or blanks between. What is no entry matches nobody.
    pub(super) fn parse(text: &str) -> Self {
        let mut exceptions = Self::default();
        for entry in text.split(|c: char| c == ',' || c.is_whitespace()) {
            match entry {
                "" => {}
                "*" => exceptions.everybody = true,
                entry => match Entry::parse(entry) {
                    Some(entry) => exceptions.entries.push(entry),
                    None => tracing::debug!("an entry of no_proxy cannot be read"),
                },
            }
        }
        exceptions
    }

    /// Whether this host, a name in ASCII or an address, is reached without a proxy.
    pub(super) fn hold(&self, host: &str, port: u16) -> bool {
        self.everybody
            || self
                .entries
                .iter()
                .filter(|entry| entry.port.is_none_or(|only| only == port))
                .any(|entry| entry.place.has(host))
    }
}

/// Whether this is the own machine.
pub(super) fn is_own_machine(host: &str) -> bool {
    match address(host) {
        Some(address) => address.is_loopback() || address.is_unspecified(),
        None => below(&normal(host), "localhost"),
    }
}

impl Entry {
    fn parse(text: &str) -> Option<Self> {
        if let Some(place) = Place::parse(text) {
            return Some(Self { place, port: None });
        }
        let (place, port) = text.rsplit_once(':')?;
        Some(Self {
            place: Place::parse(place)?,
            port: Some(port.parse().ok()?),
        })
    }
}

impl Place {
    fn parse(text: &str) -> Option<Self> {
        if let Some(address) = address(text) {
            return Some(Self::Network(address.into()));
        }
        if text.contains('/') {
            return text.parse::<IpNet>().ok().map(Self::Network);
        }
        let name = text.strip_prefix('*').unwrap_or(text);
        let name = name.strip_prefix('.').unwrap_or(name);
        if name.contains([':', '*']) {
            return None;
        }
        match Host::parse(name).ok()? {
            Host::Domain(name) => Some(Self::Name(normal(&name))),
            Host::Ipv4(_) | Host::Ipv6(_) => None,
        }
    }

    fn has(&self, host: &str) -> bool {
        match (self, address(host)) {
            (Self::Network(network), Some(address)) => network.contains(&address),
            (Self::Name(name), None) => below(&normal(host), name),
            _ => false,
        }
    }
}

/// An address, with brackets or without; one of IPv4 in the clothes of IPv6 is
/// one of IPv4.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(text);
    bare.parse()
        .ok()
        .map(|address: IpAddr| address.to_canonical())
}

fn normal(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

/// Whether `host` is `name` or below it; both in small letters.
fn below(host: &str, name: &str) -> bool {
    host.strip_suffix(name)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use proptest::prelude::*;

    use super::*;

    fn held(list: &str, host: &str) -> bool {
        Exceptions::parse(list).hold(host, 443)
    }

    #[test]
    fn names_stand_for_all_below_them() {
        for list in [
            "b.example",
            ".b.example",
            "*.b.example",
            "B.Example.",
            "x,b.example y",
        ] {
            assert!(held(list, "b.example"), "{list}");
            assert!(held(list, "a.b.example"), "{list}");
            assert!(held(list, "A.B.EXAMPLE."), "{list}");
            assert!(!held(list, "ab.example"), "{list}");
            assert!(!held(list, "example"), "{list}");
            assert!(!held(list, "b.example.org"), "{list}");
        }
        assert!(held("b\u{fc}ro.example", "xn--bro-hoa.example"));
        assert!(held("*", "anybody") && held(" a , * ", "10.0.0.1"));
        for nobody in ["", ",,", "  ", "*b.*", "/", ":", "[", "a/8", "b.example:x"] {
            assert!(!held(nobody, "b.example"), "{nobody}");
        }
    }

    #[test]
    fn addresses_and_networks_hold_addresses() {
        for (list, host) in [
            ("10.1.2.3", "10.1.2.3"),
            ("10.0.0.0/8", "10.255.0.1"),
            ("10.1.2.3/8", "10.9.9.9"),
            ("::1", "0:0:0:0:0:0:0:1"),
            ("[fd00::1]", "fd00::1"),
            ("fd00::/8", "fd12::1"),
            ("10.0.0.0/8", "::ffff:10.0.0.1"),
            ("0.0.0.0/0", "1.2.3.4"),
        ] {
            assert!(held(list, host), "{list} {host}");
        }
        for (list, host) in [
            ("10.0.0.0/8", "11.0.0.1"),
            ("10.1.2.3", "10.1.2.30"),
            ("0.0.0.0/0", "::2"),
            ("10.0.0.0/33", "10.0.0.1"),
            ("2.3", "1.2.3"),
            ("10.0.0.0/8", "10.example"),
        ] {
            assert!(!held(list, host), "{list} {host}");
        }
    }

    #[test]
    fn an_entry_may_have_a_port() {
        for list in [
            "b.example:443",
            "10.0.0.1:443",
            "[::2]:443",
            "10.0.0.0/8:443",
        ] {
            let host = match list {
                "b.example:443" => "a.b.example",
                "[::2]:443" => "::2",
                _ => "10.0.0.1",
            };
            assert!(Exceptions::parse(list).hold(host, 443), "{list}");
            assert!(!Exceptions::parse(list).hold(host, 444), "{list}");
        }
    }

    #[test]
    fn the_own_machine_has_many_names() {
        for host in [
            "localhost",
            "LOCALHOST.",
            "a.localhost",
            "127.0.0.1",
            "127.9.9.9",
            "::1",
            "::ffff:127.0.0.1",
            "0.0.0.0",
        ] {
            assert!(is_own_machine(host), "{host}");
        }
        for host in ["mylocalhost", "localhost.example", "128.0.0.1", "10.0.0.1"] {
            assert!(!is_own_machine(host), "{host}");
        }
    }

    proptest! {
        #[test]
        fn a_name_holds_itself_and_what_is_below(
            name in "[a-z][a-z0-9]{0,8}(\\.[a-z][a-z0-9]{0,8}){0,3}",
            label in "[a-z][a-z0-9]{0,8}",
            dot in prop::sample::select(vec!["", ".", "*."]),
        ) {
            let list = format!("other.invalid, {dot}{name}");
            prop_assert!(held(&list, &name));
            let below = format!("{label}.{name}");
            prop_assert!(held(&list, &below));
            let glued = format!("{label}{name}");
            prop_assert!(!held(&list, &glued));
        }

        #[test]
        fn a_network_holds_who_shares_its_bits(a: u32, b: u32, length in 0u32..=32) {
            let list = format!("{}/{length}", Ipv4Addr::from(a));
            let same = length == 0 || (a ^ b) >> (32 - length) == 0;
            prop_assert_eq!(held(&list, &Ipv4Addr::from(b).to_string()), same);
        }

        #[test]
        fn a_wide_network_too(a: u128, b: u128, length in 1u32..=128) {
            prop_assume!(Ipv6Addr::from(a).to_ipv4_mapped().is_none());
            prop_assume!(Ipv6Addr::from(b).to_ipv4_mapped().is_none());
            let list = format!("{}/{length}", Ipv6Addr::from(a));
            let same = (a ^ b) >> (128 - length) == 0;
            prop_assert_eq!(held(&list, &Ipv6Addr::from(b).to_string()), same);
            prop_assert!(held(&list, &Ipv6Addr::from(a).to_string()));
        }

        #[test]
        fn whatever_it_says_it_is_read(list in "\\PC{0,60}", host in "\\PC{0,30}", port: u16) {
            let exceptions = Exceptions::parse(&list);
            let spaced = Exceptions::parse(&format!(" {list} ,"));
            prop_assert_eq!(exceptions.hold(&host, port), spaced.hold(&host, port));
        }
    }
}
