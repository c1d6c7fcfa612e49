//! Logical backups: dumps of a user's database, and what is made of them again.
//!
//! Two weak roles do it. [`crate::sql::BACKUP`] reads everything and writes nothing; [`crate::sql::LOADER`] is a member of the database's owner and
//! of nothing else, so that code which lies in a dump gains nothing by being run. Both log in with a password that is made
//! up for one job and forgotten: `pg_dump` and `pg_restore` run as the server's own OS user, whom no rule lets in.
//! Tools are those of the server's own version. A superuser enters a database here only while it is empty.

mod contents;
mod humble;
mod load;
mod login;
mod make;
mod pace;
mod second;
mod tool;
mod trial;

pub(crate) use make::make;
pub(crate) use second::{INCOMING, drop, load_beside, names_beside, seconds, swap};
pub(crate) use trial::{Throwaway, sweep, try_dump};

use crate::{
    error::retry,
    layout::ClusterDir,
    os_user::OsUser,
    process::ProcessError,
    sql::{SUPERUSER, Session},
    versions::Installed,
};
use control::engine::dumps::DumpError;
use secrecy::SecretString;
use std::{fs::File, time::Duration};

/// A dump of a large database takes hours; who waits for it may stop it at any time.
const LIMIT: Duration = Duration::from_secs(24 * 3600);

/// A running server and its tools.
#[derive(Clone, Debug)]
pub(crate) struct Works<'a> {
    pub(crate) dir: &'a ClusterDir,
    /// Whom the tools run as; `None`: as ourselves.
    pub(crate) os_user: Option<&'a OsUser>,
    pub(crate) installed: &'a Installed,
    pub(crate) port: u16,
    /// The user's database; its roles are called after it.
    pub(crate) name: &'a str,
    /// How long a dump may rest in all to make way for others.
    pub(crate) make_way: Duration,
}

impl Works<'_> {
    /// The superuser, in `postgres`.
    pub(crate) fn superuser(&self) -> Session {
        Session::new(self.dir.run(), self.port, SUPERUSER, Duration::from_secs(30))
    }

    /// A weak role in a database, with the password of this job.
    fn weak(&self, role: &'static str, database: &str, password: &SecretString) -> Session {
        let session = Session::new(self.dir.run(), self.port, role, LIMIT);
        Session { database: database.to_owned(), password: Some(password.clone()), ..session }
    }
}

/// Where a restore goes to.
#[derive(Debug)]
struct Into<'a> {
    database: &'a str,
    password: &'a SecretString,
    /// Control groups that it enters, so that it lives within the limits of its database.
    doors: Vec<File>,
    /// Bytes of memory that it may ask for itself: a table of contents is read whole, and the kernel would end whom it likes.
    heap: u64,
}

/// A tool could not be run; its refusals are told by whoever ran it.
fn tool_failed(error: ProcessError) -> DumpError {
    let message = error.to_string();
    retry(message, error).into()
}
