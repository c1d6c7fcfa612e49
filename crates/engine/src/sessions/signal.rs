//! Cancelling and ending a session. Whose it is gets checked by the very statement that signals: the user's database, a
//! client, no role of the platform, the same connection that was seen. A process number alone may be another's by now.

use crate::{
    error,
    sql::{self, SIGNAL, Session},
};
use control::engine::{EngineError, sessions::Signal};
use tokio_postgres::Client;
use types::query::Signalled;

/// Signals a session, if it is that one.
pub(crate) async fn signal(
    session: &Session,
    database: &str,
    signal: Signal,
    (pid, started_us): (i32, Option<i64>),
) -> Result<Signalled, EngineError> {
    let session = Session { user: SIGNAL, ..session.clone() };
    let ask = statement(signal);
    let row = session
        .run("signal the session", async |client: Client| {
            client.query_opt(&ask, &[&pid, &started_us, &database]).await
        })
        .await?;
    let Some(row) = row else { return Ok(Signalled::Gone) };
    let sent: Option<bool> = row.try_get(0).map_err(|error| error::sql("signal the session", error))?;
    Ok(match sent {
        Some(true) => Signalled::Sent,
        Some(false) => Signalled::Gone,
        None => Signalled::Idle,
    })
}

/// Null: there is nothing to cancel. False: it ended while it was asked.
fn statement(signal: Signal) -> String {
    let ours = sql::ours();
    let act = match signal {
        Signal::Cancel => {
            "CASE WHEN state IN ('active', 'fastpath function call') THEN pg_cancel_backend(pid) END"
        }
        Signal::Terminate => "pg_terminate_backend(pid)",
    };
    format!(
        r#"SELECT {act} FROM pg_stat_activity
           WHERE pid = $1::int4 AND backend_type = 'client backend' AND datname = $3::text AND usename NOT IN ({ours})
             AND ($2::int8 IS NULL OR (extract(epoch FROM backend_start) * 1000000)::int8 = $2::int8)"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_of_the_platform_is_left_alone() {
        for role in sql::PLATFORM {
            assert!(statement(Signal::Terminate).contains(&format!("'{role}'")), "{role}");
        }
    }
}
