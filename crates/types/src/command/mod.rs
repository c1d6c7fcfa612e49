//! "Show me the command": what a form does, as a call of the HTTP API, as SQL and with PostgreSQL's own tools, from the same typed request.
//!
//! Nothing here is run: it is shown, to be copied. Secrets are never part of it; a place is left for them.

mod call;
mod sql;
mod typed;

pub use typed::{Typed, TypedForm};

use crate::{AddonId, BackupId, NetworkId, reach::Feature};
use chrono::{DateTime, Utc};

/// A form's act.
#[derive(Clone, Debug, PartialEq)]
pub enum Act<'a> {
    /// A user is made.
    CreateUser {
        /// The database's name: its groups are called after it.
        database: &'a str,
        /// Its name.
        name: &'a str,
        /// It may only read.
        read_only: bool,
        /// Its password was typed, and is not made up.
        typed: bool,
    },
    /// A user gets another password.
    ChangePassword {
        /// Its name.
        name: &'a str,
        /// It is the published login: only Paddock changes its password, or the URL would be wrong.
        protected: bool,
        /// It was typed, and is not made up.
        typed: bool,
    },
    /// A user is removed.
    DeleteUser {
        /// The database's name.
        database: &'a str,
        /// Its name.
        name: &'a str,
    },
    /// Users get the rights back that they should have.
    MendRights {
        /// The database's name.
        database: &'a str,
        /// Whose gaps are told.
        name: &'a str,
        /// It may only read.
        read_only: bool,
    },
    /// An extension is made.
    CreateExtension {
        /// Its name.
        name: &'a str,
    },
    /// An extension is dropped.
    DropExtension {
        /// Its name.
        name: &'a str,
    },
    /// A switch is turned on or off.
    Switch {
        /// Which one.
        feature: Feature,
        /// On.
        on: bool,
    },
    /// A network is opened.
    OpenNetwork {
        /// The range of addresses.
        cidr: &'a str,
        /// Why.
        note: &'a str,
        /// Closed again then.
        expires_at: Option<DateTime<Utc>>,
    },
    /// A network is closed.
    CloseNetwork {
        /// Which one.
        network: NetworkId,
    },
    /// Sessions are ended that would not be let in again.
    EndRefusedSessions,
    /// Statements that take so long are logged with their plans.
    LogSlowQueries {
        /// Milliseconds; `None`: none.
        ms: Option<u32>,
    },
    /// What runs is listed.
    ListQueries,
    /// The statement of a session is stopped.
    CancelQuery {
        /// Its process.
        pid: i32,
        /// When it connected.
        started: DateTime<Utc>,
    },
    /// A session is ended.
    TerminateQuery {
        /// Its process.
        pid: i32,
        /// When it connected.
        started: DateTime<Utc>,
    },
    /// Counting of statements is switched on or off.
    CountStatements {
        /// On.
        on: bool,
    },
    /// Counters of statements begin anew.
    ResetStatements,
    /// A backup is made now.
    BackUp,
    /// Backups are made by themselves, or not any more.
    ScheduleBackups {
        /// On.
        enabled: bool,
        /// At this hour of UTC, 0 to 23.
        hour_utc: u8,
    },
    /// A backup is restored in the place of the data.
    RestoreBackup {
        /// Which one.
        backup: BackupId,
    },
    /// A moment is restored beside the database.
    RestoreMoment {
        /// The last moment that is still in.
        moment: DateTime<Utc>,
    },
}

/// Who may say an act's SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SqlBy {
    /// A user of the database, in psql.
    User,
    /// Roles of the platform alone: it is what they do.
    Platform,
}

/// An act as SQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sql {
    /// Who may say it.
    pub by: SqlBy,
    /// The statements.
    pub text: String,
}

/// The same act in other words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// For a shell, with `PADDOCK_URL` and `TOKEN` in its environment.
    pub api: String,
    /// `None` where no SQL does it.
    pub sql: Option<Sql>,
    /// For a shell, with `DATABASE_URL` in its environment; `None` where no tool of PostgreSQL does it.
    pub tools: Option<String>,
}

/// What `act` is in other words; `None` when a name cannot be written in SQL.
#[must_use]
pub fn command(database: AddonId, act: &Act<'_>) -> Option<Command> {
    let sql = sql::sql(act).ok()?;
    Some(Command { api: call::shell_text(database, act), sql, tools: tools(act) })
}

/// The dump that a backup holds, as anybody can make it.
fn tools(act: &Act<'_>) -> Option<String> {
    matches!(act, Act::BackUp).then(|| {
        "pg_dump --format c --no-owner --no-privileges --no-comments \\\n  --file backup.pgsql --dbname \"$DATABASE_URL\"".into()
    })
}
