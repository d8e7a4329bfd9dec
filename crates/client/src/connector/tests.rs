//! What stood in the way, as the engine and its people hear of it.

use parlour_socketio::{Distrust, Pin};

use super::*;

fn heard(error: ConnectError) -> (FailureCode, String) {
    let Failure { code, detail } = connect_failure(error).reason;
    (code, detail.unwrap_or_default())
}

#[test]
fn a_key_nobody_vouches_for_is_named_whole() {
    let pin = Pin::of_key(b"a key");
    for reason in [
        Distrust::UnknownIssuer,
        Distrust::Expired,
        Distrust::NotYetValid,
        Distrust::WrongName,
        Distrust::Authority,
        Distrust::OtherKey,
    ] {
        let (code, detail) = heard(ConnectError::Untrusted { reason, pin });
        assert_eq!(code, FailureCode::Tls);
        assert_eq!(detail, format!("{reason} (key {pin})"), "not shortened");
    }
}

#[test]
fn a_proxy_that_wants_a_sign_in_is_told_from_one_that_fails() {
    for error in [ProxyError::AuthRequired, ProxyError::AuthRefused] {
        let expected = (FailureCode::ProxyAuthRequired, error.to_string());
        assert_eq!(heard(error.into()), expected);
    }
    for error in [
        ProxyError::Setting("https_proxy"),
        ProxyError::NotFound,
        ProxyError::ConnectionRefused,
        ProxyError::TimedOut,
        ProxyError::Forbidden("HTTP 403".to_owned()),
        ProxyError::Unreachable("HTTP 502".to_owned()),
        ProxyError::Tls("unknown issuer".to_owned()),
        ProxyError::Protocol("it does not speak HTTP"),
        ProxyError::Network("it closed the connection".to_owned()),
    ] {
        let expected = (FailureCode::ProxyFailed, error.to_string());
        assert_eq!(heard(error.into()), expected);
    }
}

#[test]
fn a_redirect_says_where_to() {
    let error = ConnectError::Redirected {
        status: 302,
        origin: "https://login.example".to_owned(),
    };
    let expected = (FailureCode::Redirected, "https://login.example".to_owned());
    assert_eq!(heard(error), expected);
}

#[test]
fn only_who_may_choose_begins_with_what_worked_before() {
    use Transports::{Polling, PollingFirst, WebSocket, WebSocketFirst};
    assert_eq!(order(WebSocketFirst, false), WebSocketFirst);
    assert_eq!(order(WebSocketFirst, true), PollingFirst);
    for chosen in [PollingFirst, WebSocket, Polling] {
        assert_eq!(order(chosen, true), chosen);
    }
}
