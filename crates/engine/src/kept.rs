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
use types::NodeId;

/// The kept connections of all databases.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    open: Mutex<HashMap<NodeId, Slot>>,
}

type Slot = Arc<tokio::sync::Mutex<Option<Open>>>;

/// One start of one server: its database, and the process id and start of its postmaster.
pub(crate) type Of = (NodeId, (u32, u64));

/// A connection to one start of a server.
struct Open {
    of: (u32, u64),
    client: Client,
    connection: Connection<Socket, NoTlsStream>,
    /// What was prepared on it, by its text.
    statements: Vec<(String, Statement)>,
}

impl Open {
    async fn new(of: (u32, u64), session: &Session) -> Result<Self, tokio_postgres::Error> {
        let (client, connection) = session.open().await?;
        Ok(Self { of, client, connection, statements: Vec::new() })
    }

    /// The one row of the query, and how long a `SELECT 1` takes.
    async fn ask(&mut self, query: &str, name: &str) -> Result<(Row, Duration), tokio_postgres::Error> {
        let known = self.statements.iter().find(|(text, _)| text == query).map(|(_, found)| found.clone());
        let statement = match known {
            Some(statement) => statement,
            None => {
                let made = drive(&mut self.connection, self.client.prepare(query)).await?;
                self.statements.push((query.to_owned(), made.clone()));
                made
            }
        };
        let row = drive(&mut self.connection, self.client.query_one(&statement, &[&name])).await?;
        Ok((row, self.probe().await?))
    }

    /// How long a `SELECT 1` takes.
    async fn probe(&mut self) -> Result<Duration, tokio_postgres::Error> {
        let begun = Instant::now();
        drive(&mut self.connection, self.client.simple_query("SELECT 1")).await?;
        Ok(begun.elapsed())
    }
}

impl std::fmt::Debug for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Open").field("of", &self.of).finish_non_exhaustive()
    }
}

impl Kept {
    /// Asks `query` about the database `name` over the kept connection, opening it if needed, and measures a probe.
    /// A query is prepared once per connection, takes the name as its one parameter and answers one row.
    pub(crate) async fn ask(
        &self,
        (id, of): Of,
        session: &Session,
        query: &str,
        name: &str,
    ) -> Result<(Row, Duration), EngineError> {
        let slot = self.slot(id);
        let all = async {
            let mut slot = slot.lock().await;
            // Taken out while it is used: an answer that nobody waited for must not be taken for the next one.
            if let Some(mut open) = slot.take().filter(|open| open.of == of) {
                match open.ask(query, name).await {
                    // It was closed meanwhile: by an administrator, or because another session crashed.
                    Err(error) if is_gone(&error) => {}
                    Err(error) => return Err(error),
                    Ok(answer) => {
                        *slot = Some(open);
                        return Ok(answer);
                    }
                }
            }
            let mut open = Open::new(of, session).await?;
            let answer = open.ask(query, name).await?;
            *slot = Some(open);
            Ok(answer)
        };
        match tokio::time::timeout(session.limit, all).await {
            Ok(answer) => answer.map_err(|error| error::sql("read figures", error)),
            Err(late) => Err(error::retry("could not read figures: the server did not answer in time", late)),
        }
    }

    /// Whether this start of the server answers over its kept connection within `limit`; `None`: there is none, it was
    /// closed, or it is busy. It was opened to the very process, so that nobody needs to ask again who answers.
    pub(crate) async fn answers(&self, (id, of): Of, limit: Duration) -> Option<bool> {
        let slot = self.slot(id);
        let mut slot = slot.try_lock().ok()?;
        let mut open = slot.take().filter(|open| open.of == of)?;
        match tokio::time::timeout(limit, open.probe()).await {
            Ok(Ok(_)) => {
                *slot = Some(open);
                Some(true)
            }
            Ok(Err(_)) => None,
            Err(_) => Some(false),
        }
    }

    fn slot(&self, id: NodeId) -> Slot {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(open.entry(id).or_default())
    }

    /// Closes a database's connection.
    pub(crate) fn close(&self, id: NodeId) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }
}

fn is_gone(error: &tokio_postgres::Error) -> bool {
    let ends = [SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN];
    error.is_closed() || error.code().is_some_and(|code| ends.contains(code)) || error.as_db_error().is_none()
}
