//! The address of a server, as a person types it.

use url::{Host, Url};

/// Reads an address. Without a scheme, a name on this computer means `http`
/// and any other `https`. The path, query and credentials are dropped: an
/// account is bound to the origin.
///
/// Returns `None` for what is no address, or has another scheme.
pub(crate) fn parse_server(text: &str) -> Option<Url> {
    let text = text.trim();
    if text.is_empty() || text.chars().any(char::is_whitespace) {
        return None;
    }
    let parsed = if text.contains("://") {
        Url::parse(text).ok()?
    } else {
        let secure = Url::parse(&format!("https://{text}")).ok()?;
        // The port is only told from the default once the scheme is right.
        if is_loopback(&secure) {
            Url::parse(&format!("http://{text}")).ok()?
        } else {
            secure
        }
    };
    if !matches!(parsed.scheme(), "http" | "https") || parsed.host().is_none() {
        return None;
    }
    Url::parse(&parsed.origin().ascii_serialization()).ok()
}

/// The address as it is stored and shown: without a slash at its end.
pub(crate) fn server_text(server: &Url) -> String {
    server.origin().ascii_serialization()
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        parse_server(text).as_ref().map(server_text)
    }

    #[test]
    fn the_scheme_follows_from_where_the_server_is() {
        assert_eq!(
            read(" chat.example.org ").as_deref(),
            Some("https://chat.example.org")
        );
        assert_eq!(
            read("localhost:3000").as_deref(),
            Some("http://localhost:3000")
        );
        assert_eq!(
            read("127.0.0.1:3000").as_deref(),
            Some("http://127.0.0.1:3000")
        );
        assert_eq!(read("[::1]:3000").as_deref(), Some("http://[::1]:3000"));
        assert_eq!(
            read("http://10.0.0.7:3000").as_deref(),
            Some("http://10.0.0.7:3000")
        );
    }

    #[test]
    fn only_the_origin_is_kept() {
        let read = read("https://me:secret@Chat.Example.org:443/room?x=1#y");
        assert_eq!(read.as_deref(), Some("https://chat.example.org"));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "  ",
            "two words",
            "ftp://example.org",
            "http://",
            "file:///etc/passwd",
            "javascript://x",
        ] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }
}
