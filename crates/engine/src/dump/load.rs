//! `pg_restore`, fed as it reads. It stops at the first thing that it cannot do: half a restore is none.

use super::{Into, Works, contents, login, pace::Pace, tool, tool_failed};
use crate::{
    error,
    sql::{BACKUP, LOADER, drive},
    volume,
};
use control::{
    backup::contents::Contents,
    engine::{
        EngineError,
        dumps::{DumpError, Source},
    },
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// Restores into an empty database of the server; everything will belong to the owner, as it does for users.
pub(super) async fn load(works: &Works<'_>, to: Into<'_>, source: &mut dyn Source) -> Result<(), DumpError> {
    let owner = format!("{}_owner", works.name);
    let mut exec = tool::tool(works, "pg_restore", (LOADER, to.database, to.password))
        .args(["--format=custom", "--exit-on-error", "--no-owner", "--no-privileges", "--no-tablespaces"])
        .args(["--no-subscriptions", "--no-publications"])
        .arg(format!("--role={owner}"))
        // Without it, what was read would be written as a script.
        .arg(format!("--dbname={}", to.database))
        .heap(to.heap);
    if !to.doors.is_empty() {
        exec = exec.enter(to.doors);
    }
    let restored = exec.piped(async |mut stdin, mut stdout| -> Result<(), DumpError> {
        while let Some(bytes) = source.next().await? {
            if stdin.write_all(&bytes).await.is_err() {
                // It has ended already; its own words say why.
                break;
            }
        }
        drop(stdin);
        let mut said = [0; 1024];
        while let Ok(1..) = stdout.read(&mut said).await {}
        Ok(())
    });
    let piped = tokio::select! {
        piped = restored => piped.map_err(tool_failed)??,
        // How much an archive unpacks to tells nobody but its end.
        full = volume::until_full(works.dir.path()) => return Err(full.into()),
    };
    if piped.output.status.success() {
        return Ok(());
    }
    Err(tool::refused("pg_restore could not restore the dump", &piped.output).into())
}

/// What is in a database that was restored, as the role sees it that made the dump: nobody's row security hides anything.
pub(super) async fn contents(works: &Works<'_>, database: &str) -> Result<Contents, EngineError> {
    let what = "count what was restored";
    let superuser = works.superuser();
    let password = login::open(&superuser, BACKUP).await?;
    let count = async {
        let (client, connection) = works.weak(BACKUP, database, &password).open().await?;
        let work = async {
            client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
            let held = contents::hold(&client).await?;
            // It has the server to itself.
            contents::read(&client, held, &Pace::full()).await
        };
        drive(connection, work).await
    };
    let counted = count.await.map_err(|failed| error::sql(what, failed));
    login::close(&superuser, BACKUP).await;
    counted
}
