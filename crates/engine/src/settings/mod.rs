//! The settings of a server, from its plan: a pure function, and the text of `postgresql.conf`.
//!
//! The whole file is ours: it names every setting that matters, does not lean on what `initdb` wrote, and is written
//! again from the plan at every configure. Users cannot change it (from 17 on `ALTER SYSTEM` is off; before, they are
//! no superusers). Memory is the plan's, never more than the host has. Numbers cite the PostgreSQL manual, chapter 19
//! "Server Configuration", where it gives a rule.

mod text;

use std::net::IpAddr;
use std::path::Path;
use text::path;
pub use text::{BadValue, Settings, render};
use types::{PgVersion, Plan};

/// Connections that only a superuser gets: the platform can always look and act.
pub const SUPERUSER_CONNECTIONS: u32 = 3;
/// Connections for the platform's weak roles. From 16 on they are set aside for members of
/// `pg_use_reserved_connections`; before, the limit on users' roles keeps them free.
pub const PLATFORM_CONNECTIONS: u32 = 5;
/// Followers, base backups and archives at once.
const WAL_SENDERS: u32 = 5;

/// What a host has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Host {
    /// Memory, MiB.
    pub memory_mib: u64,
    /// Processor cores.
    pub cpus: u32,
}

/// A server that is to be configured.
#[derive(Clone, Copy, Debug)]
pub struct Server<'a> {
    /// Its version: not all know all settings.
    pub version: PgVersion,
    /// Its limits.
    pub plan: &'a Plan,
    /// What it runs on.
    pub host: Host,
    /// What `ps` shows.
    pub name: &'a str,
    /// Its port; also in its socket's name.
    pub port: u16,
    /// Addresses that it listens on; none: the socket only.
    pub listen: &'a [IpAddr],
    /// Directory of its private socket.
    pub socket_dir: &'a Path,
    /// Directory of its log; the server's user must be able to write there.
    pub log_dir: &'a Path,
    /// `pg_hba.conf`
    pub hba_file: &'a Path,
    /// `pg_ident.conf`
    pub ident_file: &'a Path,
    /// Certificate and key; none: no TLS.
    pub tls: Option<(&'a Path, &'a Path)>,
    /// New transactions are read-only unless they say otherwise.
    pub read_only: bool,
    /// Modules of its version that it loads at its start.
    pub preload: &'a [&'a str],
    /// Statistics of statements are recorded, if its module is loaded.
    pub statements: bool,
    /// Statements that take so long are logged with their plan, milliseconds; `None`: none.
    pub slow_query_ms: Option<u32>,
    /// Where its log goes; none: nowhere ([`NOT_ARCHIVED`]).
    pub archive_command: Option<&'a str>,
}

/// Says yes to every segment: where nothing is archived, nothing piles up.
pub const NOT_ARCHIVED: &str = "/bin/true";

/// The settings of a server.
///
/// # Errors
/// A path that is no text.
pub fn settings(server: &Server<'_>) -> Result<Settings, BadValue> {
    let mut all = reach(server)?;
    all.extend(memory(server));
    all.extend(write_ahead_log(server.plan));
    all.extend(archive(server));
    all.extend(workers(server));
    all.extend(log(server)?);
    all.extend(statements(server));
    all.extend(fixed(server));
    Ok(all)
}

/// Those of them that follow from the plan: what a change of plan can change.
#[must_use]
pub fn by_plan(server: &Server<'_>) -> Settings {
    let mut all = vec![("max_connections", connections(server.plan).to_string())];
    all.extend(memory(server));
    all.extend(write_ahead_log(server.plan));
    all.extend(workers(server));
    all
}

/// All connections: those of users, and the platform's own.
///
/// The reserved ones are those that must still be *free* after a user connected (19.3.1), so the platform's open
/// connections need places of their own beside them: else each would take one from the users.
fn connections(plan: &Plan) -> u32 {
    plan.connections() + 2 * PLATFORM_CONNECTIONS + SUPERUSER_CONNECTIONS
}

/// How many processes a server of this plan may need, for a limit that stops nothing but a flood.
///
/// A process for every connection and as many again, which only come to be refused or are still at the password
/// (the postmaster lets in twice the number of connections before it refuses); workers; and the server's own, which
/// are about a dozen: postmaster, logger, checkpointer, writers, launchers.
#[must_use]
pub fn processes(plan: &Plan, host: Host) -> u32 {
    const OWN: u32 = 16;
    let cores = cores(plan, host);
    2 * (connections(plan) + WAL_SENDERS) + worker_processes(cores) + vacuums(plan) + io_workers(cores) + OWN
}

/// 19.3: where it listens, who gets a connection.
fn reach(server: &Server<'_>) -> Result<Settings, BadValue> {
    let listen: Vec<_> = server.listen.iter().map(ToString::to_string).collect();
    // A list, whose items stand in double quotes when they hold a comma or a space.
    let socket_dir = format!("\"{}\"", path(server.socket_dir)?.replace('"', "\"\""));
    let mut all = vec![
        ("cluster_name", server.name.to_owned()),
        ("listen_addresses", listen.join(",")),
        ("port", server.port.to_string()),
        ("unix_socket_directories", socket_dir),
        ("unix_socket_permissions", "0700".into()),
        ("hba_file", path(server.hba_file)?),
        ("ident_file", path(server.ident_file)?),
        ("max_connections", connections(server.plan).to_string()),
        ("superuser_reserved_connections", SUPERUSER_CONNECTIONS.to_string()),
        ("password_encryption", "scram-sha-256".into()),
        ("authentication_timeout", "30s".into()),
        // Clients that vanished give their connection back within two minutes, also in the middle of a query.
        ("tcp_keepalives_idle", "60".into()),
        ("tcp_keepalives_interval", "10".into()),
        ("tcp_keepalives_count", "6".into()),
        ("client_connection_check_interval", "10s".into()),
    ];
    if server.version.major >= 16 {
        all.push(("reserved_connections", PLATFORM_CONNECTIONS.to_string()));
    }
    match server.tls {
        None => all.push(("ssl", "off".into())),
        Some((certificate, key)) => all.extend([
            ("ssl", "on".into()),
            ("ssl_cert_file", path(certificate)?),
            ("ssl_key_file", path(key)?),
            ("ssl_min_protocol_version", "TLSv1.2".into()),
        ]),
    }
    Ok(all)
}

/// Of so much memory: "a reasonable starting value for shared_buffers is 25% of the memory" (19.4.1).
pub(crate) const fn shared_buffers(memory: u64) -> u64 {
    memory / 4
}

/// 19.4.1 and 19.7.2. Kibibytes are computed, so that a small plan does not round to nothing.
fn memory(server: &Server<'_>) -> Settings {
    let total_kib = u64::from(server.plan.memory_mib).min(server.host.memory_mib) * 1024;
    let shared = shared_buffers(total_kib);
    // work_mem: "several running sessions could be doing such operations concurrently": what is left, for four sorts or
    // hashes at once in every connection.
    let work = (total_kib - shared) / (4 * u64::from(server.plan.connections()));
    let maintenance = (total_kib / 20).clamp(16 * 1024, 1024 * 1024);
    let kib = |n: u64| format!("{n}kB");
    let mut all = vec![
        ("shared_buffers", kib(shared)),
        // The kernel's limit of memory does not count them: what is taken in huge pages would come on top of the plan.
        ("huge_pages", "off".into()),
        ("work_mem", kib(work.max(1024))),
        ("maintenance_work_mem", kib(maintenance)),
        // autovacuum_work_mem: "when autovacuum runs, up to autovacuum_max_workers times this memory may be allocated";
        // maintenance by hand is one at a time.
        ("autovacuum_work_mem", kib((maintenance / 2).max(8 * 1024))),
        // "consider both PostgreSQL's shared buffers and the portion of the kernel's disk cache": what is neither
        // sorting nor hashing. The file cache counts within the plan's memory, too.
        ("effective_cache_size", kib(total_kib / 4 * 3)),
        ("dynamic_shared_memory_type", "posix".into()),
        ("temp_file_limit", format!("{}MB", (server.plan.disk_mib / 4).max(64))),
    ];
    if server.version.major >= 17 {
        // 19.4.2, pages of 8 kB: who listens and never reads would else keep 8 GB of others' messages.
        all.push(("max_notify_queue_pages", "8192".into()));
    }
    all
}

/// 19.5 and 19.6: nothing that was committed is lost, a follower or an archive can be added without a restart, and
/// the log stays a small part of the plan's disk.
fn write_ahead_log(plan: &Plan) -> Settings {
    let max = (plan.disk_mib / 8).clamp(64, 4096);
    vec![
        ("fsync", "on".into()),
        ("synchronous_commit", "on".into()),
        ("full_page_writes", "on".into()),
        // 19.13: the kernel tells once that it lost what was written; only the log knows it then.
        ("data_sync_retry", "off".into()),
        ("wal_level", "replica".into()),
        ("wal_compression", "lz4".into()),
        // 19.5.2: a checkpoint every five minutes, or earlier when so much was written, spread over nine tenths of
        // the time in between.
        ("checkpoint_timeout", "5min".into()),
        ("checkpoint_completion_target", "0.9".into()),
        ("max_wal_size", format!("{max}MB")),
        // "at least twice wal_segment_size"
        ("min_wal_size", format!("{}MB", (max / 4).max(32))),
        ("max_wal_senders", WAL_SENDERS.to_string()),
        ("max_replication_slots", "5".into()),
        // A follower that went away must not fill the disk.
        ("max_slot_wal_keep_size", format!("{}MB", (plan.disk_mib / 4).max(64))),
    ]
}

/// 19.5.3. `archive_mode` cannot change without a restart, so it is on everywhere. An idle server writes nothing, and
/// then no segment is ended by the time.
fn archive(server: &Server<'_>) -> Settings {
    vec![
        ("archive_mode", "on".into()),
        ("archive_command", server.archive_command.unwrap_or(NOT_ARCHIVED).to_owned()),
        ("archive_timeout", if server.archive_command.is_some() { "60s" } else { "0" }.into()),
    ]
}

/// 19.4.6 and 19.10: workers follow the share of the processor.
fn workers(server: &Server<'_>) -> Settings {
    let cores = cores(server.plan, server.host);
    let mut all = vec![
        ("max_worker_processes", worker_processes(cores).to_string()),
        ("max_parallel_workers", cores.to_string()),
        ("max_parallel_workers_per_gather", (cores / 2).to_string()),
        ("max_parallel_maintenance_workers", (cores / 2).min(2).to_string()),
        // Subscriptions are not offered: they connect out of the host.
        ("max_logical_replication_workers", "0".into()),
        ("autovacuum", "on".into()),
        ("autovacuum_max_workers", vacuums(server.plan).to_string()),
    ];
    if server.version.major >= 18 {
        all.push(("io_workers", io_workers(cores).to_string()));
        // Room for the most that a plan has, so that autovacuum_max_workers can change without a restart.
        all.push(("autovacuum_worker_slots", "4".into()));
    }
    all
}

/// Cores that a plan can keep busy.
fn cores(plan: &Plan, host: Host) -> u32 {
    plan.cpu_milli.div_ceil(1000).min(host.cpus).max(1)
}

/// Two more than the parallel ones: extensions have theirs too.
fn worker_processes(cores: u32) -> u32 {
    cores + 2
}

fn io_workers(cores: u32) -> u32 {
    cores.clamp(1, 3)
}

fn vacuums(plan: &Plan) -> u32 {
    match plan.memory_mib {
        0..1024 => 1,
        1024..4096 => 2,
        _ => 3,
    }
}

/// 19.8. The server's own collector writes the files, and no pipe breaks when the control plane goes; Paddock removes
/// old ones ([`crate::logs`]). Records are JSON: one line each, whatever stands in a name or a message. In text a client
/// could begin a line of its own by the name that it logs in with, which PostgreSQL writes into `%u` as it is.
///
/// A statement's text can hold a password (`ALTER ROLE … PASSWORD`, a failed one too), and parameters can hold
/// anything: neither is ever logged.
fn log(server: &Server<'_>) -> Result<Settings, BadValue> {
    Ok(vec![
        ("logging_collector", "on".into()),
        ("log_destination", "jsonlog".into()),
        ("log_directory", path(server.log_dir)?),
        ("log_filename", "postgresql-%Y-%m-%d_%H%M%S.log".into()),
        ("log_file_mode", "0600".into()),
        ("track_activity_query_size", "16kB".into()),
        ("log_rotation_age", "1d".into()),
        ("log_rotation_size", "16MB".into()),
        ("log_truncate_on_rotation", "off".into()),
        ("log_line_prefix", "%m [%p] %c %q%u@%d ".into()),
        ("log_timezone", "UTC".into()),
        ("log_connections", "on".into()),
        ("log_disconnections", "on".into()),
        ("log_checkpoints", "on".into()),
        ("log_lock_waits", "on".into()),
        ("log_temp_files", "10MB".into()),
        ("log_statement", "none".into()),
        ("log_min_duration_statement", "-1".into()),
        ("log_min_error_statement", "panic".into()),
        ("log_parameter_max_length", "0".into()),
        ("log_parameter_max_length_on_error", "0".into()),
    ])
}

/// F.3 auto_explain and F.32 pg_stat_statements. Both see planned statements only: `ALTER ROLE` and its like are none, and
/// are neither counted nor logged. Sent in one text with a slow statement they are part of what is logged; so passwords
/// are masked wherever a log is read. Loaded and idle until somebody asks for them: a reload switches them.
fn statements(server: &Server<'_>) -> Settings {
    let mut all = Settings::new();
    if !server.preload.is_empty() {
        all.push(("shared_preload_libraries", server.preload.join(",")));
    }
    if server.preload.contains(&"pg_stat_statements") {
        all.extend([
            ("pg_stat_statements.max", "2000".into()),
            ("pg_stat_statements.track", if server.statements { "top" } else { "none" }.into()),
            ("pg_stat_statements.track_utility", "off".into()),
            ("pg_stat_statements.save", "on".into()),
        ]);
    }
    if server.preload.contains(&"auto_explain") {
        let after = server.slow_query_ms.map_or_else(|| "-1".into(), |ms| format!("{ms}ms"));
        all.extend([
            ("auto_explain.log_min_duration", after),
            ("auto_explain.log_nested_statements", "off".into()),
        ]);
        if server.version.major >= 16 {
            all.push(("auto_explain.log_parameter_max_length", "0".into()));
        }
    }
    all
}

/// What is the same for every plan.
fn fixed(server: &Server<'_>) -> Settings {
    let mut all: Settings = vec![
        // Compiling pays for long analytical queries only; small servers lose by it, and some builds cannot.
        ("jit", "off".into()),
        ("track_io_timing", "on".into()),
        ("timezone", "UTC".into()),
        ("datestyle", "iso, mdy".into()),
        // The platform reads messages: one language everywhere.
        ("lc_messages", "C".into()),
        ("lc_monetary", "C".into()),
        ("lc_numeric", "C".into()),
        ("lc_time", "C".into()),
        ("default_text_search_config", "pg_catalog.english".into()),
        // 19.11.1; a reload is enough, and who must write to make room says so in the transaction.
        ("default_transaction_read_only", if server.read_only { "on" } else { "off" }.into()),
    ];
    if server.version.major >= 17 {
        all.push(("allow_alter_system", "off".into()));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    const BIG_HOST: Host = Host { memory_mib: 64 * 1024, cpus: 16 };

    fn of(plan: usize, major: u16, host: Host) -> BTreeMap<&'static str, String> {
        let plan = &Plan::defaults()[plan];
        let server = Server {
            version: PgVersion::new(major, 0),
            plan,
            host,
            name: "shop_1",
            port: 31000,
            listen: &[IpAddr::from([127, 0, 0, 1]), IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])],
            socket_dir: Path::new("/var/lib/paddock/nodes/x/run"),
            log_dir: Path::new("/var/lib/paddock/nodes/x/log"),
            hba_file: Path::new("/c/pg_hba.conf"),
            ident_file: Path::new("/c/pg_ident.conf"),
            tls: Some((Path::new("/t/server.crt"), Path::new("/t/server.key"))),
            read_only: major == 18,
            preload: &["pg_stat_statements", "auto_explain"],
            statements: major == 18,
            slow_query_ms: (major == 18).then_some(500),
            archive_command: None,
        };
        let all = settings(&server).unwrap();
        let count = all.len();
        let map: BTreeMap<_, _> = all.into_iter().collect();
        assert_eq!(map.len(), count, "no setting stands twice");
        map
    }

    #[test]
    fn memory_follows_the_plan() {
        // sandbox 256 MiB, starter 512 MiB, 1 GiB, 16 GiB
        for (plan, shared, work, cache) in [
            (0, "65536kB", "3276kB", "196608kB"),
            (1, "131072kB", "3276kB", "393216kB"),
            (2, "262144kB", "3276kB", "786432kB"),
            (6, "4194304kB", "3276kB", "12582912kB"),
        ] {
            let all = of(plan, 17, BIG_HOST);
            let found = (&*all["shared_buffers"], &*all["work_mem"], &*all["effective_cache_size"]);
            assert_eq!(found, (shared, work, cache));
        }
        // A small host does not have what a large plan promises.
        assert_eq!(of(6, 17, Host { memory_mib: 2048, cpus: 2 })["shared_buffers"], "524288kB");
    }

    #[test]
    fn what_is_promised_fits_into_the_plan() {
        let kib = |text: &str| text.trim_end_matches("kB").parse::<u64>().unwrap();
        for (plan, number) in Plan::defaults().iter().zip(0..) {
            let all = of(number, 18, BIG_HOST);
            let total = u64::from(plan.memory_mib) * 1024;
            let sorts = 4 * u64::from(plan.connections()) * kib(&all["work_mem"]);
            assert!(kib(&all["shared_buffers"]) + sorts <= total, "{}", plan.name);
            assert!(kib(&all["effective_cache_size"]) < total);
            let disk = u64::from(plan.disk_mib);
            let wal: u64 = all["max_wal_size"].trim_end_matches("MB").parse().unwrap();
            assert!(wal >= 64 && wal * 8 <= disk.max(512), "{}: {wal} MB of log on {disk}", plan.name);
        }
    }

    #[test]
    fn processes_leave_room_for_every_connection() {
        for plan in Plan::defaults() {
            let all = processes(&plan, BIG_HOST);
            assert!(all > 2 * plan.connections() + 30, "{}: {all}", plan.name);
            assert!(all < 2 * plan.connections() + 80, "{}: {all}", plan.name);
        }
    }

    #[test]
    fn a_plan_decides_memory_log_workers_and_connections_only() {
        let plan = &Plan::defaults()[1];
        let nowhere = Path::new("/x");
        let server = Server {
            version: PgVersion::new(18, 0),
            plan,
            host: BIG_HOST,
            name: "x",
            port: 1,
            listen: &[],
            socket_dir: nowhere,
            log_dir: nowhere,
            hba_file: nowhere,
            ident_file: nowhere,
            tls: None,
            read_only: false,
            preload: &[],
            statements: false,
            slow_query_ms: None,
            archive_command: None,
        };
        let (all, by_plan) = (settings(&server).unwrap(), by_plan(&server));
        assert!(by_plan.iter().all(|one| all.contains(one)), "the same values");
        assert!(by_plan.iter().all(|(name, _)| !name.contains("log_") && !name.ends_with("_file")));
    }

    #[test]
    fn users_get_the_connections_of_their_plan_and_the_platform_its_own() {
        let all = of(2, 17, BIG_HOST);
        assert_eq!(all["max_connections"], "73");
        assert_eq!((&*all["superuser_reserved_connections"], &*all["reserved_connections"]), ("3", "5"));
    }

    #[test]
    fn each_major_gets_only_what_it_knows() {
        for (major, reserved, alter_system, io) in [
            (15, false, false, false),
            (16, true, false, false),
            (17, true, true, false),
            (18, true, true, true),
        ] {
            let all = of(1, major, BIG_HOST);
            assert_eq!(all.contains_key("reserved_connections"), reserved, "{major}");
            assert_eq!(all.contains_key("allow_alter_system"), alter_system, "{major}");
            assert_eq!(all.contains_key("io_workers"), io, "{major}");
            assert_eq!(all.contains_key("max_notify_queue_pages"), alter_system, "{major}");
            assert_eq!(all["default_transaction_read_only"] == "on", major == 18, "as asked for above");
        }
    }

    #[test]
    fn what_was_committed_stays_and_no_statement_reaches_the_log() {
        let all = of(0, 18, BIG_HOST);
        for on in ["fsync", "synchronous_commit", "full_page_writes", "ssl", "autovacuum"] {
            assert_eq!(all[on], "on", "{on}");
        }
        for (name, value) in [
            ("password_encryption", "scram-sha-256"),
            ("log_statement", "none"),
            ("log_min_duration_statement", "-1"),
            ("log_min_error_statement", "panic"),
            ("log_parameter_max_length", "0"),
            ("log_parameter_max_length_on_error", "0"),
            ("ssl_min_protocol_version", "TLSv1.2"),
        ] {
            assert_eq!(all[name], value);
        }
    }
}
