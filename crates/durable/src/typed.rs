//! Procedures written against an enum of steps: `run` is one exhaustive match, and the compiler knows the diagram.
//!
//! The stored label of a step is its serde name. A label that this version does not know is never guessed at: the
//! operation stops and waits for a person.

use crate::{Cx, OnFailure, Procedure, StepError};
use async_trait::async_trait;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::sync::Arc;

pub use crate::procedure::Next;

/// A kind of operation with an enum of steps. [`typed`] makes a [`Procedure`] of it.
#[async_trait]
pub trait TypedProcedure: Send + Sync + 'static {
    /// A field-less enum; its serde names are the stored labels.
    type Step: Serialize + DeserializeOwned + Copy + Send + Sync + 'static;

    /// Its name in the store.
    const KIND: &'static str;

    /// Every step, the road forward first and in order, then the steps of unwinding.
    const STEPS: &'static [Self::Step];

    /// Runs one step. It may have run before, wholly or in part.
    async fn run(&self, step: Self::Step, cx: &mut Cx) -> Result<Next<Self::Step>, StepError>;

    /// What follows when `step` gave up, failed too often or missed the deadline.
    fn on_failure(&self, step: Self::Step) -> OnFailure<Self::Step>;

    /// Where the unwinding begins when somebody cancels before `step`; `None` past the point of no return.
    fn on_cancel(&self, step: Self::Step) -> Option<Self::Step> {
        let _ = step;
        None
    }
}

/// The stored label of a step.
pub fn label<S: Serialize>(step: S) -> String {
    match serde_json::to_value(step) {
        Ok(Value::String(label)) => label,
        other => unreachable!("a step is a field-less enum, this one serialises to {other:?}"),
    }
}

/// The step of a stored label, if this version knows it.
pub fn step<S: DeserializeOwned>(label: &str) -> Option<S> {
    serde_json::from_value(Value::String(label.to_owned())).ok()
}

/// Makes a typed procedure into what a [`Worker`](crate::Worker) holds.
pub fn typed<P: TypedProcedure>(procedure: P) -> Arc<dyn Procedure> {
    Arc::new(Adapter { labels: P::STEPS.iter().map(|s| label(*s)).collect(), procedure })
}

struct Adapter<P> {
    procedure: P,
    labels: Vec<String>,
}

#[async_trait]
impl<P: TypedProcedure> Procedure for Adapter<P> {
    fn kind(&self) -> &'static str {
        P::KIND
    }

    fn steps(&self) -> &[String] {
        &self.labels
    }

    async fn run(&self, name: &str, cx: &mut Cx) -> Result<Next, StepError> {
        let step = step(name).ok_or_else(|| {
            StepError::give_up(format!("This version of Paddock does not know the step \"{name}\"."))
        })?;
        Ok(match self.procedure.run(step, cx).await? {
            Next::Go(step) => Next::Go(label(step)),
            Next::Again { after, why } => Next::Again { after, why },
            Next::Done => Next::Done,
        })
    }

    fn on_failure(&self, name: &str) -> OnFailure {
        match step(name).map(|step| self.procedure.on_failure(step)) {
            Some(OnFailure::Unwind(step)) => OnFailure::Unwind(label(step)),
            Some(OnFailure::Forward) => OnFailure::Forward,
            Some(OnFailure::Human) | None => OnFailure::Human,
        }
    }

    fn on_cancel(&self, name: &str) -> Option<String> {
        self.procedure.on_cancel(step(name)?).map(label)
    }
}
