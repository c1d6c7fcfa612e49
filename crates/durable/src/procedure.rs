//! The contract of a kind of operation, with steps as the labels that are stored.
//!
//! Procedures are written against an enum of steps, see [`mod@crate::typed`]; this untyped form is what the worker holds.
//! A step may be run twice: it looks first, acts only if needed, and says one thing next.

use crate::{Cx, StepError};
use async_trait::async_trait;
use std::time::Duration;

/// A kind of operation.
#[async_trait]
pub trait Procedure: Send + Sync + 'static {
    /// Its name in the store. Never changes once released.
    fn kind(&self) -> &'static str;

    /// Every label it stores, the road forward first and in order. Labels are only ever added.
    fn steps(&self) -> &[String];

    /// Runs one step. It may have run before, wholly or in part.
    async fn run(&self, step: &str, cx: &mut Cx) -> Result<Next, StepError>;

    /// What follows when `step` gave up, failed too often or missed the deadline.
    fn on_failure(&self, step: &str) -> OnFailure;

    /// Where the unwinding begins when somebody cancels before `step`; `None` past the point of no return.
    fn on_cancel(&self, step: &str) -> Option<String>;
}

/// How a step ends when it does not fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next<S = String> {
    /// On to this step, at once.
    Go(S),
    /// Look again later: something outside is not ready.
    Again {
        /// How much later.
        after: Duration,
        /// What it waits for, shown to people. An unchanged reason is told once.
        why: String,
    },
    /// The last step is done.
    Done,
}

/// What follows when a step cannot be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure<S = String> {
    /// Take back what was made, beginning with this step. Inside an unwinding it means `Human`.
    Unwind(S),
    /// There is no way back: keep trying, and say when it is late.
    Forward,
    /// Stop and wait for a person, who can [`retry`](crate::retry).
    Human,
}
