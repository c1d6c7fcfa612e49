//! What a change of plan would change in a server: its settings against those in force, the kernel's limits against
//! those of its group. Nothing is changed here.

use crate::{
    cgroup::{Limits, Reading},
    error,
    layout::ClusterDir,
    settings::Settings,
    sql::{SUPERUSER, Session},
};
use control::engine::{EngineError, NodeSpec};
use std::{collections::HashMap, fs, time::Duration};
use tokio_postgres::Client;
use types::{Plan, plan::size, plan_change::SettingChange};

/// A setting in force, as `pg_settings` has it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct InForce {
    setting: String,
    unit: Option<String>,
    restart: bool,
}

/// Against a running server. `wanted`: its settings by the new plan; `reading`: its group, if it is in one.
pub(crate) async fn running(
    dir: &ClusterDir,
    spec: &NodeSpec,
    wanted: &Settings,
    limits: &Limits,
    reading: &Reading,
) -> Result<Vec<SettingChange>, EngineError> {
    let session = Session::new(dir.run(), spec.port, SUPERUSER, Duration::from_secs(5));
    let names: Vec<&str> = wanted.iter().map(|(name, _)| *name).collect();
    let (rows, allowed) = session
        .run("read the settings", async |client: Client| {
            let ask = "SELECT name, setting, unit, context FROM pg_catalog.pg_settings WHERE name = ANY ($1)";
            let rows = client.query(ask, &[&names]).await?;
            let ask = "SELECT rolconnlimit FROM pg_catalog.pg_roles WHERE rolname = $1";
            let allowed = client.query_opt(ask, &[&spec.name]).await?;
            Ok((rows, allowed.map(|row| row.try_get::<_, i32>(0)).transpose()?))
        })
        .await?;
    let mut in_force = HashMap::new();
    for row in rows {
        let read = || {
            let context: String = row.try_get("context")?;
            let restart = context == "postmaster";
            let one = InForce { setting: row.try_get("setting")?, unit: row.try_get("unit")?, restart };
            Ok((row.try_get("name")?, one))
        };
        let (name, one): (String, InForce) =
            read().map_err(|error| error::sql("read the settings", error))?;
        in_force.insert(name, one);
    }
    let mut changes: Vec<_> =
        wanted.iter().filter_map(|(name, value)| difference(name, value, in_force.get(*name)?)).collect();
    let restart = changes.iter().any(|change| change.restart);
    changes.extend(limit_changes(&spec.plan, limits, reading, allowed, restart));
    Ok(changes)
}

/// Against the file of a stopped server: whatever changes, its next start takes it.
pub(crate) fn stopped(dir: &ClusterDir, wanted: &Settings) -> Vec<SettingChange> {
    let text = fs::read_to_string(dir.conf().join("postgresql.conf")).unwrap_or_default();
    let written: HashMap<&str, &str> = text
        .lines()
        .filter_map(|line| {
            let (name, value) = line.split_once(" = ")?;
            Some((name, value.strip_prefix('\'')?.strip_suffix('\'')?))
        })
        .collect();
    let change = |name: &str, from: &str, to: &str| SettingChange {
        name: name.into(),
        from: human(from),
        to: human(to),
        restart: false,
    };
    let other = wanted.iter().filter_map(|(name, value)| {
        let from = written.get(name)?;
        (from != value).then(|| change(name, from, value))
    });
    other.collect()
}

/// The setting's change, if its value is another one when both are in the server's own unit.
fn difference(name: &str, wanted: &str, now: &InForce) -> Option<SettingChange> {
    let unit = now.unit.as_deref().unwrap_or_default();
    let to = in_unit(wanted, unit).unwrap_or_else(|| wanted.to_owned());
    (to != now.setting).then(|| SettingChange {
        name: name.into(),
        from: human(&with_unit(&now.setting, unit)),
        to: human(&with_unit(&to, unit)),
        restart: now.restart,
    })
}

/// `131072kB` in `8kB` is `16384`.
fn in_unit(value: &str, unit: &str) -> Option<String> {
    let (bytes, one) = (amount(value)?, amount(unit)?);
    // PostgreSQL rounds to the nearest, too.
    Some(((bytes + one / 2) / one).to_string())
}

/// `16384` of `8kB` is `131072kB`; special values (-1, names) stay as they are.
fn with_unit(setting: &str, unit: &str) -> String {
    let scaled = || {
        let (count, unit_size) = (setting.parse::<u64>().ok()?, amount(unit)?);
        let (amount, time) = (count * unit_size, ["ms", "s", "min"].contains(&base(unit)));
        Some(if time { format!("{amount}ms") } else { format!("{}kB", amount / 1024) })
    };
    scaled().unwrap_or_else(|| match setting.parse::<u64>() {
        Ok(_) => format!("{setting}{unit}"),
        Err(_) => setting.to_owned(),
    })
}

/// Bytes, or milliseconds for units of time. `kB` alone is one of it.
fn amount(text: &str) -> Option<u64> {
    let unit = base(text);
    let digits = text.strip_suffix(unit)?;
    let count = if digits.is_empty() { 1 } else { digits.parse().ok()? };
    let scale = match unit {
        "B" | "ms" => 1,
        "kB" => 1 << 10,
        "MB" => 1 << 20,
        "GB" => 1 << 30,
        "s" => 1000,
        "min" => 60_000,
        _ => return None,
    };
    Some(count * scale)
}

fn base(text: &str) -> &str {
    text.trim_start_matches(|c: char| c.is_ascii_digit())
}

/// `131072kB` is `128MB` for people, `300000ms` five minutes.
fn human(value: &str) -> String {
    let largest = |amount: u64, units: &[(u64, &str)]| {
        let fits = units.iter().find(|(scale, _)| amount > 0 && amount.is_multiple_of(*scale));
        fits.map(|(scale, unit)| format!("{}{unit}", amount / scale))
    };
    let told = match (amount(value), base(value)) {
        (None, _) | (_, "") => None,
        (Some(ms), "ms" | "s" | "min") => largest(ms, &[(60_000, "min"), (1000, "s"), (1, "ms")]),
        (Some(bytes), _) => largest(bytes, &[(1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "kB")]),
    };
    told.unwrap_or_else(|| value.to_owned())
}

/// The kernel's limits, where it holds any, and the connections that the user may open.
///
/// With a restart the new limits come with the fresh group, so they are no change at once.
fn limit_changes(
    plan: &Plan,
    limits: &Limits,
    reading: &Reading,
    allowed: Option<i32>,
    restart: bool,
) -> Vec<SettingChange> {
    let mut changes = Vec::new();
    let mut change = |name: &str, from: String, to: String| {
        if from != to {
            changes.push(SettingChange { name: name.into(), from, to, restart });
        }
    };
    if let Some(now) = reading.memory.and_then(|memory| memory.limit) {
        change("memory", size(now), size(limits.memory));
    }
    if let Some(now) = reading.cpu_milli {
        change("cpu", Plan { cpu_milli: now, ..plan.clone() }.cpu(), plan.cpu());
    }
    if let Some(now) = reading.processes_limit {
        change("processes", now.to_string(), limits.processes.to_string());
    }
    if let Some(now) = allowed.filter(|now| *now >= 0) {
        change("connections", now.to_string(), plan.connections().to_string());
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_force(setting: &str, unit: &str, restart: bool) -> InForce {
        InForce { setting: setting.into(), unit: (!unit.is_empty()).then(|| unit.into()), restart }
    }

    #[test]
    fn equal_values_are_no_change_whatever_their_unit() {
        for (wanted, setting, unit) in [
            ("131072kB", "16384", "8kB"),
            ("64MB", "64", "MB"),
            ("3276kB", "3276", "kB"),
            ("5min", "300", "s"),
            ("0.9", "0.9", ""),
            ("off", "off", ""),
            ("38", "38", ""),
            ("2560MB", "2621440", "kB"),
        ] {
            assert_eq!(difference("x", wanted, &in_force(setting, unit, true)), None, "{wanted}");
        }
    }

    #[test]
    fn a_change_is_told_as_people_say_it() {
        let told = |wanted, setting, unit| {
            let change = difference("x", wanted, &in_force(setting, unit, false)).unwrap();
            format!("{} → {}", change.from, change.to)
        };
        assert_eq!(told("131072kB", "8192", "8kB"), "64MB → 128MB");
        assert_eq!(told("4194304kB", "16384", "8kB"), "128MB → 4GB");
        assert_eq!(told("3276kB", "4096", "kB"), "4MB → 3276kB");
        assert_eq!(told("10min", "300", "s"), "5min → 10min");
        assert_eq!(told("64MB", "-1", "kB"), "-1 → 64MB");
        assert_eq!(told("38", "23", ""), "23 → 38");
        assert_eq!(told("on", "off", ""), "off → on");
    }

    #[test]
    fn limits_are_compared_with_the_kernel_s() {
        let plan = &Plan::defaults()[1];
        let limits = Limits { memory: 512 << 20, swap: 0, cpu_milli: 500, processes: 100, aside: false };
        let memory = crate::cgroup::Memory { current: 1, cache: 0, peak: None, limit: Some(256 << 20) };
        let reading = Reading {
            memory: Some(memory),
            cpu_milli: Some(250),
            processes_limit: Some(100),
            ..Reading::default()
        };
        let told = limit_changes(plan, &limits, &reading, Some(15), false);
        let told: Vec<_> = told.iter().map(|c| format!("{} {} → {}", c.name, c.from, c.to)).collect();
        assert_eq!(told, ["memory 256 MB → 512 MB", "cpu 0.25 core → 0.5 core", "connections 15 → 30"]);
        let none = limit_changes(plan, &limits, &Reading::default(), Some(30), false);
        assert_eq!(none, [], "where the kernel holds none, none changes");
        let later = limit_changes(plan, &limits, &reading, None, true);
        assert!(later.iter().all(|change| change.restart));
    }
}
