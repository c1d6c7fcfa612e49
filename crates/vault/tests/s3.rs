//! Archives in a bucket of a real S3 server on loopback.

#![expect(clippy::expect_used, reason = "a test that cannot go on ends there")]

#[cfg(test)]
mod common;
#[cfg(test)]
#[path = "common/server.rs"]
mod server;

use common::{archive, content, keeps_the_contract, key, place, read, write};
use control::backup::vault::{Place, Vault, VaultError};
use server::Server;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use types::BackupId;
use uuid::Uuid;
use vault::{S3Config, VaultConfig};

async fn open(server: &Server) -> Arc<dyn Vault> {
    vault::open(server.vault_config()).await.expect("a place of the backups")
}

fn name(place: Place) -> String {
    format!("{}/{}.sealed", place.database.uuid(), place.backup.uuid())
}

async fn refusal(config: S3Config) -> String {
    match vault::open(VaultConfig::S3(config)).await.map(|_| ()) {
        Err(VaultError::Storage { message, .. }) => message,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn the_contract() {
    let server = Server::start().await;
    let vault = open(&server).await;
    assert_eq!(vault.place_name(), "s3://bucket/paddock/backups");
    assert_eq!(vault.room().await, None);
    keeps_the_contract(&*vault).await;
}

#[tokio::test]
async fn an_archive_of_several_parts_is_read_in_ranges() {
    let server = Server::start().await;
    let (vault, place) = (open(&server).await, place());
    let all = content(40_000_000);
    let mut sealing = vault.create(place, &key(1)).await.expect("begins");
    write(&mut *sealing, &all).await.expect("written");
    assert!(server.left().len() >= 3, "two parts and the marker: {:?}", server.left());
    assert_eq!(sealing.finish().await.expect("finished").plain_bytes, 40_000_000);
    assert_eq!(server.left(), [server.object(&name(place))], "no marker, no parts");
    let sealed = vault.open(place, &key(1)).await.expect("opens");
    for range in [0..100, 16_700_000..16_900_000, 39_999_999..40_000_000, 5..30_000_000] {
        let slice = &all[range.start as usize..range.end as usize];
        assert!(sealed.read(range.clone()).await.expect("reads")[..] == *slice, "{range:?}");
    }
}

/// F63: an object that is removed while it is read is told, and never taken for its end.
#[tokio::test]
async fn an_object_that_goes_while_it_is_read_is_never_short() {
    let server = Server::start().await;
    let (vault, place) = (open(&server).await, place());
    let all = content(30_000_000);
    archive(&*vault, place, &all).await.expect("written");
    let sealed = vault.open(place, &key(1)).await.expect("opens");
    assert!(sealed.read(0..1_000_000).await.expect("reads")[..] == all[..1_000_000]);
    vault.remove(place).await.expect("removed");
    let (mut at, step) = (1_000_000, 1_000_000);
    // What was read ahead may still come, and is right.
    let gone = loop {
        match sealed.read(at..at + step).await {
            Ok(bytes) => assert!(bytes[..] == all[at as usize..(at + step) as usize], "{at}"),
            Err(error) => break error,
        }
        at += step;
        assert!(at < 30_000_000, "it was all read ahead");
    };
    assert!(
        matches!(gone, VaultError::Absent | VaultError::Damaged(_) | VaultError::Storage { .. }),
        "{gone}"
    );
}

#[tokio::test]
async fn aborted_and_dropped_uploads_leave_nothing() {
    let server = Server::start().await;
    let vault = open(&server).await;
    for drops in [false, true] {
        let mut sealing = vault.create(place(), &key(1)).await.expect("begins");
        write(&mut *sealing, &content(20_000_000)).await.expect("written");
        assert!(server.left().len() >= 2, "a part and the marker: {:?}", server.left());
        if drops {
            drop(sealing);
            let cleaned = async {
                while !server.left().is_empty() {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            };
            tokio::time::timeout(Duration::from_secs(10), cleaned)
                .await
                .expect("cleaned up in the background");
        } else {
            sealing.abort().await;
            assert_eq!(server.left(), Vec::<std::path::PathBuf>::new());
        }
    }
}

#[tokio::test]
async fn what_the_storage_spoilt_is_noticed_by_reading_back() {
    let server = Server::start().await;
    let (vault, place) = (open(&server).await, place());
    let mut sealing = vault.create(place, &key(1)).await.expect("begins");
    write(&mut *sealing, &content(20_000_000)).await.expect("written");
    let left = server.left();
    // The storage has notes of its own beside the parts.
    let bytes_of = |path: &std::path::PathBuf| std::fs::metadata(path).map_or(0, |seen| seen.len());
    let part = left.iter().max_by_key(|path| bytes_of(path)).expect("a part");
    let mut bytes = std::fs::read(part).expect("bytes");
    let middle = bytes.len() / 2;
    assert!(middle > 1_000_000, "{part:?}");
    bytes[middle] ^= 1;
    std::fs::write(part, bytes).expect("spoilt");
    let finished = sealing.finish().await;
    assert!(matches!(finished, Err(VaultError::Damaged(_))), "{finished:?}");
    assert_eq!(server.left(), Vec::<std::path::PathBuf>::new(), "it is not left there");
    assert_eq!(vault.places().await.expect("listed"), []);
}

#[tokio::test]
async fn what_a_killed_process_left_is_swept_after_a_day() {
    let server = Server::start().await;
    let (vault, done) = (open(&server).await, place());
    archive(&*vault, done, b"content").await.expect("written");
    let killed = Place { database: done.database, backup: BackupId::new(Uuid::new_v4()) };
    let mut sealing = vault.create(killed, &key(1)).await.expect("begins");
    write(&mut *sealing, &content(20_000_000)).await.expect("written");
    std::mem::forget(sealing);
    let left = server.left();
    let marker = left.iter().find(|path| path.to_string_lossy().ends_with(".half")).expect("a marker");
    assert_eq!(vault.sweep().await.expect("swept"), 0, "somebody may still write");
    assert_eq!(vault.places().await.expect("listed"), [done]);
    let yesterday = SystemTime::now() - Duration::from_secs(25 * 60 * 60);
    std::fs::File::options()
        .write(true)
        .open(marker)
        .expect("there")
        .set_modified(yesterday)
        .expect("an age");
    assert_eq!(vault.sweep().await.expect("swept"), 1);
    assert_eq!(server.left(), [server.object(&name(done))], "the part went too");
    assert_eq!(read(&*vault, done).await.expect("reads"), b"content");

    let sealing = vault.create(killed, &key(1)).await.expect("begins");
    std::mem::forget(sealing);
    vault.remove(killed).await.expect("removed");
    assert_eq!(server.left(), [server.object(&name(done))], "the half-made ones of a place go with it");
}

/// Killed between the completing of an upload and the end of its marker: the storage refuses to end an upload that is an
/// object already, and neither the sweep nor a removal stops at that.
#[tokio::test]
async fn a_marker_of_a_finished_upload_stops_nothing() {
    let server = Server::start().await;
    let (vault, place) = (open(&server).await, place());
    let mut sealing = vault.create(place, &key(1)).await.expect("begins");
    write(&mut *sealing, &content(1000)).await.expect("written");
    let left = server.left();
    let marker = left.iter().find(|path| path.to_string_lossy().ends_with(".half")).expect("a marker");
    let upload = std::fs::read(marker).expect("its upload");
    sealing.finish().await.expect("finished");
    let yesterday = SystemTime::now() - Duration::from_secs(25 * 60 * 60);
    let put_back = || {
        std::fs::write(marker, &upload).expect("put back");
        let file = std::fs::File::options().write(true).open(marker).expect("there");
        file.set_modified(yesterday).expect("an age");
    };
    put_back();
    assert_eq!(vault.sweep().await.expect("swept"), 1);
    assert_eq!(server.left(), [server.object(&name(place))], "the archive stays");
    assert_eq!(read(&*vault, place).await.expect("reads"), content(1000));
    put_back();
    vault.remove(place).await.expect("removed");
    assert_eq!(server.left(), Vec::<std::path::PathBuf>::new());
}

#[tokio::test]
async fn a_changed_object_is_damaged() {
    let server = Server::start().await;
    let (vault, place) = (open(&server).await, place());
    archive(&*vault, place, &content(200_000)).await.expect("written");
    let object = server.object(&name(place));
    let mut stored = std::fs::read(&object).expect("bytes");
    stored[100_000] ^= 1;
    std::fs::write(&object, &stored).expect("changed");
    assert!(matches!(read(&*vault, place).await, Err(VaultError::Damaged(_))));
    std::fs::write(&object, &stored[..50]).expect("cut");
    assert!(matches!(vault.open(place, &key(1)).await.map(|_| ()), Err(VaultError::Damaged(_))));
}

#[tokio::test]
async fn refusals_are_sentences() {
    let server = Server::start().await;
    let wrong = refusal(server.config("wrong")).await;
    assert!(wrong.starts_with("the storage answered 403 Forbidden"), "{wrong}");
    let https_only = refusal(S3Config { allow_http: false, ..server.config("secret") }).await;
    assert!(!https_only.contains("secret"), "{https_only}");
    let address = refusal(S3Config { endpoint: "not an address".into(), ..server.config("secret") }).await;
    assert_eq!(address, "the storage's address is no address");
}

#[tokio::test]
async fn a_storage_that_is_away_is_told() {
    let server = Server::start().await;
    let config = server.config("secret");
    drop(server);
    assert_eq!(refusal(config).await, "the storage cannot be reached");
}
