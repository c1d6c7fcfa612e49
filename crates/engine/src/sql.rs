//! Speaking to a server over its private socket. Text gets into SQL through [`quote_ident`] and [`quote_literal`] alone.
//!
//! Sessions of the platform pin their `search_path` and never log what they say: whatever a user set on a database or
//! a role, the start-up options win. They go to the database `postgres`, where no user can leave anything behind;
//! only [`crate::roles`] enters a user's database as superuser, and only before the user exists. The weak monitoring
//! role enters it to estimate dead rows ([`crate::figures`]).

use crate::error;
use control::engine::EngineError;
use secrecy::{ExposeSecret as _, SecretString};
use std::{
    path::PathBuf,
    time::{Duration, Instant},
};
use tokio_postgres::{Client, Config, Connection, NoTls, Socket, tls::NoTlsStream};
pub use types::sql::{Unquotable, quote_ident, quote_literal};

/// PostgreSQL's bootstrap superuser: no password, reachable by peer only.
pub const SUPERUSER: &str = "paddock";
/// Reads figures; `pg_monitor`.
pub const MONITOR: &str = "paddock_monitor";
/// Cancels queries; `pg_signal_backend`.
pub const SIGNAL: &str = "paddock_signal";
/// Reads everything for dumps; not a superuser.
pub const BACKUP: &str = "paddock_backup";

/// Makes, changes and drops users; `CREATEROLE`. It enters no database of a user.
pub const ROLES: &str = "paddock_roles";
/// Acts for the owner within its database: a member of the owner and of every user, and of nothing else.
pub const STEWARD: &str = "paddock_steward";
/// Restores dumps: a member of the owner, and of nothing else.
pub const LOADER: &str = "paddock_loader";
/// All of them: they come over the private socket, known by Paddock's OS user.
pub(crate) const PLATFORM: [&str; 7] = [SUPERUSER, MONITOR, SIGNAL, BACKUP, ROLES, STEWARD, LOADER];

/// [`PLATFORM`] as a list of SQL literals.
pub(crate) fn ours() -> String {
    // Constants, without anything to escape.
    PLATFORM.map(|role| format!("'{role}'")).join(", ")
}

/// Where and as whom to connect.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    /// Directory of the socket.
    pub(crate) run: PathBuf,
    /// Part of the socket's name.
    pub(crate) port: u16,
    /// Role.
    pub(crate) user: &'static str,
    /// For the roles that run a user's tools; the others are known by their OS user.
    pub(crate) password: Option<SecretString>,
    /// Database.
    pub(crate) database: String,
    /// Time for everything, connecting included.
    pub(crate) limit: Duration,
}

impl Session {
    /// A session in the database `postgres`.
    pub(crate) fn new(run: PathBuf, port: u16, user: &'static str, limit: Duration) -> Self {
        Self { run, port, user, password: None, database: "postgres".into(), limit }
    }

    fn config(&self) -> Config {
        let mut config = Config::new();
        config.host_path(&self.run).port(self.port).user(self.user).dbname(&self.database);
        config.application_name("paddock").connect_timeout(self.limit);
        if let Some(password) = &self.password {
            config.password(password.expose_secret());
        }
        let mut options = format!(
            // The platform works on a database whose disk is nearly full, too, and on one that its owner made read-only.
            "-c search_path=pg_catalog,pg_temp -c client_min_messages=warning -c default_transaction_read_only=off \
             -c local_preload_libraries= -c row_security=on -c role=none -c lock_timeout=0 -c idle_in_transaction_session_timeout=0 \
             -c statement_timeout={}",
            self.limit.as_millis()
        );
        if self.user == SUPERUSER {
            // Verifiers stand in these statements, and they shall not stand in a log. A weak role may not set these.
            options +=
                " -c log_statement=none -c log_min_duration_statement=-1 -c log_min_error_statement=panic";
            options += " -c log_duration=off -c session_replication_role=origin";
        }
        if self.user == MONITOR {
            // A thousand sessions with long texts are 16 MB, and should not go through a file at each look. Small plans have
            // few sessions, so there it stays unused.
            options += " -c work_mem=20MB";
        }
        config.options(&options);
        config
    }

    /// Connects, for more than one piece of work. The caller minds the time.
    pub(crate) async fn open(
        &self,
    ) -> Result<(Client, Connection<Socket, NoTlsStream>), tokio_postgres::Error> {
        self.config().connect(NoTls).await
    }

    /// Connects, hands the client to `work`, and closes. All within the session's limit.
    pub(crate) async fn run<T, W, F>(&self, what: &str, work: W) -> Result<T, EngineError>
    where
        W: FnOnce(Client) -> F + Send,
        F: Future<Output = Result<T, tokio_postgres::Error>> + Send,
        T: Send,
    {
        let talk = async {
            let (client, connection) = self.config().connect(NoTls).await?;
            drive(connection, work(client)).await
        };
        let begun = Instant::now();
        let ended = tokio::time::timeout(self.limit, talk).await;
        tracing::debug!(
            what,
            role = self.user,
            took_ms = begun.elapsed().as_millis() as u64,
            "asked a server"
        );
        match ended {
            Ok(answer) => answer.map_err(|error| error::sql(what, error)),
            Err(late) => {
                Err(error::retry(format!("could not {what}: the server did not answer in time"), late))
            }
        }
    }
}

/// Runs the protocol beside the work that needs it; ends with the work.
pub(crate) async fn drive<T, C, F>(connection: C, work: F) -> Result<T, tokio_postgres::Error>
where
    C: Future<Output = Result<(), tokio_postgres::Error>>,
    F: Future<Output = Result<T, tokio_postgres::Error>>,
{
    tokio::pin!(work);
    tokio::select! {
        biased;
        answer = &mut work => answer,
        ended = connection => match ended {
            Err(error) => Err(error),
            // The server closed in good order; the work finds that out by itself.
            Ok(()) => work.await,
        },
    }
}

/// The system identifier of the server behind the socket.
pub(crate) async fn system_identifier(session: &Session) -> Result<u64, EngineError> {
    let row = async |client: Client| {
        let row =
            client.query_one("SELECT system_identifier FROM pg_catalog.pg_control_system()", &[]).await?;
        row.try_get::<_, i64>(0)
    };
    session.run("ask the server who it is", row).await.map(i64::cast_unsigned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::log::LogRecord;

    #[test]
    fn a_log_knows_every_role_of_the_platform() {
        for role in PLATFORM {
            let line = serde_json::json!({"user": role, "dbname": "shop_4553", "message": "x"}).to_string();
            assert!(LogRecord::read(&line).is_of_platform(), "{role}");
        }
    }
}
