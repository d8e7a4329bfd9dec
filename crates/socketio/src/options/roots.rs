//! Whose word about a server's certificate counts.

use std::{fs::File, io::Read, path::Path};

use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

/// No file of certificates is larger: those of all systems are a quarter of this.
const MAX_FILE: usize = 1 << 20;

/// Whose certificates to believe. There is no way to believe any.
///
/// ```no_run
/// use parlour_socketio::{ConnectOptions, Roots, read_certificates};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut options = ConnectOptions::new("https://chat.example".parse()?);
/// options.roots = Roots::SystemAnd(read_certificates("our-ca.pem".as_ref())?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub enum Roots {
    /// Those of the system.
    #[default]
    System,
    /// These and no others: authorities, or servers' own certificates.
    Only(Vec<CertificateDer<'static>>),
    /// Those of the system, and these.
    SystemAnd(Vec<CertificateDer<'static>>),
}

impl Roots {
    /// Those that the options name.
    pub(crate) fn given(&self) -> &[CertificateDer<'static>] {
        match self {
            Self::System => &[],
            Self::Only(given) | Self::SystemAnd(given) => given,
        }
    }

    /// Whether those of the system count, too.
    pub(crate) fn with_system(&self) -> bool {
        !matches!(self, Self::Only(_))
    }
}

/// Reads a file of certificates, as [`parse_certificates`] reads its bytes. This
/// blocks until the disk has answered.
///
/// # Errors
/// It cannot be read, is larger than 1 MiB, or is not such a file.
pub fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, CertificatesError> {
    // A pipe would never end, and opening one may never return.
    let about = path.metadata().map_err(|error| unreadable(&error))?;
    if !about.is_file() {
        return Err(CertificatesError::NoFile);
    }
    let mut bytes = Vec::new();
    let one_more = u64::try_from(MAX_FILE).unwrap_or(u64::MAX) + 1;
    File::open(path)
        .and_then(|file| file.take(one_more).read_to_end(&mut bytes))
        .map_err(|error| unreadable(&error))?;
    parse_certificates(&bytes)
}

/// Reads certificates: PEM with any number of them, or DER with one. Other parts
/// of PEM, keys for instance, are left aside.
///
/// # Errors
/// It is longer than 1 MiB, or there is no certificate in it, or one that is damaged.
pub fn parse_certificates(bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, CertificatesError> {
    if bytes.len() > MAX_FILE {
        return Err(CertificatesError::TooLarge);
    }
    if bytes.trim_ascii().is_empty() {
        return Err(CertificatesError::Empty);
    }
    // DER begins with the tag of a sequence, which is a 0 in ASCII; a text is no DER.
    let found = if bytes.first() == Some(&SEQUENCE) && !bytes.is_ascii() {
        vec![CertificateDer::from(bytes.to_vec())]
    } else {
        CertificateDer::pem_slice_iter(bytes)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| CertificatesError::Pem)?
    };
    if found.is_empty() {
        return Err(CertificatesError::NoCertificate);
    }
    let mut certificates: Vec<CertificateDer<'static>> = Vec::with_capacity(found.len());
    for (index, certificate) in found.into_iter().enumerate() {
        if RootCertStore::empty().add(certificate.clone()).is_err() {
            return Err(CertificatesError::Damaged(index + 1));
        }
        if !certificates.contains(&certificate) {
            certificates.push(certificate);
        }
    }
    Ok(certificates)
}

/// The first byte of anything in DER that is a sequence.
const SEQUENCE: u8 = 0x30;

fn unreadable(error: &std::io::Error) -> CertificatesError {
    CertificatesError::Unreadable(error.kind().to_string())
}

/// Why there are no certificates.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificatesError {
    /// The system does not let us read it, for this reason.
    #[error("the file cannot be read: {0}")]
    Unreadable(String),
    /// It is a folder, or a device.
    #[error("this is no file")]
    NoFile,
    /// It is larger than 1 MiB.
    #[error("the file is larger than 1 MiB")]
    TooLarge,
    /// It holds nothing.
    #[error("the file is empty")]
    Empty,
    /// It is neither PEM nor DER, or holds other things only.
    #[error("there is no certificate in the file")]
    NoCertificate,
    /// A part of it begins like PEM and does not go on so.
    #[error("the file is damaged: its PEM cannot be read")]
    Pem,
    /// The certificate with this number, from 1, cannot be read.
    #[error("certificate {0} in the file is damaged")]
    Damaged(usize),
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use rcgen::generate_simple_self_signed;

    use super::*;

    fn certificate() -> (String, Vec<u8>, String) {
        let made = generate_simple_self_signed(vec!["a.example".to_owned()]).unwrap();
        let key = made.signing_key.serialize_pem();
        (made.cert.pem(), made.cert.der().to_vec(), key)
    }

    #[test]
    fn both_forms_are_read() {
        let (pem, der, key) = certificate();
        let (other, other_der, _) = certificate();
        assert_eq!(parse_certificates(&der).unwrap()[0].as_ref(), der);
        let both = format!(
            "# ours\r\n{}\n{key}\nwords\n{other}{pem}",
            pem.replace('\n', "\r\n")
        );
        let found = parse_certificates(both.as_bytes()).unwrap();
        assert_eq!(found.len(), 2, "a repeat is left out");
        assert_eq!(found[0].as_ref(), der);
        assert_eq!(found[1].as_ref(), other_der);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let (pem, der, key) = certificate();
        let wrong = |bytes: &[u8]| parse_certificates(bytes).unwrap_err();
        assert_eq!(wrong(b""), CertificatesError::Empty);
        assert_eq!(wrong(b" \r\n\t"), CertificatesError::Empty);
        assert_eq!(wrong(b"hello"), CertificatesError::NoCertificate);
        assert_eq!(wrong(b"0123"), CertificatesError::NoCertificate);
        assert_eq!(wrong(key.as_bytes()), CertificatesError::NoCertificate);
        assert_eq!(
            wrong(&vec![b'x'; MAX_FILE + 1]),
            CertificatesError::TooLarge
        );
        assert_eq!(wrong(&der[..der.len() - 1]), CertificatesError::Damaged(1));
        let cut = &pem[..pem.len() - 40];
        assert_eq!(wrong(cut.as_bytes()), CertificatesError::Pem);
        let text = STANDARD.encode(&der[..100]);
        let second =
            format!("{pem}-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n");
        assert_eq!(wrong(second.as_bytes()), CertificatesError::Damaged(2));
        let garbled = pem.replacen("MII", "!!!", 1);
        assert!(parse_certificates(garbled.as_bytes()).is_err());
    }

    #[test]
    fn files_are_read_within_limits() {
        let folder = tempfile::tempdir().unwrap();
        let (pem, der, _) = certificate();
        let path = folder.path().join("ca.pem");
        std::fs::write(&path, pem).unwrap();
        assert_eq!(read_certificates(&path).unwrap()[0].as_ref(), der);
        std::fs::write(&path, vec![0x30; MAX_FILE + 1]).unwrap();
        assert_eq!(read_certificates(&path), Err(CertificatesError::TooLarge));
        assert_eq!(
            read_certificates(folder.path()),
            Err(CertificatesError::NoFile)
        );
        let none = read_certificates(&folder.path().join("none")).unwrap_err();
        assert!(matches!(none, CertificatesError::Unreadable(_)), "{none}");
        assert!(!none.to_string().contains("none"), "no path: {none}");
    }
}
