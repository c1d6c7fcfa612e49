//! What restores lives as the server does that it works for: as its OS user, in its group of limits. And the line that
//! people are given to restore elsewhere does what it says.

use crate::{
    FIXTURE,
    host::{self, Host},
    kit::{Pieces, dump},
};
use async_trait::async_trait;
use bytes::Bytes;
use control::engine::{
    Engine as _,
    dumps::{DumpError, Dumps as _, Source},
};
use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Whose a process is, and where it is held.
type Lives = (u32, Option<PathBuf>);

fn lives(pid: u32) -> Option<Lives> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let uid = status.lines().find_map(|line| line.strip_prefix("Uid:"))?.split_whitespace().nth(1)?;
    Some((uid.parse().ok()?, host::group(pid, "memory")))
}

/// Gives a dump, and looks at who takes it.
struct Watching<'a> {
    pieces: Pieces,
    root: &'a Path,
    /// The server whose tool it should be; `None`: that of the trial, which is there only meanwhile.
    server: Option<u32>,
    seen: Option<(Lives, Lives)>,
}

impl Watching<'_> {
    fn look(&self) -> Option<(Lives, Lives)> {
        let below = host::inhabitants(self.root);
        let ours = |program: &str, path: &Path| {
            host::pids_of(program, path).into_iter().find(|pid| below.contains(pid))
        };
        let tool = ours("pg_restore", Path::new("--role=d_7_owner"))?;
        let server = self.server.or_else(|| ours("postgres", &self.root.join("trials")))?;
        lives(tool).zip(lives(server))
    }
}

#[async_trait]
impl Source for Watching<'_> {
    async fn next(&mut self) -> Result<Option<Bytes>, DumpError> {
        let begun = Instant::now();
        while self.seen.is_none() && begun.elapsed() < Duration::from_secs(10) {
            self.seen = self.look();
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.pieces.next().await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_restores_is_held_as_its_server_is_and_the_documented_line_works() {
    let host = Host::new().await;
    let (spec, elsewhere) = (host.spec("d_7").await, host.spec("d_8").await);
    host.up(&spec).await;
    host.ask(&spec, FIXTURE).await.unwrap();
    let (dumped, bytes) = dump(&host, &spec).await;
    let root = host.layout().root().to_owned();
    let watching = |server| Watching { pieces: Pieces(bytes.clone(), 0), root: &root, server, seen: None };
    let held = |seen: Option<(Lives, Lives)>| {
        let ((tool_uid, tool_group), (uid, group)) = seen.expect("pg_restore was seen while it restored");
        assert_eq!((tool_uid, &tool_group), (uid, &group), "as its server");
        if rustix::process::geteuid().is_root() {
            assert_ne!(uid, 0);
        }
        if host::may_group() {
            let name = group.as_ref().and_then(|group| group.file_name()?.to_str());
            assert!(name.is_some_and(|name| name.starts_with("paddock-")), "{group:?}");
        }
        (uid, group)
    };

    let server = host.pid(&spec).await;
    let mut source = watching(Some(server));
    host.engine.load_beside(&spec, 0, &mut source).await.unwrap();
    let loaded = held(source.seen);

    let mut source = watching(None);
    let trial = host.engine.try_dump(&spec, 0, &mut source).await.unwrap();
    assert_eq!(dumped.contents.differences(&trial.contents), [] as [&str; 0]);
    let tried = held(source.seen);
    if host::may_group() {
        assert_ne!(tried.1, loaded.1, "a trial takes nothing of what the database may take");
        assert!(!tried.1.unwrap().exists(), "its group went with it");
    }

    // docs/backups.md, and the page of a backup.
    host.up(&elsewhere).await;
    let file = root.join("20261128010000_d_7.pgsql");
    fs::write(&file, &bytes).unwrap();
    let program = fs::read_link(format!("/proc/{server}/exe")).unwrap().with_file_name("pg_restore");
    let (login, port) = (&elsewhere.login, elsewhere.port);
    let password: String = host::PASSWORD.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let url = format!("postgres://{login}:{password}@127.0.0.1:{port}/d_8?sslmode=require");
    let line = ["--clean", "--if-exists", "--no-owner", "--no-privileges", "--no-comments", "--dbname", &url];
    let documented = include_str!("../../../../docs/backups.md");
    assert!(documented.contains(&format!("pg_restore {} \"$DATABASE_URL\"", line[..6].join(" "))));
    // Twice: into an empty database, and over what the first left.
    for _ in 0..2 {
        let mut line = line.to_vec();
        line.push(file.to_str().unwrap());
        let restored = host::run(program.to_str().unwrap(), &line);
        let said = String::from_utf8_lossy(&restored.stderr);
        assert!(restored.status.success() && said.is_empty(), "{said}");
        let count = r#"SELECT (SELECT count(*) FROM a) || ' ' || (SELECT count(*) FROM part)
                       || ' ' || (SELECT count(*) FROM "Odd; name"."t""x")"#;
        assert_eq!(host.ask(&elsewhere, count).await.unwrap(), ["4000 50 2"]);
    }
    for spec in [&spec, &elsewhere] {
        host.engine.stop(spec.id, Duration::from_secs(10)).await.unwrap();
    }
    host.end().await;
}
