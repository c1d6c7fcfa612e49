//! The first 96 bytes of an archive: what it is, whose, and with which key. Nothing in them is secret, and nothing is
//! believed before a chunk was opened: the file's own key is derived from every byte of them.

use control::backup::vault::{Place, VaultError};
use types::{BackupId, DatabaseId};
use uuid::Uuid;

/// Bytes of a header.
pub(crate) const BYTES: usize = 96;
/// Plain bytes of a chunk, for files that are written now. A file says its own.
pub(crate) const CHUNK: u32 = 64 * 1024;
/// No header may make us take more memory than this for a chunk.
const MOST: u32 = 16 * 1024 * 1024;
/// What every archive begins with. The last byte is the version of the format.
const MAGIC: [u8; 8] = *b"paddock\x01";

/// A header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// Plain bytes of every chunk but the last.
    pub(crate) chunk: u32,
    /// Whose archive it is.
    pub(crate) place: Place,
    /// The name of the key that it was sealed with.
    pub(crate) key: Uuid,
    /// Makes the key of this file another one than that of every other file.
    pub(crate) salt: [u8; 32],
}

impl Header {
    /// As it stands in the file: magic, chunk, four zero bytes, database, backup, key, salt.
    pub(crate) fn encode(&self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        let (database, backup) = (self.place.database.uuid(), self.place.backup.uuid());
        let fields: [&[u8]; 7] = [
            &MAGIC,
            &self.chunk.to_be_bytes(),
            &[0; 4],
            database.as_bytes(),
            backup.as_bytes(),
            self.key.as_bytes(),
            &self.salt,
        ];
        let mut rest = bytes.as_mut_slice();
        for field in fields {
            let (here, after) = rest.split_at_mut(field.len());
            here.copy_from_slice(field);
            rest = after;
        }
        bytes
    }

    /// What stands there.
    pub(crate) fn parse(bytes: &[u8; BYTES]) -> Result<Self, VaultError> {
        if bytes[..8] != MAGIC {
            return Err(damaged("it does not begin like an archive of this version"));
        }
        let chunk = u32::from_be_bytes(part(bytes, 8));
        if chunk == 0 || chunk > MOST || part(bytes, 12) != [0; 4] {
            return Err(damaged("its header was changed"));
        }
        let [database, backup, key] = [16, 32, 48].map(|at| Uuid::from_bytes(part(bytes, at)));
        let place = Place { database: DatabaseId::new(database), backup: BackupId::new(backup) };
        Ok(Self { chunk, place, key, salt: part(bytes, 64) })
    }

    /// The header of what lies at `place`; an archive that was put there in place of another one is refused.
    pub(crate) fn parse_at(place: Place, bytes: &[u8; BYTES]) -> Result<Self, VaultError> {
        let header = Self::parse(bytes)?;
        if header.place == place { Ok(header) } else { Err(damaged("it is the archive of another backup")) }
    }
}

fn part<const N: usize>(bytes: &[u8; BYTES], at: usize) -> [u8; N] {
    std::array::from_fn(|index| bytes[at + index])
}

pub(crate) fn damaged(why: &str) -> VaultError {
    VaultError::Damaged(why.to_owned())
}
