//! Backups: archives that are made, kept for as long as the plan says, proven by a restore, and given back.

pub mod archive;
pub mod vault;
