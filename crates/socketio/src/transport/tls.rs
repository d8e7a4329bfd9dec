//! TCP → TLS.

use std::{io, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, ServerName},
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{TlsConnector, client::TlsStream};

use self::verifier::{ByPin, ByRoots, doubts};
use crate::{
    error::ConnectError,
    options::{Pin, Roots},
};

mod verifier;

/// What is spoken inside, and nothing else: neither a WebSocket nor a long poll
/// goes over HTTP/2 here.
const PROTOCOL: &[u8] = b"http/1.1";

/// Builds what secures streams, once for many of them. TLS 1.2 and 1.3. With a
/// pin the key alone decides, otherwise the roots do.
pub(super) async fn connector(
    roots: &Roots,
    pin: Option<Pin>,
) -> Result<TlsConnector, ConnectError> {
    // The provider is named, for the process may hold several and then has no default.
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| ConnectError::Tls(error.to_string()))?
        .dangerous();
    let builder = if let Some(pin) = pin {
        let by_pin = ByPin::new(pin, &provider);
        builder.with_custom_certificate_verifier(Arc::new(by_pin))
    } else {
        let by_roots = ByRoots::new(&certificates(roots).await?, provider)?;
        builder.with_custom_certificate_verifier(Arc::new(by_roots))
    };
    let mut config = builder.with_no_client_auth();
    config.alpn_protocols = vec![PROTOCOL.to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Secures `stream`, and makes sure that `host` is at the other end.
pub(super) async fn handshake<S: AsyncRead + AsyncWrite + Unpin>(
    connector: &TlsConnector,
    host: &str,
    stream: S,
) -> Result<TlsStream<S>, ConnectError> {
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| ConnectError::InvalidUrl("no certificate can name this host"))?;
    connector
        .connect(name, stream)
        .await
        .map_err(|error| tls_error(&error))
}

/// Those whose word counts.
async fn certificates(roots: &Roots) -> Result<Vec<CertificateDer<'static>>, ConnectError> {
    let mut certificates = roots.given().to_vec();
    // One that is left out in silence would be missed much later.
    if !certificates.iter().all(is_root) {
        return Err(ConnectError::Tls(
            "a certificate to check by is damaged".to_owned(),
        ));
    }
    if roots.with_system() {
        // Reads the file system.
        let system = tokio::task::spawn_blocking(rustls_native_certs::load_native_certs)
            .await
            .map_err(|_| ConnectError::Tls("the certificates could not be read".to_owned()))?;
        certificates.extend(system.certs.into_iter().filter(is_root));
    }
    if certificates.is_empty() {
        return Err(ConnectError::Tls(
            "there are no certificates to check by".to_owned(),
        ));
    }
    Ok(certificates)
}

fn is_root(certificate: &CertificateDer<'static>) -> bool {
    RootCertStore::empty().add(certificate.clone()).is_ok()
}

/// rustls speaks through I/O errors; what is none of its own is the network's.
fn tls_error(error: &io::Error) -> ConnectError {
    match error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>())
    {
        Some(rustls::Error::InvalidMessage(_)) => {
            ConnectError::Tls("the server does not speak TLS".to_owned())
        }
        Some(error) => match doubts(error) {
            Some(doubts) => ConnectError::Untrusted {
                reason: doubts.reason,
                pin: doubts.pin,
            },
            None => ConnectError::Tls(error.to_string()),
        },
        None => ConnectError::Network(error.to_string()),
    }
}
