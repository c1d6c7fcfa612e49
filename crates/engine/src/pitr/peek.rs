//! What is in a restored server's database: tables and exact numbers of rows.
//!
//! Asked by the weak role that makes dumps, in the user's own database: nothing there is called, only tables are counted.

use crate::{
    error,
    layout::ClusterDir,
    sql::{self, BACKUP, Session, quote_ident},
};
use control::engine::{EngineError, NodeSpec, pitr::TableCount};
use std::time::{Duration, Instant};

/// For everything; what is not counted then is not.
const LIMIT: Duration = Duration::from_secs(20);
/// So many tables are told of.
const MOST: i64 = 1000;

pub(crate) async fn peek(dir: &ClusterDir, spec: &NodeSpec) -> Result<Vec<TableCount>, EngineError> {
    let mut session = Session::new(dir.run(), spec.port, BACKUP, LIMIT);
    session.database.clone_from(&spec.name);
    let until = Instant::now() + LIMIT;
    let look = async {
        let (client, connection) = session.open().await?;
        let work = async {
            let rows = client
                .query(
                    "SELECT n.nspname::text, c.relname::text FROM pg_catalog.pg_class c
                     JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                     WHERE c.relkind IN ('r', 'm') AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
                     ORDER BY 1, 2 LIMIT $1",
                    &[&MOST],
                )
                .await?;
            let mut tables = Vec::new();
            for row in rows {
                let (schema, table): (String, String) = (row.try_get(0)?, row.try_get(1)?);
                tables.push(TableCount { schema, table, rows: None });
            }
            for one in &mut tables {
                let Ok((schema, table)) =
                    quote_ident(&one.schema).and_then(|schema| Ok((schema, quote_ident(&one.table)?)))
                else {
                    continue;
                };
                let left = until.saturating_duration_since(Instant::now());
                let count = format!("SELECT count(*) FROM ONLY {schema}.{table}");
                match tokio::time::timeout(left, client.query_one(&count, &[])).await {
                    Ok(Ok(row)) => one.rows = u64::try_from(row.try_get::<_, i64>(0)?).ok(),
                    // Of one that cannot be read nothing is told.
                    Ok(Err(error)) if error.as_db_error().is_some() => {}
                    Ok(Err(error)) => return Err(error),
                    Err(_) => break,
                }
            }
            Ok(tables)
        };
        sql::drive(connection, work).await
    };
    match tokio::time::timeout(LIMIT + Duration::from_secs(5), look).await {
        Ok(seen) => seen.map_err(|error| error::sql("look into the restored database", error)),
        Err(late) => Err(error::retry("the restored server did not answer in time", late)),
    }
}
