//! Stop: a database rests until somebody starts it. Data, port and URL stay.
//!
//! | step | looks first        | does                                                     | taken back by          |
//! |------|--------------------|----------------------------------------------------------|------------------------|
//! | stop | a server that runs | stops it, at once when it does not stop by itself in time | start, by whoever wants |
//!
//! The request said that it shall be stopped, so the keeper leaves it alone. The app's hook is not called: nothing that
//! the app could read again has changed.

use super::{
    About, Kind, Moment,
    work::{self, Target},
};
use crate::ControlPlane;
use async_trait::async_trait;
use durable::{Cx, OnFailure, StepError, typed::Next, typed::label};
use serde::{Deserialize, Serialize};

/// Its name in the store.
pub(crate) const KIND: &str = "stop";

/// Its steps. Labels are stored: add, never rename.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    Stop,
}

/// Where it begins.
pub(crate) fn first() -> String {
    label(Step::Stop)
}

/// The kind.
pub(crate) struct Stop;

#[async_trait]
impl Kind for Stop {
    type Step = Step;
    const KIND: &'static str = KIND;
    const FORWARD: &'static [Step] = &[Step::Stop];
    const STEPS: &'static [Step] = Self::FORWARD;

    async fn run(step: Step, plane: &ControlPlane, cx: &mut Cx) -> Result<Next<Step>, StepError> {
        let target = Target::load(plane, cx).await?;
        Ok(match step {
            Step::Stop if target.row.wanted == "running" => {
                cx.detail("somebody has started it since this was asked for").await?;
                Next::Done
            }
            Step::Stop => {
                work::stop(plane, &target, cx).await?;
                Next::Done
            }
        })
    }

    fn on_failure(step: Step) -> OnFailure<Step> {
        match step {
            Step::Stop => OnFailure::Human,
        }
    }

    fn on_cancel(step: Step) -> Option<Step> {
        match step {
            Step::Stop => None,
        }
    }

    fn title(about: &About) -> String {
        format!("Stop database {}", about.database)
    }

    fn step_title(step: Step, about: &About) -> String {
        match step {
            Step::Stop => format!("Stop PostgreSQL {}", about.version),
        }
    }

    fn safety(moment: Moment<Step>, _about: &About) -> String {
        match moment {
            Moment::At(_) => {
                "Connections are closed; what was committed stays. You can close this page.".into()
            }
            Moment::Succeeded => "The database is stopped. Its data and its URL stay.".into(),
            Moment::Stuck(_) | Moment::Failed | Moment::TakingBack | Moment::Cancelled => {
                "No data was touched. Trying again stops it once more.".into()
            }
        }
    }
}
