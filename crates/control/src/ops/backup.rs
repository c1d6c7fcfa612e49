//! Back up: from a snapshot of the database to an archive that was read back.
//!
//! | step    | looks first        | does                                                         | when it cannot be done |
//! |---------|--------------------|--------------------------------------------------------------|------------------------|
//! | dump    | an archive that is whole | `pg_dump` as the weak backup role, sealed on its way into the vault, read back, compared | discard |
//! | discard | (always)           | removes the half archive; the row says why                   | waits for a person     |
//!
//! The database stays as it is and is changed by nobody on account of this; what would close its connections is refused
//! meanwhile. A making that was cut off begins again from the beginning: half a dump is none.

use super::{About, Kind, Moment, archive, work::Target};
use crate::ControlPlane;
use async_trait::async_trait;
use durable::{Cx, OnFailure, StepError, typed::Next, typed::label};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Its name in the store.
pub(crate) const KIND: &str = "backup";

/// Its steps. Labels are stored: add, never rename.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    Dump,
    Discard,
}

/// Where it begins.
pub(crate) fn first() -> String {
    label(Step::Dump)
}

/// The kind.
pub(crate) struct Backup;

#[async_trait]
impl Kind for Backup {
    type Step = Step;
    const KIND: &'static str = KIND;
    const FORWARD: &'static [Step] = &[Step::Dump];
    const UNWINDING: &'static [Step] = &[Step::Discard];
    const STEPS: &'static [Step] = &[Step::Dump, Step::Discard];

    async fn run(step: Step, plane: &ControlPlane, cx: &mut Cx) -> Result<Next<Step>, StepError> {
        let id = archive::backup(cx)?;
        match step {
            Step::Dump => {
                let target = Target::load(plane, cx).await?;
                if archive::row(plane, id).await?.status == "done"
                    || archive::make(plane, &target, (id, false), cx).await?
                {
                    return Ok(Next::Done);
                }
                Ok(Next::Again { after: Duration::ZERO, why: "being cancelled".into() })
            }
            Step::Discard => {
                archive::discard(plane, id, cx).await?;
                Ok(Next::Done)
            }
        }
    }

    fn on_failure(step: Step) -> OnFailure<Step> {
        match step {
            Step::Dump => OnFailure::Unwind(Step::Discard),
            Step::Discard => OnFailure::Human,
        }
    }

    fn on_cancel(step: Step) -> Option<Step> {
        match step {
            Step::Dump => Some(Step::Discard),
            Step::Discard => None,
        }
    }

    fn title(about: &About) -> String {
        format!("Back up {}", about.database)
    }

    fn step_title(step: Step, about: &About) -> String {
        match step {
            Step::Dump => format!("Dump {}, seal the archive and read it back", about.database),
            Step::Discard => "Remove the half archive".into(),
        }
    }

    fn safety(moment: Moment<Step>, _about: &About) -> String {
        match moment {
            Moment::At(_) => "The database works as always. You can close this page, and cancel at any time.".into(),
            Moment::Succeeded => "The archive is whole: it was read back and compared. Next it is restored for a trial.".into(),
            Moment::TakingBack | Moment::Failed | Moment::Cancelled => {
                "Nothing of this backup is kept. Earlier backups and the database are untouched.".into()
            }
            Moment::Stuck(_) => {
                "What was written of this backup could not be removed; trying again goes on there. Earlier backups and the \
                 database are untouched."
                    .into()
            }
        }
    }
}
