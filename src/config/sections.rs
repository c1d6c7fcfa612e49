//! The sections of the configuration and their defaults. Plain values: what follows from them is decided elsewhere.

use secrecy::SecretString;
use std::{
    env, fs,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    os::unix::fs::MetadataExt as _,
    path::PathBuf,
};
use types::{PgVersion, network::Network};

/// Where people and programs reach this server.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// Where it listens. TLS is the work of a proxy in front.
    pub listen: SocketAddr,
    /// The origin as browsers see it; `https` makes cookies secure.
    pub public_url: Option<String>,
    /// Name of the one region that the API tells of.
    pub region: String,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// Connections at a time; more wait.
    pub max_connections: usize,
    /// Connections at a time from one address; more are closed. Trusted proxies are not counted.
    pub max_connections_per_ip: usize,
    /// Built files of the dashboard.
    pub site_root: Option<PathBuf>,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            public_url: None,
            region: "osc-fr1".into(),
            trusted_proxies: Vec::new(),
            max_connections: 1024,
            max_connections_per_ip: 64,
            site_root: None,
        }
    }
}

impl Http {
    /// The public origin, without a slash at its end.
    #[must_use]
    pub fn public_url(&self) -> String {
        match &self.public_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            // The public client needs a dot in the host name, so this is not `localhost`.
            None if self.listen.ip().is_unspecified() => format!("http://127.0.0.1:{}", self.listen.port()),
            None => format!("http://{}", self.listen),
        }
    }

    /// Browsers reach this server by TLS.
    #[must_use]
    pub fn secure(&self) -> bool {
        self.public_url().starts_with("https://")
    }
}

/// Where files live.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Data {
    /// Directory of everything: users' databases, the embedded store, keys.
    pub root: PathBuf,
    /// How long a deleted database waits in the trash, in hours.
    pub trash_hours: u32,
}

impl Default for Data {
    fn default() -> Self {
        Self { root: default_root(), trash_hours: 72 }
    }
}

/// The system's place for root, the user's own for everybody else.
fn default_root() -> PathBuf {
    let root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    let home = env::var_os("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = home.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".local/share")));
    match home {
        Some(home) if !root => home.join("paddock"),
        _ => PathBuf::from("/var/lib/paddock"),
    }
}

/// Where Paddock keeps its own records.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Store {
    /// A PostgreSQL that already exists; without it Paddock runs a small one of its own.
    pub url: Option<SecretString>,
    /// Connections to it.
    pub max_connections: u32,
}

impl Default for Store {
    fn default() -> Self {
        Self { url: None, max_connections: 10 }
    }
}

/// The PostgreSQL servers of users.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Engine {
    /// More directories that hold `<version>/bin/postgres`, besides the distribution's and `versions install`'s.
    pub version_dirs: Vec<PathBuf>,
    /// Lowest minors that are thought safe, each in place of the built-in one of its major.
    pub floors: Vec<PgVersion>,
    /// Host part of published URLs.
    pub public_host: Option<String>,
    /// Addresses that databases listen on.
    pub listen: Vec<IpAddr>,
    /// Networks from which every database may be reached.
    pub networks: Vec<Network>,
    /// Whether the servers' OS users are kept from opening connections.
    pub firewall: bool,
    /// First port for databases.
    pub first_port: u16,
    /// Last port for databases.
    pub last_port: u16,
    /// How many clusters of the default version are kept initialised in advance; 0: none.
    pub pool: usize,
}

impl Default for Engine {
    fn default() -> Self {
        Self {
            version_dirs: Vec::new(),
            floors: Vec::new(),
            public_host: None,
            listen: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)],
            networks: Vec::new(),
            firewall: true,
            first_port: 31000,
            last_port: 31999,
            pool: 2,
        }
    }
}

/// Where backups lie, and how they are made.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Backups {
    /// A directory; without it, one below the data root. Best on another disk.
    pub directory: Option<PathBuf>,
    /// A bucket of S3-compatible object storage in place of a directory.
    pub s3_bucket: Option<String>,
    /// Where that storage answers.
    pub s3_endpoint: Option<String>,
    /// Its region.
    pub s3_region: Option<String>,
    /// What the names of our objects begin with.
    pub s3_prefix: Option<String>,
    /// The access key's name.
    pub s3_access_key: Option<SecretString>,
    /// The access key's secret.
    pub s3_secret_key: Option<SecretString>,
    /// The bucket is the first part of the path and not of the host.
    pub s3_path_style: bool,
    /// How long one dump may rest in all, to make way for others on a busy host.
    pub make_way_minutes: u16,
}

impl Default for Backups {
    fn default() -> Self {
        Self {
            directory: None,
            s3_bucket: None,
            s3_endpoint: None,
            s3_region: None,
            s3_prefix: None,
            s3_access_key: None,
            s3_secret_key: None,
            s3_path_style: false,
            make_way_minutes: 30,
        }
    }
}

/// What apps may have and call.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Apps {
    /// How many databases an app may have, those in the trash left out.
    pub max_addons_per_app: u16,
    /// Restart hooks may call addresses of private networks and of this host.
    pub hooks_reach_private_networks: bool,
}

impl Default for Apps {
    fn default() -> Self {
        Self { max_addons_per_app: 20, hooks_reach_private_networks: true }
    }
}

/// The first account and sign-in.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Accounts {
    /// Its e-mail address.
    pub admin_email: Option<String>,
    /// Its user name.
    pub admin_username: Option<String>,
    /// Its password.
    pub admin_password: Option<SecretString>,
    /// An API token for it.
    pub admin_token: Option<SecretString>,
    /// A session ends after so many minutes without a request.
    pub session_idle_minutes: u32,
    /// A session ends so many hours after sign-in.
    pub session_hours: u32,
    /// Grave acts want the password again so many minutes after sign-in.
    pub session_fresh_minutes: u32,
}

impl Default for Accounts {
    fn default() -> Self {
        Self {
            admin_email: None,
            admin_username: None,
            admin_password: None,
            admin_token: None,
            session_idle_minutes: 30,
            session_hours: 12,
            session_fresh_minutes: 15,
        }
    }
}

/// What is logged, and how.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Telemetry {
    /// A filter in the syntax of the crate tracing-subscriber: `info`, `info,control=debug`.
    pub log: String,
    /// How lines look.
    pub format: Format,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self { log: "info".into(), format: Format::Text }
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// One line per event, for people.
    Text,
    /// One JSON object per line, for machines.
    Json,
}
