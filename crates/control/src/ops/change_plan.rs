//! Change plan: other limits for the same database, with the same URL, users and data.
//!
//! | step       | looks first                    | does                                              | when it cannot be done |
//! |------------|--------------------------------|---------------------------------------------------|------------------------|
//! | check      | disk, peaks of 14 days         | refuses what does not fit                         | put_back               |
//! | configure  | files as they should be        | writes the settings; PostgreSQL reads them again  | put_back               |
//! | checkpoint | settings that wait             | writes everything out, so that the stop is short  | put_back               |
//! | restart    | settings that wait             | stops it, measures a disk that shrinks, starts it | put_back               |
//! | limit      | –                              | brings the kernel's limits to the plan            | put_back               |
//! | verify     | (always)                       | tries a login, and tells how it went              | put_back               |
//! | record     | –                              | the add-on has the new plan from now on           | goes on                |
//! | call_hook  | a call that was taken          | tells the app                                     | goes on                |
//! | put_back   | settings, limits, a server     | the old plan's, and the server runs               | keeps trying           |
//!
//! `checkpoint` and `restart` do nothing when no setting waits for a restart: then no connection is closed. The
//! add-on keeps its old plan in the store until `record`, so whatever is killed before is taken up or taken back.

use super::{
    About, Kind, Moment, call_hook,
    work::{self, Notes, Target},
};
use crate::{
    ControlPlane,
    engine::{EngineError, NodeSpec, NodeState},
    store,
};
use async_trait::async_trait;
use durable::{Cx, OnFailure, StepError, typed::Next, typed::label};
use serde::{Deserialize, Serialize};
use types::{
    Plan,
    plan_change::{self, Usage, Verdict},
};

/// Its name in the store.
pub(crate) const KIND: &str = "change_plan";

/// Its steps. Labels are stored: add, never rename.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    Check,
    Configure,
    Checkpoint,
    Restart,
    Limit,
    Verify,
    Record,
    CallHook,
    PutBack,
}

/// Where it begins.
pub(crate) fn first() -> String {
    label(Step::Check)
}

/// What was asked for, beside the subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Asked {
    /// Name of the plan that it had.
    pub(crate) from: String,
    /// Name of the plan that it gets.
    pub(crate) to: String,
}

/// The kind.
pub(crate) struct ChangePlan;

#[async_trait]
impl Kind for ChangePlan {
    type Step = Step;
    const KIND: &'static str = KIND;
    const FORWARD: &'static [Step] = &[
        Step::Check,
        Step::Configure,
        Step::Checkpoint,
        Step::Restart,
        Step::Limit,
        Step::Verify,
        Step::Record,
        Step::CallHook,
    ];
    const UNWINDING: &'static [Step] = &[Step::PutBack];
    const STEPS: &'static [Step] = &[
        Step::Check,
        Step::Configure,
        Step::Checkpoint,
        Step::Restart,
        Step::Limit,
        Step::Verify,
        Step::Record,
        Step::CallHook,
        Step::PutBack,
    ];

    async fn run(step: Step, plane: &ControlPlane, cx: &mut Cx) -> Result<Next<Step>, StepError> {
        let change = Change::load(plane, cx).await?;
        Ok(match step {
            Step::Check => {
                change.check(plane, cx).await?;
                Next::Go(Step::Configure)
            }
            Step::Configure => {
                change.configure(plane, cx).await?;
                Next::Go(Step::Checkpoint)
            }
            Step::Checkpoint => {
                change.checkpoint(plane, cx).await?;
                Next::Go(Step::Restart)
            }
            Step::Restart => {
                change.restart(plane, cx).await?;
                Next::Go(Step::Limit)
            }
            Step::Limit => {
                change.limit(plane, cx).await?;
                Next::Go(Step::Verify)
            }
            Step::Verify => {
                if change.runs() {
                    work::verify_softly(plane, &change.target, cx).await?;
                } else {
                    cx.detail(STOPPED).await?;
                }
                Next::Go(Step::Record)
            }
            Step::Record => {
                change.record(cx).await?;
                Next::Go(Step::CallHook)
            }
            Step::CallHook => call_hook::run(plane, &change.target, "database.plan_changed", cx).await?,
            Step::PutBack => {
                change.put_back(plane, cx).await?;
                Next::Done
            }
        })
    }

    fn on_failure(step: Step) -> OnFailure<Step> {
        match step {
            Step::Check | Step::Configure | Step::Checkpoint | Step::Restart | Step::Limit | Step::Verify => {
                OnFailure::Unwind(Step::PutBack)
            }
            Step::Record | Step::CallHook | Step::PutBack => OnFailure::Forward,
        }
    }

    fn on_cancel(step: Step) -> Option<Step> {
        match step {
            Step::Check | Step::Configure | Step::Checkpoint | Step::Restart => Some(Step::PutBack),
            Step::Limit | Step::Verify | Step::Record | Step::CallHook | Step::PutBack => None,
        }
    }

    fn title(about: &About) -> String {
        format!("Change plan of {}", about.database)
    }

    fn step_title(step: Step, about: &About) -> String {
        match step {
            Step::Check => "Compare what is used with the new limits".into(),
            Step::Configure => "Write the new settings".into(),
            Step::Checkpoint => "Write everything out, so that the restart is short".into(),
            Step::Restart => format!("Restart PostgreSQL {}, if a setting needs it", about.version),
            Step::Limit => "Set the new limits of memory, CPU and connections".into(),
            Step::Verify => "Log in through the published URL".into(),
            Step::Record => "Note the new plan".into(),
            Step::CallHook => format!("Tell {} through its hook", about.app),
            Step::PutBack => "Put the old plan back".into(),
        }
    }

    fn safety(moment: Moment<Step>, _about: &About) -> String {
        match moment {
            Moment::At(Step::Check | Step::Configure | Step::Checkpoint) => {
                "The database accepts connections. Until the restart it can be cancelled. URL, users and data stay \
                 as they are."
                    .into()
            }
            Moment::At(Step::Restart) => {
                "Connections are closed and can be opened again in a moment; what was committed stays. If it does \
                 not come up with the new plan, the old one is put back."
                    .into()
            }
            Moment::At(Step::Limit | Step::Verify) => {
                "If a step fails, the old plan is put back. What was committed stays.".into()
            }
            Moment::At(Step::Record | Step::CallHook) => {
                "The new plan is in force; only its announcement is left. You can close this page.".into()
            }
            Moment::At(Step::PutBack) | Moment::TakingBack => {
                "The old plan is being put back. What was committed stays.".into()
            }
            Moment::Succeeded => "The new plan is in force. URL, users and data are as they were.".into(),
            Moment::Failed | Moment::Cancelled => {
                "The old plan is in force, and the database is as it was.".into()
            }
            Moment::Stuck(_) => "No data was touched. Trying again goes on at this step.".into(),
        }
    }
}

const STOPPED: &str = "it is stopped; its next start has the new plan";

/// A change under way: the database as it is in the store, and as it shall be.
struct Change {
    target: Target,
    asked: Asked,
    to: NodeSpec,
}

impl Change {
    async fn load(plane: &ControlPlane, cx: &Cx) -> Result<Self, StepError> {
        let target = Target::load(plane, cx).await?;
        let asked: Asked = cx.params()?;
        let plan = plane.plan_shown(&asked.to);
        let to = NodeSpec { plan, ..target.spec.clone() };
        Ok(Self { target, asked, to })
    }

    fn runs(&self) -> bool {
        self.target.row.wanted == "running"
    }

    fn target_plan(&self, plane: &ControlPlane) -> Result<Plan, StepError> {
        plane.plan(&self.asked.to).map_err(|_| {
            StepError::give_up(format!(
                "The plan {} is not in Paddock's configuration any more. The operator can add it again.",
                self.asked.to
            ))
        })
    }

    /// Refuses what does not fit. The preview said the same, but that was before.
    fn fits(&self, plane: &ControlPlane, usage: Usage) -> Result<Verdict, StepError> {
        let plan = self.target_plan(plane)?;
        let fits = plan_change::fits(&usage, &plan);
        match fits.iter().find(|fit| fit.verdict == Verdict::Refused) {
            Some(fit) => Err(StepError::give_up(format!(
                "{} does not fit into {}: {}. Nothing is changed.",
                fit.title, plan.display_name, fit.detail
            ))),
            None => Ok(plan_change::verdict(&fits)),
        }
    }

    async fn check(&self, plane: &ControlPlane, cx: &mut Cx) -> Result<(), StepError> {
        let usage = plane
            .usage((self.target.row.database_id, self.target.row.node()))
            .await
            .map_err(|error| work::trouble(error, cx))?;
        let verdict = self.fits(plane, usage)?;
        let predicted_ms = plane.predicted_interruption(self.target.row.database_id).await;
        let notes = Notes { predicted_ms: predicted_ms.map_err(work::fault)?.0, ..cx.memo()? };
        cx.set_memo(&notes)?;
        cx.detail(format!("{}: {}", verdict.word().to_lowercase(), told(&usage))).await
    }

    async fn configure(&self, plane: &ControlPlane, cx: &mut Cx) -> Result<(), StepError> {
        self.target_plan(plane)?;
        let engine = &plane.inner.engine;
        let told = engine.configure(&self.to).await.map_err(|error| work::trouble(error, cx))?;
        if !self.runs() {
            return cx.detail(told).await;
        }
        let waiting = engine.pending(&self.to).await.map_err(|error| work::trouble(error, cx))?;
        cx.detail(match &waiting[..] {
            [] => "everything is in force; no restart is needed".to_owned(),
            waiting => format!("waits for the restart: {}", waiting.join(", ")),
        })
        .await
    }

    /// Whether a setting still waits for a restart of a server that runs.
    async fn restart_is_due(&self, plane: &ControlPlane, cx: &Cx) -> Result<bool, StepError> {
        let engine = &plane.inner.engine;
        let waiting = engine.pending(&self.to).await.map_err(|error| work::trouble(error, cx))?;
        Ok(!waiting.is_empty())
    }

    async fn state(&self, plane: &ControlPlane, cx: &Cx) -> Result<NodeState, StepError> {
        plane.inner.engine.observe(self.to.id).await.map_err(|error| work::trouble(error, cx))
    }

    async fn checkpoint(&self, plane: &ControlPlane, cx: &mut Cx) -> Result<(), StepError> {
        if !self.runs() {
            return cx.detail(STOPPED).await;
        }
        if !self.restart_is_due(plane, cx).await? {
            return cx.detail("no restart is needed").await;
        }
        // The first one may take long; what was written meanwhile is little, and the second one is short.
        for _ in 0..2 {
            plane.inner.engine.checkpoint(&self.to).await.map_err(|error| work::trouble(error, cx))?;
        }
        // A worker that is killed in the middle of the restart finds here since when nobody could connect.
        let notes = Notes { down_since: Some(cx.now()), ..cx.memo()? };
        cx.set_memo(&notes)?;
        cx.detail("done twice; the second one is short").await
    }

    async fn restart(&self, plane: &ControlPlane, cx: &mut Cx) -> Result<(), StepError> {
        if !self.runs() {
            return cx.detail(STOPPED).await;
        }
        let mut notes: Notes = cx.memo()?;
        let runs = matches!(self.state(plane, cx).await?, NodeState::Running { .. });
        let due = runs && self.restart_is_due(plane, cx).await?;
        if runs && !due && notes.down_since.is_none() {
            return cx.detail("no restart is needed").await;
        }
        if due {
            notes.down_since = Some(cx.now());
        }
        let engine = &plane.inner.engine;
        if due || !runs {
            work::stop(plane, &self.target, cx).await?;
            // Nobody writes now: what is on the disk is all of it. Nobody can connect either, so it is not looked through where
            // the disk does not shrink. Of a plan that left the configuration that is not known.
            let had = self.target.spec.plan.disk_mib;
            if had == 0 || self.to.plan.disk_mib < had {
                let disk_bytes =
                    engine.disk_bytes(self.to.id).await.map_err(|error| work::trouble(error, cx))?;
                self.fits(plane, Usage { disk_bytes, ..Usage::default() })?;
            }
        }
        engine.start(&self.to).await.map_err(|error| work::trouble(error, cx))?;
        notes.up_again(cx.now());
        cx.set_memo(&notes)?;
        let told = notes.interruption().map(|one| format!("nobody could connect for {}", one.sentence()));
        cx.detail(told.unwrap_or_else(|| "started".into())).await
    }

    async fn limit(&self, plane: &ControlPlane, cx: &mut Cx) -> Result<(), StepError> {
        if !self.runs() {
            return cx.detail(STOPPED).await;
        }
        let told = plane.inner.engine.limit(&self.to).await.map_err(|error| work::trouble(error, cx))?;
        cx.detail(told).await
    }

    async fn record(&self, cx: &mut Cx) -> Result<(), StepError> {
        let notes: Notes = cx.memo()?;
        let (now, operation) = (cx.now(), cx.operation_id);
        let row = &self.target.row;
        let tx = cx.tx().await?;
        store::addon::change_plan(tx, row.id, &self.asked.to, now).await?;
        if let Some(interruption) = notes.interruption() {
            store::interruption::record(tx, operation, row.database_id, now, interruption).await?;
        }
        cx.detail(format!("{} → {}", self.asked.from, self.asked.to)).await
    }

    /// The old plan, and the server as it was. Safe to repeat.
    async fn put_back(&self, plane: &ControlPlane, cx: &mut Cx) -> Result<(), StepError> {
        work::known_plan(plane, &self.target)?;
        let (engine, old) = (&plane.inner.engine, &self.target.spec);
        engine.configure(old).await.map_err(|error| work::trouble(error, cx))?;
        if !self.runs() {
            return cx.detail("settings of the old plan").await;
        }
        if matches!(self.state(plane, cx).await?, NodeState::Running { .. }) {
            let waiting = engine.pending(old).await.map_err(|error| work::trouble(error, cx))?;
            if !waiting.is_empty() {
                work::stop(plane, &self.target, cx).await?;
            }
        }
        let started = engine.start(old).await;
        started.map_err(|error: EngineError| work::trouble(error, cx))?;
        let told = engine.limit(old).await.map_err(|error| work::trouble(error, cx))?;
        cx.detail(format!("it runs with {}: {told}", old.plan.display_name)).await
    }
}

/// "412 MB on disk, at the most 14 connections and 120 MB of memory"
fn told(usage: &Usage) -> String {
    let size = types::plan::size;
    let mut told = format!("{} on disk", size(usage.disk_bytes));
    if let Some(connections) = usage.connections_peak {
        told += &format!(", at the most {connections} connections");
    }
    if let Some(memory) = usage.memory_peak {
        told += &format!(", at the most {} of memory", size(memory));
    }
    told
}
