//! What blockers have locked, by name. Names are in the user's database only; the monitoring role reads them there from
//! the catalogue, by joins that run nothing of a user's. Where it may not enter, the locks stay without names.

use crate::sql::Session;
use std::{collections::BTreeSet, time::Duration};
use tokio_postgres::Client;
use types::query::SessionView;

/// So many locks of one session are told.
const TOLD: i64 = 5;

/// Adds the locks of blockers to their sessions.
pub(super) async fn add(
    session: &Session,
    database: &str,
    blockers: &BTreeSet<i32>,
    sessions: &mut [SessionView],
) {
    let inside = Session { database: database.into(), limit: Duration::from_secs(1), ..session.clone() };
    let pids: Vec<i32> = blockers.iter().copied().collect();
    let asked = inside
        .run("read the locks of blockers", async |client: Client| client.query(HELD, &[&pids, &TOLD]).await);
    let rows = match asked.await {
        Ok(rows) => rows,
        Err(error) => {
            tracing::debug!(%error, "the locks of blockers have no names");
            return;
        }
    };
    for row in rows {
        let (Ok(pid), Ok(held)) = (row.try_get::<_, i32>(0), row.try_get::<_, String>(1)) else { continue };
        if let Some(session) = sessions.iter_mut().find(|session| session.pid == pid) {
            session.holds.push(held);
        }
    }
}

/// Relations other than the catalogue's own (numbers from 16384 on), the strongest lock of each.
const HELD: &str = r#"
    SELECT pid, held FROM (
        SELECT l.pid, l.mode || ' on ' || n.nspname || '.' || c.relname AS held,
               row_number() OVER (PARTITION BY l.pid ORDER BY (l.mode LIKE '%Exclusive%') DESC, c.relkind = 'i', l.mode, c.oid) AS place
        FROM pg_locks l
        JOIN pg_class c ON c.oid = l.relation AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE l.granted AND l.locktype = 'relation' AND l.relation >= 16384 AND l.pid = ANY ($1)
    ) AS held
    WHERE place <= $2
    ORDER BY pid, place
"#;
