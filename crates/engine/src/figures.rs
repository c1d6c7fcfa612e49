//! Figures of a running server, read as the weak monitoring role: whatever a user planted, it would run with no
//! rights worth having. Bytes on disk are counted on the disk, memory and processor by the kernel.

use crate::{
    cgroup::Limits,
    disk, error,
    gauge::Gauges,
    kept::{Kept, Of},
    layout::ClusterDir,
    procs::Handle,
    sql::{self, MONITOR, Session},
};
use control::engine::{EngineError, NodeSpec};
use std::time::Duration;
use tokio_postgres::Client;
use types::view::Figures;

/// Tables that are looked at for dead rows, those with most of them.
const TABLES: u32 = 50;

/// Reads them all.
pub(crate) async fn read(
    (gauges, kept): (&Gauges, &Kept),
    dir: &ClusterDir,
    server: &Handle,
    spec: &NodeSpec,
    limits: &Limits,
) -> Result<Figures, EngineError> {
    let session = Session::new(dir.run(), spec.port, MONITOR, Duration::from_secs(5));
    let data = dir.data();
    let bytes = async {
        // The log and temporary files first: what comes meanwhile makes the whole larger, never the part.
        let wal = disk::count(data.join("pg_wal")).await?;
        let temp = disk::count(data.join("base/pgsql_tmp")).await?;
        Ok((wal, temp, disk::count(data.clone()).await?))
    };
    let of = (spec.id, (server.seen.pid, server.seen.started));
    // An estimate that takes a connection of its own to the user's database: not with every look.
    let dead = async {
        match gauges.dead_bytes(spec.id) {
            Some(told) => told,
            None => gauges.keep_dead_bytes(spec.id, dead(&session, &spec.name).await),
        }
    };
    let (told, bytes, dead_bytes, look) = tokio::join!(
        ask(kept, of, &session, &spec.name),
        bytes,
        dead,
        gauges.look_now(spec.id, &server.seen, limits),
    );
    let ((connections, maximum, data), (wal_bytes, temp_bytes, disk_bytes)) = (told?, bytes?);
    Ok(Figures {
        connections: u32::try_from(connections).unwrap_or(0),
        max_connections: u32::try_from(maximum).unwrap_or(0),
        data_bytes: u64::try_from(data).unwrap_or(0),
        disk_bytes,
        wal_bytes,
        temp_bytes,
        dead_bytes,
        container: look.container,
    })
}

async fn ask(kept: &Kept, of: Of, session: &Session, database: &str) -> Result<(i64, i64, i64), EngineError> {
    // Our own sessions are not the user's connections; the names are constants.
    let ask = format!(
        r#"SELECT (SELECT count(*) FROM pg_stat_activity
                   WHERE backend_type = 'client backend' AND usename NOT IN ({})),
                  least(current_setting('max_connections')::int8
                            - current_setting('superuser_reserved_connections')::int8
                            - coalesce(current_setting('reserved_connections', true), '0')::int8,
                        (SELECT nullif(rolconnlimit, -1) FROM pg_roles WHERE rolname = $1::text)),
                  pg_database_size($1::text::name)"#,
        sql::ours()
    );
    let (row, _) = kept.ask(of, session, &ask, database).await?;
    let read = || Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?));
    read().map_err(|error| error::sql("read figures", error))
}

/// An estimate of what dead rows take: each table's share of dead rows, of its size. `None` when the monitoring role
/// may not enter the database (the right is given when it is made, and its owner can take it back), or a table is locked.
async fn dead(session: &Session, database: &str) -> Option<u64> {
    let inside = Session { database: database.into(), limit: Duration::from_secs(2), ..session.clone() };
    let ask = format!(
        r#"SELECT coalesce(sum(pg_total_relation_size(relid) * (dead / (live + dead))), 0)::int8
           FROM (SELECT relid, n_dead_tup::float8 AS dead, n_live_tup::float8 AS live
                 FROM pg_stat_all_tables WHERE n_dead_tup > 0
                 ORDER BY n_dead_tup DESC LIMIT {TABLES}) AS worst"#
    );
    let asked = inside.run("estimate dead rows", async |client: Client| {
        // The size of a table waits for whoever has it locked; this is not worth a queue.
        client.batch_execute("SET lock_timeout = '200ms'").await?;
        client.query_one(&ask, &[]).await?.try_get::<_, i64>(0)
    });
    match asked.await {
        Ok(bytes) => Some(u64::try_from(bytes).unwrap_or(0)),
        Err(error) => {
            tracing::debug!(%error, "cannot estimate dead rows");
            None
        }
    }
}
