//! Whether the server is the one: by its key, or by those who vouch for it.

use std::sync::Arc;

use ring::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::{
        CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
    },
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
};

use crate::{
    error::{ConnectError, Distrust},
    options::Pin,
};

/// Believes the server that has the pinned key, whatever its certificate says:
/// somebody vouches for that very key. That the server does have it is still
/// proved, by its signature in the handshake.
#[derive(Debug)]
pub(super) struct ByPin {
    pin: Pin,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ByPin {
    pub(super) fn new(pin: Pin, provider: &CryptoProvider) -> Self {
        Self {
            pin,
            algorithms: provider.signature_verification_algorithms,
        }
    }
}

impl ServerCertVerifier for ByPin {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let pin = pin_of(end_entity)?;
        if pin == self.pin {
            return Ok(ServerCertVerified::assertion());
        }
        Err(doubt(Distrust::OtherKey, pin))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Believes the server that somebody vouches for, as the web does.
#[derive(Debug)]
pub(super) struct ByRoots {
    ordinary: Arc<WebPkiServerVerifier>,
    /// The hashes of all certificates whose word counts.
    known: Vec<Fingerprint>,
}

impl ByRoots {
    pub(super) fn new(
        certificates: &[CertificateDer<'static>],
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, ConnectError> {
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(certificates.iter().cloned());
        let ordinary = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider)
            .build()
            .map_err(|error| ConnectError::Tls(error.to_string()))?;
        Ok(Self {
            ordinary,
            known: certificates.iter().map(fingerprint).collect(),
        })
    }

    /// Whether this very certificate is known, and all that speaks against it is
    /// that it is an authority's. That is what `openssl req -x509` makes, and what
    /// many a small server has; who puts it among the roots says that it is meant.
    fn is_known(&self, error: &Error, certificate: &CertificateDer<'_>) -> bool {
        is_authority(error) && self.known.contains(&fingerprint(certificate))
    }
}

type Fingerprint = [u8; SHA256_OUTPUT_LEN];

fn fingerprint(certificate: &CertificateDer<'_>) -> Fingerprint {
    let mut bytes = [0; SHA256_OUTPUT_LEN];
    bytes.copy_from_slice(digest(&SHA256, certificate).as_ref());
    bytes
}

impl ServerCertVerifier for ByRoots {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let ordinary = self.ordinary.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        let error = match ordinary {
            Ok(verified) => return Ok(verified),
            // Its time was found to be right before this was.
            Err(error) if self.is_known(&error, end_entity) => {
                let parsed = ParsedCertificate::try_from(end_entity)?;
                match verify_server_name(&parsed, server_name) {
                    Ok(()) => return Ok(ServerCertVerified::assertion()),
                    Err(error) => error,
                }
            }
            Err(error) => error,
        };
        match reason(&error) {
            Some(reason) => Err(doubt(reason, pin_of(end_entity)?)),
            None => Err(error),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.ordinary.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.ordinary.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.ordinary.supported_verify_schemes()
    }
}

/// Why a certificate is not believed, and whose it is. It travels inside
/// rustls' error.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub(super) struct Doubts {
    pub(super) reason: Distrust,
    pub(super) pin: Pin,
}

/// The doubts in this error, where there are some.
pub(super) fn doubts(error: &Error) -> Option<&Doubts> {
    match error {
        Error::InvalidCertificate(CertificateError::Other(OtherError(inner))) => {
            inner.downcast_ref()
        }
        _ => None,
    }
}

fn doubt(reason: Distrust, pin: Pin) -> Error {
    let doubts = Doubts { reason, pin };
    CertificateError::Other(OtherError(Arc::new(doubts))).into()
}

fn pin_of(certificate: &CertificateDer<'_>) -> Result<Pin, Error> {
    Pin::of_certificate(certificate).map_err(|_| CertificateError::BadEncoding.into())
}

/// Whether all that is wrong is that this is an authority's own certificate.
fn is_authority(error: &Error) -> bool {
    let Error::InvalidCertificate(CertificateError::Other(OtherError(inner))) = error else {
        return false;
    };
    matches!(
        inner.downcast_ref::<webpki::Error>(),
        Some(webpki::Error::CaUsedAsEndEntity)
    )
}

/// What rustls holds against the certificate; `None` where it cannot even be read.
fn reason(error: &Error) -> Option<Distrust> {
    use CertificateError as Wrong;
    let Error::InvalidCertificate(wrong) = error else {
        return None;
    };
    Some(match wrong {
        Wrong::BadEncoding => return None,
        Wrong::Expired | Wrong::ExpiredContext { .. } => Distrust::Expired,
        Wrong::NotValidYet | Wrong::NotValidYetContext { .. } => Distrust::NotYetValid,
        Wrong::NotValidForName | Wrong::NotValidForNameContext { .. } => Distrust::WrongName,
        Wrong::UnknownIssuer => Distrust::UnknownIssuer,
        Wrong::BadSignature => Distrust::BadSignature,
        Wrong::Revoked => Distrust::Revoked,
        Wrong::InvalidPurpose | Wrong::InvalidPurposeContext { .. } => Distrust::WrongPurpose,
        Wrong::Other(_) if is_authority(error) => Distrust::Authority,
        _ => Distrust::Unusable,
    })
}
