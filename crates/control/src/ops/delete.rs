//! Delete: a database goes to the trash, whole.
//!
//! | step      | looks first               | does                                             | taken back by       |
//! |-----------|---------------------------|--------------------------------------------------|---------------------|
//! | stop      | a server that runs        | stops it                                         | – (forward only)    |
//! | withdraw  | the app's variables       | removes those that this database set             | restore, afterwards |
//! | trash     | the directory             | moves it to the trash, after checking whose it is | restore, afterwards |
//! | call_hook | a call that was taken     | tells the app                                    | never               |
//!
//! The request marked it as deleted and said until when it can come back. There is no way back inside this operation:
//! whoever changes their mind restores, which undoes all of it. Data is removed by the sweeper alone, later.

use super::{
    About, Kind, Moment, call_hook,
    work::{self, Target},
};
use crate::{ControlPlane, engine::EngineError, store};
use async_trait::async_trait;
use durable::{Cx, OnFailure, StepError, typed::Next, typed::label};
use serde::{Deserialize, Serialize};

/// Its name in the store.
pub(crate) const KIND: &str = "delete";

/// Its steps. Labels are stored: add, never rename.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    Stop,
    Withdraw,
    Trash,
    CallHook,
}

/// Where it begins.
pub(crate) fn first() -> String {
    label(Step::Stop)
}

/// The kind.
pub(crate) struct Delete;

#[async_trait]
impl Kind for Delete {
    type Step = Step;
    const KIND: &'static str = KIND;
    const FORWARD: &'static [Step] = &[Step::Stop, Step::Withdraw, Step::Trash, Step::CallHook];
    const STEPS: &'static [Step] = Self::FORWARD;

    async fn run(step: Step, plane: &ControlPlane, cx: &mut Cx) -> Result<Next<Step>, StepError> {
        let target = Target::load(plane, cx).await?;
        Ok(match step {
            Step::Stop => {
                work::stop(plane, &target, cx).await?;
                Next::Go(Step::Withdraw)
            }
            Step::Withdraw => {
                let names = store::variable::delete_of_addon(cx.tx().await?, target.row.id).await?;
                cx.detail(if names.is_empty() { "none was set".into() } else { names.join(", ") }).await?;
                Next::Go(Step::Trash)
            }
            Step::Trash => {
                // The keeper may have started it again at the very moment of the first stop.
                work::stop(plane, &target, cx).await?;
                match plane.inner.engine.trash(target.spec.id).await {
                    Ok(()) => {}
                    Err(EngineError::Absent) => cx.detail("no data directory carries its identity").await?,
                    Err(error) => return Err(work::trouble(error, cx)),
                }
                Next::Go(Step::CallHook)
            }
            Step::CallHook => call_hook::run(plane, &target, "database.deleted", cx).await?,
        })
    }

    fn on_failure(step: Step) -> OnFailure<Step> {
        match step {
            Step::Stop | Step::Withdraw | Step::Trash | Step::CallHook => OnFailure::Forward,
        }
    }

    fn on_cancel(step: Step) -> Option<Step> {
        match step {
            Step::Stop | Step::Withdraw | Step::Trash | Step::CallHook => None,
        }
    }

    fn title(about: &About) -> String {
        format!("Delete database {}", about.database)
    }

    fn step_title(step: Step, about: &About) -> String {
        match step {
            Step::Stop => format!("Stop PostgreSQL {}", about.version),
            Step::Withdraw => format!("Remove its variables from {}", about.app),
            Step::Trash => "Move its data to the trash".into(),
            Step::CallHook => format!("Tell {} through its hook", about.app),
        }
    }

    fn safety(moment: Moment<Step>, _about: &About) -> String {
        match moment {
            Moment::At(_) => {
                "You can close this page. The data goes to the trash and can be brought back.".into()
            }
            Moment::Succeeded => {
                "The data is in the trash; it can be brought back until it is removed for good.".into()
            }
            Moment::Stuck(_) | Moment::Failed | Moment::TakingBack | Moment::Cancelled => {
                "No data was removed. Trying again goes on at this step.".into()
            }
        }
    }
}
