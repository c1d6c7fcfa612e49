//! A34: links that somebody who broke into the server planted among its data, before Paddock, which is root, makes a base
//! backup, restores it and clears it away.

use crate::{
    host::{self, Host},
    yard::*,
};
use control::engine::{
    Engine as _, NodeSpec,
    pitr::{BackupKind, Pitr as _},
};
use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    time::Duration,
};

const PATIENCE: Duration = Duration::from_secs(10);

/// What belongs to root alone, and what everybody may read; neither may change.
struct Precious(Vec<(PathBuf, u32)>);

impl Precious {
    fn new(host: &Host) -> Self {
        let dir = host.layout().root().join("precious");
        fs::create_dir(&dir).unwrap();
        let mut all = vec![(dir.clone(), 0o755)];
        for (name, mode) in [("closed", 0o600), ("open", 0o644)] {
            let path = dir.join(name);
            fs::write(&path, format!("precious, {name}")).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            all.push((path, mode));
        }
        Self(all)
    }

    fn at(&self, name: &str) -> &Path {
        &self.0.iter().find(|(path, _)| path.ends_with(name)).unwrap().0
    }

    fn is_untouched(&self) {
        for (path, mode) in &self.0 {
            let seen = fs::symlink_metadata(path).unwrap();
            let own = rustix::process::geteuid().as_raw();
            assert_eq!((seen.mode() & 0o7777, seen.uid()), (*mode, own), "{}", path.display());
        }
        for name in ["closed", "open"] {
            assert_eq!(fs::read_to_string(self.at(name)).unwrap(), format!("precious, {name}"));
        }
        assert_eq!(fs::read_dir(&self.0[0].0).unwrap().count(), 2, "nothing was added");
    }
}

/// Files below a directory with these words in them; links are not followed.
fn holding(dir: &Path, words: &str) -> Vec<PathBuf> {
    let found = host::run("/bin/grep", &["-rlaF", words, dir.to_str().unwrap()]);
    String::from_utf8_lossy(&found.stdout).lines().map(PathBuf::from).collect()
}

/// Restores the newest moment that was archived, looks, and clears it away.
async fn restored(host: &Host, source: &NodeSpec, precious: &Precious) {
    let moment =
        *insert(host, source, next(host, source).await, next(host, source).await).await.last().unwrap();
    host.engine.archive_now(source).await.unwrap();
    let beside = beside(source);
    host.engine.restore_beside(&beside, database(source), &key(), &to(moment)).await.unwrap();
    reached(host, &beside).await;
    assert_eq!(holding(host.dir(&beside).path(), "precious, closed"), [] as [PathBuf; 0]);
    precious.is_untouched();
    host.engine.discard_restore(&beside).await.unwrap();
    precious.is_untouched();
}

/// The next number of the table.
async fn next(host: &Host, source: &NodeSpec) -> i32 {
    host.ask(source, "SELECT count(*) + 1 FROM t").await.unwrap()[0].parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn links_among_the_data_lead_nowhere() {
    let host = Host::new().await;
    let version = majors(&host).await[0];
    let source = archived(&host, version).await;
    let precious = Precious::new(&host);
    let data = host.dir(&source).data();

    // To what only root may read: a backup that followed it as root would give it away.
    let closed = data.join("base/planted");
    symlink(precious.at("closed"), &closed).unwrap();
    let refused = host.engine.base_backup(&source, BackupKind::Full, &nobody).await;
    if rustix::process::geteuid().is_root() {
        let said = format!("{:#}", refused.unwrap_err());
        assert!(said.contains("planted") || said.contains("precious"), "{said}");
    }
    precious.is_untouched();
    fs::remove_file(&closed).unwrap();

    // To what everybody may read, a whole directory as a tablespace, and one that is none.
    for (link, target) in [("base/planted", "open"), ("pg_tblspc/99999", "precious"), ("planted", "precious")]
    {
        let link = data.join(link);
        symlink(precious.at(target), &link).unwrap();
        match host.engine.base_backup(&source, BackupKind::Full, &nobody).await {
            Ok(_) => restored(&host, &source, &precious).await,
            // It says which one it does not like.
            Err(error) => {
                let name = link.file_name().unwrap().to_str().unwrap();
                assert!(error.to_string().contains(name), "{error}");
            }
        }
        precious.is_untouched();
        fs::remove_file(&link).unwrap();
    }

    // The log itself is elsewhere: the server goes on, and so does the backup; what is cleared away is the link.
    let elsewhere = host.layout().root().join("elsewhere");
    host.engine.stop(source.id, PATIENCE).await.unwrap();
    fs::rename(data.join("pg_wal"), &elsewhere).unwrap();
    symlink(&elsewhere, data.join("pg_wal")).unwrap();
    host.engine.start(&source).await.unwrap();
    host.engine.base_backup(&source, BackupKind::Full, &nobody).await.unwrap();
    restored(&host, &source, &precious).await;
    host.engine.purge(source.id).await.unwrap();
    assert!(fs::read_dir(&elsewhere).unwrap().count() > 0, "it is nobody's to remove but a person's");
    fs::remove_dir_all(&elsewhere).unwrap();
    precious.is_untouched();
    fs::remove_dir_all(precious.at("precious")).unwrap();
    host.end().await;
}
