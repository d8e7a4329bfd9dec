//! Telling systemd how the start and the end go, if it asked for that.

use std::{env, ffi::OsStr, io};

/// The server takes connections.
pub(super) const READY: &str = "READY=1";

/// The server is ending.
pub(super) const STOPPING: &str = "STOPPING=1";

/// Sends `state` to the socket that the environment names, if it names one.
pub(super) fn tell(state: &str) {
    let Some(socket) = env::var_os("NOTIFY_SOCKET") else {
        return;
    };
    if let Err(error) = send(&socket, state) {
        tracing::warn!(%error, "systemd could not be told about the state");
    }
}

#[cfg(unix)]
fn send(socket: &OsStr, state: &str) -> io::Result<()> {
    use std::os::unix::net::{SocketAddr, UnixDatagram};
    let address = match abstract_name(socket) {
        Some(name) => abstract_address(name)?,
        None => SocketAddr::from_pathname(socket)?,
    };
    UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address)?;
    Ok(())
}

/// A name that begins with `@` is in no folder.
#[cfg(unix)]
fn abstract_name(socket: &OsStr) -> Option<&[u8]> {
    std::os::unix::ffi::OsStrExt::as_bytes(socket).strip_prefix(b"@")
}

#[cfg(target_os = "linux")]
fn abstract_address(name: &[u8]) -> io::Result<std::os::unix::net::SocketAddr> {
    use std::os::{linux::net::SocketAddrExt as _, unix::net::SocketAddr};
    SocketAddr::from_abstract_name(name)
}

#[cfg(all(unix, not(target_os = "linux")))]
fn abstract_address(_name: &[u8]) -> io::Result<std::os::unix::net::SocketAddr> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(not(unix))]
fn send(_socket: &OsStr, _state: &str) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::os::{
        linux::net::SocketAddrExt as _,
        unix::net::{SocketAddr, UnixDatagram},
    };

    use super::*;

    fn hears(socket: &UnixDatagram) -> String {
        let mut bytes = [0; 64];
        let length = socket.recv(&mut bytes).expect("a datagram");
        String::from_utf8(bytes[..length].to_vec()).expect("text")
    }

    #[test]
    fn systemd_is_told_by_a_path_or_an_abstract_name() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).expect("bound");
        send(path.as_os_str(), READY).expect("sent");
        assert_eq!(hears(&socket), "READY=1");

        let name = format!("parlour-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).expect("an address");
        let socket = UnixDatagram::bind_addr(&address).expect("bound");
        send(OsStr::new(&format!("@{name}")), STOPPING).expect("sent");
        assert_eq!(hears(&socket), "STOPPING=1");
    }
}
