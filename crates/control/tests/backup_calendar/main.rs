//! When backups are due and which ones are kept, over years of days that nobody has time to wait for.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends there")]

mod dice;
mod model;
mod retention;
mod retention_cases;
mod schedule;
