//! What was seen of archives last. Lost with the process: it is seen again within a minute.

use crate::engine::pitr::{ArchiveState, Timelines};
use chrono::{DateTime, Utc};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};
use uuid::Uuid;

/// An archive, as it was seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// What its server told.
    pub(crate) state: ArchiveState,
    /// What it holds.
    pub(crate) known: Timelines,
    /// When.
    pub(crate) at: DateTime<Utc>,
}

/// By database.
#[derive(Debug, Default)]
pub(crate) struct Memory(Mutex<HashMap<Uuid, Seen>>);

impl Memory {
    fn all(&self) -> MutexGuard<'_, HashMap<Uuid, Seen>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self, database: Uuid) -> Option<Seen> {
        self.all().get(&database).cloned()
    }

    pub(crate) fn put(&self, database: Uuid, seen: Seen) {
        self.all().insert(database, seen);
    }

    pub(crate) fn retain(&self, keep: impl Fn(Uuid) -> bool) {
        self.all().retain(|database, _| keep(*database));
    }
}
