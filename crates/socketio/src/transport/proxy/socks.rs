//! SOCKS: what is asked, and what its errors mean here.

use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_socks::{
    Error, TargetAddr,
    tcp::{Socks4Stream, Socks5Stream},
};

use crate::{error::ProxyError, options::Credentials, transport::target::Target};

/// Where a SOCKS proxy is asked to lead.
pub(super) fn by_name(target: &Target) -> Result<TargetAddr<'_>, ProxyError> {
    if let Ok(address) = target.host.parse() {
        return Ok(TargetAddr::Ip(SocketAddr::new(address, target.port)));
    }
    // The protocol has one byte for the length.
    if target.host.len() > 255 {
        return Err(ProxyError::Unreachable("the name is too long".to_owned()));
    }
    Ok(TargetAddr::Domain(target.host.as_str().into(), target.port))
}

/// Asks a proxy of version 5.
pub(super) async fn five<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    place: TargetAddr<'_>,
    credentials: Option<&Credentials>,
) -> Result<S, ProxyError> {
    let asked = match credentials {
        Some(Credentials { user, password }) => {
            Socks5Stream::connect_with_password_and_socket(stream, place, user, password).await
        }
        None => Socks5Stream::connect_with_socket(stream, place).await,
    };
    match asked {
        Ok(opened) => Ok(opened.into_inner()),
        Err(error) => Err(meaning(&error, credentials.is_some())),
    }
}

/// Asks a proxy of version 4 or 4a.
pub(super) async fn four<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    place: TargetAddr<'_>,
    credentials: Option<&Credentials>,
) -> Result<S, ProxyError> {
    let asked = match credentials {
        Some(Credentials { user, .. }) => {
            Socks4Stream::connect_with_userid_and_socket(stream, place, user).await
        }
        None => Socks4Stream::connect_with_socket(stream, place).await,
    };
    match asked {
        Ok(opened) => Ok(opened.into_inner()),
        Err(error) => Err(meaning(&error, credentials.is_some())),
    }
}

fn meaning(error: &Error, signed_in: bool) -> ProxyError {
    let unreachable = |why: &str| ProxyError::Unreachable(why.to_owned());
    match error {
        Error::Io(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            ProxyError::Network("it closed the connection".to_owned())
        }
        Error::Io(error) => ProxyError::network(error),
        Error::NoAcceptableAuthMethods
        | Error::AuthorizationRequired
        | Error::IdentdAuthFailure
            if !signed_in =>
        {
            ProxyError::AuthRequired
        }
        Error::PasswordAuthFailure(_)
        | Error::NoAcceptableAuthMethods
        | Error::IdentdAuthFailure
        | Error::InvalidUserIdAuthFailure => ProxyError::AuthRefused,
        Error::ConnectionNotAllowedByRuleset => {
            ProxyError::Forbidden("its rules forbid it".to_owned())
        }
        Error::CommandNotSupported => ProxyError::Forbidden("it opens no lines".to_owned()),
        Error::GeneralSocksServerFailure => unreachable("it does not say why"),
        Error::NetworkUnreachable => unreachable("network unreachable"),
        Error::HostUnreachable => unreachable("host unreachable"),
        Error::ConnectionRefused => unreachable("connection refused"),
        Error::TtlExpired => unreachable("the way is too long"),
        Error::AddressTypeNotSupported => unreachable("it does not know this kind of address"),
        Error::InvalidResponseVersion => {
            ProxyError::Protocol("it does not speak this version of SOCKS")
        }
        _ => ProxyError::Protocol("its answer is none of SOCKS"),
    }
}
