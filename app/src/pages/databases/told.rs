//! What the figures of a database say in words: the four tiles, the plan's limits, and where the disk goes. Pure.

use types::{
    Plan,
    metric::Unit,
    plan::size,
    view::{Container, Figures},
};

/// A figure, its limit, and what else is known of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Told {
    /// "412 MB"
    pub value: String,
    /// " of 512 MB"
    pub of: String,
    /// Under it, on the left.
    pub left: String,
    /// Under it, on the right.
    pub right: String,
    /// How full it is, and what full is; both 0 when nothing is known.
    pub share: (f64, f64),
}

/// One of the four.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Processor time.
    Cpu,
    /// Memory.
    Memory,
    /// Clients.
    Connections,
    /// Storage.
    Disk,
}

impl Kind {
    /// All, in the order of the page.
    pub const ALL: [Self; 4] = [Self::Cpu, Self::Memory, Self::Connections, Self::Disk];

    /// Its name; the panel of the same name is on the metrics page.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cpu => "CPU",
            Self::Memory => "Memory",
            Self::Connections => "Connections",
            Self::Disk => "Disk",
        }
    }

    /// What the highest value on its tile is of: the kernel counts that of memory itself, from the server's start on.
    #[must_use]
    pub const fn highest_of(self) -> &'static str {
        match self {
            Self::Memory => "highest since start",
            Self::Cpu | Self::Connections | Self::Disk => "24 h",
        }
    }

    /// What its tile says. `highest` is of the last 24 hours.
    #[must_use]
    pub fn tell(self, figures: Option<&Figures>, plan: &Plan, highest: Option<f64>) -> Told {
        let Some(figures) = figures else {
            return Told { value: "—".into(), left: "The server does not run.".into(), ..Told::default() };
        };
        match self {
            Self::Cpu => cpu(&figures.container, plan, highest),
            Self::Memory => memory(&figures.container, plan),
            Self::Connections => connections(figures, highest),
            Self::Disk => disk(figures, plan),
        }
    }
}

fn cpu(container: &Container, plan: &Plan, highest: Option<f64>) -> Told {
    let limit = f64::from(plan.cpu_milli) / 10.0;
    Told {
        value: container.cpu_percent.map_or_else(|| "—".into(), |now| Unit::Percent.tell(now)),
        of: " of one core".into(),
        left: highest.map_or_else(String::new, |most| format!("highest {}", Unit::Percent.tell(most))),
        right: format!("limit {}", Unit::Percent.tell(limit)),
        share: (container.cpu_percent.unwrap_or(0.0), limit),
    }
}

fn memory(container: &Container, plan: &Plan) -> Told {
    let limit = memory_limit(container, plan);
    Told {
        value: size(container.memory_bytes),
        of: format!(" of {}", size(limit)),
        left: format!("highest {}", size(container.memory_peak_bytes)),
        right: format!("{} free", size(limit.saturating_sub(container.memory_bytes))),
        share: (float(container.memory_bytes), float(limit)),
    }
}

fn connections(figures: &Figures, highest: Option<f64>) -> Told {
    let free = figures.max_connections.saturating_sub(figures.connections);
    Told {
        value: figures.connections.to_string(),
        of: format!(" of {}", figures.max_connections),
        left: highest.map_or_else(String::new, |most| format!("highest {}", Unit::Count.tell(most))),
        right: format!("{free} free"),
        share: (f64::from(figures.connections), f64::from(figures.max_connections)),
    }
}

fn disk(figures: &Figures, plan: &Plan) -> Told {
    let limit = disk_limit(plan);
    Told {
        value: size(figures.disk_bytes),
        of: format!(" of {}", size(limit)),
        left: format!("data {}", size(figures.data_bytes)),
        right: format!("{} free", size(limit.saturating_sub(figures.disk_bytes))),
        share: (float(figures.disk_bytes), float(limit)),
    }
}

/// Disk that is included, bytes.
#[must_use]
pub fn disk_limit(plan: &Plan) -> u64 {
    u64::from(plan.disk_mib) << 20
}

fn memory_limit(container: &Container, plan: &Plan) -> u64 {
    if container.memory_limit_bytes > 0 {
        container.memory_limit_bytes
    } else {
        u64::from(plan.memory_mib) << 20
    }
}

#[expect(clippy::cast_precision_loss, reason = "a meter of a hundred pixels")]
fn float(bytes: u64) -> f64 {
    bytes as f64
}

/// Heads of the table of limits, after the name.
pub const LIMIT_HEADS: [&str; 5] = ["Now", "Highest", "Free", "Limit", "Held by"];

/// Rows of the table of limits.
pub const LIMIT_NAMES: [&str; 4] = ["Memory", "Swap", "CPU", "Processes"];

/// One cell of the table of limits.
#[must_use]
pub fn limit_cell(row: usize, column: usize, figures: Option<&Figures>, plan: &Plan) -> String {
    let none = "—".to_owned();
    let Some(Figures { container, .. }) = figures else { return none };
    let held = |held: bool| if held { "the kernel" } else { "advisory" }.to_owned();
    let memory = memory_limit(container, plan);
    let cpu = |percent: f64| Unit::Percent.tell(percent);
    let cpu_limit = f64::from(plan.cpu_milli) / 10.0;
    let no_swap = container.swap_limit_bytes == 0;
    match (row, column) {
        (0, 0) => size(container.memory_bytes),
        (0, 1) => size(container.memory_peak_bytes),
        (0, 2) => size(memory.saturating_sub(container.memory_bytes)),
        (0, 3) => size(memory),
        (0, 4) => held(container.enforced.memory),
        (1, 3) if no_swap => "none".into(),
        (1, 2 | 4) if no_swap => none,
        (1, 0) => size(container.swap_bytes),
        (1, 1) => size(container.swap_peak_bytes),
        (1, 2) => size(container.swap_free_bytes()),
        (1, 3) => size(container.swap_limit_bytes),
        (1, 4) => held(container.enforced.swap),
        (2, 0) => container.cpu_percent.map_or(none, cpu),
        (2, 2) => container.cpu_percent.map_or(none, |now| cpu((cpu_limit - now).max(0.0))),
        (2, 3) => cpu(cpu_limit),
        (2, 4) => held(container.enforced.cpu),
        (3, 0) => container.processes.to_string(),
        (3, 2 | 3) if container.processes_limit == 0 => none,
        (3, 2) => container.processes_limit.saturating_sub(container.processes).to_string(),
        (3, 3) => container.processes_limit.to_string(),
        (3, 4) => held(container.enforced.processes),
        _ => none,
    }
}

/// What the memory is made of: the part that the kernel takes back.
#[must_use]
pub fn cache_sentence(container: &Container) -> String {
    let kills = match container.oom_kills {
        0 => String::new(),
        1 => " The kernel ended 1 process because the memory was used up.".into(),
        n => format!(" The kernel ended {n} processes because the memory was used up."),
    };
    format!(
        "{} of the memory are file cache, which the kernel takes back when it is needed. Highest is since the \
         database was started.{kills}",
        size(container.memory_cache_bytes)
    )
}

/// Which limits are advice only, and why.
#[must_use]
pub fn advisory_sentence(container: &Container) -> Option<String> {
    let names = container.enforced.advisory();
    if names.is_empty() {
        return None;
    }
    let why = container.enforced.why_not.as_deref().map(|why| format!(" {}", ended(why))).unwrap_or_default();
    Some(format!(
        "Advisory here: {names}. PostgreSQL's settings keep to the plan; the kernel does not hold it.{why}"
    ))
}

/// A sentence with its full stop.
fn ended(text: &str) -> String {
    if text.ends_with('.') { text.into() } else { format!("{text}.") }
}

/// A part of the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// What it is.
    pub name: &'static str,
    /// How it comes about.
    pub about: &'static str,
    /// Bytes.
    pub bytes: u64,
}

/// What lies on the disk; the parts add up to what is on the disk, as far as it could be read.
#[must_use]
pub fn parts(figures: &Figures) -> [Part; 4] {
    let Figures { disk_bytes, data_bytes, wal_bytes, temp_bytes, .. } = *figures;
    let own = disk_bytes.saturating_sub(data_bytes).saturating_sub(wal_bytes).saturating_sub(temp_bytes);
    [
        Part { name: "Your database", about: "Tables and indexes: its logical size.", bytes: data_bytes },
        Part {
            name: "Write-ahead log",
            about: "Each change goes there first; PostgreSQL uses its files again.",
            bytes: wal_bytes,
        },
        Part {
            name: "Temporary files",
            about: "Sorts and hashes of queries that run now.",
            bytes: temp_bytes,
        },
        Part {
            name: "The server's own files",
            about: "System catalogues, template databases, its log.",
            bytes: own,
        },
    ]
}

/// Why the disk holds more than the data, in a sentence.
#[must_use]
pub fn disk_sentence(figures: &Figures) -> String {
    let more = figures.disk_bytes.saturating_sub(figures.data_bytes);
    let dead = match figures.dead_bytes {
        None => "How much of it dead rows take could not be read.".to_owned(),
        Some(0) => "No dead rows are known in it.".to_owned(),
        Some(bytes) => {
            format!("Dead rows take about {} of it; autovacuum makes that room for new rows.", size(bytes))
        }
    };
    format!(
        "{} on disk, {} of them your database. {dead} The other {} are PostgreSQL's.",
        size(figures.disk_bytes),
        size(figures.data_bytes),
        size(more)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::view::Enforced;

    const MB: u64 = 1 << 20;

    fn figures() -> Figures {
        Figures {
            connections: 14,
            max_connections: 30,
            data_bytes: 8 * MB,
            disk_bytes: 61 * MB,
            wal_bytes: 32 * MB,
            temp_bytes: 0,
            dead_bytes: Some(MB),
            container: Container {
                cpu_percent: Some(12.0),
                cpu_limit_percent: 50,
                memory_bytes: 100 * MB,
                memory_cache_bytes: 40 * MB,
                memory_peak_bytes: 140 * MB,
                memory_limit_bytes: 512 * MB,
                enforced: Enforced { memory: true, ..Enforced::default() },
                processes: 9,
                ..Container::default()
            },
        }
    }

    #[test]
    fn tiles_tell_value_limit_and_what_is_left() {
        let plan = &Plan::defaults()[1];
        let line = |kind: Kind| {
            let Told { value, of, left, right, .. } = kind.tell(Some(&figures()), plan, Some(41.0));
            format!("{value}{of} | {left} | {right}")
        };
        assert_eq!(
            Kind::ALL.map(line),
            [
                "12 % of one core | highest 41 % | limit 50 %",
                "100 MB of 512 MB | highest 140 MB | 412 MB free",
                "14 of 30 | highest 41 | 16 free",
                "61 MB of 10 GB | data 8 MB | 9.9 GB free",
            ]
        );
        let stopped = Kind::Cpu.tell(None, plan, Some(41.0));
        assert_eq!((stopped.value.as_str(), stopped.share), ("—", (0.0, 0.0)));
    }

    #[test]
    fn the_parts_of_the_disk_add_up() {
        let parts = parts(&figures());
        assert_eq!(parts.map(|part| part.bytes / MB), [8, 32, 0, 21]);
        assert_eq!(parts.iter().map(|part| part.bytes).sum::<u64>(), 61 * MB);
        assert!(
            disk_sentence(&figures()).starts_with("61 MB on disk, 8 MB of them your database. Dead rows")
        );
    }

    #[test]
    fn limits_say_who_holds_them() {
        let plan = &Plan::defaults()[1];
        let row = |row| {
            (0..LIMIT_HEADS.len()).map(|c| limit_cell(row, c, Some(&figures()), plan)).collect::<Vec<_>>()
        };
        assert_eq!(row(0), ["100 MB", "140 MB", "412 MB", "512 MB", "the kernel"]);
        assert_eq!(row(1), ["0 bytes", "0 bytes", "—", "none", "—"]);
        assert_eq!(row(2), ["12 %", "—", "38 %", "50 %", "advisory"]);
        assert_eq!(row(3), ["9", "—", "—", "—", "advisory"]);
    }

    #[test]
    fn advice_is_called_advice() {
        let mut container = figures().container;
        container.enforced.why_not = Some("No group may be made here".into());
        let told = advisory_sentence(&container).unwrap();
        assert!(told.starts_with("Advisory here: CPU, processes."), "{told}");
        assert!(told.ends_with("No group may be made here."), "{told}");
        container.enforced = Enforced { memory: true, swap: true, cpu: true, processes: true, why_not: None };
        assert_eq!(advisory_sentence(&container), None);
    }
}
