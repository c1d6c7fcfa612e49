//! Statistics of statements. The extension lives in the database `postgres`, in a schema that only the monitoring role
//! may use: its counters are of the whole server, and no superuser needs to enter a user's database for them.

use crate::{
    error,
    kept::{Kept, Of},
    sql::{self, MONITOR, SUPERUSER, Session},
};
use chrono::DateTime;
use control::engine::{EngineError, NodeSpec, statements::StatementsSeen};
use serde::Deserialize;
use tokio_postgres::Client;
use types::{
    masked::masked,
    statement::{Counters, Spread, StatementView},
};

/// Where the extension is.
const SCHEMA: &str = "paddock_statements";
/// As many as PostgreSQL keeps: a range is a difference, and one that is not known now or then would be told wrongly.
const MOST: u32 = 2000;
/// So much of a statement's text is told, characters: there are many.
const TEXT: usize = 1000;

#[derive(Deserialize)]
struct Told {
    #[serde(flatten)]
    counters: Counters,
    #[serde(flatten)]
    spread: Spread,
    user: Option<String>,
    query: Option<String>,
    length: Option<i64>,
}

impl From<Told> for StatementView {
    fn from(told: Told) -> Self {
        let cut = told.length.is_some_and(|length| usize::try_from(length).is_ok_and(|length| length > TEXT));
        let query = masked(told.query.as_deref().unwrap_or_default());
        Self { counters: told.counters, user: told.user, query, cut, spread: Some(told.spread) }
    }
}

/// Makes the extension, and lets the monitoring role read and reset it.
pub(crate) async fn prepare(session: &Session) -> Result<(), EngineError> {
    let session = Session { user: SUPERUSER, ..session.clone() };
    let make = format!(
        r#"BEGIN;
CREATE SCHEMA IF NOT EXISTS {SCHEMA};
REVOKE ALL ON SCHEMA {SCHEMA} FROM PUBLIC;
CREATE EXTENSION IF NOT EXISTS pg_stat_statements SCHEMA {SCHEMA};
REVOKE ALL ON ALL TABLES IN SCHEMA {SCHEMA} FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA {SCHEMA} FROM PUBLIC;
GRANT USAGE ON SCHEMA {SCHEMA} TO {MONITOR};
GRANT SELECT ON ALL TABLES IN SCHEMA {SCHEMA} TO {MONITOR};
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {SCHEMA} TO {MONITOR};
COMMIT"#
    );
    session.run("make room for statistics", async |client: Client| client.batch_execute(&make).await).await
}

/// What was counted. A server that was started without the module says so.
pub(crate) async fn read(
    kept: &Kept,
    of: Of,
    session: &Session,
    spec: &NodeSpec,
) -> Result<StatementsSeen, EngineError> {
    let failed = |error| error::sql("read the statistics", error);
    let (row, _) = kept.ask(of, session, &loaded(), &spec.name).await?;
    if !row.try_get::<_, bool>(0).map_err(failed)? {
        return Ok(StatementsSeen::default());
    }
    let (row, _) = kept.ask(of, session, &query(spec.version.major), &spec.name).await?;
    let told: String = row.try_get(0).map_err(failed)?;
    let since: Option<i64> = row.try_get(1).map_err(failed)?;
    let told: Vec<Told> =
        serde_json::from_str(&told).map_err(|error| error::retry("could not read the statistics", error))?;
    Ok(StatementsSeen {
        loaded: true,
        since: since.and_then(DateTime::from_timestamp_micros),
        statements: told.into_iter().map(StatementView::from).collect(),
    })
}

/// All counters begin anew.
pub(crate) async fn reset(session: &Session) -> Result<(), EngineError> {
    let ask = format!("SELECT {SCHEMA}.pg_stat_statements_reset()");
    session.run("reset the statistics", async |client: Client| client.query(&ask, &[]).await.map(drop)).await
}

/// The module is loaded, and its extension made.
fn loaded() -> String {
    // The parameter is not needed: every query over the kept connection has it.
    format!(
        r#"SELECT $1::text IS NOT NULL
                  AND 'pg_stat_statements' = ANY (string_to_array(replace(current_setting('shared_preload_libraries'), ' ', ''), ','))
                  AND to_regclass('{SCHEMA}.pg_stat_statements') IS NOT NULL"#
    )
}

/// One row: the statements of the database as JSON, and when counting began.
fn query(major: u16) -> String {
    let ours = sql::ours();
    // From 17 on the times of shared blocks are told apart from those of local ones.
    let io = match major {
        17.. => "s.shared_blk_read_time + s.shared_blk_write_time",
        _ => "s.blk_read_time + s.blk_write_time",
    };
    format!(
        r#"WITH one AS (
    SELECT s.userid, r.rolname, s.queryid, s.calls, s.rows, s.total_exec_time, s.min_exec_time, s.max_exec_time,
           s.stddev_exec_time, s.query, {io} AS io_ms,
           s.shared_blks_read + s.shared_blks_written + s.local_blks_read + s.local_blks_written
               + s.temp_blks_read + s.temp_blks_written AS blocks
    FROM {SCHEMA}.pg_stat_statements s
    JOIN pg_database d ON d.oid = s.dbid AND d.datname = $1::text
    LEFT JOIN pg_roles r ON r.oid = s.userid
    WHERE s.queryid IS NOT NULL AND s.toplevel AND (r.rolname IS NULL OR r.rolname NOT IN ({ours}))
)
SELECT coalesce((SELECT json_agg(json_build_object(
           'user_id', userid::int8, 'user', rolname, 'id', queryid, 'calls', calls, 'rows', rows, 'total_ms', total_exec_time,
           'blocks', blocks, 'io_ms', io_ms, 'min_ms', min_exec_time, 'max_ms', max_exec_time,
           'deviation_ms', stddev_exec_time, 'query', left(query, {TEXT}), 'length', length(query)))
       FROM (SELECT * FROM one ORDER BY total_exec_time DESC LIMIT {MOST}) AS one), '[]')::text,
       (SELECT (extract(epoch FROM stats_reset) * 1000000)::int8 FROM {SCHEMA}.pg_stat_statements_info)"#
    )
}
