//! The sessions of a server: listed as the weak monitoring role, cancelled and ended as the one that may signal.
//!
//! One query over the kept connection, in the database `postgres`, lists them: texts are cut by the server, and who
//! blocks whom is asked only for those that wait for a lock. Names of what a blocker has locked are in the user's own
//! database, and are read there by catalogue joins only when somebody is blocked.

mod holds;
mod signal;

pub(crate) use signal::signal;

use crate::{
    error,
    kept::{Kept, Of},
    sql::{self, Session},
};
use chrono::DateTime;
use control::engine::{EngineError, NodeSpec, sessions::SessionsSeen};
use serde::Deserialize;
use std::collections::BTreeSet;
use types::{
    masked::masked,
    query::{SessionState, SessionView, UNFOLDED},
};

/// A session as the server tells it.
#[derive(Deserialize)]
struct Told {
    pid: i32,
    started_us: i64,
    user: Option<String>,
    application: Option<String>,
    client: Option<String>,
    state: Option<String>,
    query_us: Option<i64>,
    duration_us: Option<i64>,
    waits: Option<String>,
    query: Option<String>,
    length: Option<i64>,
    blocked_by: Vec<i32>,
}

impl From<Told> for SessionView {
    fn from(told: Told) -> Self {
        let cut =
            told.length.is_some_and(|length| usize::try_from(length).is_ok_and(|length| length > UNFOLDED));
        Self {
            pid: told.pid,
            started_us: told.started_us,
            user: told.user.unwrap_or_default(),
            application: told.application.unwrap_or_default(),
            client: told.client,
            state: SessionState::of(told.state.as_deref().unwrap_or_default()),
            query_start: told.query_us.and_then(DateTime::from_timestamp_micros),
            duration_us: told.duration_us.unwrap_or_default().max(0),
            waits: told.waits,
            query: masked(told.query.as_deref().unwrap_or_default()),
            cut,
            blocked_by: told.blocked_by,
            blocks: 0,
            depth: 0,
            holds: Vec::new(),
        }
    }
}

/// Who is connected now.
pub(crate) async fn list(
    kept: &Kept,
    of: Of,
    session: &Session,
    spec: &NodeSpec,
    idle: bool,
) -> Result<SessionsSeen, EngineError> {
    let (row, _) = kept.ask(of, session, &query(idle), &spec.name).await?;
    let text =
        |column| row.try_get::<_, String>(column).map_err(|error| error::sql("list the sessions", error));
    let read = |error| error::retry("could not read the list of sessions", error);
    let told: Vec<Told> = serde_json::from_str(&text(0)?).map_err(read)?;
    let platform: i64 = row.try_get(1).map_err(|error| error::sql("list the sessions", error))?;
    let mut sessions: Vec<SessionView> = told.into_iter().map(SessionView::from).collect();
    let blockers: BTreeSet<i32> = sessions.iter().flat_map(|one| one.blocked_by.iter().copied()).collect();
    if !blockers.is_empty() {
        holds::add(session, &spec.name, &blockers, &mut sessions).await;
    }
    Ok(SessionsSeen { sessions, platform: usize::try_from(platform).unwrap_or_default() })
}

/// One row: all sessions of the database as JSON, and how many the platform has.
fn query(idle: bool) -> String {
    let ours = sql::ours();
    let shown = if idle { "true" } else { "state IS DISTINCT FROM 'idle'" };
    format!(
        r#"WITH client AS (
    -- Stable, unlike clock_timestamp(): else all of it is kept a second time.
    SELECT *, statement_timestamp() AS now FROM pg_stat_activity WHERE backend_type = 'client backend'
)
SELECT coalesce(json_agg(json_build_object(
           'pid', pid, 'started_us', (extract(epoch FROM backend_start) * 1000000)::int8,
           'user', usename, 'application', application_name,
           'client', coalesce(client_hostname, host(client_addr)), 'state', state,
           'query_us', (extract(epoch FROM query_start) * 1000000)::int8,
           'duration_us', (extract(epoch FROM now - CASE WHEN state LIKE 'idle in transaction%' THEN xact_start
                                                         WHEN state = 'idle' THEN state_change
                                                         ELSE query_start END) * 1000000)::int8,
           'waits', CASE WHEN state = 'active' THEN wait_event_type || ': ' || wait_event END,
           'query', CASE WHEN {shown} THEN left(query, {UNFOLDED}) END,
           'length', CASE WHEN {shown} THEN length(query) END,
           'blocked_by', CASE WHEN wait_event_type = 'Lock'
                              THEN (SELECT coalesce(array_agg(DISTINCT b), '{{}}') FROM unnest(pg_blocking_pids(pid)) AS b)
                              ELSE '{{}}'::int4[] END))
           FILTER (WHERE datname = $1::text AND usename NOT IN ({ours})), '[]')::text,
       count(*) FILTER (WHERE usename IN ({ours}))
FROM client"#
    )
}
