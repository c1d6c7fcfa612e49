//! From plain bytes to the bytes of a file. It keeps back one chunk, for it cannot know whether that is the last.

use super::cipher::Cipher;
use super::digest::Digest;
use super::header::Header;
use super::size::{Sizes, TAG};
use control::backup::vault::{ArchiveKey, VaultError, Written};

/// Seals one file.
pub(crate) struct Sealer {
    cipher: Cipher,
    chunk: usize,
    held: Vec<u8>,
    index: u64,
    digest: Digest,
}

impl Sealer {
    /// Begins with the header, which goes to `out`.
    pub(crate) fn new(header: &Header, key: &ArchiveKey, out: &mut Vec<u8>) -> Result<Self, VaultError> {
        out.extend_from_slice(&header.encode());
        let cipher = Cipher::derive(header, key)?;
        Ok(Self {
            cipher,
            chunk: header.chunk as usize,
            held: Vec::new(),
            index: 0,
            digest: Digest::default(),
        })
    }

    /// The next plain bytes; the chunks that are known not to be the last go to `out`.
    pub(crate) fn push(&mut self, mut plain: &[u8], out: &mut Vec<u8>) -> Result<(), VaultError> {
        out.reserve(plain.len() + (plain.len() / self.chunk + 1) * TAG as usize);
        self.digest.update(plain);
        while !plain.is_empty() {
            if self.held.len() == self.chunk {
                self.seal(false, out)?;
            }
            let (now, later) = plain.split_at(plain.len().min(self.chunk - self.held.len()));
            self.held.extend_from_slice(now);
            plain = later;
        }
        Ok(())
    }

    /// The last chunk, which may be one of nothing; and what was written in all.
    pub(crate) fn finish(mut self, out: &mut Vec<u8>) -> Result<Written, VaultError> {
        self.seal(true, out)?;
        let sizes = Sizes { chunk: self.chunk as u64, plain: self.digest.bytes() };
        Ok(self.digest.written(sizes.stored()))
    }

    fn seal(&mut self, last: bool, out: &mut Vec<u8>) -> Result<(), VaultError> {
        let at = out.len();
        out.append(&mut self.held);
        self.cipher.seal(self.index, last, out, at)?;
        self.index += 1;
        Ok(())
    }
}
