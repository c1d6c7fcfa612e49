//! Point-in-time recovery in the words that core, pages and clients share: which moments can be had, what stands beside
//! a database, and how much would be lost now.
//!
//! Holds words and sums only. What is archived and restored is the engine's; what may be asked for, the core's.

use crate::{OperationId, RestoreId, operation::duration};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// Where a restore to a moment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RestoreStatus {
    /// On its way to its moment.
    Restoring,
    /// It stands there, can be looked at, moved, switched to, discarded.
    Ready,
    /// It took the database's place.
    Switched,
    /// It is gone.
    Discarded,
}

/// The text names no status of a restore.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no status of a restore")]
pub struct UnknownRestoreStatus(String);

impl RestoreStatus {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Restoring, Self::Ready, Self::Switched, Self::Discarded];

    /// The word of the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Restoring => "restoring",
            Self::Ready => "ready",
            Self::Switched => "switched",
            Self::Discarded => "discarded",
        }
    }
}

impl FromStr for RestoreStatus {
    type Err = UnknownRestoreStatus;

    fn from_str(text: &str) -> Result<Self, UnknownRestoreStatus> {
        let found = Self::ALL.into_iter().find(|status| status.as_str() == text);
        found.ok_or_else(|| UnknownRestoreStatus(text.to_owned()))
    }
}

/// A table as it was at a moment, and as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableRows {
    /// `public.orders`
    pub table: String,
    /// Rows, counted; `None`: there was no time for it.
    pub rows: Option<u64>,
}

/// A restore to a moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreView {
    /// Its id.
    pub id: RestoreId,
    /// Where it is.
    pub status: RestoreStatus,
    /// The moment that was asked for.
    pub moment: DateTime<Utc>,
    /// The last transaction in it.
    pub reached_at: Option<DateTime<Utc>>,
    /// Its tables; empty until it was looked at.
    pub tables: Vec<TableRows>,
    /// How long it took, milliseconds.
    pub took_ms: Option<u64>,
    /// The operation that works or worked on it.
    pub operation: OperationId,
    /// Asked for.
    pub created_at: DateTime<Utc>,
    /// It goes by itself then.
    pub until: DateTime<Utc>,
}

/// The state before a restore took the database's place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestorePoint {
    /// The restore that replaced it.
    pub restore: RestoreId,
    /// Its last moment.
    pub moment: DateTime<Utc>,
    /// The timeline that leads there.
    pub timeline: u32,
    /// To which moment the database went back then.
    pub went_to: DateTime<Utc>,
}

/// A base backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaseView {
    /// `20261128-013000F`
    pub label: String,
    /// `full`, `differential` or `incremental`
    pub kind: String,
    /// Begun.
    pub from: DateTime<Utc>,
    /// Moments after this can be restored from it.
    pub to: DateTime<Utc>,
    /// Size of the server that it holds, bytes.
    pub bytes: u64,
    /// What it takes by itself, bytes.
    pub stored_bytes: u64,
    /// Pages with a wrong checksum were found in it.
    pub damaged: bool,
}

/// Moments that cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GapView {
    /// The last safe moment before it.
    pub from: Option<DateTime<Utc>>,
    /// When the log went on.
    pub to: Option<DateTime<Utc>>,
}

/// Something on the ribbon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// When.
    pub at: DateTime<Utc>,
    /// `base`, `restart` or `restore`
    pub kind: String,
    /// "Base backup, full"
    pub words: String,
}

/// The moments of a database, with everything that their page says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PitrView {
    /// Its plan has them for so many days; 0: not at all.
    pub days: u16,
    /// Why this host cannot have them; `None`: it can.
    pub unavailable: Option<String>,
    /// Why it is not well with the archive: nothing arrives, or it waits for a restart.
    pub trouble: Option<String>,
    /// The first moment that can be had.
    pub from: Option<DateTime<Utc>>,
    /// The last one.
    pub to: Option<DateTime<Utc>>,
    /// When the log last arrived in the archive.
    pub archived_at: Option<DateTime<Utc>>,
    /// Base backups, oldest first.
    pub bases: Vec<BaseView>,
    /// Holes in the window.
    pub gaps: Vec<GapView>,
    /// What happened in the window, oldest first.
    pub marks: Vec<Mark>,
    /// The base backup that is being made.
    pub making: Option<OperationId>,
    /// When the next full one is due.
    pub next_full_at: Option<DateTime<Utc>>,
    /// What stands beside the database.
    pub standing: Option<RestoreView>,
    /// States that restores have left, newest first.
    pub points: Vec<RestorePoint>,
    /// Median of earlier restores, milliseconds; `None`: there was none.
    pub expected_ms: Option<u64>,
    /// Now, as the server sees it.
    pub now: DateTime<Utc>,
}

/// How much would be lost, and for how long the database would be away, in the two ways in which data are lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exposure {
    /// Its data are lost and the machine stands; `None`: there is nothing to bring them back from.
    pub data: Option<WayBack>,
    /// Everything on this machine is lost; `None`: no copy is elsewhere.
    pub machine: Option<WayBack>,
}

/// A way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WayBack {
    /// What would be lost at most, milliseconds.
    pub lost_ms: u64,
    /// How long bringing it back takes, as it was measured last, milliseconds; `None`: it was never measured.
    pub back_ms: Option<u64>,
    /// From what.
    pub from: Ground,
}

/// From what data are brought back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ground {
    /// The archive of its write-ahead log.
    Archive,
    /// Its last good backup.
    Backup,
}

impl WayBack {
    /// "you would lose at most 14 s and be back in about 4 min"
    fn clause(self) -> String {
        let back = self.back_ms.map(|ms| format!(" and be back in about {}", about(ms))).unwrap_or_default();
        format!("you would lose at most {}{back}", about(self.lost_ms))
    }
}

impl Exposure {
    /// "If its data were lost now, you would lose at most 60 s and be back in about 4 min."
    #[must_use]
    pub fn data_lost(&self) -> String {
        let lost =
            self.data.map_or_else(|| "everything would be: there is no backup yet".into(), WayBack::clause);
        format!("If its data were lost now, {lost}.")
    }

    /// "If this machine burned now, everything would be lost: no copy is off this machine."
    #[must_use]
    pub fn machine_lost(&self) -> String {
        let lost = self
            .machine
            .map_or_else(|| "everything would be lost: no copy is off this machine".into(), WayBack::clause);
        format!("If this machine burned now, {lost}.")
    }

    /// Where the first figure comes from, and what would better the second.
    #[must_use]
    pub fn ground(&self) -> String {
        let Some(data) = self.data else { return "Make a backup to change that.".into() };
        let from = match data.from {
            Ground::Archive => {
                "The first is from the archive of its write-ahead log, which lies on this machine"
            }
            Ground::Backup => "The first is from its last good backup",
        };
        let measured =
            if data.back_ms.is_some() { "; the time was measured by the last restore" } else { "" };
        let place = match self.machine {
            Some(_) => "The second is from its last good backup, in object storage.",
            None => {
                "Backups in object storage survive the loss of the machine. A directory that is mounted from another one does, too, but Paddock cannot see that."
            }
        };
        format!("{from}{measured}. {place}")
    }
}

/// A time as people tell it: `14 s`, `4 min`, `5 hours`, `3 days`.
#[must_use]
pub fn about(ms: u64) -> String {
    match ms / 1000 {
        0..=119 => duration(ms.max(1000)),
        s @ 120..=7199 => format!("{} min", s / 60),
        s @ 7200..=172_799 => format!("{} hours", s / 3600),
        s => format!("{} days", s / 86_400),
    }
}

/// Where a moment is in a window, in thousandths of it; what is outside stands at its edge.
#[must_use]
pub fn place(at: DateTime<Utc>, (from, to): (DateTime<Utc>, DateTime<Utc>)) -> u32 {
    let all = (to - from).max(TimeDelta::milliseconds(1)).num_milliseconds();
    let share = (at - from).num_milliseconds().clamp(0, all) * 1000 / all;
    u32::try_from(share).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_lost_is_told_plainly() {
        let archive = WayBack { lost_ms: 14_000, back_ms: Some(4 * 60_000), from: Ground::Archive };
        let backup = WayBack { lost_ms: 5 * 3_600_000, back_ms: None, from: Ground::Backup };
        let both = Exposure { data: Some(archive), machine: Some(backup) };
        let said = "If its data were lost now, you would lose at most 14 s and be back in about 4 min.";
        assert_eq!(both.data_lost(), said);
        assert_eq!(both.machine_lost(), "If this machine burned now, you would lose at most 5 hours.");
        assert!(both.ground().contains("on this machine; the time was measured"), "{}", both.ground());
        let here = Exposure { machine: None, ..both };
        let said = "If this machine burned now, everything would be lost: no copy is off this machine.";
        assert_eq!(here.machine_lost(), said);
        assert!(here.ground().contains("object storage survive"), "{}", here.ground());
        let nothing = Exposure { data: None, machine: None };
        assert!(nothing.data_lost().contains("everything would be"));
        assert_eq!(nothing.ground(), "Make a backup to change that.");
        assert_eq!([47, 49].map(|hours| about(hours * 3_600_000)), ["47 hours", "2 days"]);
    }

    #[test]
    fn a_moment_has_its_place_in_the_window() {
        let at = |s| DateTime::from_timestamp(s, 0).unwrap();
        let window = (at(100), at(300));
        assert_eq!([50, 100, 150, 300, 400].map(|s| place(at(s), window)), [0, 0, 250, 1000, 1000]);
        assert_eq!(place(at(5), (at(5), at(5))), 0, "a window without length");
    }

    #[test]
    fn words_survive_the_store() {
        for status in RestoreStatus::ALL {
            assert_eq!(status.as_str().parse(), Ok(status));
        }
        assert!("Ready".parse::<RestoreStatus>().is_err());
    }
}
