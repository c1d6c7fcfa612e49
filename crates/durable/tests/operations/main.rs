//! The operation log on a real PostgreSQL, as one test program: it links once.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod asking;
mod crashes;
mod failures;
mod steps;
mod support;
mod workers;
