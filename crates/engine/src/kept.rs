//! One kept connection per database, as the weak monitoring role, for the collector: connecting every few seconds
//! would cost the server a process each time. It sits in the database `postgres`, on the connections that are set
//! aside for the platform.
//!
//! There is no background task: the connection moves while it is asked. It belongs to one start of one server; after a
//! restart, an error or a question that was given up, the next question opens another.

use crate::{
    error,
    sql::{Session, drive},
};
use control::engine::EngineError;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio_postgres::{Client, Connection, Row, Socket, Statement, error::SqlState, tls::NoTlsStream};
use types::DatabaseId;

/// The kept connections of all databases.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    open: Mutex<HashMap<DatabaseId, Slot>>,
}

type Slot = Arc<tokio::sync::Mutex<Option<Open>>>;

/// A connection to one start of a server.
struct Open {
    of: (u32, u64),
    client: Client,
    connection: Connection<Socket, NoTlsStream>,
    statement: Statement,
}

impl Open {
    async fn new(of: (u32, u64), session: &Session, query: &str) -> Result<Self, tokio_postgres::Error> {
        let (client, mut connection) = session.open().await?;
        let statement = drive(&mut connection, client.prepare(query)).await?;
        Ok(Self { of, client, connection, statement })
    }

    /// The one row of the query, and how long a `SELECT 1` takes.
    async fn ask(&mut self, name: &str) -> Result<(Row, Duration), tokio_postgres::Error> {
        let Self { client, connection, statement, .. } = self;
        let row = drive(&mut *connection, client.query_one(&*statement, &[&name])).await?;
        let begun = Instant::now();
        drive(connection, client.simple_query("SELECT 1")).await?;
        Ok((row, begun.elapsed()))
    }
}

impl std::fmt::Debug for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Open").field("of", &self.of).finish_non_exhaustive()
    }
}

impl Kept {
    /// Asks `query` about the database `name` over the kept connection, opening it if needed, and measures a probe.
    /// `of` names the start of the server; a query is prepared once per connection and answers one row.
    pub(crate) async fn ask(
        &self,
        (id, of): (DatabaseId, (u32, u64)),
        session: &Session,
        query: &str,
        name: &str,
    ) -> Result<(Row, Duration), EngineError> {
        let slot = self.slot(id);
        let all = async {
            let mut slot = slot.lock().await;
            // Taken out while it is used: an answer that nobody waited for must not be taken for the next one.
            if let Some(mut open) = slot.take().filter(|open| open.of == of) {
                match open.ask(name).await {
                    // It was closed meanwhile: by an administrator, or because another session crashed.
                    Err(error) if is_gone(&error) => {}
                    Err(error) => return Err(error),
                    Ok(answer) => {
                        *slot = Some(open);
                        return Ok(answer);
                    }
                }
            }
            let mut open = Open::new(of, session, query).await?;
            let answer = open.ask(name).await?;
            *slot = Some(open);
            Ok(answer)
        };
        match tokio::time::timeout(session.limit, all).await {
            Ok(answer) => answer.map_err(|error| error::sql("read figures", error)),
            Err(late) => Err(error::retry("could not read figures: the server did not answer in time", late)),
        }
    }

    fn slot(&self, id: DatabaseId) -> Slot {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(open.entry(id).or_default())
    }

    /// Closes a database's connection.
    pub(crate) fn close(&self, id: DatabaseId) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }
}

fn is_gone(error: &tokio_postgres::Error) -> bool {
    let ends = [SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN];
    error.is_closed() || error.code().is_some_and(|code| ends.contains(code)) || error.as_db_error().is_none()
}
