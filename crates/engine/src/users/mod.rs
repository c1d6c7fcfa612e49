//! Users of a database, and what the platform does for its owner inside it.
//!
//! Three weak roles share the work, none of them a superuser. [`ROLES`] makes, changes and drops roles, and only ever
//! enters the database `postgres`. [`STEWARD`] enters the user's database; it is a member of the owner and of every
//! user and of nothing else, so that code which a user left there gains nothing by being run by it. [`MONITOR`] reads.
//!
//! A user that reads and writes is a member of the owner, and its sessions begin as the owner (`ALTER ROLE … SET role`):
//! what any of them makes belongs to all of them. What one makes under its own name all the same is covered by default
//! privileges, and [`mod@rights`] tells, and [`mod@mend`] mends, what they do not reach.

mod complete;
mod create;
mod drop;
mod extensions;
mod list;
mod login;
mod mend;
mod rights;
mod share;
mod writers;

pub(crate) use complete::complete;
pub(crate) use create::{create, set_password};
pub(crate) use drop::{drop, owned};
pub(crate) use extensions::{create as create_extension, drop as drop_extension, list as extensions};
pub(crate) use list::{list, seen_in_log};
pub(crate) use login::{close_others, open};
pub(crate) use mend::mend;
pub(crate) use rights::read as rights;
pub(crate) use share::share;
pub(crate) use writers::share_beside;

use crate::{
    error::fatal,
    layout::ClusterDir,
    roles::Names,
    sql::{MONITOR, PLATFORM, ROLES, SIGNAL, STEWARD, Session, quote_ident},
};
use control::engine::{EngineError, NodeSpec};
use std::time::Duration;
use tokio_postgres::Client;

/// For anything that is done to a user; a session that must end may take a moment.
const LIMIT: Duration = Duration::from_secs(20);

/// The sessions that work on one database, and the names of its roles.
pub(crate) struct House<'a> {
    pub(crate) spec: &'a NodeSpec,
    pub(crate) names: Names,
    /// Makes roles; in `postgres`.
    roles: Session,
    /// Ends sessions; in `postgres`.
    signal: Session,
    /// Reads; in `postgres`.
    monitor: Session,
    /// Reads; in the user's database.
    inside: Session,
    /// Acts for the owner; in the user's database.
    steward: Session,
}

impl<'a> House<'a> {
    pub(crate) fn new(dir: &ClusterDir, spec: &'a NodeSpec) -> Result<Self, EngineError> {
        let session = |role| Session::new(dir.run(), spec.port, role, LIMIT);
        let within = |role| Session { database: spec.name.clone(), ..session(role) };
        Ok(Self {
            spec,
            names: Names::of(&spec.name)?,
            roles: session(ROLES),
            signal: session(SIGNAL),
            monitor: session(MONITOR),
            inside: within(MONITOR),
            steward: within(STEWARD),
        })
    }

    /// The name of a user, quoted. The core checked it; that it is nobody of ours is checked here, too.
    fn user(&self, name: &str) -> Result<String, EngineError> {
        let (base, quoted) = (&self.spec.name, quote_ident(name));
        let ours = ["", "_owner", "_rw", "_ro", OTHER].iter().any(|end| *name == format!("{base}{end}"));
        if ours || PLATFORM.contains(&name) || name.starts_with("pg_") {
            return Err(fatal("this name belongs to the platform", anyhow::anyhow!("{name:?}")));
        }
        quoted.map_err(|error| fatal("the user's name cannot be used", error))
    }

    /// The two logins that the protected user can have, quoted.
    fn logins(&self) -> Result<[(String, String); 2], EngineError> {
        let other = format!("{}{OTHER}", self.spec.name);
        let quoted = quote_ident(&other).map_err(|error| fatal("the login's name cannot be used", error))?;
        Ok([(self.spec.name.clone(), self.names.user.clone()), (other, quoted)])
    }
}

/// The end of the protected user's other login: a change of password changes from one to the other and back.
pub(crate) const OTHER: &str = "_b";

/// Runs statements that answer nothing.
async fn execute(session: &Session, what: &str, sql: &str) -> Result<(), EngineError> {
    session.run(what, async |client: Client| client.batch_execute(sql).await).await
}
