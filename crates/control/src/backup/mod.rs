//! Backups: archives that are made, kept for as long as the plan says, proven by a restore, and given back.
//!
//! A logical backup is a dump of the user's database in PostgreSQL's custom format ([`crate::engine::dumps`] makes it),
//! sealed on its way into the vault ([`vault`]). Making, proving and restoring are operations (`ops/`). When one is due
//! ([`schedule`]) and which ones go ([`retention`]) are pure functions of what is known; the keeper ([`keeper`]) asks them.

pub mod archive;
pub(crate) mod ask;
pub mod contents;
mod deleted;
pub mod health;
pub mod keeper;
pub mod key;
pub mod link;
pub mod name;
pub(crate) mod opened;
mod plan;
mod restore;
pub mod retention;
pub(crate) mod room;
pub mod schedule;
pub mod vault;
pub(crate) mod view;
