//! TCP → TLS.

use std::{io, sync::Arc};

use rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{error::ConnectError, options::Roots};

/// Builds what secures streams, once for many of them.
pub(super) async fn connector(roots: &Roots) -> Result<TlsConnector, ConnectError> {
    let store = match roots {
        // Reads the file system.
        Roots::System => tokio::task::spawn_blocking(system_roots)
            .await
            .map_err(|_| ConnectError::Tls("the certificates could not be read".to_owned()))??,
        Roots::Only(certificates) => {
            let mut store = RootCertStore::empty();
            store.add_parsable_certificates(certificates.iter().cloned());
            store
        }
    };
    // The provider is named, for the process may hold several and then has no default.
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| ConnectError::Tls(error.to_string()))?
        .with_root_certificates(store)
        .with_no_client_auth();
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

fn system_roots() -> Result<RootCertStore, ConnectError> {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if store.is_empty() {
        return Err(ConnectError::Tls(
            "the system has no certificates to check by".to_owned(),
        ));
    }
    Ok(store)
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
        Some(error) => ConnectError::Tls(error.to_string()),
        None => ConnectError::Network(error.to_string()),
    }
}
