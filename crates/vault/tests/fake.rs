//! The fake that other rooms test with keeps the same contract as the real ones, and its faults fire.

#[cfg(test)]
mod common;

use common::{archive, content, keeps_the_contract, key, place, read, write};
use control::backup::vault::{Vault as _, VaultError};
use testkit::{FakeVault, Fault, VaultMethod};

#[tokio::test]
async fn the_contract() {
    let vault = FakeVault::new();
    keeps_the_contract(&vault).await;
    assert_eq!(vault.writing(), 0);
}

#[tokio::test]
async fn a_full_disk_at_the_third_write() {
    let (vault, place) = (FakeVault::new(), place());
    let full = || VaultError::Full { free_bytes: 7 };
    let fired = vault.inject(Fault::before(VaultMethod::Write, full).skip(2));
    let mut sealing = vault.create(place, &key(1)).await.expect("begins");
    let written = write(&mut *sealing, &content(500_000)).await;
    assert!(matches!(written, Err(VaultError::Full { free_bytes: 7 })));
    assert_eq!((fired.times(), vault.calls(VaultMethod::Write), vault.writing()), (1, 3, 1));
    assert!(sealing.finish().await.is_err(), "what has a hole is never finished");
    assert_eq!((vault.content(place), vault.writing()), (None, 0));
}

#[tokio::test]
async fn spoilt_archives_are_damaged() {
    let (vault, place) = (FakeVault::new(), place());
    archive(&vault, place, &content(200_000)).await.expect("written");
    let opened = vault.open(place, &key(1)).await.expect("opens");
    assert!(vault.flip(place, 70_000));
    let spoilt = vault.open(place, &key(1)).await.expect("its last chunk is whole");
    assert!(matches!(spoilt.read(131_000..131_001).await, Err(VaultError::Damaged(_))));
    assert_eq!(spoilt.read(131_072..200_000).await.expect("another chunk")[..], content(200_000)[131_072..]);
    assert!(opened.read(0..200_000).await.is_ok(), "opened before");
    assert!(vault.truncate(place, 199_999));
    assert!(matches!(read(&vault, place).await, Err(VaultError::Damaged(_))));
    assert!(!vault.flip(place, 1 << 40) && !vault.truncate(place, 1 << 20), "there is no such byte");
    assert!(vault.lose(place) && !vault.lose(place));
    assert!(matches!(read(&vault, place).await, Err(VaultError::Absent)));
}

#[tokio::test]
async fn a_lost_reply_was_done() {
    let (vault, place) = (FakeVault::new(), place());
    let lost =
        || VaultError::Storage { message: "lost".into(), source: anyhow::anyhow!("lost"), retry: true };
    let fired = vault.inject(Fault::after(VaultMethod::Finish, lost));
    assert!(archive(&vault, place, b"content").await.is_err());
    assert_eq!((fired.times(), vault.content(place).as_deref()), (1, Some(b"content".as_slice())));
    vault.leave_half(place);
    assert_eq!(vault.sweep().await.expect("swept"), 1);
}
