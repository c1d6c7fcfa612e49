//! Provision: from an order to a URL that works.
//!
//! | step            | looks first                          | does                                         | taken back by |
//! |-----------------|--------------------------------------|----------------------------------------------|---------------|
//! | place           | a directory with this identity       | takes a cluster from the pool, or initdb     | clean_up      |
//! | configure       | files as they should be              | writes settings, access rules, certificate   | clean_up      |
//! | start           | a server that answers                | starts it; a stranger on the port: another   | clean_up      |
//! | create_database | the database and its user            | creates them with a SCRAM verifier           | clean_up      |
//! | fill            | an order from a backup               | restores it, puts it in place                | clean_up      |
//! | verify          | (always)                             | logs in through the published address        | clean_up      |
//! | publish         | the variables                        | writes them; the database is ready           | never: it is a database with a URL now |
//! | call_hook       | a call that was taken                | tells the app                                | never         |
//! | clean_up        | what is left                         | stops, removes, lets the port rest           | –             |
//!
//! The port, the name and the password were taken with the request, in one transaction, before the first step.
//! Cancelling works until `verify` is done.

use super::{
    About, Kind, Moment, archive, call_hook,
    work::{self, Target},
};
use crate::{
    ControlPlane,
    addon::provision::From,
    engine::{EngineError, dumps::Second},
    store::{self, database::Wanted},
};
use async_trait::async_trait;
use durable::{Cx, OnFailure, StepError, typed::Next, typed::label};
use serde::{Deserialize, Serialize};

/// Its name in the store.
pub(crate) const KIND: &str = "provision";

/// Its steps. Labels are stored: add, never rename.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    Place,
    Configure,
    Start,
    CreateDatabase,
    Fill,
    Verify,
    Publish,
    CallHook,
    CleanUp,
}

/// Where it begins.
pub(crate) fn first() -> String {
    label(Step::Place)
}

/// Whether it can still be cancelled before the step of this label.
pub(crate) fn cancellable(step: &str) -> bool {
    durable::typed::step(step).is_some_and(|step| Provision::on_cancel(step).is_some())
}

/// The kind.
pub(crate) struct Provision;

#[async_trait]
impl Kind for Provision {
    type Step = Step;
    const KIND: &'static str = KIND;
    const FORWARD: &'static [Step] = &[
        Step::Place,
        Step::Configure,
        Step::Start,
        Step::CreateDatabase,
        Step::Fill,
        Step::Verify,
        Step::Publish,
        Step::CallHook,
    ];
    const UNWINDING: &'static [Step] = &[Step::CleanUp];
    const STEPS: &'static [Step] = &[
        Step::Place,
        Step::Configure,
        Step::Start,
        Step::CreateDatabase,
        Step::Fill,
        Step::Verify,
        Step::Publish,
        Step::CallHook,
        Step::CleanUp,
    ];
    const DETOURS: &'static [(Step, Step, &'static str)] = &[
        (Step::Start, Step::Configure, "port taken"),
        (Step::CreateDatabase, Step::Verify, "ordered empty"),
    ];

    async fn run(step: Step, plane: &ControlPlane, cx: &mut Cx) -> Result<Next<Step>, StepError> {
        let target = Target::load(plane, cx).await?;
        let engine = &plane.inner.engine;
        Ok(match step {
            Step::Place => {
                work::known_plan(plane, &target)?;
                let told = engine.place(&target.spec).await.map_err(|error| work::trouble(error, cx))?;
                cx.detail(told).await?;
                Next::Go(Step::Configure)
            }
            Step::Configure => {
                work::configure(plane, &target, cx).await?;
                Next::Go(Step::Start)
            }
            Step::Start => match engine.start(&target.spec).await {
                Ok(told) => {
                    cx.detail(told).await?;
                    Next::Go(Step::CreateDatabase)
                }
                Err(EngineError::PortTaken(_)) => {
                    work::move_to_another_port(plane, &target, cx).await?;
                    Next::Go(Step::Configure)
                }
                Err(error) => return Err(work::trouble(error, cx)),
            },
            Step::CreateDatabase => {
                let verifier = target.verifier(plane).await?;
                let told = engine.create_database(&target.spec, &verifier).await;
                cx.detail(told.map_err(|error| work::trouble(error, cx))?).await?;
                // Most are ordered empty.
                let filled = cx.params::<From>()?.backup.is_some();
                Next::Go(if filled { Step::Fill } else { Step::Verify })
            }
            Step::Fill => {
                fill(plane, &target, cx).await?;
                Next::Go(Step::Verify)
            }
            Step::Verify => {
                work::verify(plane, &target, cx).await?;
                Next::Go(Step::Publish)
            }
            Step::Publish => {
                work::publish(plane, &target, cx).await?;
                Next::Go(Step::CallHook)
            }
            Step::CallHook => call_hook::run(plane, &target, "database.created", cx).await?,
            Step::CleanUp => {
                clean_up(plane, &target, cx).await?;
                Next::Done
            }
        })
    }

    fn on_failure(step: Step) -> OnFailure<Step> {
        match step {
            Step::Place
            | Step::Configure
            | Step::Start
            | Step::CreateDatabase
            | Step::Fill
            | Step::Verify => OnFailure::Unwind(Step::CleanUp),
            Step::Publish | Step::CallHook | Step::CleanUp => OnFailure::Forward,
        }
    }

    fn on_cancel(step: Step) -> Option<Step> {
        match step {
            Step::Place
            | Step::Configure
            | Step::Start
            | Step::CreateDatabase
            | Step::Fill
            | Step::Verify => Some(Step::CleanUp),
            Step::Publish | Step::CallHook | Step::CleanUp => None,
        }
    }

    fn needs(step: Step, params: &serde_json::Value) -> bool {
        step != Step::Fill || params.get("backup").is_some()
    }

    fn title(about: &About) -> String {
        format!("Create database {}", about.database)
    }

    fn step_title(step: Step, about: &About) -> String {
        match step {
            Step::Place => "Make room: directory, system user, PostgreSQL cluster".into(),
            Step::Configure => "Write settings, access rules and a certificate".into(),
            Step::Start => format!("Start PostgreSQL {}", about.version),
            Step::CreateDatabase => format!("Create database {} and its user", about.database),
            Step::Fill => "Restore the backup that it begins with".into(),
            Step::Verify => "Log in through the published URL".into(),
            Step::Publish => format!("Set the variables of {}", about.app),
            Step::CallHook => format!("Tell {} through its hook", about.app),
            Step::CleanUp => "Take back what was made".into(),
        }
    }

    fn safety(moment: Moment<Step>, about: &About) -> String {
        match moment {
            Moment::At(Step::Publish | Step::CallHook) => {
                "The database accepts connections; only its announcement is left. You can close this page."
                    .into()
            }
            Moment::At(_) => {
                "You can close this page: the work goes on. Until the database is ready it can be \
                              cancelled, and everything made for it is taken back."
                    .into()
            }
            Moment::TakingBack => {
                format!("What was made for {} is being taken back. Nothing else is touched.", about.database)
            }
            Moment::Succeeded => "The database accepts connections.".into(),
            Moment::Failed => {
                "Everything made for it was taken back, and nothing else was touched. You can order it \
                               again."
                    .into()
            }
            Moment::Stuck(_) => {
                "What was made could not be taken back. Nothing else was touched; trying again goes on \
                                 at this step."
                    .into()
            }
            Moment::Cancelled => "Everything made for it was taken back.".into(),
        }
    }
}

/// Nobody else knows the database yet, so what it begins with is restored beside it and takes its place.
async fn fill(plane: &ControlPlane, target: &Target, cx: &mut Cx) -> Result<(), StepError> {
    let Some(backup) = cx.params::<From>()?.backup else { return Ok(()) };
    let engine = &plane.inner.engine;
    let seconds = engine.seconds(&target.spec).await.map_err(|error| work::trouble(error, cx))?;
    if !seconds.contains(&Second::Replaced) {
        let loaded = archive::load(plane, target, backup, cx).await?;
        engine.swap(&target.spec, Second::Incoming).await.map_err(|error| work::trouble(error, cx))?;
        cx.detail(loaded).await?;
    }
    engine.drop_second(&target.spec, Second::Replaced).await.map_err(|error| work::trouble(error, cx))
}

async fn clean_up(plane: &ControlPlane, target: &Target, cx: &mut Cx) -> Result<(), StepError> {
    // Not reached from a step after `publish`; a database that people may have filled is never removed here.
    if target.row.ready {
        return Err(StepError::give_up("This database is in use, so nothing of it was removed."));
    }
    work::stop(plane, target, cx).await?;
    plane.inner.engine.purge(target.spec.id).await.map_err(|error| work::trouble(error, cx))?;
    work::give_back_port(plane, target, cx).await?;
    let now = cx.now();
    let tx = cx.tx().await?;
    store::variable::delete_of_addon(tx, target.row.id).await?;
    store::database::want(tx, target.row.database_id, Wanted::Deleted).await?;
    store::addon::purged(tx, target.row.id, now).await?;
    Ok(())
}
