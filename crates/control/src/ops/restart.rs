//! Restart: stopped and started, with settings written anew in between.
//!
//! | step      | looks first             | does                                       | when it cannot be done             |
//! |-----------|-------------------------|--------------------------------------------|------------------------------------|
//! | stop      | plan and version known  | stops it                                   | waits for a person; it still runs  |
//! | configure | files as they should be | writes settings and a certificate          | waits for a person; the keeper starts it |
//! | start     | a server that answers   | starts it on its port                      | waits for a person; the keeper keeps trying |
//! | verify    | (always)                | tries a login, and tells how it went       | goes on                            |
//! | call_hook | a call that was taken   | tells the app                              | goes on                            |
//!
//! Nothing is taken back: running is what is wanted before and after.

use super::{
    About, Kind, Moment, call_hook,
    work::{self, Notes, Target},
};
use crate::{ControlPlane, engine::NodeState, store};
use async_trait::async_trait;
use durable::{Cx, OnFailure, StepError, typed::Next, typed::label};
use serde::{Deserialize, Serialize};

/// Its name in the store.
pub(crate) const KIND: &str = "restart";

/// Its steps. Labels are stored: add, never rename.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    Stop,
    Configure,
    Start,
    Verify,
    CallHook,
}

/// Where it begins.
pub(crate) fn first() -> String {
    label(Step::Stop)
}

/// The kind.
pub(crate) struct Restart;

#[async_trait]
impl Kind for Restart {
    type Step = Step;
    const KIND: &'static str = KIND;
    const FORWARD: &'static [Step] =
        &[Step::Stop, Step::Configure, Step::Start, Step::Verify, Step::CallHook];
    const STEPS: &'static [Step] = Self::FORWARD;

    async fn run(step: Step, plane: &ControlPlane, cx: &mut Cx) -> Result<Next<Step>, StepError> {
        let target = Target::load(plane, cx).await?;
        if target.row.wanted != "running" {
            cx.detail("somebody has stopped or deleted it since this was asked for").await?;
            return Ok(Next::Done);
        }
        Ok(match step {
            Step::Stop => {
                // Nothing is stopped that could not be started again.
                work::known_plan(plane, &target)?;
                work::installed(plane, &target, cx).await?;
                let predicted = plane.predicted_interruption(target.row.database_id).await;
                let (predicted_ms, _) = predicted.map_err(work::fault)?;
                let state = plane.inner.engine.observe(target.spec.id).await;
                // One that does not run locks nobody out by being started.
                let runs = matches!(state, Ok(NodeState::Running { .. }));
                let notes = Notes { down_since: runs.then(|| cx.now()), predicted_ms, ..cx.memo()? };
                work::stop(plane, &target, cx).await?;
                cx.set_memo(&notes)?;
                Next::Go(Step::Configure)
            }
            Step::Configure => {
                work::configure(plane, &target, cx).await?;
                Next::Go(Step::Start)
            }
            Step::Start => {
                work::start(plane, &target, cx).await?;
                let mut notes: Notes = cx.memo()?;
                let (now, operation) = (cx.now(), cx.operation_id);
                notes.up_again(now);
                if let Some(interruption) = notes.interruption() {
                    let (tx, database) = (cx.tx().await?, target.row.database_id);
                    store::interruption::record(tx, operation, database, now, interruption).await?;
                }
                Next::Go(Step::Verify)
            }
            Step::Verify => {
                work::verify_softly(plane, &target, cx).await?;
                Next::Go(Step::CallHook)
            }
            Step::CallHook => call_hook::run(plane, &target, "database.restarted", cx).await?,
        })
    }

    fn on_failure(step: Step) -> OnFailure<Step> {
        match step {
            Step::Stop | Step::Configure | Step::Start => OnFailure::Human,
            Step::Verify | Step::CallHook => OnFailure::Forward,
        }
    }

    fn on_cancel(step: Step) -> Option<Step> {
        match step {
            Step::Stop | Step::Configure | Step::Start | Step::Verify | Step::CallHook => None,
        }
    }

    fn title(about: &About) -> String {
        format!("Restart database {}", about.database)
    }

    fn step_title(step: Step, about: &About) -> String {
        match step {
            Step::Stop => format!("Stop PostgreSQL {}", about.version),
            Step::Configure => "Write settings, access rules and a certificate".into(),
            Step::Start => format!("Start PostgreSQL {}", about.version),
            Step::Verify => "Log in through the published URL".into(),
            Step::CallHook => format!("Tell {} through its hook", about.app),
        }
    }

    fn safety(moment: Moment<Step>, _about: &About) -> String {
        match moment {
            Moment::At(_) => "Connections are closed and can be opened again in a moment; what was committed stays.".into(),
            Moment::Succeeded => "The database runs.".into(),
            Moment::Stuck(Step::Stop) => "The server still runs; nothing was changed. You can try again.".into(),
            Moment::Stuck(_) | Moment::Failed | Moment::TakingBack | Moment::Cancelled => {
                "No data was touched. Paddock keeps trying to start it by itself; trying again goes on at this step.".into()
            }
        }
    }
}
