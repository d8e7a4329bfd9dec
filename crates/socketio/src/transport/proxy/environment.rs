//! What the environment says about proxies.

use super::exceptions::{Exceptions, is_own_machine};
use crate::{error::ProxyError, options::ProxyUrl, transport::target::Target};

/// The proxy for `target` by these variables; `None` is none.
///
/// # Errors
/// The setting that applies is no proxy's address. Going without one in its
/// place would show people's traffic to whom they do not mean to show it.
pub(super) fn proxy(
    target: &Target,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Option<ProxyUrl>, ProxyError> {
    if is_own_machine(&target.host) {
        return Ok(None);
    }
    // An empty variable says as much as none.
    let value = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
    let exceptions = value("no_proxy").or_else(|| value("NO_PROXY"));
    let exceptions = Exceptions::parse(&exceptions.unwrap_or_default());
    if exceptions.hold(&target.host, target.port) {
        return Ok(None);
    }
    // In a CGI program, HTTP_PROXY is a header of the request: anybody sets it.
    let is_cgi = variable("REQUEST_METHOD").is_some();
    let names: &[&'static str] = match (target.secure, is_cgi) {
        (true, _) => &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"],
        (false, false) => &["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"],
        (false, true) => &["http_proxy", "all_proxy", "ALL_PROXY"],
    };
    let found = names
        .iter()
        .find_map(|name| value(name).map(|value| (*name, value)));
    match found {
        Some((name, value)) => match value.parse() {
            Ok(proxy) => Ok(Some(proxy)),
            Err(_) => Err(ProxyError::Setting(name)),
        },
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::options::ConnectOptions;

    fn chosen(url: &str, variables: &[(&str, &str)]) -> Result<Option<String>, ProxyError> {
        let target = Target::from_options(&ConnectOptions::new(url.parse().unwrap())).unwrap();
        let variables: HashMap<_, _> = variables.iter().copied().collect();
        let found = proxy(&target, |name| {
            variables.get(name).map(|value| (*value).to_owned())
        })?;
        Ok(found.map(|proxy| proxy.to_string()))
    }

    fn via(proxy: &str) -> Result<Option<String>, ProxyError> {
        Ok(Some(format!("http://{proxy}:80")))
    }

    #[test]
    fn the_scheme_decides_and_small_letters_come_first() {
        let variables = [
            ("https_proxy", "a"),
            ("HTTPS_PROXY", "b"),
            ("HTTP_PROXY", "c"),
            ("all_proxy", "d"),
            ("ALL_PROXY", "e"),
        ];
        assert_eq!(chosen("https://x.example", &variables), via("a"));
        assert_eq!(chosen("https://x.example", &variables[1..]), via("b"));
        assert_eq!(chosen("http://x.example", &variables), via("c"));
        assert_eq!(chosen("https://x.example", &variables[2..]), via("d"));
        assert_eq!(chosen("https://x.example", &variables[4..]), via("e"));
        assert_eq!(chosen("https://x.example", &[]), Ok(None));
        let empty = [("https_proxy", " "), ("ALL_PROXY", "e")];
        assert_eq!(chosen("https://x.example", &empty), via("e"));
    }

    #[test]
    fn a_request_cannot_choose_the_proxy_of_a_cgi_program() {
        let variables = [("REQUEST_METHOD", "GET"), ("HTTP_PROXY", "evil")];
        assert_eq!(chosen("http://x.example", &variables), Ok(None));
        let variables = [("REQUEST_METHOD", "GET"), ("http_proxy", "ours")];
        assert_eq!(chosen("http://x.example", &variables), via("ours"));
    }

    #[test]
    fn exceptions_and_the_own_machine_go_without() {
        let proxied = [("all_proxy", "a"), ("NO_PROXY", "10.0.0.0/8,b.example")];
        assert_eq!(chosen("http://x.b.example", &proxied), Ok(None));
        assert_eq!(chosen("http://10.1.1.1:5", &proxied), Ok(None));
        assert_eq!(chosen("http://x.example", &proxied), via("a"));
        let both = [("all_proxy", "a"), ("no_proxy", "c"), ("NO_PROXY", "b")];
        assert_eq!(chosen("http://b", &both), via("a"));
        assert_eq!(chosen("http://c", &both), Ok(None));
        for own in [
            "http://localhost:3000",
            "http://127.0.0.1",
            "http://[::1]:1",
        ] {
            assert_eq!(chosen(own, &[("all_proxy", "a")]), Ok(None), "{own}");
        }
    }

    #[test]
    fn a_setting_that_cannot_be_read_is_no_way_around_the_proxy() {
        let variables = [("https_proxy", "canary://canary"), ("all_proxy", "a")];
        let error = chosen("https://x.example", &variables).unwrap_err();
        assert_eq!(error, ProxyError::Setting("https_proxy"));
        assert!(!error.to_string().contains("canary"));
    }
}
