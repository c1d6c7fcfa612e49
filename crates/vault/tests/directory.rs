//! Archives in a real directory: what is visible when, who may read it, full disks, killed writers.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test that cannot go on ends there, and says so"
)]

#[cfg(test)]
mod common;

use common::{archive, content, keeps_the_contract, key, place, read, write};
use control::backup::vault::{Place, Vault, VaultError};
use std::fs::{File, Permissions};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use vault::VaultConfig;

async fn open(root: &Path) -> Arc<dyn Vault> {
    vault::open(VaultConfig::Directory { root: root.to_owned() }).await.expect("a place of the backups")
}

fn path(root: &Path, place: Place) -> PathBuf {
    root.join(place.database.uuid().to_string()).join(format!("{}.sealed", place.backup.uuid()))
}

/// Every file below the root that is not the probe.
fn files(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if !path.to_string_lossy().contains("00000000-0000") {
            found.push(path);
        }
    }
    found
}

fn age(path: &Path, hours: u64) {
    let written = SystemTime::now() - Duration::from_secs(hours * 60 * 60);
    File::options().write(true).open(path).and_then(|file| file.set_modified(written)).expect("an age");
}

#[tokio::test]
async fn the_contract() {
    let root = tempfile::tempdir().expect("a directory");
    let vault = open(&root.path().join("not/there/yet")).await;
    keeps_the_contract(&*vault).await;
    assert!(vault.free_bytes().await.is_some_and(|bytes| bytes > 0));
    assert_eq!(vault.place_name(), root.path().join("not/there/yet").display().to_string());
}

#[tokio::test]
async fn nobody_else_may_read() {
    let root = tempfile::tempdir().expect("a directory");
    let (vault, place) = (open(root.path()).await, place());
    archive(&*vault, place, b"content").await.expect("written");
    let file = path(root.path(), place);
    let mode = |path: &Path| path.metadata().expect("there").permissions().mode() & 0o7777;
    assert_eq!((mode(&file), mode(file.parent().expect("a parent"))), (0o600, 0o700));
}

#[tokio::test]
async fn a_reader_keeps_what_it_opened() {
    let root = tempfile::tempdir().expect("a directory");
    let (vault, place) = (open(root.path()).await, place());
    archive(&*vault, place, &content(500_000)).await.expect("written");
    let replaced = vault.open(place, &key(1)).await.expect("opens");
    archive(&*vault, place, b"another").await.expect("written");
    let removed = vault.open(place, &key(1)).await.expect("opens");
    vault.remove(place).await.expect("removed");
    assert_eq!(replaced.read(0..500_000).await.expect("reads")[..], content(500_000));
    assert_eq!(removed.read(0..7).await.expect("reads")[..], b"another"[..]);
}

#[tokio::test]
async fn a_changed_file_is_damaged_and_a_link_is_not_followed() {
    let root = tempfile::tempdir().expect("a directory");
    let (vault, one, other) = (open(root.path()).await, place(), place());
    archive(&*vault, one, &content(200_000)).await.expect("written");
    let file = path(root.path(), one);
    let stored = std::fs::read(&file).expect("bytes");
    let mut changed = stored.clone();
    changed[100_000] ^= 1;
    std::fs::write(&file, changed).expect("changed");
    assert!(matches!(read(&*vault, one).await, Err(VaultError::Damaged(_))));
    std::fs::write(&file, &stored[..199_000]).expect("cut");
    assert!(matches!(read(&*vault, one).await, Err(VaultError::Damaged(_))));
    let open = vault.open(one, &key(1)).await.map(|_| ());
    assert!(matches!(open, Err(VaultError::Damaged(_))), "noticed before the first byte: {open:?}");

    archive(&*vault, other, b"other").await.expect("written");
    let link = path(root.path(), other);
    std::fs::rename(&link, root.path().join("elsewhere")).expect("moved");
    std::os::unix::fs::symlink(root.path().join("elsewhere"), &link).expect("linked");
    assert!(matches!(read(&*vault, other).await, Err(VaultError::Storage { .. })));
}

#[tokio::test]
async fn a_writer_that_is_dropped_leaves_nothing() {
    let root = tempfile::tempdir().expect("a directory");
    let (vault, place) = (open(root.path()).await, place());
    let mut sealing = vault.create(place, &key(1)).await.expect("begins");
    write(&mut *sealing, &content(3_000_000)).await.expect("written");
    assert_eq!(files(root.path()).len(), 1, "it is being written");
    drop(sealing);
    assert_eq!(files(root.path()), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn what_the_disk_spoilt_is_noticed_by_reading_back() {
    let root = tempfile::tempdir().expect("a directory");
    let (vault, place) = (open(root.path()).await, place());
    archive(&*vault, place, b"earlier").await.expect("written");
    for at in [50, 2_000_000] {
        let mut sealing = vault.create(place, &key(1)).await.expect("begins");
        write(&mut *sealing, &content(3_000_000)).await.expect("written");
        let half =
            files(root.path()).into_iter().find(|path| path.extension().is_some_and(|end| end == "half"));
        let half = half.expect("what is being written");
        let mut byte = [0];
        let file = File::options().read(true).write(true).open(half).expect("opens");
        file.read_exact_at(&mut byte, at).expect("a byte");
        file.write_all_at(&[byte[0] ^ 1], at).expect("spoilt");
        let finished = sealing.finish().await;
        assert!(matches!(finished, Err(VaultError::Damaged(_))), "{finished:?}");
    }
    assert_eq!(read(&*vault, place).await.expect("reads"), b"earlier", "what was there stays");
    assert_eq!(files(root.path()).len(), 1);
}

#[tokio::test]
async fn only_half_made_files_that_are_ours_are_swept() {
    let root = tempfile::tempdir().expect("a directory");
    let (vault, place) = (open(root.path()).await, place());
    archive(&*vault, place, b"content").await.expect("written");
    let directory = root.path().join(place.database.uuid().to_string());
    vault.keep(place.database, place.backup.uuid(), b"key").await.expect("kept");
    let half = format!("{}.{}.half", place.backup.uuid(), place.database.uuid());
    let ours = [directory.join(&half), directory.join("keys").join(&half)];
    let strangers =
        [root.path().join(&half), directory.join("notes.half"), directory.join(format!("{half}.x"))];
    for path in ours.iter().chain(&strangers) {
        std::fs::write(path, b"half").expect("planted");
        age(path, 23);
    }
    age(&path(root.path(), place), 1000);
    assert_eq!(vault.sweep().await.expect("swept"), 0, "somebody may still write");
    ours.iter().chain(&strangers).for_each(|path| age(path, 25));
    assert_eq!(vault.sweep().await.expect("swept"), 2);
    assert_eq!(files(root.path()).len(), 2 + strangers.len());
    assert_eq!(read(&*vault, place).await.expect("reads"), b"content");
    std::fs::write(&ours[0], b"half").expect("planted");
    vault.remove(place).await.expect("removed");
    assert!(!ours[0].exists(), "the half-made ones of a place go with it");
}

/// Runs in a process of its own, which is killed in the middle of its writing.
#[tokio::test]
async fn writer_to_be_killed() {
    let Some(root) = std::env::var_os("WRITER_TO_BE_KILLED") else { return };
    let vault = open(Path::new(&root)).await;
    let mut sealing = vault.create(place(), &key(1)).await.expect("begins");
    write(&mut *sealing, &content(5_000_000)).await.expect("written");
    println!("\nwriting");
    std::future::pending::<()>().await;
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the killed process is this test itself")]
async fn a_killed_writer_leaves_nothing_visible_and_the_sweep_takes_the_rest() {
    let root = tempfile::tempdir().expect("a directory");
    let mut child = std::process::Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "writer_to_be_killed", "--nocapture"])
        .env("WRITER_TO_BE_KILLED", root.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("started");
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    assert!(lines.any(|line| line.expect("a line") == "writing"), "it came to write");
    child.kill().expect("killed");
    child.wait().expect("ended");

    let vault = open(root.path()).await;
    assert_eq!(vault.places().await.expect("listed"), []);
    let left = files(root.path());
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(left[0].metadata().expect("there").len() > 4_000_000);
    assert_eq!(vault.sweep().await.expect("swept"), 0);
    age(&left[0], 25);
    assert_eq!(vault.sweep().await.expect("swept"), 1);
    assert_eq!(files(root.path()), Vec::<PathBuf>::new());
}

/// A real file system of one MiB, unmounted when it is dropped.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    #[expect(
        clippy::disallowed_methods,
        reason = "a disk for the test is mounted by the system's own program"
    )]
    fn mount() -> Option<Self> {
        let root = tempfile::tempdir().expect("a directory");
        let mount = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m", "paddock-test"])
            .arg(root.path())
            .status();
        if mount.is_ok_and(|status| status.success()) {
            return Some(Self(root));
        }
        println!("skipped: this user may not mount a small disk");
        None
    }
}

impl Drop for SmallDisk {
    #[expect(clippy::disallowed_methods, reason = "as it was mounted")]
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg(self.0.path()).status();
    }
}

#[tokio::test]
async fn a_full_disk_is_told_and_spoils_nothing() {
    let Some(disk) = SmallDisk::mount() else { return };
    let root = disk.0.path();
    let (vault, first, second) = (open(root).await, place(), place());
    archive(&*vault, first, &content(400_000)).await.expect("there is room");
    for bytes in [700_000, 5_000_000] {
        match archive(&*vault, second, &content(bytes)).await {
            Err(VaultError::Full { free_bytes }) => assert!(free_bytes < 1024 * 1024, "{free_bytes}"),
            other => panic!("a full disk was not told: {other:?}"),
        }
    }
    let mut sealing = vault.create(second, &key(1)).await.expect("begins");
    assert!(matches!(write(&mut *sealing, &content(5_000_000)).await, Err(VaultError::Full { .. })));
    let finished = sealing.finish().await;
    assert!(
        matches!(finished, Err(VaultError::Storage { .. })),
        "what has a hole is never finished: {finished:?}"
    );
    assert_eq!(files(root).len(), 1, "nothing half-made stays");
    assert_eq!(read(&*vault, first).await.expect("reads"), content(400_000));
    archive(&*vault, second, &content(300_000)).await.expect("the room was given back");
}

#[tokio::test]
async fn a_place_that_cannot_be_written_is_refused_at_once() {
    let root = tempfile::tempdir().expect("a directory");
    let file = root.path().join("file");
    std::fs::write(&file, b"not a directory").expect("written");
    std::fs::set_permissions(&file, Permissions::from_mode(0o600)).expect("closed");
    let opened = vault::open(VaultConfig::Directory { root: file.clone() }).await.map(|_| ());
    let Err(VaultError::Storage { message, .. }) = opened else { panic!("{opened:?}") };
    assert!(message.contains(&file.display().to_string()), "{message}");
}
