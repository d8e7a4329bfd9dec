//! The one type of all streams to a server, whatever is in between.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::client::TlsStream;

use super::meter::Metered;

/// What bytes to and from the server go over.
#[derive(Debug)]
pub(crate) enum Stream {
    /// As they are.
    Plain(Tunnel),
    /// Secured.
    Secure(Box<TlsStream<Tunnel>>),
}

/// What carries the bytes as far as the server.
#[derive(Debug)]
pub(crate) enum Tunnel {
    /// The line itself: to the server, or to a proxy that passes everything on.
    Tcp(Metered<TcpStream>),
    /// The line to a proxy, secured.
    Secure(Box<TlsStream<Metered<TcpStream>>>),
}

impl Stream {
    /// The line below everything, for its settings.
    pub(crate) fn tcp(&self) -> &TcpStream {
        let tunnel = match self {
            Self::Plain(tunnel) => tunnel,
            Self::Secure(tls) => tls.get_ref().0,
        };
        match tunnel {
            Tunnel::Tcp(tcp) => tcp.inner(),
            Tunnel::Secure(tls) => tls.get_ref().0.inner(),
        }
    }
}

/// Passes everything on to whichever it is.
macro_rules! pass_on {
    ($stream:ty { $($variant:ident),+ }) => {
        impl AsyncRead for $stream {
            fn poll_read(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<()>> {
                match self.get_mut() {
                    $(Self::$variant(inner) => Pin::new(inner).poll_read(cx, buf),)+
                }
            }
        }

        impl AsyncWrite for $stream {
            fn poll_write(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &[u8],
            ) -> Poll<io::Result<usize>> {
                match self.get_mut() {
                    $(Self::$variant(inner) => Pin::new(inner).poll_write(cx, buf),)+
                }
            }

            fn poll_write_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bufs: &[io::IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                match self.get_mut() {
                    $(Self::$variant(inner) => Pin::new(inner).poll_write_vectored(cx, bufs),)+
                }
            }

            fn is_write_vectored(&self) -> bool {
                match self {
                    $(Self::$variant(inner) => inner.is_write_vectored(),)+
                }
            }

            fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                match self.get_mut() {
                    $(Self::$variant(inner) => Pin::new(inner).poll_flush(cx),)+
                }
            }

            fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                match self.get_mut() {
                    $(Self::$variant(inner) => Pin::new(inner).poll_shutdown(cx),)+
                }
            }
        }
    };
}

pass_on!(Stream { Plain, Secure });
pass_on!(Tunnel { Tcp, Secure });
