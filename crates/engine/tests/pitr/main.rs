//! Point-in-time recovery with real PostgreSQL and real pgBackRest: every acknowledged row up to the moment and none
//! after it; what cannot be had is refused; what is killed is taken up again.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends there")]

mod begin;
mod disks;
mod faults;
#[cfg(test)]
#[path = "../host/mod.rs"]
mod host;
mod moments;
mod planted;
mod spoilt;
mod yard;
