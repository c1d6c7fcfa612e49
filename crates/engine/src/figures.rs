//! Figures of a running server, read as the weak monitoring role: whatever a user planted, it would run with no
//! rights worth having. Bytes on disk are counted on the disk.

use crate::{
    disk, error,
    layout::ClusterDir,
    sql::{BACKUP, MONITOR, SIGNAL, SUPERUSER, Session},
};
use control::engine::EngineError;
use std::time::Duration;
use tokio_postgres::Client;
use types::view::Figures;

/// Reads them all.
pub(crate) async fn read(dir: &ClusterDir, port: u16, database: &str) -> Result<Figures, EngineError> {
    let session = Session::new(dir.run(), port, MONITOR, Duration::from_secs(5));
    // Our own sessions are not the user's connections; the names are constants.
    let ask = format!(
        r#"SELECT (SELECT count(*) FROM pg_stat_activity
                   WHERE backend_type = 'client backend'
                     AND usename NOT IN ('{SUPERUSER}', '{MONITOR}', '{SIGNAL}', '{BACKUP}')),
                  least(current_setting('max_connections')::int8
                            - current_setting('superuser_reserved_connections')::int8
                            - coalesce(current_setting('reserved_connections', true), '0')::int8,
                        (SELECT nullif(rolconnlimit, -1) FROM pg_roles WHERE rolname = $1::text)),
                  pg_database_size($1::text::name)"#
    );
    let (connections, maximum, data) = session
        .run("read figures", async |client: Client| {
            let row = client.query_one(&ask, &[&database]).await?;
            Ok((row.try_get::<_, i64>(0)?, row.try_get::<_, i64>(1)?, row.try_get::<_, i64>(2)?))
        })
        .await?;
    let data_dir = dir.data();
    let disk_bytes = tokio::task::spawn_blocking(move || disk::used_bytes(&data_dir)).await;
    Ok(Figures {
        connections: u32::try_from(connections).unwrap_or(0),
        max_connections: u32::try_from(maximum).unwrap_or(0),
        data_bytes: u64::try_from(data).unwrap_or(0),
        disk_bytes: disk_bytes.map_err(|error| error::retry("could not count bytes on disk", error))?,
    })
}
