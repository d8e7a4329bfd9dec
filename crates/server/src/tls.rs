//! The server's certificate, from files, which can be read again while it runs.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

use crate::config::TlsFiles;

/// Why a certificate cannot be used. Each text is one sentence, without
/// anything of the key.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or is not in PEM.
    #[error("the {what} {path} cannot be read: {why}", path = path.display())]
    Unreadable {
        /// "certificate" or "private key".
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// There is nothing of the kind in the file.
    #[error("there is no {what} in {path}", path = path.display())]
    Empty {
        /// "certificate" or "private key".
        what: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// The key is of a kind that TLS does not know, or damaged.
    #[error("the private key {path} cannot be used: {why}", path = path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// They are not a pair.
    #[error(
        "the private key {key} does not belong to the certificate {cert}",
        key = key.display(), cert = cert.display()
    )]
    Mismatch {
        /// The file with the certificate.
        cert: PathBuf,
        /// The file with the key.
        key: PathBuf,
    },
    /// A fault of this program.
    #[error("TLS cannot be set up: {0}")]
    Internal(String),
}

/// A certificate that is in use. Cheap to clone; all clones are one.
#[derive(Clone)]
pub(crate) struct Tls {
    files: TlsFiles,
    current: Arc<Current>,
}

/// What connections that begin now are shown.
struct Current(RwLock<Arc<CertifiedKey>>);

impl Tls {
    /// Reads the files.
    pub(crate) fn load(files: &TlsFiles) -> Result<Self, TlsError> {
        let key = read(files)?;
        Ok(Self {
            files: files.clone(),
            current: Arc::new(Current(RwLock::new(Arc::new(key)))),
        })
    }

    /// Reads the files again. Connections that are open stay; if anything is
    /// wrong, the old certificate stays in use.
    pub(crate) fn reload(&self) -> Result<(), TlsError> {
        let key = Arc::new(read(&self.files)?);
        *self
            .current
            .0
            .write()
            .unwrap_or_else(PoisonError::into_inner) = key;
        Ok(())
    }

    /// For the listener.
    pub(crate) fn server_config(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::Internal(error.to_string()))?
            .with_no_client_auth()
            .with_cert_resolver(self.current.clone());
        // Nothing else is spoken here; a client that offers only HTTP/2 is told so.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(
            self.0
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
        )
    }
}

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Current(…)")
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tls").field(&self.files).finish()
    }
}

fn read(files: &TlsFiles) -> Result<CertifiedKey, TlsError> {
    let chain = chain(&files.cert)?;
    let key = key(&files.key)?;
    let signing = ring::sign::any_supported_type(&key).map_err(|error| TlsError::Key {
        path: files.key.clone(),
        why: error.to_string(),
    })?;
    let certified = CertifiedKey::new(chain, signing);
    match certified.keys_match() {
        // Unknown: this kind of key cannot tell, and handshakes will.
        Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {
            Ok(certified)
        }
        Err(rustls::Error::InconsistentKeys(_)) => Err(TlsError::Mismatch {
            cert: files.cert.clone(),
            key: files.key.clone(),
        }),
        Err(error) => Err(TlsError::Unreadable {
            what: CERTIFICATE,
            path: files.cert.clone(),
            why: error.to_string(),
        }),
    }
}

const CERTIFICATE: &str = "certificate";
const KEY: &str = "private key";

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let wrong = |error: rustls::pki_types::pem::Error| unreadable(CERTIFICATE, path, error);
    let chain = CertificateDer::pem_file_iter(path)
        .map_err(wrong)?
        .collect::<Result<Vec<_>, _>>()
        .map_err(wrong)?;
    if chain.is_empty() {
        return Err(TlsError::Empty {
            what: CERTIFICATE,
            path: path.to_owned(),
        });
    }
    Ok(chain)
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| unreadable(KEY, path, error))
}

fn unreadable(what: &'static str, path: &Path, error: rustls::pki_types::pem::Error) -> TlsError {
    use rustls::pki_types::pem::Error;
    let path = path.to_owned();
    let why = match error {
        Error::NoItemsFound => return TlsError::Empty { what, path },
        Error::Io(error) => error.to_string(),
        // Others quote what they found, which may be of a key.
        _ => "it is not in PEM".to_owned(),
    };
    TlsError::Unreadable { what, path, why }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    fn pair() -> (String, String) {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("made");
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    fn written(cert: &str, key: &str) -> (TempDir, TlsFiles) {
        let folder = tempfile::tempdir().expect("folder");
        let files = TlsFiles {
            cert: folder.path().join("cert.pem"),
            key: folder.path().join("key.pem"),
        };
        fs::write(&files.cert, cert).expect("written");
        fs::write(&files.key, key).expect("written");
        (folder, files)
    }

    fn error(cert: &str, key: &str) -> String {
        let (folder, files) = written(cert, key);
        let error = Tls::load(&files).expect_err("an error").to_string();
        error.replace(&format!("{}/", folder.path().display()), "")
    }

    #[test]
    fn each_error_says_which_file_and_what() {
        let (cert, key) = pair();
        let (_, other_key) = pair();
        assert_eq!(
            error(&cert, &other_key),
            "the private key key.pem does not belong to the certificate cert.pem"
        );
        assert_eq!(error("", &key), "there is no certificate in cert.pem");
        assert_eq!(error(&cert, ""), "there is no private key in key.pem");
        assert_eq!(error(&cert, &cert), "there is no private key in key.pem");
        assert_eq!(error(&key, &cert), "there is no certificate in cert.pem");
        let broken = cert.replace("MI", "!!");
        assert_eq!(
            error(&broken, &key),
            "the certificate cert.pem cannot be read: it is not in PEM"
        );
        let files = TlsFiles {
            cert: "/nowhere/cert.pem".into(),
            key: "/nowhere/key.pem".into(),
        };
        let missing = Tls::load(&files).expect_err("an error").to_string();
        assert!(
            missing.starts_with("the certificate /nowhere/cert.pem cannot be read: "),
            "{missing}"
        );
    }

    #[test]
    fn a_new_certificate_is_taken_and_a_bad_one_is_not() {
        let (cert, key) = pair();
        let (_folder, files) = written(&cert, &key);
        let tls = Tls::load(&files).expect("loaded");
        tls.server_config().expect("usable");
        let shown = || tls.current.0.read().expect("lock").cert[0].to_vec();
        let first = shown();
        let (cert, key) = pair();
        fs::write(&files.cert, cert).expect("written");
        assert!(matches!(tls.reload(), Err(TlsError::Mismatch { .. })));
        assert_eq!(shown(), first);
        fs::write(&files.key, key).expect("written");
        tls.reload().expect("reloaded");
        assert_ne!(shown(), first);
    }
}
