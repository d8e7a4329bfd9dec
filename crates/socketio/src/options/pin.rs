//! A server's key, by which one knows it again.

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use rustls::{pki_types::CertificateDer, server::ParsedCertificate};

/// What the written form begins with.
const PREFIX: &str = "sha256/";

/// The fingerprint of a server's public key: SHA-256 of the certificate's
/// SubjectPublicKeyInfo (RFC 7469, section 2.4). It stays the same when a
/// certificate is renewed for the same key.
///
/// It is written as `sha256/` and Base64, and read from that or from pairs of
/// hexadecimal digits, with colons or without.
///
/// ```
/// use parlour_socketio::{ConnectOptions, Pin};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pin: Pin = "sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=".parse()?;
/// assert!(pin.hex().starts_with("E3:B0:C4:42:"));
/// assert_eq!(pin.hex().parse::<Pin>()?, pin);
///
/// let mut options = ConnectOptions::new("https://chat.example".parse()?);
/// options.pin = Some(pin);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pin([u8; SHA256_OUTPUT_LEN]);

impl Pin {
    /// The fingerprint of the key of this certificate.
    ///
    /// # Errors
    /// It is no X.509 certificate of version 3.
    pub fn of_certificate(certificate: &CertificateDer<'_>) -> Result<Self, PinError> {
        let parsed = ParsedCertificate::try_from(certificate).map_err(|_| PinError::Certificate)?;
        Ok(Self::of_key(&parsed.subject_public_key_info()))
    }

    /// The fingerprint of this SubjectPublicKeyInfo, in DER.
    #[must_use]
    pub fn of_key(key: &[u8]) -> Self {
        let mut bytes = [0; SHA256_OUTPUT_LEN];
        bytes.copy_from_slice(digest(&SHA256, key).as_ref());
        Self(bytes)
    }

    /// The bytes of the hash.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; SHA256_OUTPUT_LEN] {
        &self.0
    }

    /// As pairs of hexadecimal digits with colons between, as other programs show it.
    #[must_use]
    pub fn hex(&self) -> String {
        let pairs: Vec<String> = self.0.iter().map(|byte| format!("{byte:02X}")).collect();
        pairs.join(":")
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", STANDARD.encode(self.0))
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pin({self})")
    }
}

impl FromStr for Pin {
    type Err = PinError;

    fn from_str(text: &str) -> Result<Self, PinError> {
        let text = text.trim();
        let bytes = match text.split_once('/') {
            Some((hash, encoded)) if hash.eq_ignore_ascii_case("sha256") => {
                // curl writes two slashes. Base64 may begin with one, too: the
                // length tells them apart.
                let encoded = encoded
                    .strip_prefix('/')
                    .filter(|rest| rest.len() == ENCODED)
                    .unwrap_or(encoded);
                STANDARD.decode(encoded).map_err(|_| PinError::Base64)?
            }
            Some((hash, _)) if is_hash(hash) => return Err(PinError::Hash),
            _ => hex(text)?,
        };
        let length = bytes.len();
        bytes
            .try_into()
            .map(Self)
            .map_err(|_| PinError::Length(length))
    }
}

/// The length of a hash in Base64.
const ENCODED: usize = SHA256_OUTPUT_LEN.div_ceil(3) * 4;

/// Whether this looks like the name of another hash.
fn is_hash(text: &str) -> bool {
    ["sha", "md5", "blake"].iter().any(|known| {
        text.get(..known.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(known))
    })
}

/// Pairs of hexadecimal digits; between two there may be a colon or a space.
fn hex(text: &str) -> Result<Vec<u8>, PinError> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [high, low, more @ ..] = rest {
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let (Some(high), Some(low)) = (digit(*high), digit(*low)) else {
            return Err(PinError::Form);
        };
        bytes.push(u8::try_from(high << 4 | low).map_err(|_| PinError::Form)?);
        rest = match more {
            [b':' | b' ', next @ ..] if !next.is_empty() => next,
            _ => more,
        };
    }
    if rest.is_empty() && !bytes.is_empty() {
        Ok(bytes)
    } else {
        Err(PinError::Form)
    }
}

/// Why there is no pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PinError {
    /// Neither of the two forms.
    #[error("a pin looks like sha256/… in Base64, or is pairs of hexadecimal digits")]
    Form,
    /// Another hash than SHA-256.
    #[error("only pins of the kind sha256 are known")]
    Hash,
    /// What follows `sha256/` is not Base64.
    #[error("what follows sha256/ is not Base64")]
    Base64,
    /// Too short or too long: so many bytes.
    #[error("a pin has 32 bytes, not {0}")]
    Length(usize),
    /// The certificate cannot be read.
    #[error("this is no certificate")]
    Certificate,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_written_form_is_read_back(bytes: [u8; 32]) {
            let pin = Pin(bytes);
            prop_assert_eq!(pin.to_string().parse(), Ok(pin));
            prop_assert_eq!(pin.hex().parse(), Ok(pin));
            prop_assert_eq!(pin.hex().to_lowercase().parse(), Ok(pin));
            prop_assert_eq!(pin.hex().replace(':', "").parse(), Ok(pin));
            prop_assert_eq!(pin.hex().replace(':', " ").parse(), Ok(pin));
            prop_assert_eq!(pin.to_string().replace("256/", "256//").parse(), Ok(pin));
            prop_assert_eq!(format!(" {pin}\n").parse(), Ok(pin));
        }

        #[test]
        fn whatever_is_read_is_one_pin(text in "\\PC{0,100}|(sha256/)?[0-9a-fA-F:/+= ]{0,100}") {
            if let Ok(pin) = text.parse::<Pin>() {
                prop_assert_eq!(pin.to_string().parse(), Ok(pin));
            }
        }

        #[test]
        fn other_lengths_are_refused(bytes in prop::collection::vec(any::<u8>(), 1..100)) {
            prop_assume!(bytes.len() != 32);
            let length = Err(PinError::Length(bytes.len()));
            prop_assert_eq!(format!("sha256/{}", STANDARD.encode(&bytes)).parse::<Pin>(), length);
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            prop_assert_eq!(hex.parse::<Pin>(), length);
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, error) in [
            ("", PinError::Form),
            ("sha256", PinError::Form),
            ("E3:B", PinError::Form),
            ("E3:B0:", PinError::Form),
            ("E3::B0", PinError::Form),
            (":E3", PinError::Form),
            ("zz", PinError::Form),
            ("sha1/AAAA", PinError::Hash),
            ("SHA512/AAAA", PinError::Hash),
            ("sha256/*", PinError::Base64),
            ("sha256/", PinError::Length(0)),
            ("E3B0", PinError::Length(2)),
        ] {
            assert_eq!(text.parse::<Pin>(), Err(error), "{text:?}");
        }
    }

    #[test]
    fn it_is_the_hash_of_the_key_as_openssl_makes_it() {
        // An Ed25519 key; `openssl dgst -sha256 -binary` says the same of it.
        let key = STANDARD
            .decode("MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=")
            .unwrap();
        let pin = Pin::of_key(&key);
        assert_eq!(
            pin.to_string(),
            "sha256/oekVYFTgT6yJmunydRMs3Ael28TqLCrTof/G4NJTaB8="
        );
    }
}
