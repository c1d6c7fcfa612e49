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
use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use types::{BackupId, DatabaseId};
use uuid::Uuid;
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
    assert!(vault.room().await.is_some_and(|room| room.free_bytes > 0 && room.all_bytes > room.free_bytes));
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

/// Where the writer below writes to.
fn troubled() -> Place {
    Place {
        database: DatabaseId::new(Uuid::from_bytes([3; 16])),
        backup: BackupId::new(Uuid::from_bytes([4; 16])),
    }
}

/// Runs in a process of its own, to which something happens before it is told to go on, or then.
#[tokio::test]
async fn writer_in_trouble() {
    let Some(root) = std::env::var_os("WRITER_IN_TROUBLE") else { return };
    let vault = open(Path::new(&root)).await;
    let mut sealing = vault.create(troubled(), &key(1)).await.expect("begins");
    write(&mut *sealing, &content(5_000_000)).await.expect("written");
    println!("\nwriting");
    std::io::stdin().read_line(&mut String::new()).expect("told to go on");
    let finished = sealing.finish().await;
    println!("\n{}", if let Err(error) = &finished { error.to_string() } else { "finished".into() });
}

/// Starts it; it has written when this returns.
#[expect(clippy::disallowed_methods, reason = "the process in trouble is this test itself")]
fn writer(root: &Path) -> (Child, Lines<BufReader<ChildStdout>>) {
    let mut child = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "writer_in_trouble", "--nocapture"])
        .env("WRITER_IN_TROUBLE", root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("started");
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    assert!(lines.any(|line| line.expect("a line") == "writing"), "it came to write");
    (child, lines)
}

/// Lets it go on while strace does this to its calls; answers what it said then, and what strace saw.
#[expect(clippy::disallowed_methods, reason = "the system's own program troubles it")]
fn trouble(root: &Path, strace: &[&str]) -> (String, String) {
    let (mut child, lines) = writer(root);
    let log = tempfile::NamedTempFile::new().expect("a file");
    let mut tracer = Command::new("strace")
        .args(["-f", "-o"])
        .arg(log.path())
        .args(strace)
        .arg(format!("-p{}", child.id()))
        .stderr(Stdio::piped())
        .spawn()
        .expect("strace, which scripts/setup.sh test installs");
    // Kept until its end: it says more.
    let mut words = BufReader::new(tracer.stderr.take().expect("its words")).lines();
    let attached = words.next().expect("a line").expect("a line");
    assert!(attached.contains("attached"), "{attached}");
    writeln!(child.stdin.take().expect("its input")).expect("told");
    let said: Vec<_> = lines.map_while(Result::ok).filter(|line| !line.is_empty()).collect();
    let _ = child.wait().expect("ended");
    tracer.wait().expect("ended with it");
    let seen = std::fs::read_to_string(log.path()).expect("what it saw");
    (said.into_iter().next().unwrap_or_default(), seen)
}

/// F19: first the bytes cannot be brought to the disk, then the name. Neither is tried again, and neither is an archive.
#[tokio::test]
async fn what_cannot_be_brought_to_the_disk_is_no_archive() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: only root may trace a process that is no child");
        return;
    }
    let root = tempfile::tempdir().expect("a directory");
    let directory = root.path().join(troubled().database.uuid().to_string());
    let directory = directory.to_str().expect("text").to_owned();
    for filter in [&[][..], &["-P", &*directory]] {
        let inject = ["-e", "trace=fsync", "-e", "inject=fsync:error=EIO:when=1"];
        let (said, seen) = trouble(root.path(), &[filter, &inject].concat());
        assert_eq!(seen.matches("(INJECTED)").count(), 1, "{seen}");
        assert!(said.contains("cannot be brought to the disk"), "{filter:?}: {said}");
        assert_eq!(files(root.path()), Vec::<PathBuf>::new(), "{filter:?}");
        assert_eq!(open(root.path()).await.places().await.expect("listed"), []);
    }
}

/// F20: killed between writing and renaming.
#[tokio::test]
async fn killed_before_its_name_it_is_the_earlier_one() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: only root may trace a process that is no child");
        return;
    }
    let root = tempfile::tempdir().expect("a directory");
    let vault = open(root.path()).await;
    archive(&*vault, troubled(), b"earlier").await.expect("written");
    let calls = "rename,renameat,renameat2";
    let inject = format!("inject={calls}:signal=KILL");
    let (said, seen) = trouble(root.path(), &["-e", &format!("trace={calls}"), "-e", &inject]);
    assert!(said.is_empty() && seen.contains("killed by SIGKILL"), "{said} {seen}");
    assert_eq!(read(&*vault, troubled()).await.expect("reads"), b"earlier");
    assert_eq!(files(root.path()).len(), 2, "the half-made one is left to the sweep");
}

/// F63: what is read goes on when its name goes; what is cut short meanwhile is told, and never taken for its end.
#[tokio::test]
async fn an_archive_that_goes_while_it_is_read_is_never_short() {
    let root = tempfile::tempdir().expect("a directory");
    let (vault, place) = (open(root.path()).await, place());
    archive(&*vault, place, &content(5_000_000)).await.expect("written");
    let sealed = vault.open(place, &key(1)).await.expect("opens");
    let first = sealed.read(0..100_000).await.expect("reads");
    let held = File::options().write(true).open(path(root.path(), place)).expect("opens");
    vault.remove(place).await.expect("removed");
    let second = sealed.read(100_000..3_000_000).await.expect("goes on");
    assert!([first, second].concat() == content(5_000_000)[..3_000_000]);
    held.set_len(3_500_000).expect("cut");
    let rest = sealed.read(3_000_000..5_000_000).await;
    assert!(matches!(rest, Err(VaultError::Damaged(_))), "{rest:?}");
}

#[tokio::test]
async fn a_killed_writer_leaves_nothing_visible_and_the_sweep_takes_the_rest() {
    let root = tempfile::tempdir().expect("a directory");
    let (mut child, _lines) = writer(root.path());
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
        if !rustix::process::geteuid().is_root() {
            println!("skipped: only root may mount a small disk");
            return None;
        }
        let root = tempfile::tempdir().expect("a directory");
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m", "paddock-test"])
            .arg(root.path())
            .status();
        assert!(mount.expect("mount").success(), "root may mount");
        Some(Self(root))
    }
}

impl Drop for SmallDisk {
    #[expect(clippy::disallowed_methods, reason = "as it was mounted")]
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

#[tokio::test]
async fn a_full_disk_is_told_and_spoils_nothing() {
    let Some(disk) = SmallDisk::mount() else { return };
    let root = disk.0.path();
    let (vault, first, second) = (open(root).await, place(), place());
    archive(&*vault, first, &content(400_000)).await.expect("there is room");
    let room = vault.room().await.expect("a volume");
    assert_eq!(room.all_bytes, 1 << 20, "this one, not that of the directory above");
    assert!(room.free_bytes < (1 << 20) - 400_000, "{room:?}");
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
