//! What a change of plan would leave of the ways back to earlier data: asked of retention, and of the archive.
//!
//! Removes nothing. What goes afterwards is the keepers' to say; they follow the same rules.

use crate::{
    ControlPlane, Result,
    backup::{
        retention::{self, Rules},
        view,
    },
    store::{self, addon::Addon, backup::Filter},
};
use std::collections::BTreeSet;
use types::{BackupId, Plan, plan_change::ways_back::WaysBack};

impl ControlPlane {
    /// What there is to go back to, and how much of it `target` would not keep.
    pub(super) async fn ways_back(&self, row: &Addon, target: &Plan) -> Result<WaysBack> {
        let mut conn = self.store().acquire().await?;
        let filter = Filter { database: Some(row.database_id), ..Filter::default() };
        let rows = store::backup::list(&mut conn, &filter).await?;
        let zone = view::schedule_of(&store::backup::schedule(&mut conn, row.database_id).await?)?.zone();
        drop(conn);
        let now = self.now();
        let kept: Vec<_> = rows.iter().filter_map(view::kept).collect();
        let good: BTreeSet<_> = kept.iter().filter(|one| one.good).map(|one| one.id).collect();
        let going = |plan: &Plan| -> BTreeSet<BackupId> {
            let expired = retention::expired(&Rules::of(plan), zone, &kept, now, row.purged_at);
            expired.into_iter().map(|(id, _)| id).filter(|id| good.contains(id)).collect()
        };
        // Of a plan that left the configuration nothing goes: the keeper leaves its backups alone.
        let anyway = self.plan(&row.plan).map(|plan| going(&plan)).unwrap_or_default();
        let backups_lost = going(target).difference(&anyway).count();
        Ok(WaysBack {
            backups: u32::try_from(good.len()).unwrap_or(u32::MAX),
            backups_lost: u32::try_from(backups_lost).unwrap_or(u32::MAX),
            moments_ms: self.moments_reach(row).await?,
        })
    }
}
