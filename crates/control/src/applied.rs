//! Whose files on the host are known to say what the store says, since when.
//!
//! A change writes a server's files before it is committed, so a kill, a lost connection or a request that was given up
//! in between can leave files that say more than the store. Whoever is not known here is configured again. Lost with
//! the process, and so everybody is configured once after a start: nothing in it is needed.

use chrono::{DateTime, TimeDelta, Utc};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};
use uuid::Uuid;

/// Files are compared again after that long; certificates that end soon are renewed by it.
const AGAIN: TimeDelta = TimeDelta::days(1);

/// The known ones.
#[derive(Debug, Default)]
pub(crate) struct Applied(Mutex<HashMap<Uuid, DateTime<Utc>>>);

impl Applied {
    fn all(&self) -> MutexGuard<'_, HashMap<Uuid, DateTime<Utc>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its files are about to be changed.
    pub(crate) fn unsure(&self, database: Uuid) {
        self.all().remove(&database);
    }

    /// They say what the store says.
    pub(crate) fn sure(&self, database: Uuid, now: DateTime<Utc>) {
        self.all().insert(database, now);
    }

    /// They are to be compared.
    pub(crate) fn is_due(&self, database: Uuid, now: DateTime<Utc>) -> bool {
        self.all().get(&database).is_none_or(|at| now - *at >= AGAIN)
    }
}
