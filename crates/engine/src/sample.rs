//! What the collector reads of a running server in one go: its processes from the kernel, the rest from one bounded
//! query over the kept connection.

use crate::{
    cgroup::Limits,
    disk, error,
    gauge::Gauges,
    keeper,
    kept::Kept,
    layout::ClusterDir,
    procs::Handle,
    sql::{self, MONITOR, Session},
};
use control::engine::{EngineError, NodeSpec, Sample, ServerSample};
use std::time::Duration;
use tokio_postgres::Row;

/// For the query, connecting included.
const LIMIT: Duration = Duration::from_secs(5);

/// Takes one. A server that does not answer gives what the kernel knows.
pub(crate) async fn take(
    (gauges, kept): (&Gauges, &Kept),
    dir: &ClusterDir,
    server: &Handle,
    (spec, limits): (&NodeSpec, &Limits),
    count_disk: bool,
) -> Result<Sample, EngineError> {
    let session = Session::new(dir.run(), spec.port, MONITOR, LIMIT);
    let text = query(spec.version.major);
    let of = (server.seen.pid, server.seen.started);
    let asked = kept.ask((spec.id, of), &session, &text, &spec.name).await;
    let told = asked
        .and_then(|(row, latency)| read(&row, latency).map_err(|error| error::sql("read figures", error)));
    let told = match told {
        Ok(told) => Some(told),
        Err(error) => {
            tracing::debug!(%error, database = %spec.id, "a server told nothing of itself");
            None
        }
    };
    let look = gauges.look(spec.id, &server.seen, limits);
    let data = dir.data();
    let disk_bytes = match count_disk {
        true => Some(disk::count(data).await?),
        false => None,
    };
    Ok(Sample {
        since: keeper::since(dir, server),
        container: types::view::Container { cpu_percent: None, ..look.container },
        cpu_us: look.cpu_us,
        read_bytes: look.io.0,
        written_bytes: look.io.1,
        disk_bytes,
        server: told,
    })
}

/// One row of all figures. Names of the platform's roles are constants; the database's name is a parameter.
fn query(major: u16) -> String {
    let ours = sql::ours();
    // From 17 on checkpoints have a view of their own.
    let checkpoints = match major {
        17.. => "SELECT num_timed + num_requested FROM pg_stat_checkpointer",
        _ => "SELECT checkpoints_timed + checkpoints_req FROM pg_stat_bgwriter",
    };
    format!(
        r#"WITH session AS (
    SELECT backend_type, state, xact_start,
           backend_type = 'client backend' AND usename NOT IN ({ours}) AS client
    FROM pg_stat_activity
    WHERE usename IS NULL OR usename NOT IN ({ours})
)
SELECT count(*) FILTER (WHERE client),
       count(*) FILTER (WHERE client AND state = 'active'),
       count(*) FILTER (WHERE client AND state LIKE 'idle in transaction%'),
       count(*) FILTER (WHERE backend_type = 'autovacuum worker'),
       greatest(0, coalesce(extract(epoch FROM max(clock_timestamp() - xact_start)), 0))::float8,
       (SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = $1::text),
       (SELECT blks_hit FROM pg_stat_database WHERE datname = $1::text),
       (SELECT blks_read FROM pg_stat_database WHERE datname = $1::text),
       (SELECT deadlocks FROM pg_stat_database WHERE datname = $1::text),
       (SELECT temp_bytes FROM pg_stat_database WHERE datname = $1::text),
       pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END,
                       '0/0')::int8,
       (SELECT sum(size)::int8 FROM pg_ls_waldir()),
       pg_database_size($1::text::name),
       (SELECT count(*) FROM pg_locks WHERE pid IS DISTINCT FROM pg_backend_pid()),
       (SELECT count(*) FROM pg_locks WHERE NOT granted),
       ({checkpoints})
FROM session"#
    )
}

fn read(row: &Row, latency: Duration) -> Result<ServerSample, tokio_postgres::Error> {
    let number = |column: usize| {
        let number = row.try_get::<_, Option<i64>>(column)?;
        Ok::<_, tokio_postgres::Error>(u64::try_from(number.unwrap_or(0)).unwrap_or(0))
    };
    let count = |column: usize| number(column).map(|count| u32::try_from(count).unwrap_or(u32::MAX));
    Ok(ServerSample {
        connections: count(0)?,
        active: count(1)?,
        idle_in_transaction: count(2)?,
        autovacuum: count(3)?,
        oldest_transaction_s: row.try_get(4)?,
        transactions: number(5)?,
        blocks_hit: number(6)?,
        blocks_read: number(7)?,
        deadlocks: number(8)?,
        temp_bytes: number(9)?,
        wal_made: number(10)?,
        wal_bytes: number(11)?,
        data_bytes: number(12)?,
        locks: count(13)?,
        locks_waiting: count(14)?,
        checkpoints: number(15)?,
        latency,
    })
}
