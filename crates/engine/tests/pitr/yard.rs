//! A database that archives, and how its moments are asked for.

use crate::host;
use crate::host::Host;
use chrono::{DateTime, Utc};
use control::engine::{
    Engine as _, NodeSpec,
    pitr::{BackupKind, Pitr as _, Recovery, Target},
};
use secrecy::SecretString;
use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};
use types::{DatabaseId, NodeId, PgVersion};
use uuid::Uuid;
/// What archives of these tests are encrypted with.
pub fn key() -> SecretString {
    "a-key-of-a-test".into()
}

/// Tells nobody how far a backup is.
pub fn nobody(_: u64, _: u64) {}

/// So many moments of each major are asked for: a hundred together.
/// The newest server of each of these majors.
pub async fn majors(host: &Host) -> Vec<PgVersion> {
    assert!(host.engine.pitr_tool().await.is_some(), "pgBackRest is missing: scripts/ensure-pgbackrest.sh");
    let all: Vec<_> = host.versions().await.into_iter().filter(|v| [17, 18].contains(&v.major)).collect();
    assert_eq!(all.len(), 2, "PostgreSQL 17 and 18");
    all
}

/// A database that archives into its own archive, with a table and a first base backup.
pub async fn archived(host: &Host, version: PgVersion) -> NodeSpec {
    let mut spec = host::spec("a_1", version);
    spec.archive = Some(database(&spec));
    host.up(&spec).await;
    assert_eq!(host.engine.enable_archiving(&spec, &key()).await.unwrap(), "archiving is on");
    host.ask(&spec, "CREATE TABLE t (n int PRIMARY KEY)").await.unwrap();
    let backup = host.engine.base_backup(&spec, BackupKind::Full, &nobody).await.unwrap();
    assert_eq!((backup.kind, backup.timeline, backup.damaged), (BackupKind::Full, 1, false));
    // Until then its end, told in whole seconds, is not over.
    until(backup.to).await;
    spec
}

/// Waits for a moment.
pub async fn until(moment: DateTime<Utc>) {
    let left = moment - DateTime::<Utc>::from(SystemTime::now());
    tokio::time::sleep(left.to_std().unwrap_or_default()).await;
}

/// Rows `from..=to`, one transaction each; the moments of their commits, as PostgreSQL wrote them.
pub async fn insert(host: &Host, spec: &NodeSpec, from: i32, to: i32) -> Vec<DateTime<Utc>> {
    let client = host.connect(spec, &spec.name).await.unwrap();
    let mut moments = Vec::new();
    for n in from..=to {
        client.execute("INSERT INTO t VALUES ($1)", &[&n]).await.unwrap();
        let row = client.query_one("SELECT clock_timestamp()", &[]).await.unwrap();
        moments.push(row.get::<_, SystemTime>(0).into());
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
    moments
}

/// A moment on the newest timeline.
pub fn to(moment: DateTime<Utc>) -> Target {
    Target { moment, timeline: None }
}

/// A node to restore into; its name is that of the data.
pub fn beside(spec: &NodeSpec) -> NodeSpec {
    let id = NodeId::new(Uuid::new_v4());
    // Its port too: until it is finished it listens nowhere.
    NodeSpec { id, archive: None, ..spec.clone() }
}

/// Waits until a restored server stands at its moment.
pub async fn reached(host: &Host, spec: &NodeSpec) {
    let begun = Instant::now();
    loop {
        match host.engine.recovery(spec).await.unwrap() {
            Recovery::Reached(_) => return,
            Recovery::Replaying(_) => {}
            other => panic!("{other:?}: {:#?}", host.engine.log_tail(spec.id, 40).await),
        }
        assert!(begun.elapsed() < Duration::from_secs(120), "still replaying");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Rows of the one table, by a peek.
pub async fn rows(host: &Host, spec: &NodeSpec) -> u64 {
    let tables = host.engine.peek(spec).await.unwrap();
    assert_eq!(tables.len(), 1, "{tables:?}");
    tables[0].rows.unwrap()
}

/// The database of a first node.
pub fn database(spec: &NodeSpec) -> DatabaseId {
    DatabaseId::new(spec.id.uuid())
}

/// Where an archive lies.
pub fn archive(host: &Host, id: DatabaseId) -> PathBuf {
    host.layout().archive(id)
}

/// Files of an archive by a part of their name.
pub fn files(dir: &Path, part: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut left = vec![dir.to_owned()];
    while let Some(dir) = left.pop() {
        for entry in fs::read_dir(dir).unwrap().flatten() {
            if entry.file_type().unwrap().is_dir() {
                left.push(entry.path());
            } else if entry.file_name().to_string_lossy().contains(part) {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    found
}

/// The name of a segment, of a file of the archive.
pub fn segment_of(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy()[..24].to_owned()
}
