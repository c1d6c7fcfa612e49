//! Start: a stopped database runs again.
//!
//! | step       | looks first             | does                                          | taken back by |
//! |------------|-------------------------|-----------------------------------------------|---------------|
//! | configure  | files as they should be | writes settings and a certificate             | stop_again    |
//! | start      | a server that answers   | starts it on its port                         | stop_again    |
//! | verify     | (always)                | tries a login, and tells how it went          | never: it runs |
//! | call_hook  | a call that was taken   | tells the app                                 | never         |
//! | stop_again | a server that runs      | stops it; stopped is what is wanted again     | –             |

use super::{
    About, Kind, Moment, call_hook,
    work::{self, Target},
};
use crate::{
    ControlPlane,
    store::{self, database::Wanted},
};
use async_trait::async_trait;
use durable::{Cx, OnFailure, StepError, typed::Next, typed::label};
use serde::{Deserialize, Serialize};

/// Its name in the store.
pub(crate) const KIND: &str = "start";

/// Its steps. Labels are stored: add, never rename.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    Configure,
    Start,
    Verify,
    CallHook,
    StopAgain,
}

/// Where it begins.
pub(crate) fn first() -> String {
    label(Step::Configure)
}

/// The kind.
pub(crate) struct Start;

#[async_trait]
impl Kind for Start {
    type Step = Step;
    const KIND: &'static str = KIND;
    const FORWARD: &'static [Step] = &[Step::Configure, Step::Start, Step::Verify, Step::CallHook];
    const UNWINDING: &'static [Step] = &[Step::StopAgain];
    const STEPS: &'static [Step] =
        &[Step::Configure, Step::Start, Step::Verify, Step::CallHook, Step::StopAgain];

    async fn run(step: Step, plane: &ControlPlane, cx: &mut Cx) -> Result<Next<Step>, StepError> {
        let target = Target::load(plane, cx).await?;
        Ok(match step {
            Step::Configure => {
                work::configure(plane, &target, cx).await?;
                Next::Go(Step::Start)
            }
            Step::Start => {
                work::start(plane, &target, cx).await?;
                Next::Go(Step::Verify)
            }
            Step::Verify => {
                work::verify_softly(plane, &target, cx).await?;
                Next::Go(Step::CallHook)
            }
            Step::CallHook => call_hook::run(plane, &target, "database.started", cx).await?,
            Step::StopAgain => {
                work::stop(plane, &target, cx).await?;
                // The wish goes back with the work: else the keeper would try for ever what has just failed.
                store::database::want(cx.tx().await?, target.row.database_id, Wanted::Stopped).await?;
                Next::Done
            }
        })
    }

    fn on_failure(step: Step) -> OnFailure<Step> {
        match step {
            Step::Configure | Step::Start => OnFailure::Unwind(Step::StopAgain),
            Step::Verify | Step::CallHook | Step::StopAgain => OnFailure::Forward,
        }
    }

    fn on_cancel(step: Step) -> Option<Step> {
        match step {
            Step::Configure | Step::Start => Some(Step::StopAgain),
            Step::Verify | Step::CallHook | Step::StopAgain => None,
        }
    }

    fn title(about: &About) -> String {
        format!("Start database {}", about.database)
    }

    fn step_title(step: Step, about: &About) -> String {
        match step {
            Step::Configure => "Write settings, access rules and a certificate".into(),
            Step::Start => format!("Start PostgreSQL {}", about.version),
            Step::Verify => "Log in through the published URL".into(),
            Step::CallHook => format!("Tell {} through its hook", about.app),
            Step::StopAgain => "Stop it again".into(),
        }
    }

    fn safety(moment: Moment<Step>, _about: &About) -> String {
        match moment {
            Moment::At(_) => "No data is touched. You can close this page: the work goes on.".into(),
            Moment::TakingBack => "It is being stopped again. No data was touched.".into(),
            Moment::Succeeded => "The database runs.".into(),
            Moment::Failed | Moment::Cancelled => {
                "It is stopped, as before. No data was touched; try again.".into()
            }
            Moment::Stuck(_) => "No data was touched. Trying again goes on at this step.".into(),
        }
    }
}
