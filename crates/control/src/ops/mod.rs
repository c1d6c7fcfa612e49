//! The operations: every long change of a database, as steps that bear being killed and run twice.
//!
//! One file per kind; its head tells the kind as a table. A kind implements [`Kind`]: an enum of steps, one exhaustive
//! match that runs them, what follows a failure, and the words that people read. `docs/operations/<kind>.md` draws the
//! same, and a test holds the two together. How steps are claimed, retried and unwound is `crates/durable`'s work.
//!
//! Adding a kind: write the file, add it to `procedures` and `told`, draw it. Labels of steps are never renamed.

mod archive;
pub(crate) mod backup;
pub(crate) mod base_backup;
pub(crate) mod call_hook;
pub(crate) mod change_password;
pub(crate) mod change_plan;
pub(crate) mod delete;
pub(crate) mod pitr_restore;
pub(crate) mod prove_backup;
pub(crate) mod provision;
pub(crate) mod restart;
pub(crate) mod restore;
pub(crate) mod restore_backup;
pub(crate) mod start;
pub(crate) mod stop;
mod told;
pub(crate) mod work;

pub(crate) use told::{Moment, Told};

use crate::ControlPlane;
use async_trait::async_trait;
use durable::{Cx, OnFailure, Procedure, StepError, TypedProcedure, typed::Next};
use serde::{Serialize, de::DeserializeOwned};
use std::{fmt::Debug, marker::PhantomData, sync::Arc};
use types::PgVersion;

/// What an operation is about, for the words that people read.
#[derive(Clone, Debug)]
pub(crate) struct About {
    /// `my_app_4553`
    pub(crate) database: String,
    /// Its version.
    pub(crate) version: PgVersion,
    /// Name of its app.
    pub(crate) app: String,
}

/// A kind of operation.
#[async_trait]
pub(crate) trait Kind: Send + Sync + 'static {
    /// Its steps; the serde names are stored.
    type Step: Serialize + DeserializeOwned + Copy + PartialEq + Debug + Send + Sync + 'static;

    /// Its name in the store.
    const KIND: &'static str;
    /// The road forward, in order.
    const FORWARD: &'static [Self::Step];
    /// The steps of taking back.
    const UNWINDING: &'static [Self::Step] = &[];
    /// Both, forward first.
    const STEPS: &'static [Self::Step];
    /// Ways from a step to another than the next, with the reason.
    const DETOURS: &'static [(Self::Step, Self::Step, &'static str)] = &[];

    /// Runs one step: looks first, acts only if needed.
    async fn run(step: Self::Step, plane: &ControlPlane, cx: &mut Cx) -> Result<Next<Self::Step>, StepError>;
    /// What follows when a step cannot be done.
    fn on_failure(step: Self::Step) -> OnFailure<Self::Step>;
    /// Where taking back begins when somebody cancels before a step; `None` past the point of no return.
    fn on_cancel(step: Self::Step) -> Option<Self::Step>;

    /// Whether what was asked for needs this step; people are shown no other.
    fn needs(_step: Self::Step, _params: &serde_json::Value) -> bool {
        true
    }

    /// "Create database my_app_4553"
    fn title(about: &About) -> String;
    /// "Start PostgreSQL 17.11"
    fn step_title(step: Self::Step, about: &About) -> String;
    /// What is true at this moment: what is safe, what people can do.
    fn safety(moment: Moment<Self::Step>, about: &About) -> String;
}

/// A kind with the control plane that its steps work on.
struct Run<K>(ControlPlane, PhantomData<fn() -> K>);

#[async_trait]
impl<K: Kind> TypedProcedure for Run<K> {
    type Step = K::Step;
    const KIND: &'static str = K::KIND;
    const STEPS: &'static [K::Step] = K::STEPS;

    async fn run(&self, step: K::Step, cx: &mut Cx) -> Result<Next<K::Step>, StepError> {
        let next = K::run(step, &self.0, cx).await?;
        if let Next::Go(to) = &next {
            debug_assert!(leads::<K>(step, *to), "{}: no arrow from {step:?} to {to:?}", K::KIND);
        }
        Ok(next)
    }

    fn on_failure(&self, step: K::Step) -> OnFailure<K::Step> {
        K::on_failure(step)
    }

    fn on_cancel(&self, step: K::Step) -> Option<K::Step> {
        K::on_cancel(step)
    }
}

/// Whether the diagram has an arrow from `step` to `to`, failures left out.
fn leads<K: Kind>(step: K::Step, to: K::Step) -> bool {
    let next = |road: &[K::Step]| road.windows(2).any(|pair| pair == [step, to]);
    next(K::FORWARD) || next(K::UNWINDING) || K::DETOURS.iter().any(|(a, b, _)| (*a, *b) == (step, to))
}

fn procedure<K: Kind>(plane: &ControlPlane) -> Arc<dyn Procedure> {
    durable::typed(Run::<K>(plane.clone(), PhantomData))
}

impl ControlPlane {
    /// What a worker runs.
    #[must_use]
    pub fn procedures(&self) -> Vec<Arc<dyn Procedure>> {
        vec![
            procedure::<provision::Provision>(self),
            procedure::<delete::Delete>(self),
            procedure::<restore::Restore>(self),
            procedure::<start::Start>(self),
            procedure::<stop::Stop>(self),
            procedure::<restart::Restart>(self),
            procedure::<change_password::ChangePassword>(self),
            procedure::<change_plan::ChangePlan>(self),
            procedure::<backup::Backup>(self),
            procedure::<prove_backup::ProveBackup>(self),
            procedure::<restore_backup::RestoreBackup>(self),
            procedure::<base_backup::Base>(self),
            procedure::<pitr_restore::PitrRestore>(self),
        ]
    }
}

/// The words of a kind; `None` for one that this version does not know.
pub(crate) fn told(kind: &str) -> Option<Told> {
    Some(match kind {
        provision::KIND => Told::of::<provision::Provision>(),
        delete::KIND => Told::of::<delete::Delete>(),
        restore::KIND => Told::of::<restore::Restore>(),
        start::KIND => Told::of::<start::Start>(),
        stop::KIND => Told::of::<stop::Stop>(),
        restart::KIND => Told::of::<restart::Restart>(),
        change_password::KIND => Told::of::<change_password::ChangePassword>(),
        backup::KIND => Told::of::<backup::Backup>(),
        prove_backup::KIND => Told::of::<prove_backup::ProveBackup>(),
        restore_backup::KIND => Told::of::<restore_backup::RestoreBackup>(),
        base_backup::KIND => Told::of::<base_backup::Base>(),
        pitr_restore::KIND => Told::of::<pitr_restore::PitrRestore>(),
        change_plan::KIND => Told::of::<change_plan::ChangePlan>(),
        _ => return None,
    })
}
