//! Plans: what a database may use, and how its backups are kept.
//!
//! The table itself is configuration (the server's `plans`); this file says what a plan is. Connections follow from
//! memory, 60 per GiB, as the public documentation has it.

use serde::{Deserialize, Serialize};

/// One row of the plan table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// `postgresql-starter-512`
    pub name: String,
    /// `Starter 512M`
    pub display_name: String,
    /// One sentence: for whom it is.
    pub description: String,
    /// Memory, MiB.
    pub memory_mib: u32,
    /// Disk that is included, MiB.
    pub disk_mib: u32,
    /// Share of a core in thousandths: 1000 is one core.
    pub cpu_milli: u32,
    /// PostgreSQL servers: 1, or 2 for a cluster.
    pub nodes: u8,
    /// How many periodic daily backups are kept; 0: none are made.
    pub daily_backups: u16,
    /// How many weekly backups are kept.
    pub weekly_backups: u16,
    /// How many monthly backups are kept.
    #[serde(default)]
    pub monthly_backups: u16,
    /// How many manual backups are kept.
    pub manual_backups: u16,
    /// Days of point-in-time recovery; 0: none.
    pub pitr_days: u16,
}

impl Plan {
    /// Connections for users: 60 per GiB of memory, at least 10.
    #[must_use]
    pub fn connections(&self) -> u32 {
        (self.memory_mib * 60 / 1024).max(10)
    }

    /// `512 MB`, `1 GB`: the words of the plan list.
    #[must_use]
    pub fn memory(&self) -> String {
        amount(self.memory_mib)
    }

    /// `10 GB`.
    #[must_use]
    pub fn disk(&self) -> String {
        amount(self.disk_mib)
    }

    /// `0.25 core`, `1 core`, `1.5 cores`.
    #[must_use]
    pub fn cpu(&self) -> String {
        let share = format!("{}.{:03}", self.cpu_milli / 1000, self.cpu_milli % 1000);
        let share = share.trim_end_matches('0').trim_end_matches('.');
        format!("{share} {}", if self.cpu_milli > 1000 { "cores" } else { "core" })
    }

    /// "7 daily, 4 weekly, 12 monthly, 10 manual" without those that are 0, or "none".
    #[must_use]
    pub fn backups(&self) -> String {
        let parts = [
            ("daily", self.daily_backups),
            ("weekly", self.weekly_backups),
            ("monthly", self.monthly_backups),
            ("manual", self.manual_backups),
        ];
        let kept: Vec<_> =
            parts.iter().filter(|(_, n)| *n > 0).map(|(word, n)| format!("{n} {word}")).collect();
        if kept.is_empty() { "none".into() } else { kept.join(", ") }
    }

    /// The plans that are offered where no configuration says otherwise.
    #[must_use]
    pub fn defaults() -> Vec<Self> {
        let sandbox = Self {
            name: "postgresql-sandbox".into(),
            display_name: "Sandbox".into(),
            description: "To try things out. No backups.".into(),
            memory_mib: 256,
            disk_mib: 512,
            cpu_milli: 250,
            nodes: 1,
            daily_backups: 0,
            weekly_backups: 0,
            monthly_backups: 0,
            manual_backups: 0,
            pitr_days: 0,
        };
        let starter = |memory_mib: u32, disk_gib: u32, cpu_milli: u32, for_whom: &str| {
            let size =
                if memory_mib < 1024 { format!("{memory_mib}M") } else { format!("{}G", memory_mib / 1024) };
            Self {
                name: format!("postgresql-starter-{memory_mib}"),
                display_name: format!("Starter {size}"),
                description: for_whom.into(),
                memory_mib,
                disk_mib: disk_gib * 1024,
                cpu_milli,
                nodes: 1,
                daily_backups: 7,
                weekly_backups: 4,
                monthly_backups: 0,
                manual_backups: 10,
                pitr_days: 7,
            }
        };
        vec![
            sandbox,
            starter(512, 10, 500, "Small services and staging."),
            starter(1024, 20, 1000, "A first production database."),
            starter(2048, 40, 1500, "A busy service."),
            starter(4096, 80, 2000, "Steady load, larger working set."),
            starter(8192, 160, 4000, "Heavy queries, much cached."),
            starter(16384, 320, 8000, "The largest single server."),
        ]
    }
}

fn amount(mib: u32) -> String {
    if mib < 1024 { format!("{mib} MB") } else { format!("{} GB", mib / 1024) }
}

/// Bytes as people read them: `812 kB`, `38 MB`, `4.1 GB`. Units of 1024, as PostgreSQL's `pg_size_pretty` has them.
#[must_use]
pub fn size(bytes: u64) -> String {
    let (unit, name) = match bytes {
        0..1024 => return format!("{bytes} bytes"),
        1024..1_048_576 => (1024, "kB"),
        1_048_576..1_073_741_824 => (1_048_576, "MB"),
        _ => (1_073_741_824, "GB"),
    };
    let (whole, tenth) = (bytes / unit, bytes % unit * 10 / unit);
    if whole < 10 && tenth > 0 { format!("{whole}.{tenth} {name}") } else { format!("{whole} {name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_follow_memory() {
        let by_name: std::collections::BTreeMap<_, _> =
            Plan::defaults().into_iter().map(|p| (p.name.clone(), p.connections())).collect();
        assert_eq!(by_name["postgresql-starter-512"], 30);
        assert_eq!(by_name["postgresql-starter-1024"], 60);
        assert_eq!(by_name["postgresql-starter-16384"], 960);
    }

    #[test]
    fn sizes_read_naturally() {
        let all: Vec<_> = [0, 1024, 40_000_000, 4_420_000_000, 10 << 30].map(size).into();
        assert_eq!(all, ["0 bytes", "1 kB", "38 MB", "4.1 GB", "10 GB"]);
    }

    #[test]
    fn a_plan_reads_as_people_say_it() {
        let plans = Plan::defaults();
        assert_eq!((plans[1].memory(), plans[1].disk()), ("512 MB".into(), "10 GB".into()));
        assert_eq!((plans[0].cpu(), plans[2].cpu()), ("0.25 core".into(), "1 core".into()));
        assert_eq!((plans[3].cpu(), plans[4].cpu()), ("1.5 cores".into(), "2 cores".into()));
        assert_eq!(plans[0].backups(), "none");
        assert_eq!(plans[1].backups(), "7 daily, 4 weekly, 10 manual");
        let monthly = Plan { monthly_backups: 12, ..plans[1].clone() };
        assert_eq!(monthly.backups(), "7 daily, 4 weekly, 12 monthly, 10 manual");
    }
}
