//! The key of one file, and one chunk sealed or opened with it. A nonce says which chunk it is and whether it is the last,
//! so no chunk opens at another place, and no end but the true one is an end.

use super::header::Header;
use control::backup::vault::{ArchiveKey, VaultError};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::error::Unspecified;
use ring::hkdf::{HKDF_SHA256, Salt};
use secrecy::ExposeSecret as _;

/// The key of one file. No other file has it: its salt is random.
pub(crate) struct Cipher(LessSafeKey);

impl Cipher {
    /// HKDF-SHA256 of the database's key, with the salt and every byte of the header.
    pub(crate) fn derive(header: &Header, key: &ArchiveKey) -> Result<Self, VaultError> {
        let secret = Salt::new(HKDF_SHA256, &header.salt).extract(key.key.expose_secret());
        let encoded = header.encode();
        let info = [encoded.as_slice()];
        let derived = secret.expand(&info, &AES_256_GCM).map_err(cannot)?;
        Ok(Self(LessSafeKey::new(UnboundKey::from(derived))))
    }

    /// Seals what stands at the end of `out`, from `at` on, and puts the tag behind it.
    pub(crate) fn seal(
        &self,
        index: u64,
        last: bool,
        out: &mut Vec<u8>,
        at: usize,
    ) -> Result<(), VaultError> {
        let tag = self.0.seal_in_place_separate_tag(nonce(index, last), Aad::empty(), &mut out[at..]);
        out.extend_from_slice(tag.map_err(cannot)?.as_ref());
        Ok(())
    }

    /// Opens a chunk with its tag that stands in `bytes` from `at` on; its plain bytes come to stand at the front.
    pub(crate) fn open(&self, index: u64, last: bool, bytes: &mut [u8], at: usize) -> Result<(), VaultError> {
        let opened = self.0.open_within(nonce(index, last), Aad::empty(), bytes, at..);
        opened.map(|_| ()).map_err(|Unspecified| {
            VaultError::Damaged(format!("chunk {index} is not what was written, or the key is another"))
        })
    }
}

fn nonce(index: u64, last: bool) -> Nonce {
    let mut nonce = [0; NONCE_LEN];
    nonce[3..11].copy_from_slice(&index.to_be_bytes());
    nonce[11] = u8::from(last);
    Nonce::assume_unique_for_key(nonce)
}

fn cannot(error: Unspecified) -> VaultError {
    VaultError::Storage {
        message: "the archive cannot be sealed".into(),
        source: anyhow::Error::new(error),
        retry: false,
    }
}
