//! The operation log: long changes that survive a kill.
//!
//! An operation is one row that a person can read (kind, step, attempt, lease, deadline) and an append-only list of
//! events. A [`Procedure`] says what each step does; a [`Worker`] claims a due operation, runs a step, and commits
//! the step's writes, the next step and the events in one transaction guarded by the lease; then the next.
//!
//! This crate knows PostgreSQL as its store and nothing of hosting PostgreSQL: what a step means is not its business.
//! It never replays code, never runs a step without a lease, and never writes for a worker that lost its lease.
//!
//! Read next: [`procedure`](Procedure) for the contract, `run.rs` for the life of one step, `decide.rs` for what
//! follows a failure.

pub mod background;
mod backoff;
mod clock;
mod commit;
mod crash;
mod cx;
mod decide;
mod enqueue;
mod error;
mod idempotency;
mod lease;
mod operation;
mod procedure;
mod run;
mod signal;
mod text;
pub mod typed;
mod wake;
mod worker;

pub use clock::{Clock, SystemClock};
pub use crash::crash_point;
pub use cx::Cx;
pub use enqueue::{EnqueueError, Enqueued, NewOperation, enqueue};
pub use error::StepError;
pub use idempotency::{Idempotency, asked_before, forget_keys, remember};
pub use lease::end_all_leases;
pub use operation::{
    EventRow, Failure, Filter, OperationRow, Status, events, list, live_for, load, median_ms,
};
pub use procedure::{Next, OnFailure, Procedure};
pub use signal::{nudge, request_cancel, retry};
pub use typed::{TypedProcedure, typed};
pub use wake::Wake;
pub use worker::{Worker, WorkerConfig};
