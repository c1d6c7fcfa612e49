//! Point-in-time recovery: the archive of each database is kept and watched, and any moment in it is brought back beside
//! the running database, looked at, moved, and put in its place.
//!
//! Decides what is due, what may be asked for and what is told. Copying, replaying and archiving are the engine's
//! ([`crate::engine::pitr`]); the long changes are `ops/base_backup.rs` and `ops/pitr_restore.rs`.

mod ask;
pub mod due;
mod exposure;
pub mod keeper;
mod key;
mod line;
pub mod local;
mod memory;
mod view;
pub mod window;

pub use ask::ToMoment;
pub(crate) use memory::Memory;
pub(crate) use view::kind;
