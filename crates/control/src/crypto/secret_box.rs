//! Sealing what must be shown again: passwords of databases, values of variables, signing keys.
//!
//! A sealed blob is `version (1 byte) ‖ nonce (24 bytes) ‖ ciphertext and tag` under XChaCha20-Poly1305. The
//! associated data says whose it is and what for (`database:<uuid>:owner_password`), so a blob that is copied to
//! another row does not open. The key never reaches the store; where it is kept is the server's business.

use crate::error::Error;
use chacha20poly1305::{
    Key, KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use secrecy::{ExposeSecret, SecretBox, SecretSlice, SecretString};

const VERSION: u8 = 1;
const NONCE: usize = 24;

/// The 32 bytes that everything sealed in the store depends on.
pub struct MasterKey(SecretBox<[u8; 32]>);

/// A blob did not open: another key, another place than it was sealed for, or damaged.
#[derive(Debug, thiserror::Error)]
#[error("a sealed value ({purpose}) does not open under the master key")]
pub struct Sealed {
    purpose: String,
}

impl MasterKey {
    /// Takes the key's bytes, as they were read from its file.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(SecretBox::new(Box::new(bytes)))
    }

    /// A new key, for a new installation and for tests.
    #[must_use]
    pub fn generate() -> Self {
        let mut bytes = [0; 32];
        rand::fill(&mut bytes);
        Self::from_bytes(bytes)
    }

    /// The bytes, for whoever writes them to the key's file.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        self.0.expose_secret()
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&Key::from(*self.0.expose_secret()))
    }

    /// Seals `plain` for `purpose`, which names the row and the use and must be given again to open it.
    ///
    /// # Errors
    /// Only if `plain` is larger than the cipher allows (256 GiB).
    pub fn seal(&self, plain: &[u8], purpose: &str) -> Result<Vec<u8>, Sealed> {
        let mut nonce = [0; NONCE];
        rand::fill(&mut nonce);
        let payload = Payload { msg: plain, aad: purpose.as_bytes() };
        let sealed = self.cipher().encrypt(&XNonce::from(nonce), payload);
        let sealed = sealed.map_err(|_| Sealed { purpose: purpose.into() })?;
        Ok([&[VERSION], nonce.as_slice(), &sealed].concat())
    }

    /// Opens what was sealed for the same purpose.
    ///
    /// # Errors
    /// Another key, another purpose, a damaged or unknown blob: the four are not told apart.
    pub fn open(&self, blob: &[u8], purpose: &str) -> Result<SecretSlice<u8>, Sealed> {
        let refused = || Sealed { purpose: purpose.into() };
        let (&version, rest) = blob.split_first().ok_or_else(refused)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE>().ok_or_else(refused)?;
        if version != VERSION {
            return Err(refused());
        }
        let payload = Payload { msg: sealed, aad: purpose.as_bytes() };
        self.cipher().decrypt(&XNonce::from(*nonce), payload).map(Into::into).map_err(|_| refused())
    }

    /// [`Self::seal`] for text.
    ///
    /// # Errors
    /// As `seal`.
    pub fn seal_text(&self, plain: &SecretString, purpose: &str) -> Result<Vec<u8>, Sealed> {
        self.seal(plain.expose_secret().as_bytes(), purpose)
    }

    /// [`Self::open`] for text.
    ///
    /// # Errors
    /// As `open`.
    pub fn open_text(&self, blob: &[u8], purpose: &str) -> Result<SecretString, Sealed> {
        let plain = self.open(blob, purpose)?;
        let text =
            std::str::from_utf8(plain.expose_secret()).map_err(|_| Sealed { purpose: purpose.into() })?;
        Ok(text.into())
    }
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

impl From<Sealed> for Error {
    fn from(error: Sealed) -> Self {
        Self::internal(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_only_where_it_was_sealed_for() {
        let key = MasterKey::generate();
        let blob = key.seal_text(&"s3cret".into(), "database:a:owner_password").unwrap();
        assert!(!blob.windows(6).any(|w| w == b"s3cret"));
        assert_eq!(key.open_text(&blob, "database:a:owner_password").unwrap().expose_secret(), "s3cret");
        assert!(key.open(&blob, "database:b:owner_password").is_err());
        assert!(MasterKey::generate().open(&blob, "database:a:owner_password").is_err());
    }

    #[test]
    fn two_sealings_differ() {
        let key = MasterKey::generate();
        assert_ne!(key.seal(b"x", "p").unwrap(), key.seal(b"x", "p").unwrap());
    }

    #[test]
    fn every_damaged_byte_is_noticed() {
        let key = MasterKey::generate();
        let blob = key.seal(b"plain", "p").unwrap();
        for n in 0..blob.len() {
            let mut damaged = blob.clone();
            damaged[n] ^= 1;
            assert!(key.open(&damaged, "p").is_err(), "byte {n}");
            assert!(key.open(&blob[..n], "p").is_err(), "cut at {n}");
        }
    }

    #[test]
    fn its_debug_form_tells_nothing() {
        assert_eq!(format!("{:?}", MasterKey::from_bytes([7; 32])), "MasterKey(…)");
    }
}
