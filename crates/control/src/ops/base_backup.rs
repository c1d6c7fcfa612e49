//! Base backup: everything that a server holds, copied into its archive, for restores to a moment.
//!
//! | step | looks first                       | does                                                    | when it cannot be done |
//! |------|-----------------------------------|---------------------------------------------------------|------------------------|
//! | copy | (an earlier one is taken up again) | copies as the server's own user, lets old ones go       | leave                  |
//! | leave | (always)                         | nothing: what was copied serves the next one            | –                      |
//!
//! The database works as always. It takes up what was copied by one that was cut off.

use super::{About, Kind, Moment, archive, work, work::Target};
use crate::{ControlPlane, engine::pitr::BackupKind, pitr, store};
use async_trait::async_trait;
use durable::{Cx, OnFailure, StepError, typed::Next, typed::label};
use serde::{Deserialize, Serialize};
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use types::plan::size;

/// Its name in the store.
pub(crate) const KIND: &str = "base_backup";
/// How often people are told how far it is, and it looks whether it was cancelled.
const TELL: Duration = Duration::from_secs(2);

/// Its steps. Labels are stored: add, never rename.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    Copy,
    Leave,
}

/// Where it begins.
pub(crate) fn first() -> String {
    label(Step::Copy)
}

/// What it is told beside its subject.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Ask {
    /// How much it copies.
    pub(crate) base: BackupKind,
}

/// The kind.
pub(crate) struct Base;

#[async_trait]
impl Kind for Base {
    type Step = Step;
    const KIND: &'static str = KIND;
    const FORWARD: &'static [Step] = &[Step::Copy];
    const UNWINDING: &'static [Step] = &[Step::Leave];
    const STEPS: &'static [Step] = &[Step::Copy, Step::Leave];

    async fn run(step: Step, plane: &ControlPlane, cx: &mut Cx) -> Result<Next<Step>, StepError> {
        match step {
            Step::Copy => copy(plane, cx).await,
            Step::Leave => Ok(Next::Done),
        }
    }

    fn on_failure(step: Step) -> OnFailure<Step> {
        match step {
            Step::Copy => OnFailure::Unwind(Step::Leave),
            Step::Leave => OnFailure::Forward,
        }
    }

    fn on_cancel(step: Step) -> Option<Step> {
        match step {
            Step::Copy => Some(Step::Leave),
            Step::Leave => None,
        }
    }

    fn title(about: &About) -> String {
        format!("Base backup of {}", about.database)
    }

    fn step_title(step: Step, about: &About) -> String {
        match step {
            Step::Copy => format!("Copy the server of {} into its archive", about.database),
            Step::Leave => "Leave what was copied for the next one".into(),
        }
    }

    fn safety(moment: Moment<Step>, _about: &About) -> String {
        match moment {
            Moment::At(_) => {
                "The database works as always. You can close this page, and cancel at any time.".into()
            }
            Moment::Succeeded => "Any moment from now on can be restored from it.".into(),
            Moment::TakingBack | Moment::Failed | Moment::Cancelled | Moment::Stuck(_) => {
                "Earlier base backups and the database are untouched. Another one is begun within the hour."
                    .into()
            }
        }
    }
}

async fn copy(plane: &ControlPlane, cx: &mut Cx) -> Result<Next<Step>, StepError> {
    let target = Target::load(plane, cx).await?;
    let Ask { base } = cx.params()?;
    let (done, all) = (AtomicU64::new(0), AtomicU64::new(0));
    let progress = |now: u64, of: u64| {
        done.store(now, Ordering::Relaxed);
        all.store(of, Ordering::Relaxed);
    };
    let engine = &plane.inner.engine;
    let began = cx.now();
    let made = {
        let making = engine.base_backup(&target.spec, base, &progress);
        tokio::pin!(making);
        loop {
            tokio::select! {
                made = &mut making => break made.map_err(|error| work::trouble(error, cx))?,
                () = tokio::time::sleep(TELL) => {
                    if archive::cancelled(plane, cx).await {
                        return Ok(Next::Again { after: Duration::ZERO, why: "being cancelled".into() });
                    }
                    let (done, all) = (done.load(Ordering::Relaxed), all.load(Ordering::Relaxed));
                    if all > 0 {
                        cx.detail(format!("{} of {} copied", size(done), size(all))).await?;
                    }
                }
            }
        }
    };
    let took = types::operation::duration(crate::operation::millis(began, cx.now()));
    let words = format!(
        "{}, {} in {took}; it takes {}",
        pitr::kind(made.kind),
        size(made.bytes),
        size(made.stored_bytes)
    );
    cx.detail(words).await?;
    if made.damaged {
        let words = "A base backup found pages with wrong checksums in the database: the disk may be failing. Earlier base \
                     backups are kept.";
        let (now, database) = (cx.now(), target.row.database_id);
        store::event::record(cx.tx().await?, database, now, "damaged_pages", words).await?;
        return Ok(Next::Done);
    }
    // What stays too long is removed with the next one: no reason to copy everything again.
    if let Err(error) = engine.expire(&target.spec, target.spec.plan.pitr_days.into()).await {
        tracing::warn!(database = %target.row.database_id, %error, "Old base backups could not be removed");
        cx.log(format!("what is not needed any more could not be removed yet: {error}")).await?;
    }
    Ok(Next::Done)
}
