//! Changing a plan: first what it would mean for this very database, then the request.
//!
//! The preview asks the server and the kernel, and tells nothing that it did not read. The rule that refuses is in
//! `types::plan_change`; the operation asks it again, at last when nobody can write any more.

use super::accept;
use crate::{
    Action, Actor, ControlPlane, Error, Result, audit,
    engine::{EngineError, NodeSpec},
    ops::change_plan::{self, Asked},
    store::{self, addon::Addon},
};
use chrono::TimeDelta;
use durable::Enqueued;
use std::time::Duration;
use types::{
    AddonId, NodeId, Plan,
    operation::short,
    plan_change::{PlanChangeView, Usage, Verdict, fits, verdict, ways_back},
    view::Accepted,
};
use uuid::Uuid;

/// How far back peaks count.
const LOOK_BACK: TimeDelta = TimeDelta::days(14);
/// Reading what is in force asks the server itself; the page does not wait longer.
const PATIENCE: Duration = Duration::from_secs(3);
/// So many earlier interruptions are shown.
const SHOWN: i64 = 5;

impl ControlPlane {
    /// What the change to the plan of this name would mean for this database. Nothing is changed.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` on field `plan`; `Unavailable` when the server cannot be asked.
    pub async fn plan_change(&self, actor: &Actor, addon: AddonId, plan: &str) -> Result<PlanChangeView> {
        self.addon_access(actor, addon, Action::View).await?;
        let mut conn = self.store().acquire().await?;
        let row = self.live_row(&mut conn, addon).await?;
        drop(conn);
        let target = self.plan(plan)?;
        let current = self.plan_shown(&row.plan);
        if current.name == target.name {
            return Err(has_it_already(&target));
        }
        let spec = NodeSpec { plan: target.clone(), ..self.spec(&row)? };
        let engine = &self.inner.engine;
        let usage = self.usage((row.database_id, row.node())).await?;
        let preview = tokio::time::timeout(PATIENCE, engine.preview(&spec)).await.map_err(|_| slow())??;
        let (at_restart, at_once): (Vec<_>, _) = preview.into_iter().partition(|change| change.restart);
        let runs = row.wanted == "running";
        let figures = if runs { engine.figures(&spec).await.ok() } else { None };
        let connections_now = figures.map_or(0, |figures| figures.connections);
        let (predicted_ms, last_ms) = match at_restart.is_empty() || !runs {
            true => (Some(0), Vec::new()),
            false => self.predicted_interruption(row.database_id).await?,
        };
        let back = self.ways_back(&row, &target).await?;
        let mut fits = fits(&usage, &target);
        fits.extend(ways_back::rules(&back, &current, &target));
        let verdict = verdict(&fits);
        let restart = runs && !at_restart.is_empty();
        let sentence = sentence(verdict, &target, restart, predicted_ms, connections_now);
        let lost = ways_back::lost(&back, &target);
        Ok(PlanChangeView {
            current,
            target,
            at_once,
            at_restart,
            last_ms,
            predicted_ms,
            connections_now,
            fits,
            lost,
            verdict,
            sentence,
        })
    }

    /// Changes the plan. `confirm` is the database's name, typed: needed where the fit is tight, and where backups or
    /// moments would be lost.
    ///
    /// # Errors
    /// `Invalid` on field `plan` (unknown, refused, the one that it has) or `confirm`; `Conflict` while something else
    /// changes it, or before it was ready.
    pub async fn change_plan(
        &self,
        actor: &Actor,
        addon: AddonId,
        plan: &str,
        confirm: &str,
        key: Option<String>,
    ) -> Result<Accepted> {
        let access = self.addon_access(actor, addon, Action::Operate).await?;
        let target = self.plan(plan)?;
        if let Some(why) = self.judge(addon, &target).await?.filter(|_| confirm != access.resource_id) {
            return Err(Error::invalid("confirm", format!("{why} Type {} to confirm.", access.resource_id)));
        }
        self.change_plan_unconfirmed(actor, addon, target, key).await
    }

    /// [`Self::change_plan`] for clients that ask their user themselves: what is tight, also what gives up backups or
    /// moments, is not asked for again.
    ///
    /// # Errors
    /// As [`Self::change_plan`], `confirm` left out.
    pub async fn change_plan_api(
        &self,
        actor: &Actor,
        addon: AddonId,
        plan: &str,
        key: Option<String>,
    ) -> Result<Accepted> {
        self.addon_access(actor, addon, Action::Operate).await?;
        let target = self.plan(plan)?;
        self.judge(addon, &target).await?;
        self.change_plan_unconfirmed(actor, addon, target, key).await
    }

    /// Refuses what does not fit, and says why the rest needs a second thought, if it does.
    async fn judge(&self, addon: AddonId, target: &Plan) -> Result<Option<String>> {
        let mut conn = self.store().acquire().await?;
        let row = self.addon_row(&mut conn, addon).await?;
        drop(conn);
        if row.operation.is_some() {
            // Whether it is the same request or another one in the way, the operation log says.
            return Ok(None);
        }
        may_change(&row)?;
        if row.plan == target.name {
            return Err(has_it_already(target));
        }
        let fits = fits(&self.usage((row.database_id, row.node())).await?, target);
        if let Some(fit) = fits.iter().find(|fit| fit.verdict == Verdict::Refused) {
            let (title, plan, detail) = (&fit.title, &target.display_name, &fit.detail);
            let message = format!("{title} does not fit into {plan}: {detail}. Nothing was changed.");
            return Err(Error::invalid("plan", message));
        }
        let lost = ways_back::lost(&self.ways_back(&row, target).await?, target);
        let tight = || format!("{} is tight for it.", target.display_name);
        Ok(lost.or_else(|| (verdict(&fits) == Verdict::Tight).then(tight)))
    }

    async fn change_plan_unconfirmed(
        &self,
        actor: &Actor,
        addon: AddonId,
        target: Plan,
        key: Option<String>,
    ) -> Result<Accepted> {
        let ask = accept::idempotency(actor, key, &(change_plan::KIND, addon, &target.name))?;
        let now = self.now();
        let mut tx = self.store().begin().await?;
        // The disk guard writes settings of the plan that it finds: it is done, or finds this operation.
        store::addon::lock(&mut tx, addon.uuid()).await?;
        let row = self.addon_row(&mut tx, addon).await?;
        let subject = row.subject();
        let asked = Asked { from: row.plan.clone(), to: target.name.clone() };
        let begin = (change_plan::KIND, change_plan::first());
        let operation = match accept::enqueue_with(&mut tx, now, actor, begin, (subject, asked), ask).await? {
            Enqueued::New(id) => id,
            Enqueued::Existing(id) => {
                tx.rollback().await?;
                return self.accepted_with(id, target).await;
            }
        };
        // Looked at again behind the operation: nothing else changes it from here on.
        let again = self.addon_row(&mut tx, addon).await?;
        may_change(&again)?;
        if again.plan != row.plan || again.plan == target.name {
            return Err(has_it_already(&target));
        }
        store::addon::touch(&mut tx, row.id, now).await?;
        let entry = audit::Entry::new("database.change_plan").app(subject.app).database(subject.database);
        let detail = format!("{}: {} → {}", row.resource_id, row.plan, target.name);
        audit::record(&mut tx, now, actor, entry.detail(detail)).await?;
        tx.commit().await?;
        self.accepted_with(operation, target).await
    }

    /// The add-on with the plan that it gets: public clients look whether they were understood.
    async fn accepted_with(&self, operation: Uuid, target: Plan) -> Result<Accepted> {
        let mut accepted = self.accepted(operation).await?;
        accepted.addon.plan = target;
        Ok(accepted)
    }

    /// What a database uses, for the comparison with a plan's limits.
    pub(crate) async fn usage(
        &self,
        (database, node): (Uuid, NodeId),
    ) -> std::result::Result<Usage, EngineError> {
        let disk_bytes = self.inner.engine.disk_bytes(node).await?;
        let peaks = self.peaks(database, self.now() - LOOK_BACK).await.unwrap_or_else(|error| {
            tracing::warn!(%database, %error, "What a database used lately could not be read");
            crate::metrics::Peaks::default()
        });
        Ok(Usage { disk_bytes, connections_peak: peaks.connections, memory_peak: peaks.memory })
    }

    /// What is expected of an interruption of this database, and its last ones, milliseconds. A database without any
    /// is told the median of this host.
    pub(crate) async fn predicted_interruption(&self, database: Uuid) -> Result<(Option<u64>, Vec<u64>)> {
        let mut conn = self.store().acquire().await?;
        let last = store::interruption::last(&mut conn, database, SHOWN).await?;
        let mut sorted = last.clone();
        sorted.sort_unstable();
        let predicted = match sorted.get(sorted.len() / 2) {
            Some(median) => Some(*median),
            None => store::interruption::median(&mut conn).await?,
        };
        Ok((predicted, last))
    }
}

fn may_change(row: &Addon) -> Result<()> {
    if row.deleted_at.is_some() {
        return Err(Error::conflict("This database is deleted. Bring it back first."));
    }
    if !row.ready {
        return Err(Error::conflict("This database was never ready. Delete it and create another."));
    }
    Ok(())
}

fn has_it_already(plan: &Plan) -> Error {
    Error::invalid("plan", format!("The database has {} already. Choose another plan.", plan.display_name))
}

fn slow() -> Error {
    Error::Unavailable {
        message: "The server did not tell its settings in time. Nothing was changed; try again.".into(),
        source: None,
    }
}

/// What it comes to.
fn sentence(
    verdict: Verdict,
    target: &Plan,
    restart: bool,
    predicted_ms: Option<u64>,
    connections: u32,
) -> String {
    if verdict == Verdict::Refused {
        return format!(
            "It does not fit into {}. Make room first, or choose a larger plan.",
            target.display_name
        );
    }
    let closed = match connections {
        0 => "no connection is open now".to_owned(),
        1 => "1 open connection is closed".to_owned(),
        n => format!("{n} open connections are closed"),
    };
    match (restart, predicted_ms) {
        (false, _) => "No restart: no connection is closed.".into(),
        (true, Some(ms)) => {
            format!("One restart: nobody can connect for about {}, and {closed}.", short(ms))
        }
        (true, None) => {
            format!(
                "One restart: nobody can connect for a moment (none was measured on this host yet), and {closed}."
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_says_what_it_costs() {
        let plan = &Plan::defaults()[2];
        let told = |verdict, restart, ms, connections| sentence(verdict, plan, restart, ms, connections);
        assert_eq!(told(Verdict::Safe, false, Some(0), 7), "No restart: no connection is closed.");
        assert_eq!(
            told(Verdict::Tight, true, Some(310), 7),
            "One restart: nobody can connect for about 310 ms, and 7 open connections are closed."
        );
        assert!(told(Verdict::Safe, true, None, 0).contains("no connection is open now"));
        assert!(told(Verdict::Refused, true, None, 0).starts_with("It does not fit into Starter 1G"));
    }
}
