//! A `pg_dump` that dies, that is of another version, that does nothing: none of them makes a backup (F70).

use crate::{
    host::{self, Host},
    kit::{Kept, dump, nothing_stays},
};
use async_trait::async_trait;
use control::engine::{
    EngineError,
    dumps::{DumpError, Dumps as _, Sink},
};
use engine::LocalEngine;
use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf};

/// Kills the tool when its first bytes come, and takes them.
struct Killer(PathBuf, usize);

#[async_trait]
impl Sink for Killer {
    async fn write(&mut self, _: &[u8]) -> Result<(), DumpError> {
        if self.1 == 0 {
            let pids = host::pids_of("pg_dump", &self.0);
            pids.iter().for_each(|pid| host::kill(*pid, rustix::process::Signal::KILL));
            self.1 = pids.len();
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_that_dies_or_does_nothing_makes_no_backup() {
    // A server of its own, whose tools can be replaced.
    let own = tempfile::tempdir().unwrap();
    fs::set_permissions(own.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let mut host = Host::new().await;
    let version = host.version().await;
    let home = host.config.version_dirs[0].join(version.to_string());
    let copied = host::run("/bin/cp", &["-a", home.to_str().unwrap(), own.path().to_str().unwrap()]);
    assert!(copied.status.success());
    host.config.version_dirs = vec![own.path().to_owned()];
    host.engine = LocalEngine::open(host.config.clone()).await.unwrap();
    let spec = host::spec("d_4", version);
    host.up(&spec).await;
    // More than fits into the pipe: it is at work when its first bytes are here.
    let fill =
        "CREATE TABLE t AS SELECT md5(n::text) || md5((n + 1)::text) AS x FROM generate_series(1, 200000) n";
    host.ask(&spec, fill).await.unwrap();

    let program = own.path().join(version.to_string()).join("bin/pg_dump");
    let mut killer = Killer(program.clone(), 0);
    let killed = host.engine.dump(&spec, &mut killer).await;
    assert!(killer.1 > 0, "it was killed");
    assert!(matches!(killed, Err(DumpError::Engine(EngineError::Postgres { .. }))), "{killed:?}");
    nothing_stays(&host, &spec).await;

    let real = fs::read(&program).unwrap();
    for (script, expected) in [
        (
            "echo 'pg_dump: error: aborting because of server version mismatch' >&2; exit 1",
            "version mismatch",
        ),
        ("exit 0", "pg_dump wrote nothing"),
    ] {
        fs::remove_file(&program).unwrap();
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let mut kept = Kept::default();
        match host.engine.dump(&spec, &mut kept).await {
            Err(DumpError::Engine(EngineError::Postgres { message, .. })) => {
                assert!(message.contains(expected), "{message}");
            }
            other => panic!("{script}: {other:?}"),
        }
        assert!(kept.0.is_empty());
        nothing_stays(&host, &spec).await;
    }
    fs::write(&program, real).unwrap();
    dump(&host, &spec).await;
    host.end().await;
}
