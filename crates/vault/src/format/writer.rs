//! Writes an archive into a [`Sink`]: seals, hands on, reads back, publishes. A writing that failed or was cut off in the
//! middle is never taken up again.

use super::header::{Header, damaged};
use super::reader::Reader;
use super::sealer::Sealer;
use crate::part::{Sink, blocking, storage};
use async_trait::async_trait;
use control::backup::vault::{ArchiveKey, Place, Sealing, VaultError, Written};
use ring::rand::{SecureRandom as _, SystemRandom};
use secrecy::{ExposeSecret as _, SecretBox};

/// Plain bytes that are sealed at once.
const GATHER: usize = 1024 * 1024;

/// A file that is being written.
pub(crate) struct Writer<S> {
    sink: S,
    place: Place,
    key: ArchiveKey,
    gathered: Vec<u8>,
    /// Nothing while its bytes are on their way, and so for ever if they did not arrive.
    sealer: Option<(Sealer, Vec<u8>)>,
}

impl<S: Sink> Writer<S> {
    /// Begins the archive of `place`, in chunks of so many plain bytes.
    pub(crate) fn begin(sink: S, place: Place, key: &ArchiveKey, chunk: u32) -> Result<Self, VaultError> {
        let mut salt = [0; 32];
        let drawn = SystemRandom::new().fill(&mut salt);
        drawn.map_err(|error| storage("no random bytes could be drawn", error, true))?;
        let header = Header { chunk, place, key: key.id, salt };
        let mut out = Vec::new();
        let sealer = Sealer::new(&header, key, &mut out)?;
        let key = ArchiveKey { id: key.id, key: SecretBox::new(Box::new(*key.key.expose_secret())) };
        Ok(Self { sink, place, key, gathered: Vec::new(), sealer: Some((sealer, out)) })
    }

    async fn seal(&mut self) -> Result<(), VaultError> {
        let (mut sealer, mut out) = self.sealer.take().ok_or_else(cut_off)?;
        let plain = std::mem::take(&mut self.gathered);
        let (sealer, mut plain, out) = blocking(move || {
            sealer.push(&plain, &mut out)?;
            Ok((sealer, plain, out))
        })
        .await?;
        plain.clear();
        self.gathered = plain;
        self.sink.put(out).await?;
        self.sealer = Some((sealer, Vec::new()));
        Ok(())
    }

    async fn all(&mut self) -> Result<Written, VaultError> {
        self.seal().await?;
        let (sealer, mut out) = self.sealer.take().ok_or_else(cut_off)?;
        let written = sealer.finish(&mut out)?;
        self.sink.put(out).await?;
        let source = self.sink.settle().await?;
        let read_back = Reader::open(source, self.place, &self.key).await?.sum().await?;
        if read_back == written {
            Ok(written)
        } else {
            Err(damaged("what was read back is not what was written"))
        }
    }
}

#[async_trait]
impl<S: Sink> Sealing for Writer<S> {
    async fn write(&mut self, mut plain: &[u8]) -> Result<(), VaultError> {
        while !plain.is_empty() {
            let (now, later) = plain.split_at(plain.len().min(GATHER - self.gathered.len()));
            self.gathered.extend_from_slice(now);
            plain = later;
            if self.gathered.len() == GATHER {
                self.seal().await?;
            }
        }
        Ok(())
    }

    async fn finish(mut self: Box<Self>) -> Result<Written, VaultError> {
        let written = self.all().await;
        match written {
            Ok(written) => self.sink.publish().await.map(|()| written),
            Err(error) => {
                self.sink.discard().await;
                Err(error)
            }
        }
    }

    async fn abort(self: Box<Self>) {
        self.sink.discard().await;
    }
}

fn cut_off() -> VaultError {
    storage(
        "the writing of this archive was cut off",
        anyhow::anyhow!("an earlier write failed or was dropped"),
        true,
    )
}
