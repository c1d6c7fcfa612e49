//! What the steps of a restore to a moment do. The way from one to the next is the kind's.
//!
//! Nothing here removes a server that ran the database: what was left goes to the trash, and what is removed was reached by
//! nobody but Paddock.

use super::{Ask, Step, beside};
use crate::{
    ControlPlane,
    crypto::scram,
    engine::{
        EngineError, NodeSpec, NodeState, Reach,
        dumps::Second,
        pitr::{self, Recovery, TableCount},
    },
    ops::{
        archive,
        work::{self, Notes, PATIENCE, Target},
    },
    store,
};
use chrono::{DateTime, Utc};
use durable::{Cx, StepError, typed::Next};
use std::time::Duration;
use types::{DatabaseId, NodeId, operation::duration, pitr::TableRows};

/// How often it is asked how far a server has replayed.
const ASK: Duration = Duration::from_millis(500);
/// How often it is looked whether a copy was cancelled.
const LOOK: Duration = Duration::from_secs(1);

/// So often it is looked who is connected still, and so often in a row nobody may be.
const LOOKS: u32 = 40;
const CALM: u32 = 3;

/// One run of a step.
pub(super) struct Work<'a> {
    pub(super) target: Target,
    pub(super) ask: Ask,
    pub(super) plane: &'a ControlPlane,
}

impl Work<'_> {
    fn engine(&self) -> &dyn crate::engine::Engine {
        &*self.plane.inner.engine
    }

    fn database(&self) -> DatabaseId {
        DatabaseId::new(self.target.row.database_id)
    }

    /// While it only stands there.
    fn beside(&self) -> NodeSpec {
        beside(&self.target.spec, self.ask.restore.uuid())
    }

    /// As the database, its doors closed still.
    pub(super) fn successor(&self) -> NodeSpec {
        NodeSpec { archive: self.target.spec.archive, ..self.beside() }
    }

    /// The old one with its doors closed.
    fn closed(&self) -> NodeSpec {
        NodeSpec {
            reach: Reach { closed: true, ..self.target.spec.reach.clone() },
            ..self.target.spec.clone()
        }
    }

    fn switched(&self) -> bool {
        self.target.spec.id.uuid() == self.ask.restore.uuid()
    }

    pub(super) async fn archive(&self, cx: &mut Cx) -> Result<(), StepError> {
        // What a worker that was killed noted stays.
        let notes: Notes = cx.memo()?;
        if notes.begun_at.is_none() {
            cx.set_memo(&Notes { begun_at: Some(cx.now()), ..notes })?;
        }
        let told = match self.engine().archive_now(&self.target.spec).await {
            Ok(()) => "everything until now is there".to_owned(),
            // It may have crashed, or the archive may be full: what is in it can be restored all the same.
            Err(error) => format!("not everything is there: {error}"),
        };
        cx.detail(told).await
    }

    pub(super) async fn copy(&self, cx: &mut Cx) -> Result<Next<Step>, StepError> {
        let key = self.plane.archive_passphrase(self.database()).await.map_err(work::fault)?;
        let to = pitr::Target { moment: self.ask.moment, timeline: self.ask.timeline };
        let spec = self.beside();
        let copying = self.engine().restore_beside(&spec, self.database(), &key, &to);
        tokio::pin!(copying);
        loop {
            tokio::select! {
                copied = &mut copying => {
                    cx.detail(copied.map_err(|error| work::trouble(error, cx))?).await?;
                    let notes = Notes { copied: true, ..cx.memo()? };
                    cx.set_memo(&notes)?;
                    return Ok(Next::Go(Step::Replay));
                }
                () = tokio::time::sleep(LOOK) => if archive::cancelled(self.plane, cx).await {
                    return Ok(Next::Again { after: Duration::ZERO, why: "being cancelled".into() });
                }
            }
        }
    }

    pub(super) async fn replay(&self, cx: &mut Cx) -> Result<Next<Step>, StepError> {
        let at = |at: Option<DateTime<Utc>>| match at {
            Some(at) => format!("replayed up to {}", at.format("%d %b %H:%M:%S UTC")),
            None => "replaying".to_owned(),
        };
        let recovery = self.engine().recovery(&self.beside()).await;
        Ok(match recovery.map_err(|error| work::trouble(error, cx))? {
            Recovery::Reached(last) => {
                let words = match last {
                    Some(last) => format!(
                        "it stands there; its last change is of {}",
                        last.format("%d %b %H:%M:%S%.3f UTC")
                    ),
                    None => "it stands there".into(),
                };
                cx.detail(words).await?;
                let notes = Notes { reached_at: last, ..cx.memo()? };
                cx.set_memo(&notes)?;
                Next::Go(Step::Look)
            }
            Recovery::Replaying(last) => Next::Again { after: ASK, why: at(last) },
            Recovery::Copying | Recovery::Stopped => Next::Go(Step::Copy),
            Recovery::Ended(words) => return Err(StepError::give_up(work::sentence(&words))),
            Recovery::Done => return Err(StepError::give_up("It is a database of its own already.")),
        })
    }

    pub(super) async fn look(&self, cx: &mut Cx) -> Result<(), StepError> {
        let counted = self.engine().peek(&self.beside()).await.map_err(|error| work::trouble(error, cx))?;
        let tables: Vec<_> = counted.iter().map(rows).collect();
        let all: u64 = counted.iter().filter_map(|table| table.rows).sum();
        cx.detail(format!("{} tables, {all} rows", tables.len())).await?;
        let notes: Notes = cx.memo()?;
        let took = notes.begun_at.map_or(0, |begun| crate::operation::millis(begun, cx.now()));
        let tables = serde_json::to_value(tables)?;
        let took = i64::try_from(took).unwrap_or(i64::MAX);
        let id = self.ask.restore.uuid();
        Ok(store::pitr::reached(cx.tx().await?, id, notes.reached_at, &tables, took).await?)
    }

    /// Nobody writes any more after this, and the last moment is noted: before the rest is archived, so that a worker that
    /// is killed finds a moment that a mark in the log comes after.
    pub(super) async fn close(&self, cx: &mut Cx) -> Result<(), StepError> {
        let engine = self.engine();
        // One that died since it was looked at is not waited for behind closed doors.
        self.stands(cx).await?;
        let seen =
            self.plane.inner.archives.get(self.target.row.database_id).and_then(|seen| seen.state.timeline);
        let mut notes = Notes { down_since: Some(cx.now()), left_timeline: seen, ..cx.memo()? };
        if self.runs(cx).await? {
            // First the bulk, with the doors open: an archive that does not flow ends this before anybody notices.
            engine.archive_now(&self.target.spec).await.map_err(|error| work::trouble(error, cx))?;
            // Asked now, since it also looks through the archive: nobody shall wait for that behind closed doors.
            let seen = engine.archive_state(&self.target.spec).await;
            notes.left_timeline = seen.map_err(|error| work::trouble(error, cx))?.timeline;
            notes.down_since = Some(cx.now());
            let closed = self.closed();
            engine.configure(&closed).await.map_err(|error| work::trouble(error, cx))?;
            let mut ended = 0;
            // Whoever was being let in while the rules changed is seen by a later look: three in a row find nobody.
            let mut calm = 0;
            for _ in 0..LOOKS {
                let now =
                    engine.end_refused(&closed, false).await.map_err(|error| work::trouble(error, cx))?;
                (ended, calm) = (ended + now, if now == 0 { calm + 1 } else { 0 });
                if calm == CALM {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            notes.left_at = Some(cx.now());
            cx.detail(format!("{ended} connections ended")).await?;
        }
        cx.set_memo(&notes)
    }

    pub(super) async fn stop(&self, cx: &mut Cx) -> Result<(), StepError> {
        if self.runs(cx).await? {
            // The bulk was there before the doors were closed. When this does not arrive, they are opened again at once.
            let archived = self.engine().archive_now(&self.target.spec).await;
            archived
                .map_err(|error| StepError::give_up(work::sentence(&error.to_string())).with_source(error))?;
            cx.detail("everything is in the archive").await?;
        }
        work::stop(self.plane, &self.target, cx).await
    }

    async fn runs(&self, cx: &Cx) -> Result<bool, StepError> {
        let state = self.engine().observe(self.target.spec.id).await;
        match state.map_err(|error| work::trouble(error, cx))? {
            NodeState::Running { .. } => Ok(true),
            // It runs and is busy, or recovers: what it still writes must not be left behind.
            NodeState::Starting => Err(StepError::retry("The database runs and does not answer.")),
            NodeState::Stopped | NodeState::Absent | NodeState::Trashed => Ok(false),
        }
    }

    /// Sees that what was restored stands at its moment.
    async fn stands(&self, cx: &Cx) -> Result<(), StepError> {
        match self.engine().recovery(&self.beside()).await.map_err(|error| work::trouble(error, cx))? {
            Recovery::Reached(_) | Recovery::Done => Ok(()),
            // It stood there before: it runs, and is too busy to answer.
            Recovery::Replaying(_) => Err(StepError::retry("What was restored runs and does not answer.")),
            Recovery::Copying | Recovery::Stopped | Recovery::Ended(_) => {
                Err(StepError::give_up("What was restored does not stand at its moment any more."))
            }
        }
    }

    pub(super) async fn promote(&self, cx: &mut Cx) -> Result<(), StepError> {
        let told = self.engine().finish_restore(&self.successor()).await;
        cx.detail(told.map_err(|error| work::trouble(error, cx))?).await
    }

    pub(super) async fn switch(&self, cx: &mut Cx) -> Result<(), StepError> {
        if self.switched() {
            return Ok(());
        }
        let (notes, now): (Notes, _) = (cx.memo()?, cx.now());
        let left = store::pitr::Left {
            node: self.target.spec.id.uuid(),
            timeline: notes.left_timeline,
            at: notes.left_at,
        };
        store::pitr::switch(cx.tx().await?, self.ask.restore.uuid(), left, now).await?;
        cx.detail("its server runs the database from now on").await
    }

    pub(super) async fn open(&self, cx: &mut Cx) -> Result<(), StepError> {
        let (engine, spec) = (self.engine(), &self.target.spec);
        engine.start(spec).await.map_err(|error| work::trouble(error, cx))?;
        // Users and passwords are of that moment; the published login is of today.
        let verifier = scram::verifier(&self.target.password(self.plane).await?);
        engine.open_login(spec, &verifier).await.map_err(|error| work::trouble(error, cx))?;
        engine.close_other_logins(spec, true).await.map_err(|error| work::trouble(error, cx))?;
        engine.configure(spec).await.map_err(|error| work::trouble(error, cx))?;
        engine.limit(spec).await.map_err(|error| work::trouble(error, cx))?;
        work::verify_softly(self.plane, &self.target, cx).await?;
        self.seconds(cx).await?;
        let mut notes: Notes = cx.memo()?;
        notes.up_again(cx.now());
        cx.set_memo(&notes)?;
        if let Some(ms) = notes.interruption_ms {
            cx.log(format!("nobody could connect for {}", duration(ms))).await?;
        }
        Ok(())
    }

    /// A dump may have been restored in this server before that moment, or just then: what that left is as of then, and the
    /// store told of another server.
    async fn seconds(&self, cx: &mut Cx) -> Result<(), StepError> {
        let (engine, spec) = (self.engine(), &self.target.spec);
        engine.drop_second(spec, Second::Incoming).await.map_err(|error| work::trouble(error, cx))?;
        let left = engine.seconds(spec).await.map_err(|error| work::trouble(error, cx))?;
        let since = left.contains(&Second::Replaced).then(|| cx.now());
        let database = self.target.row.database_id;
        Ok(store::backup::replaced(cx.tx().await?, database, since).await?)
    }

    pub(super) async fn put_away(&self, cx: &mut Cx) -> Result<(), StepError> {
        let mut conn = self.plane.store().acquire().await?;
        let left = store::pitr::get(&mut conn, self.ask.restore.uuid()).await?.and_then(|row| row.left_node);
        drop(conn);
        let Some(left) = left.map(NodeId::new) else { return Ok(()) };
        match self.engine().trash(left).await {
            Ok(()) => cx.detail("it waits in the trash for three days, and in the archive as a moment").await,
            // Moved before a kill, or lost before: then there is nothing to put away.
            Err(EngineError::Absent) => Ok(()),
            Err(error) => Err(work::trouble(error, cx)),
        }
    }

    pub(super) async fn reopen(&self, cx: &mut Cx) -> Result<(), StepError> {
        if self.switched() {
            return Err(StepError::give_up("The restored server is the database already."));
        }
        let (engine, spec) = (self.engine(), &self.target.spec);
        match engine.stop(NodeId::new(self.ask.restore.uuid()), PATIENCE).await {
            Ok(()) | Err(EngineError::Absent) => {}
            Err(error) => return Err(work::trouble(error, cx)),
        }
        engine.configure(spec).await.map_err(|error| work::trouble(error, cx))?;
        work::start(self.plane, &self.target, cx).await?;
        let key = self.plane.archive_passphrase(self.database()).await.map_err(work::fault)?;
        engine.enable_archiving(spec, &key).await.map_err(|error| work::trouble(error, cx))?;
        let mut notes: Notes = cx.memo()?;
        notes.up_again(cx.now());
        cx.set_memo(&notes)
    }

    pub(super) async fn discard(&self, cx: &mut Cx) -> Result<(), StepError> {
        if self.switched() {
            return Err(StepError::give_up("The restored server is the database already."));
        }
        let (engine, spec) = (self.engine(), self.beside());
        let notes: Notes = cx.memo()?;
        if let Some(was) = self.ask.was.filter(|_| !notes.copied)
            && matches!(engine.recovery(&spec).await, Ok(Recovery::Reached(_)))
        {
            // The move was refused before it touched anything.
            cx.detail("it stands where it stood").await?;
            let (operation, id) = (cx.operation_id, self.ask.restore.uuid());
            return Ok(store::pitr::stays(cx.tx().await?, id, was, operation).await?);
        }
        match engine.discard_restore(&spec).await {
            Ok(()) => {}
            // It went on by itself, behind closed doors: nobody has written there.
            Err(EngineError::Foreign(_)) => {
                let gone = async {
                    engine.stop(spec.id, PATIENCE).await?;
                    engine.trash(spec.id).await?;
                    engine.purge(spec.id).await
                };
                gone.await.map_err(|error: EngineError| work::trouble(error, cx))?;
            }
            Err(error) => return Err(work::trouble(error, cx)),
        }
        let (now, id) = (cx.now(), self.ask.restore.uuid());
        Ok(store::pitr::discarded(cx.tx().await?, id, now).await?)
    }
}

fn rows(counted: &TableCount) -> TableRows {
    TableRows { table: format!("{}.{}", counted.schema, counted.table), rows: counted.rows }
}
