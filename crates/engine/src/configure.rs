//! The files that follow from a node's spec: settings, who may enter, certificate. Written whole, by Paddock, where
//! the server's user may read and not write.
//!
//! Written again only when something differs; a running server is then told to read them again.

use crate::{
    EngineConfig, disk, dump,
    error::{Doing as _, fatal, retry},
    hba::{self, Access},
    host,
    identity::Identity,
    keeper,
    layout::ClusterDir,
    os_user, pitr, reach,
    settings::{self, Server, Settings},
    sql::{BACKUP, LOADER, PLATFORM, SUPERUSER, Session},
    tls::{self, Ca},
    versions::Installed,
};
use chrono::{DateTime, Utc};
use control::engine::{EngineError, NodeSpec};
use rustix::process::Signal;
use secrecy::ExposeSecret as _;
use std::{
    fs, io,
    net::IpAddr,
    path::Path,
    time::{Duration, Instant, SystemTime},
};
use tokio_postgres::Client;

/// Modules that every server loads at its start where its version has them, so that they can be switched on later
/// without another one.
pub(crate) const PRELOADED: [&str; 2] = ["pg_stat_statements", "auto_explain"];

/// What the files follow from, beside the node's spec.
#[derive(Clone, Copy, Debug)]
pub(crate) struct By<'a> {
    pub(crate) config: &'a EngineConfig,
    pub(crate) ca: &'a Ca,
    /// Its server; `None`: it is not installed (any more).
    pub(crate) installed: Option<&'a Installed>,
    pub(crate) now: DateTime<Utc>,
}

/// Writes what differs; answers what people may read.
pub(crate) async fn configure(
    by: By<'_>,
    (dir, identity): (&ClusterDir, &Identity),
    spec: &NodeSpec,
) -> Result<String, EngineError> {
    let config = by.config;
    let before = Rules::read(dir)?;
    let changed = write(by, (dir, identity), spec, &config.listen)?;
    let Some(server) = keeper::postmaster(dir, identity)? else {
        let told = format!("settings for {}, certificate for {}", spec.plan.memory(), config.public_host);
        return Ok(if changed { told } else { "nothing to change".into() });
    };
    let read_at = read_at(dir).await;
    // Also when the files were written by a Paddock that was killed before it could say so.
    if !changed && read_at.is_some_and(|at| written_at(dir).is_none_or(|written| written <= at)) {
        return Ok("nothing to change".into());
    }
    // Rules that the server has not read yet are not proven either: whoever wrote them was cut off before the question.
    let unread = |at: SystemTime| rules_written_at(dir).is_some_and(|written| written > at);
    if (before.rules() != Rules::read(dir)?.rules() || read_at.is_some_and(unread))
        && let Err(error) = rules_hold(dir).await
    {
        before.put_back(Writer { dir, identity })?;
        return Err(error);
    }
    server.signal(Signal::HUP)?;
    reloaded(dir, read_at).await
}

/// Writes the files; answers whether any was another before.
pub(crate) fn write(
    by: By<'_>,
    (dir, identity): (&ClusterDir, &Identity),
    spec: &NodeSpec,
    listen: &[IpAddr],
) -> Result<bool, EngineError> {
    let writer = Writer { dir, identity };
    let mut changed = writer.certificate(&names(by.config), by.ca, by.now)?;
    let preload = by.installed.map(preloaded).unwrap_or_default();
    // While a server recovers nobody can be given a password: then no tool comes, and the platform looks by itself.
    let tools = pitr::Restoring::read(dir)?.is_none();
    for (name, text) in [
        ("postgresql.conf", writer.settings(by.config, spec, listen, &preload)?),
        ("pg_hba.conf", access(by.config, spec, tools, hba::hba)?),
        ("pg_ident.conf", access(by.config, spec, tools, hba::ident)? + &archiver(identity, spec)?),
    ] {
        changed |= writer.write(&dir.conf().join(name), &text)?;
    }
    Ok(changed)
}

/// What a reload reads, whose old text is put back when the server would not take the new one: a server with broken
/// rules goes on with its old ones, and then does not start again.
#[derive(Debug)]
struct Rules(Vec<(&'static str, String)>);

impl Rules {
    fn read(dir: &ClusterDir) -> Result<Self, EngineError> {
        let mut files = Vec::new();
        for name in ["postgresql.conf", "pg_hba.conf", "pg_ident.conf"] {
            let path = dir.conf().join(name);
            match fs::read_to_string(&path) {
                Ok(text) => files.push((name, text)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error).doing(|| format!("read {}", path.display())),
            }
        }
        Ok(Self(files))
    }

    /// Who may enter: the settings left out.
    fn rules(&self) -> Vec<&(&'static str, String)> {
        self.0.iter().filter(|(name, _)| *name != "postgresql.conf").collect()
    }

    fn put_back(&self, writer: Writer<'_>) -> Result<(), EngineError> {
        for (name, text) in &self.0 {
            writer.write(&writer.dir.conf().join(name), text)?;
        }
        Ok(())
    }
}

/// Whether the running server would take the rules that lie on disk now; its own words when not.
async fn rules_hold(dir: &ClusterDir) -> Result<(), EngineError> {
    let Some(port) = keeper::listening_port(dir) else {
        let why = anyhow::anyhow!("it does not listen yet");
        return Err(retry("the server cannot be asked about its new rules; the old ones stay", why));
    };
    let session = Session::new(dir.run(), port, SUPERUSER, Duration::from_secs(5));
    let ask = "SELECT line_number, error FROM pg_catalog.pg_hba_file_rules WHERE error IS NOT NULL
               UNION ALL
               SELECT line_number, error FROM pg_catalog.pg_ident_file_mappings WHERE error IS NOT NULL
               LIMIT 1";
    let broken = session
        .run("ask about the new rules", async |client: Client| {
            let Some(row) = client.query_opt(ask, &[]).await? else { return Ok(None) };
            Ok(Some((row.try_get::<_, i32>(0)?, row.try_get::<_, String>(1)?)))
        })
        .await?;
    let Some((line, said)) = broken else { return Ok(()) };
    let message = format!("PostgreSQL does not take the new rules: {said} (line {line}). The old ones stay");
    Err(EngineError::Postgres { message, log: Vec::new() })
}

/// Those of [`PRELOADED`] that this server has.
fn preloaded(installed: &Installed) -> Vec<&'static str> {
    PRELOADED.into_iter().filter(|name| installed.lib_dir.join(format!("{name}.so")).exists()).collect()
}

/// Waits until the server has read its files again. Did it take everything, or does something wait for a restart?
async fn reloaded(dir: &ClusterDir, before: Option<SystemTime>) -> Result<String, EngineError> {
    let until = Instant::now() + Duration::from_secs(5);
    while before.is_some() && read_at(dir).await <= before && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let Some(port) = keeper::listening_port(dir).filter(|_| before.is_some()) else {
        return Ok("settings written".into());
    };
    Ok(match pending(dir, port).await {
        Ok(waiting) if waiting.is_empty() => "settings written and in force".into(),
        Ok(_) => "settings written; some wait for a restart".into(),
        Err(error) => {
            tracing::debug!(%error, "cannot ask for settings");
            "settings written".into()
        }
    })
}

/// Names of the settings that a running server has read and will take at its next start.
pub(crate) async fn pending(dir: &ClusterDir, port: u16) -> Result<Vec<String>, EngineError> {
    let session = Session::new(dir.run(), port, SUPERUSER, Duration::from_secs(5));
    let ask = "SELECT name FROM pg_catalog.pg_settings WHERE pending_restart ORDER BY name";
    session
        .run("read the settings", async |client: Client| {
            client.query(ask, &[]).await?.iter().map(|row| row.try_get(0)).collect()
        })
        .await
}

/// When the server read its files last; `None` when it does not answer. A new session knows it from the postmaster.
async fn read_at(dir: &ClusterDir) -> Option<SystemTime> {
    let session = Session::new(dir.run(), keeper::listening_port(dir)?, SUPERUSER, Duration::from_secs(5));
    let ask = "SELECT pg_catalog.pg_conf_load_time()";
    let asked = session
        .run("read the settings", async |client: Client| client.query_one(ask, &[]).await?.try_get(0))
        .await;
    asked.inspect_err(|error| tracing::debug!(%error, "cannot ask for settings")).ok()
}

/// When its access rules were written last.
fn rules_written_at(dir: &ClusterDir) -> Option<SystemTime> {
    let files = ["pg_hba.conf", "pg_ident.conf"].map(|name| dir.conf().join(name));
    files.iter().filter_map(|file| fs::metadata(file).ok()?.modified().ok()).max()
}

/// When the newest of its files was written.
fn written_at(dir: &ClusterDir) -> Option<SystemTime> {
    let files = [dir.conf(), dir.tls()].into_iter().flat_map(|dir| fs::read_dir(dir).into_iter().flatten());
    files.flatten().filter_map(|file| file.metadata().ok()?.modified().ok()).max()
}

/// The settings that follow from the plan, as they will be.
pub(crate) fn by_plan(config: &EngineConfig, dir: &ClusterDir, spec: &NodeSpec) -> Settings {
    with_server(dir, spec, (&config.listen, &[], None), settings::by_plan)
}

fn with_server<T>(
    dir: &ClusterDir,
    spec: &NodeSpec,
    (listen, preload, archive_command): (&[IpAddr], &[&str], Option<&str>),
    work: impl FnOnce(&Server<'_>) -> T,
) -> T {
    let (run, log, conf, tls) = (dir.run(), dir.log(), dir.conf(), dir.tls());
    work(&Server {
        version: spec.version,
        plan: &spec.plan,
        host: host::host(),
        name: &spec.name,
        port: spec.port,
        listen,
        socket_dir: &run,
        log_dir: &log,
        hba_file: &conf.join("pg_hba.conf"),
        ident_file: &conf.join("pg_ident.conf"),
        tls: Some((&tls.join("server.crt"), &tls.join("server.key"))),
        read_only: spec.read_only,
        preload,
        statements: spec.statements,
        slow_query_ms: spec.slow_query_ms,
        archive_command,
    })
}

/// When the server's certificate ends; `None` when it has none yet.
pub(crate) fn certificate_until(dir: &ClusterDir) -> Result<Option<DateTime<Utc>>, EngineError> {
    let path = dir.tls().join("server.crt");
    match fs::read_to_string(&path) {
        Ok(pem) => {
            tls::certificate_until(&pem).map(Some).map_err(|error| fatal("the certificate is broken", error))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).doing(|| format!("read {}", path.display())),
    }
}

/// Every name and address by which clients may call a server, the published one first.
fn names(config: &EngineConfig) -> Vec<String> {
    let listen = config.listen.iter().filter(|address| !address.is_unspecified()).map(IpAddr::to_string);
    let mut names = vec![config.public_host.clone()];
    for name in listen.chain(["localhost".into(), "127.0.0.1".into(), "::1".into()]) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn access(
    config: &EngineConfig,
    spec: &NodeSpec,
    tools: bool,
    render: fn(&Access<'_>) -> Result<String, hba::BadName>,
) -> Result<String, EngineError> {
    let us = os_user::name_of(rustix::process::geteuid().as_raw()).ok_or_else(|| {
        fatal(
            "Paddock's own OS user has no name, so PostgreSQL cannot know it",
            anyhow::anyhow!("see /etc/passwd"),
        )
    })?;
    let groups = ["_rw", "_ro"].map(|suffix| format!("{}{suffix}", spec.name));
    let groups = [groups[0].as_str(), groups[1].as_str()];
    let both = [spec.name.as_str(), dump::INCOMING];
    let jobs: [(&[&str], &str); 2] = [(&both, BACKUP), (&both, LOADER)];
    let databases =
        [hba::Database { name: &spec.name, groups: &groups, tools: if tools { &jobs } else { &[] } }];
    let networks = reach::networks(config, spec);
    let access = Access {
        platform_os_user: &us,
        platform_roles: &PLATFORM,
        databases: if spec.reach.closed { &[] } else { &databases },
        networks: &networks,
        force_tls: spec.reach.force_tls,
    };
    render(&access).map_err(|error| fatal("the database's name cannot be used", error))
}

/// Where a server's log is archived, its own OS user makes its base backups: as the weak role that may read everything,
/// which that user can do anyway. It becomes no other role.
fn archiver(identity: &Identity, spec: &NodeSpec) -> Result<String, EngineError> {
    let Some(user) = identity.os_user.as_ref().filter(|_| spec.archive.is_some()) else {
        return Ok(String::new());
    };
    hba::archiver(&user.name, BACKUP).map_err(|error| fatal("the server's OS user cannot be named", error))
}

#[derive(Clone, Copy)]
struct Writer<'a> {
    dir: &'a ClusterDir,
    identity: &'a Identity,
}

impl Writer<'_> {
    fn write(&self, path: &Path, text: &str) -> Result<bool, EngineError> {
        let user = self.identity.os_user.as_ref();
        disk::write_if_other(path, text.as_bytes(), disk::conf_mode(user), disk::readable_by(user))
            .doing(|| format!("write {}", path.display()))
    }

    fn settings(
        &self,
        config: &EngineConfig,
        spec: &NodeSpec,
        listen: &[IpAddr],
        preload: &[&str],
    ) -> Result<String, EngineError> {
        let unwritable = |error| fatal("a setting cannot be written", error);
        let command = pitr::archive_command(config, spec);
        let all = with_server(self.dir, spec, (listen, preload, command.as_deref()), settings::settings);
        let all = pitr::overrides(config, self.dir, all.map_err(unwritable)?)?;
        settings::render(&all).map_err(unwritable)
    }

    /// A new key and certificate when there is none, when it ends soon, or when names or CA have changed. The note
    /// beside them is written last: a kill in between leads to a new pair, never to a key without its certificate.
    fn certificate(&self, names: &[String], ca: &Ca, now: DateTime<Utc>) -> Result<bool, EngineError> {
        let note = self.dir.tls().join("issued-for");
        let wanted = format!("{}\n{}", names.join("\n"), ca.certificate());
        let until = certificate_until(self.dir).unwrap_or(None);
        let fresh = until.is_some_and(|until| !tls::renewal_due(until, now));
        if fresh && fs::read_to_string(&note).is_ok_and(|text| text == wanted) {
            return Ok(false);
        }
        let issued = ca.issue(names, now).map_err(|error| fatal("could not make a certificate", error))?;
        self.write(&self.dir.tls().join("server.key"), issued.key.expose_secret())?;
        self.write(&self.dir.tls().join("server.crt"), &issued.certificate)?;
        self.write(&note, &wanted)?;
        Ok(true)
    }
}
