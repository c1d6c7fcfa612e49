//! Backups: archives that are made, kept for as long as the plan says, proven by a restore, and given back.

pub mod health;
pub mod name;
pub mod retention;
pub mod schedule;
pub mod vault;
