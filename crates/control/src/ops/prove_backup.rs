//! Prove a backup: restore it where nobody is, and compare.
//!
//! | step    | looks first           | does                                                              | when it cannot be done |
//! |---------|-----------------------|-------------------------------------------------------------------|------------------------|
//! | restore | a judgement           | restores it in a throw-away server, counts, checks, compares       | give_up                |
//! | give_up | (always)              | says that nothing was learned                                      | goes on                |
//!
//! A dump that does not restore, and one that holds something else than the database did, are refuted: that is a result.
//! Only a trial that could not be made is a failure.

use super::{About, Kind, Moment, archive, work::Target};
use crate::{
    ControlPlane,
    backup::{opened::refuted, vault::VaultError},
    engine::{
        EngineError, NodeSpec,
        dumps::{DumpError, Trial},
    },
    store::{self, backup::Judged},
};
use async_trait::async_trait;
use durable::{Cx, OnFailure, StepError, typed::Next, typed::label};
use serde::{Deserialize, Serialize};
use types::{PgVersion, operation::duration};

/// Its name in the store.
pub(crate) const KIND: &str = "prove_backup";

/// Its steps. Labels are stored: add, never rename.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    Restore,
    GiveUp,
}

/// Where it begins.
pub(crate) fn first() -> String {
    label(Step::Restore)
}

/// The kind.
pub(crate) struct ProveBackup;

#[async_trait]
impl Kind for ProveBackup {
    type Step = Step;
    const KIND: &'static str = KIND;
    const FORWARD: &'static [Step] = &[Step::Restore];
    const UNWINDING: &'static [Step] = &[Step::GiveUp];
    const STEPS: &'static [Step] = &[Step::Restore, Step::GiveUp];

    async fn run(step: Step, plane: &ControlPlane, cx: &mut Cx) -> Result<Next<Step>, StepError> {
        let id = archive::backup(cx)?;
        match step {
            Step::Restore => restore(plane, cx).await?,
            Step::GiveUp => {
                let mut conn = plane.store().acquire().await?;
                let failed = durable::load(&mut *conn, cx.operation_id).await?.and_then(|row| row.error);
                drop(conn);
                let why = failed.map_or_else(|| "It was cancelled.".into(), |error| error.message.clone());
                let now = cx.now();
                store::backup::not_judged(cx.tx().await?, id.uuid(), now, &why).await?;
            }
        }
        Ok(Next::Done)
    }

    fn on_failure(step: Step) -> OnFailure<Step> {
        match step {
            Step::Restore => OnFailure::Unwind(Step::GiveUp),
            Step::GiveUp => OnFailure::Forward,
        }
    }

    fn on_cancel(step: Step) -> Option<Step> {
        match step {
            Step::Restore => Some(Step::GiveUp),
            Step::GiveUp => None,
        }
    }

    fn title(about: &About) -> String {
        format!("Prove a backup of {}", about.database)
    }

    fn step_title(step: Step, _about: &About) -> String {
        match step {
            Step::Restore => "Restore it in a throw-away server, count and compare".into(),
            Step::GiveUp => "Note that nothing was learned".into(),
        }
    }

    fn safety(moment: Moment<Step>, about: &About) -> String {
        match moment {
            Moment::At(_) | Moment::TakingBack => {
                format!(
                    "{} and its backups stay as they are: the trial has a server of its own.",
                    about.database
                )
            }
            Moment::Succeeded => "The trial has ended; what it came to stands beside the backup.".into(),
            Moment::Failed | Moment::Cancelled | Moment::Stuck(_) => {
                "Nothing was learned of the backup. It is as good as it was; try again later.".into()
            }
        }
    }
}

async fn restore(plane: &ControlPlane, cx: &mut Cx) -> Result<(), StepError> {
    let id = archive::backup(cx)?;
    let row = archive::row(plane, id).await?;
    if matches!(row.proof.as_str(), "proven" | "refuted") && row.proof_operation == Some(cx.operation_id) {
        return Ok(());
    }
    let target = Target::load(plane, cx).await?;
    let spec = NodeSpec { version: version(plane, &row.version, cx).await?, ..target.spec };
    let mut conn = plane.store().acquire().await?;
    store::backup::trying(&mut conn, id.uuid(), cx.operation_id).await?;
    let was = archive::contents(store::backup::contents(&mut conn, id.uuid()).await?)?;
    drop(conn);
    let tried = match archive::open(plane, &row, cx).await? {
        Ok(mut giving) => plane.inner.engine.try_dump(&spec, was.data_bytes, &mut giving).await,
        Err(error) => Err(error.into()),
    };
    // Told by what has read it.
    let told = matches!(tried, Err(DumpError::Vault(VaultError::Damaged(_))));
    let (ms, words) = match tried {
        Ok(Trial { contents, took, complaints }) => {
            let mut words = was.differences(&contents);
            words.extend(complaints.unwrap_or_default());
            (Some(i64::try_from(took.as_millis()).unwrap_or(i64::MAX)), words)
        }
        // These two are about the backup; everything else is about the trial.
        Err(DumpError::Refused(words)) => (None, vec![words]),
        Err(DumpError::Vault(damaged @ VaultError::Damaged(_))) => (None, vec![damaged.to_string()]),
        Err(other) => return Err(archive::trouble(other, cx)),
    };
    let tables = i64::try_from(was.rows.len()).unwrap_or(i64::MAX);
    let proven = words.is_empty();
    cx.detail(match ms {
        Some(ms) if proven => {
            format!("restored in {}, {tables} tables, 0 differences", duration(ms.cast_unsigned()))
        }
        _ => words.first().cloned().unwrap_or_default(),
    })
    .await?;
    let (now, database) = (cx.now(), row.database_id);
    let judged =
        Judged { proof: if proven { "proven" } else { "refuted" }, ms, tables: Some(tables), words: &words };
    let tx = cx.tx().await?;
    store::backup::judged(tx, id.uuid(), now, &judged).await?;
    if !proven && !told {
        let words = refuted(&judged.words.join("; "));
        store::event::record(tx, database, now, "backup_refuted", &words).await?;
    }
    Ok(())
}

/// The server that made it where that is still installed, else the newest of its major.
async fn version(plane: &ControlPlane, made_by: &str, cx: &Cx) -> Result<PgVersion, StepError> {
    let made_by: PgVersion = made_by
        .parse()
        .map_err(|error| StepError::give_up("The version of this backup is unknown.").with_source(error))?;
    let all = plane.inner.engine.versions().await.map_err(|error| super::work::trouble(error, cx))?;
    let fits = all.iter().map(|one| one.version).filter(|version| version.major == made_by.major);
    let newest = fits.max_by_key(|version| (*version == made_by, *version));
    newest.ok_or_else(|| super::work::trouble(EngineError::VersionMissing(made_by), cx))
}
