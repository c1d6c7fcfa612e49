//! What is said of plain bytes: how many, their SHA-256, and their CRC-32 for whoever packs them with gzip.

use control::backup::vault::Written;
use ring::digest::{Context, SHA256};

/// A sum that grows.
pub(crate) struct Digest {
    sha256: Context,
    crc32: crc32fast::Hasher,
    bytes: u64,
}

impl Default for Digest {
    fn default() -> Self {
        Self { sha256: Context::new(&SHA256), crc32: crc32fast::Hasher::new(), bytes: 0 }
    }
}

impl Digest {
    /// The next bytes.
    pub(crate) fn update(&mut self, plain: &[u8]) {
        self.sha256.update(plain);
        self.crc32.update(plain);
        self.bytes += plain.len() as u64;
    }

    /// So many until now.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Of a file that takes `stored_bytes`.
    pub(crate) fn written(self, stored_bytes: u64) -> Written {
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(self.sha256.finish().as_ref());
        Written { plain_bytes: self.bytes, stored_bytes, sha256, crc32: self.crc32.finalize() }
    }
}
