//! The embedded store: one small private cluster for the control plane's own state, so that a fresh machine needs no
//! other database.
//!
//! Run by the same keeper as users' servers, with the same binaries. It listens on a socket only, and only Paddock's
//! own OS user may enter. Like users' servers it outlives Paddock and is adopted at the next start. It is never
//! moved to another major here.

use crate::{
    EngineConfig,
    ballast::Ballast,
    cgroup,
    cluster::{self, Maker, Pace},
    disk,
    error::{Doing as _, fatal},
    identity::Identity,
    keeper::{self, START_LIMIT, Server, Watch},
    layout::{ClusterDir, Layout},
    os_user, procs, root,
    sql::{SUPERUSER, Session},
    versions::{Catalogue, Installed},
};
use control::engine::{EngineError, Volume};
use std::{fmt::Write as _, path::Path, time::Duration};
use tokio_postgres::Client;
use uuid::Uuid;

/// Part of the socket's name; nothing listens on the network.
const PORT: u16 = 5432;
/// The role that the control plane uses: owner of its database, no superuser.
const ROLE: &str = "paddock_control";
/// Its database.
const DATABASE: &str = "paddock";

/// Small: a control plane of one host has few rows and few connections.
const SETTINGS: &str = "\
listen_addresses = ''
max_connections = 60
shared_buffers = 32MB
max_wal_size = 256MB
wal_level = minimal
max_wal_senders = 0
password_encryption = scram-sha-256
unix_socket_permissions = 0700
jit = off
log_timezone = UTC
timezone = UTC
log_line_prefix = '%m [%p] '
log_min_error_statement = panic
log_parameter_max_length_on_error = 0
logging_collector = on
log_filename = 'postgresql-%a.log'
log_file_mode = 0600
log_rotation_age = 1d
log_rotation_size = 0
log_truncate_on_rotation = on
";

/// The running private cluster.
#[derive(Debug)]
pub struct EmbeddedStore {
    dir: ClusterDir,
    identity: Identity,
    installed: Installed,
    watch: Watch,
    ballast: Ballast,
    url: String,
}

impl EmbeddedStore {
    /// Makes the cluster if there is none, starts or adopts it, and waits until it answers.
    ///
    /// # Errors
    /// No server is installed, the disk, PostgreSQL itself.
    pub async fn ensure(config: &EngineConfig) -> Result<Self, EngineError> {
        let layout = Layout::new(&config.root);
        root::prepare(&layout)?;
        procs::become_subreaper();
        // Before any server is started; see there.
        cgroup::room();
        let dir = layout.store();
        let catalogue = root::catalogue(config);
        let (identity, installed) = match Identity::read(&dir)? {
            Some(identity) => {
                let installed = same_major(&catalogue, &identity).await?;
                (identity, installed)
            }
            None => make(config, &layout, &dir, &catalogue).await?,
        };
        write_settings(&dir, &identity)?;
        let url = url(&dir.run());
        let ballast = Ballast::new(&layout);
        let store = Self { dir, identity, installed, watch: Watch::default(), ballast, url };
        store.start().await?;
        store.fill().await?;
        Ok(store)
    }

    /// Where the control plane connects, for sqlx: a socket's directory, no password.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Starts it again whenever it ends; does not return. The first try comes at once, then with pauses.
    pub async fn keep(&self) {
        let mut pause = Duration::from_millis(200);
        loop {
            self.watch.changed().await;
            while let Err(error) = self.start().await {
                tracing::error!(error = &error as &dyn std::error::Error, "the store does not start");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(30));
            }
            tracing::warn!("the store had ended and runs again");
            pause = Duration::from_millis(200);
        }
    }

    /// Stops it. Paddock itself leaves it running.
    ///
    /// # Errors
    /// It cannot be stopped.
    pub async fn stop(&self, patience: Duration) -> Result<(), EngineError> {
        keeper::stop(&self.dir, &self.identity, patience).await
    }

    async fn start(&self) -> Result<(), EngineError> {
        let (dir, identity, installed) = (&self.dir, &self.identity, &self.installed);
        let server = Server { dir, identity, installed, port: PORT, listen: &[], limits: None };
        match keeper::start(server, &self.watch, START_LIMIT).await {
            Err(EngineError::DiskFull { volume: Volume::Data, .. }) if self.ballast.release() => {
                keeper::start(server, &self.watch, START_LIMIT).await.map(|_| ())
            }
            started => started.map(|_| ()),
        }
    }

    async fn fill(&self) -> Result<(), EngineError> {
        let session = Session::new(self.dir.run(), PORT, SUPERUSER, Duration::from_secs(30));
        session
            .run("make the store's database", async |client: Client| {
                let role = "SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = $1";
                if client.query_opt(role, &[&ROLE]).await?.is_none() {
                    client.batch_execute(&format!("CREATE ROLE {ROLE} LOGIN")).await?;
                }
                let database = "SELECT 1 FROM pg_catalog.pg_database WHERE datname = $1";
                if client.query_opt(database, &[&DATABASE]).await?.is_none() {
                    let create = format!("CREATE DATABASE {DATABASE} OWNER {ROLE} TEMPLATE template0");
                    client.batch_execute(&create).await?;
                }
                Ok(())
            })
            .await
    }
}

async fn make(
    config: &EngineConfig,
    layout: &Layout,
    dir: &ClusterDir,
    catalogue: &Catalogue,
) -> Result<(Identity, Installed), EngineError> {
    let version = catalogue.default_version().await;
    let installed = match version {
        Some(version) => catalogue.find(version).await,
        None => None,
    };
    let Some(installed) = installed else {
        let message = "no PostgreSQL is installed: the store needs one";
        return Err(fatal(message, anyhow::anyhow!("the catalogue of servers is empty")));
    };
    if dir.path().exists() {
        cluster::remove_half_made(dir).await?;
    }
    let maker = Maker::new(layout.clone(), config.uids.clone());
    let identity = maker.make(dir, Uuid::new_v4(), &installed, Pace::Awaited).await?;
    Ok((identity, installed))
}

/// The server that its data needs: the same minor, or a later one when that is gone. Never an earlier one.
async fn same_major(catalogue: &Catalogue, identity: &Identity) -> Result<Installed, EngineError> {
    let version = identity.version;
    if let Some(installed) = catalogue.find(version).await {
        return Ok(installed);
    }
    let newest = catalogue.newest(version.major).await.filter(|installed| installed.version > version);
    newest.ok_or(EngineError::VersionMissing(version))
}

fn write_settings(dir: &ClusterDir, identity: &Identity) -> Result<(), EngineError> {
    let us = os_user::name_of(rustix::process::geteuid().as_raw()).ok_or_else(|| {
        fatal(
            "Paddock's own OS user has no name, so PostgreSQL cannot know it",
            anyhow::anyhow!("see /etc/passwd"),
        )
    })?;
    let log = dir.log().display().to_string().replace('\\', "\\\\").replace('\'', "''");
    let files = [
        ("postgresql.conf", format!("{SETTINGS}log_directory = '{log}'\n")),
        ("pg_hba.conf", "local all all peer map=paddock\n".to_owned()),
        ("pg_ident.conf", format!("paddock \"{us}\" {SUPERUSER}\npaddock \"{us}\" {ROLE}\n")),
    ];
    let user = identity.os_user.as_ref();
    for (name, text) in files {
        let path = dir.conf().join(name);
        let written =
            disk::write_if_other(&path, text.as_bytes(), disk::conf_mode(user), disk::readable_by(user));
        written.doing(|| format!("write {}", path.display()))?;
    }
    Ok(())
}

fn url(run: &Path) -> String {
    let mut encoded = String::new();
    for byte in run.as_os_str().as_encoded_bytes() {
        let plain = byte.is_ascii_alphanumeric() || b"-_.~/".contains(byte);
        // Writing to a String does not fail.
        let _ = if plain { write!(encoded, "{}", char::from(*byte)) } else { write!(encoded, "%{byte:02X}") };
    }
    format!("postgres://{ROLE}@localhost:{PORT}/{DATABASE}?host={encoded}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_root_fits_into_the_url() {
        let plain = url(Path::new("/var/lib/paddock/store/run"));
        assert_eq!(
            plain,
            "postgres://paddock_control@localhost:5432/paddock?host=/var/lib/paddock/store/run"
        );
        assert!(url(Path::new("/a b?&/ü")).ends_with("host=/a%20b%3F%26/%C3%BC"));
    }
}
