//! Accounts against a real store: each test gets an empty database of its own from `DATABASE_URL`.
//!
//! Nothing here starts PostgreSQL servers for users; the engine is one that is never asked.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod access;
mod invitation;
mod secrets;
mod session;
mod setup;
mod sign_in;
mod start;
mod support;
mod token;
