//! A clock that stands still until a test turns it.

use chrono::{DateTime, TimeDelta, Utc};
use std::sync::{Mutex, PoisonError};

/// Stands still until it is turned.
#[derive(Debug)]
pub struct TestClock(Mutex<DateTime<Utc>>);

impl Default for TestClock {
    fn default() -> Self {
        // 2026-01-01: any day will do, as long as it is the same one.
        Self(Mutex::new(DateTime::UNIX_EPOCH + TimeDelta::days(20_454)))
    }
}

impl TestClock {
    /// Turns it forward.
    pub fn advance(&self, by: TimeDelta) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }

    /// Turns it forward to this moment; never back.
    pub fn advance_to(&self, to: DateTime<Utc>) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *now = to.max(*now);
    }
}

impl durable::Clock for TestClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
