//! A node that is being restored: its note, and what its settings are until it is a database of its own.
//!
//! The note is Paddock's, not the server's user's. While it is there the server listens on its private socket only and
//! archives nothing; the settings of its plan come with the promotion.

use super::{config, tool};
use crate::{
    EngineConfig, disk,
    error::{Doing as _, fatal},
    layout::ClusterDir,
    settings::Settings,
};
use control::engine::{EngineError, pitr::Target};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fs, io};
use types::DatabaseId;

/// How far a restore is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stage {
    /// Its files are not all there.
    Copying,
    /// They are; it replays to the target and stops there.
    Replaying,
    /// It replays to the target and goes on from there.
    Finishing,
}

/// The note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Restoring {
    /// Whose archive.
    pub(crate) archive: DatabaseId,
    /// Where it stops.
    pub(crate) target: Target,
    /// The timeline that this means.
    pub(crate) timeline: u32,
    /// Its base backup.
    pub(crate) label: String,
    /// How far it is.
    pub(crate) stage: Stage,
    /// Settings that must not be lower than where the log was written (manual 26.4.1), as its control file has them.
    #[serde(default)]
    pub(crate) least: BTreeMap<String, u32>,
}

impl Restoring {
    /// The note of a node; `None`: it is a database.
    pub(crate) fn read(dir: &ClusterDir) -> Result<Option<Self>, EngineError> {
        match fs::read(dir.restoring()) {
            Ok(text) => serde_json::from_slice(&text)
                .map(Some)
                .map_err(|error| fatal("the note of a restore is broken", error)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).doing(|| format!("read {}", dir.restoring().display())),
        }
    }

    /// Its server listens on more than its private socket: it becomes a database.
    pub(crate) fn listens(&self) -> bool {
        self.stage == Stage::Finishing
    }

    pub(super) fn write(&self, dir: &ClusterDir) -> Result<(), EngineError> {
        let text = serde_json::to_vec_pretty(self).map_err(io::Error::other);
        text.and_then(|text| disk::write_atomic(&dir.restoring(), &text, 0o600, None))
            .doing(|| format!("write {}", dir.restoring().display()))
    }
}

/// A node's settings as they are while it is restored; those of a database stay as they are.
pub(crate) fn overrides(
    config: &EngineConfig,
    dir: &ClusterDir,
    mut all: Settings,
) -> Result<Settings, EngineError> {
    let Some(note) = Restoring::read(dir)? else { return Ok(all) };
    let Some(program) = tool::program(config) else {
        return Err(fatal("pgBackRest is missing", anyhow::anyhow!("a restore needs it")));
    };
    let finishing = note.stage == Stage::Finishing;
    let mut set = |name: &'static str, value: String| {
        all.retain(|(had, _)| *had != name);
        all.push((name, value));
    };
    let conf = dir.conf().join("pgbackrest.conf");
    set("restore_command", config::restore_command(&program, &conf));
    // To the microsecond, as PostgreSQL counts.
    set("recovery_target_time", note.target.moment.format("%Y-%m-%d %H:%M:%S%.6f+00").to_string());
    set("recovery_target_inclusive", "on".into());
    set("recovery_target_timeline", note.timeline.to_string());
    set("recovery_target_action", if finishing { "promote" } else { "pause" }.into());
    // Without sessions during recovery the settings may be lower than where the log was written.
    set("hot_standby", if finishing { "off" } else { "on" }.into());
    if !finishing {
        set("archive_mode", "off".into());
        set("listen_addresses", String::new());
        for name in LEAST {
            let Some(least) = note.least.get(name).copied() else { continue };
            let own =
                all.iter().find(|(had, _)| *had == name).and_then(|(_, value)| value.parse::<u32>().ok());
            all.retain(|(had, _)| *had != name);
            all.push((name, own.unwrap_or(0).max(least).to_string()));
        }
    }
    Ok(all)
}

/// Settings that a server with sessions during recovery needs at the least.
pub(super) const LEAST: [&str; 5] = [
    "max_connections",
    "max_worker_processes",
    "max_wal_senders",
    "max_prepared_transactions",
    "max_locks_per_transaction",
];

/// What `pg_controldata` tells of them: `max_connections setting:              53`.
pub(super) fn least(said: &str) -> BTreeMap<String, u32> {
    let line = |line: &str| {
        let (name, value) = line.split_once(':')?;
        let name = name.strip_suffix(" setting")?;
        // It shortens this one name.
        let name = if name == "max_locks_per_xact" { "max_locks_per_transaction" } else { name };
        let name = if name == "max_prepared_xacts" { "max_prepared_transactions" } else { name };
        LEAST.contains(&name).then_some((name.to_owned(), value.trim().parse().ok()?))
    };
    said.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_control_file_tells_what_is_needed() {
        let said = "wal_level setting:                    replica\n\
                    max_connections setting:              53\n\
                    max_prepared_xacts setting:           0\n\
                    max_locks_per_xact setting:           64\n";
        let least = least(said);
        assert_eq!(least.get("max_connections"), Some(&53));
        assert_eq!(least.get("max_locks_per_transaction"), Some(&64));
        assert_eq!(least.len(), 3);
    }
}
