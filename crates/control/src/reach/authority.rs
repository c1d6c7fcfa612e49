//! The end of Paddock's CA. Certificates of servers are renewed by themselves; their CA is not, because every client trusts
//! it by a file of its own. So its end is told early, and never made silent.

use crate::ControlPlane;
use chrono::{DateTime, TimeDelta, Utc};
use std::sync::{Mutex, PoisonError};
use types::reach::ca_ends_soon;

/// The log says it again after that long.
const AGAIN: TimeDelta = TimeDelta::days(1);

/// When the log said it last; `None`: not since the start.
#[derive(Debug, Default)]
pub(crate) struct CaTold(Mutex<Option<DateTime<Utc>>>);

impl ControlPlane {
    /// Warns the operator once a day from a year before the end of the CA on. Answers whether it did.
    pub(crate) fn tell_of_the_ca(&self) -> bool {
        let (until, now) = (self.inner.engine.ca_until(), self.now());
        let mut told = self.inner.ca_told.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !ca_ends_soon(until, now) || told.is_some_and(|at| now - at < AGAIN) {
            return false;
        }
        *told = Some(now);
        let days = (until - now).num_days();
        tracing::warn!(%until, days, "Paddock's CA ends. Clients that check certificates need another one before: plan for it");
        true
    }
}
