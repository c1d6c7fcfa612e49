//! What a change of plan means for one database: what changes and when, whether it fits, and a verdict.
//!
//! The rule that makes a verdict of figures is here, so that the page, the API and the operation cannot differ.

use crate::{Plan, plan::size};
use serde::{Deserialize, Serialize};

pub mod ways_back;

/// Used to that share of the new limit (per cent), it fits but is worth a thought.
const TIGHT: u64 = 80;
/// Used to that share of the new disk (per cent), it does not fit: writes would stop at once.
const FULL: u64 = 95;

/// Whether a database fits a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It fits with room to spare.
    Safe,
    /// It fits, or reached more than the new limit lately: somebody should think first.
    Tight,
    /// It does not fit.
    Refused,
}

impl Verdict {
    /// The word for people.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Safe => "Safe",
            Self::Tight => "Tight",
            Self::Refused => "Refused",
        }
    }

    /// Its look: `ok`, `warn` or `err`.
    #[must_use]
    pub const fn tone(self) -> &'static str {
        match self {
            Self::Safe => "ok",
            Self::Tight => "warn",
            Self::Refused => "err",
        }
    }
}

/// A figure against the new limit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FitView {
    /// "Disk"
    pub title: String,
    /// "412 MB of 10 GB on disk"
    pub detail: String,
    /// What it means.
    pub verdict: Verdict,
}

/// A setting of PostgreSQL that follows from the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingChange {
    /// `shared_buffers`
    pub name: String,
    /// As it is in force, `128MB`.
    pub from: String,
    /// As the new plan has it.
    pub to: String,
    /// It takes a restart (`pg_settings.context` is `postmaster`).
    pub restart: bool,
}

/// What is known of a database before its plan changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Bytes on disk now.
    pub disk_bytes: u64,
    /// Most connections of the last 14 days; `None` when nothing was recorded.
    pub connections_peak: Option<u64>,
    /// Most memory of the last 14 days without file cache, bytes.
    pub memory_peak: Option<u64>,
}

/// A change of plan for this database, before anybody confirmed it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanChangeView {
    /// What it has.
    pub current: Plan,
    /// What it would get.
    pub target: Plan,
    /// Limits and settings in force at once, without a restart.
    pub at_once: Vec<SettingChange>,
    /// Settings that wait for the restart; empty: none is needed.
    pub at_restart: Vec<SettingChange>,
    /// How long the last interruptions of this database by a restart were, milliseconds, newest first.
    pub last_ms: Vec<u64>,
    /// What is expected of this one, milliseconds; `None` while nothing was measured. 0: no restart.
    pub predicted_ms: Option<u64>,
    /// Connections that a restart would close now.
    pub connections_now: u32,
    /// Figures against the new limits, and the rules for backups beside those of now.
    pub fits: Vec<FitView>,
    /// Backups and moments that would be lost, in one sentence; `None`: none.
    pub lost: Option<String>,
    /// The worst of them.
    pub verdict: Verdict,
    /// What it comes to, in one sentence.
    pub sentence: String,
}

/// The figures against the new plan's limits.
#[must_use]
pub fn fits(usage: &Usage, target: &Plan) -> Vec<FitView> {
    let disk = u64::from(target.disk_mib) << 20;
    let memory = u64::from(target.memory_mib) << 20;
    let connections = u64::from(target.connections());
    let share = |used: u64, of: u64| used.saturating_mul(100).checked_div(of).unwrap_or(100);
    let tight = |used: u64, of: u64| if share(used, of) >= TIGHT { Verdict::Tight } else { Verdict::Safe };
    let disk_verdict =
        if share(usage.disk_bytes, disk) >= FULL { Verdict::Refused } else { tight(usage.disk_bytes, disk) };
    let fit = |title: &str, detail: String, verdict| FitView { title: title.into(), detail, verdict };
    vec![
        fit(
            "Disk",
            format!(
                "{} of {} on disk ({} %)",
                size(usage.disk_bytes),
                target.disk(),
                share(usage.disk_bytes, disk)
            ),
            disk_verdict,
        ),
        match usage.connections_peak {
            Some(peak) => fit(
                "Connections",
                format!("{peak} of {connections} at the most in 14 days"),
                tight(peak, connections),
            ),
            None => fit("Connections", "nothing was recorded in the last 14 days".into(), Verdict::Safe),
        },
        match usage.memory_peak {
            Some(peak) => fit(
                "Memory",
                format!("{} of {} at the most in 14 days, file cache left out", size(peak), target.memory()),
                tight(peak, memory),
            ),
            None => fit("Memory", "nothing was recorded in the last 14 days".into(), Verdict::Safe),
        },
    ]
}

/// The worst of these.
#[must_use]
pub fn verdict(fits: &[FitView]) -> Verdict {
    fits.iter().map(|fit| fit.verdict).max().unwrap_or(Verdict::Safe)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    #[test]
    fn a_verdict_is_the_worst_figure() {
        // Starter 512M: 10 GB of disk, 512 MB of memory, 30 connections.
        let target = &Plan::defaults()[1];
        let of = |usage: Usage| verdict(&fits(&usage, target));
        let small = Usage { disk_bytes: GIB, connections_peak: Some(5), memory_peak: Some(100 << 20) };
        assert_eq!(of(small), Verdict::Safe);
        assert_eq!(of(Usage { disk_bytes: 8 * GIB, ..small }), Verdict::Tight);
        assert_eq!(of(Usage { disk_bytes: 10 * GIB - GIB / 4, ..small }), Verdict::Refused);
        assert_eq!(of(Usage { connections_peak: Some(31), ..small }), Verdict::Tight);
        assert_eq!(of(Usage { memory_peak: Some(500 << 20), ..small }), Verdict::Tight);
        assert_eq!(of(Usage { connections_peak: None, memory_peak: None, ..small }), Verdict::Safe);
    }

    #[test]
    fn a_figure_is_told_with_its_limit() {
        let usage = Usage { disk_bytes: 412 << 20, connections_peak: Some(14), memory_peak: None };
        let told: Vec<_> = fits(&usage, &Plan::defaults()[1]).into_iter().map(|fit| fit.detail).collect();
        assert_eq!(
            told,
            [
                "412 MB of 10 GB on disk (4 %)",
                "14 of 30 at the most in 14 days",
                "nothing was recorded in the last 14 days"
            ]
        );
    }
}
