//! Restore a backup in the place of a database's data.
//!
//! | step      | looks first                | does                                                              | when it cannot be done |
//! |-----------|----------------------------|-------------------------------------------------------------------|------------------------|
//! | save      | a safety backup            | makes a backup of what is there now                               | discard                |
//! | load      | (begins anew)              | restores into a second database, as the owner, within the limits  | discard                |
//! | switch    | the second database        | ends sessions, gives it the name; what was there before waits     | discard                |
//! | call_hook | a call that was taken      | tells the app                                                     | goes on                |
//! | discard   | what is left               | drops the second database, and half a safety backup               | waits for a person     |
//!
//! The database stays reachable until `switch`. URL, users and passwords are the server's, and stay. What was there before
//! is kept in the server, unreachable, until somebody brings it back or its three days are over.

use super::{
    About, Kind, Moment, archive, call_hook,
    work::{self, Notes, Target},
};
use crate::{ControlPlane, engine::dumps::Second, store};
use async_trait::async_trait;
use durable::{Cx, OnFailure, StepError, typed::Next, typed::label};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use types::{BackupId, operation::duration};

/// Its name in the store.
pub(crate) const KIND: &str = "restore_backup";

/// Its steps. Labels are stored: add, never rename.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    Save,
    Load,
    Switch,
    CallHook,
    Discard,
}

/// Where it begins.
pub(crate) fn first() -> String {
    label(Step::Save)
}

/// What it is told beside its subject and the backup.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Ask {
    /// What is restored.
    pub(crate) backup: BackupId,
    /// What is made of the present state first.
    pub(crate) safety: BackupId,
}

/// The kind.
pub(crate) struct RestoreBackup;

#[async_trait]
impl Kind for RestoreBackup {
    type Step = Step;
    const KIND: &'static str = KIND;
    const FORWARD: &'static [Step] = &[Step::Save, Step::Load, Step::Switch, Step::CallHook];
    const UNWINDING: &'static [Step] = &[Step::Discard];
    const STEPS: &'static [Step] = &[Step::Save, Step::Load, Step::Switch, Step::CallHook, Step::Discard];

    async fn run(step: Step, plane: &ControlPlane, cx: &mut Cx) -> Result<Next<Step>, StepError> {
        let target = Target::load(plane, cx).await?;
        let Ask { backup, safety } = cx.params()?;
        let engine = &plane.inner.engine;
        let cancelled = || Next::Again { after: Duration::ZERO, why: "being cancelled".into() };
        Ok(match step {
            Step::Save => {
                let there = archive::row(plane, safety).await?.status == "done";
                if there || archive::make(plane, &target, (safety, true), cx).await? {
                    Next::Go(Step::Load)
                } else {
                    cancelled()
                }
            }
            Step::Load => {
                cx.detail("restoring beside the database, which works as always").await?;
                let loaded = archive::load(plane, &target, backup, cx).await?;
                cx.detail(loaded).await?;
                if archive::cancelled(plane, cx).await { cancelled() } else { Next::Go(Step::Switch) }
            }
            Step::Switch => {
                let seconds = engine.seconds(&target.spec).await.map_err(|error| work::trouble(error, cx))?;
                if seconds.contains(&Second::Incoming) {
                    let took = engine.swap(&target.spec, Second::Incoming).await;
                    let took = took.map_err(|error| work::trouble(error, cx))?;
                    let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
                    cx.detail(format!("connections were closed for {}", duration(ms))).await?;
                    let notes = Notes { interruption_ms: Some(ms), ..cx.memo()? };
                    cx.set_memo(&notes)?;
                }
                let (now, database) = (cx.now(), target.row.database_id);
                store::backup::replaced(cx.tx().await?, database, Some(now)).await?;
                Next::Go(Step::CallHook)
            }
            Step::CallHook => call_hook::run(plane, &target, "database.restored", cx).await?,
            Step::Discard => {
                let dropped = engine.drop_second(&target.spec, Second::Incoming).await;
                dropped.map_err(|error| work::trouble(error, cx))?;
                archive::discard(plane, safety, cx).await?;
                Next::Done
            }
        })
    }

    fn on_failure(step: Step) -> OnFailure<Step> {
        match step {
            Step::Save | Step::Load | Step::Switch => OnFailure::Unwind(Step::Discard),
            Step::CallHook => OnFailure::Forward,
            Step::Discard => OnFailure::Human,
        }
    }

    fn on_cancel(step: Step) -> Option<Step> {
        match step {
            Step::Save | Step::Load => Some(Step::Discard),
            Step::Switch | Step::CallHook | Step::Discard => None,
        }
    }

    fn title(about: &About) -> String {
        format!("Restore a backup of {}", about.database)
    }

    fn step_title(step: Step, about: &About) -> String {
        match step {
            Step::Save => "Back up what is there now".into(),
            Step::Load => format!("Restore the backup beside {}", about.database),
            Step::Switch => "Put it in the place of what is there".into(),
            Step::CallHook => format!("Tell {} through its hook", about.app),
            Step::Discard => "Remove what was restored beside it".into(),
        }
    }

    fn safety(moment: Moment<Step>, about: &About) -> String {
        match moment {
            Moment::At(Step::Save | Step::Load) => {
                format!("{} works as always until the switch. You can still cancel.", about.database)
            }
            Moment::At(Step::Switch) => "Connections are closed for a moment.".into(),
            Moment::At(Step::CallHook) | Moment::Succeeded => {
                "The restored data is in place. What was there before waits in the server for three days, and in a safety \
                 backup."
                    .into()
            }
            Moment::At(Step::Discard) | Moment::TakingBack | Moment::Failed | Moment::Cancelled => {
                format!("{} is as it was before.", about.database)
            }
            Moment::Stuck(_) => {
                format!("{} is as it was before; what was restored beside it takes disk until it is removed. Try again.", about.database)
            }
        }
    }
}
