//! Places, keys and contents for the tests of both kinds of storage.

use control::backup::vault::{ArchiveKey, Place, Sealing, Vault, VaultError, Written};
use secrecy::SecretBox;
use types::{BackupId, DatabaseId};
use uuid::Uuid;

/// A key that is made of one byte.
pub fn key(byte: u8) -> ArchiveKey {
    ArchiveKey { id: Uuid::from_bytes([byte; 16]), key: SecretBox::new(Box::new([byte; 32])) }
}

/// A place that nothing lies in.
pub fn place() -> Place {
    Place { database: DatabaseId::new(Uuid::new_v4()), backup: BackupId::new(Uuid::new_v4()) }
}

/// Bytes that do not repeat within a chunk.
pub fn content(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|index| (index.wrapping_mul(2_654_435_761) >> 11) as u8).collect()
}

/// Writes in odd pieces.
pub async fn write(sealing: &mut dyn Sealing, plain: &[u8]) -> Result<(), VaultError> {
    for piece in plain.chunks(77_777) {
        sealing.write(piece).await?;
    }
    Ok(())
}

/// Writes a whole archive.
pub async fn archive(vault: &dyn Vault, place: Place, plain: &[u8]) -> Result<Written, VaultError> {
    let mut sealing = vault.create(place, &key(1)).await?;
    write(&mut *sealing, plain).await?;
    sealing.finish().await
}

/// Reads a whole archive.
pub async fn read(vault: &dyn Vault, place: Place) -> Result<Vec<u8>, VaultError> {
    let sealed = vault.open(place, &key(1)).await?;
    Ok(sealed.read(0..sealed.bytes()).await?.to_vec())
}

/// What every storage has to do, however it does it.
pub async fn keeps_the_contract(vault: &dyn Vault) {
    let (one, other) = (place(), place());
    assert!(matches!(vault.open(one, &key(1)).await.map(|_| ()), Err(VaultError::Absent)));
    assert!(matches!(vault.key_of(one).await, Err(VaultError::Absent)));
    vault.remove(one).await.expect("nothing to remove is fine");
    for bytes in [0, 1, 65_536, 300_000] {
        let written = archive(vault, one, &content(bytes)).await.expect("written");
        assert_eq!((written.plain_bytes, written.crc32), (bytes as u64, crc32fast::hash(&content(bytes))));
        assert_eq!(read(vault, one).await.expect("read"), content(bytes), "the earlier one was replaced");
    }
    archive(vault, other, b"other").await.expect("written");
    let mut places = vault.places().await.expect("listed");
    places.sort();
    let mut expected = vec![one, other];
    expected.sort();
    assert_eq!(places, expected);
    assert_eq!(vault.key_of(one).await.expect("a header"), key(1).id);
    let named = ArchiveKey { id: key(1).id, ..key(2) };
    for wrong in [key(2), named] {
        let opened = vault.open(one, &wrong).await.map(|_| ());
        assert!(matches!(opened, Err(VaultError::Damaged(_))), "{opened:?}");
    }
    let sealed = vault.open(one, &key(1)).await.expect("opens");
    for range in [0..0, 0..1, 65_535..65_537, 131_000..299_999, 299_999..300_000] {
        let slice = &content(300_000)[range.start as usize..range.end as usize];
        assert_eq!(sealed.read(range.clone()).await.expect("reads")[..], *slice, "{range:?}");
    }
    assert!(matches!(sealed.read(0..300_001).await, Err(VaultError::Damaged(_))));
    vault.remove(one).await.expect("removed");
    assert_eq!(vault.places().await.expect("listed"), [other]);
    assert!(matches!(read(vault, one).await, Err(VaultError::Absent)));

    let name = Uuid::new_v4();
    assert_eq!(vault.kept(one.database, name).await.expect("looked"), None);
    for content in [vec![1, 2, 3], vec![], vec![9; 64 * 1024]] {
        vault.keep(one.database, name, &content).await.expect("kept");
        assert_eq!(vault.kept(one.database, name).await.expect("looked"), Some(content));
    }
    assert!(matches!(vault.keep(one.database, name, &[0; 65_537]).await, Err(VaultError::Storage { .. })));
    assert_eq!(vault.kept(one.database, name).await.expect("looked"), Some(vec![9; 64 * 1024]));
    assert_eq!(vault.places().await.expect("listed"), [other], "what is kept is no archive");

    let mut aborted = vault.create(one, &key(1)).await.expect("begins");
    write(&mut *aborted, &content(3_000_000)).await.expect("written");
    assert_eq!(vault.places().await.expect("listed"), [other], "not visible before its end");
    aborted.abort().await;
    assert_eq!(vault.places().await.expect("listed"), [other]);
    assert_eq!(vault.sweep().await.expect("swept"), 0);
    vault.remove(other).await.expect("removed");
}
