//! The one table of configuration keys: path in the file, variable, kind, and what stands in the sample file.
//!
//! The sample is printed from it and a test compares it with the structs, so that the three cannot drift apart.

use super::ConfigError;
use std::{collections::BTreeMap, path::Path};
use toml::{Table, Value};

/// What kind of value a variable's text becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Taken as it is.
    Text,
    /// Taken as it is; may also come from the file that `<VARIABLE>_FILE` names, and is never printed.
    Secret,
    /// A whole number.
    Number,
    /// Several texts, separated by commas.
    List,
    /// `true` or `false`.
    Switch,
}

/// One key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// `http`
    pub section: &'static str,
    /// `public_url`
    pub name: &'static str,
    /// `PADDOCK_HTTP_PUBLIC_URL`
    pub variable: &'static str,
    /// What kind it is.
    pub kind: Kind,
    /// What the sample file says about it.
    pub about: &'static str,
    /// Its value in the sample file, as TOML: the default, or an example where there is none.
    pub sample: &'static str,
}

const fn key(
    section: &'static str,
    name: &'static str,
    variable: &'static str,
    kind: Kind,
    sample: &'static str,
    about: &'static str,
) -> Key {
    Key { section, name, variable, kind, about, sample }
}

use Kind::{List, Number, Secret, Switch, Text};

/// Every key but the plans, which only the file can list.
#[rustfmt::skip]
pub const KEYS: &[Key] = &[
    key("http", "listen", "PADDOCK_HTTP_LISTEN", Text, r#""127.0.0.1:8080""#,
        "Address and port. TLS is the work of a proxy in front."),
    key("http", "public_url", "PADDOCK_HTTP_PUBLIC_URL", Text, r#""https://paddock.example.org""#,
        "The origin as browsers see it; without it, http:// and the listen address.\n\
         https makes cookies secure and switches HSTS on. The public command-line client needs a dot in the host name."),
    key("http", "region", "PADDOCK_HTTP_REGION", Text, r#""osc-fr1""#,
        "Name of the one region that the API tells of; the public Terraform provider expects this one."),
    key("http", "trusted_proxies", "PADDOCK_HTTP_TRUSTED_PROXIES", List, "[]",
        "Addresses of proxies whose X-Forwarded-For is believed."),
    key("http", "max_connections", "PADDOCK_HTTP_MAX_CONNECTIONS", Number, "1024",
        "Connections at a time; more wait."),
    key("http", "max_connections_per_ip", "PADDOCK_HTTP_MAX_CONNECTIONS_PER_IP", Number, "64",
        "Connections at a time from one address; more are closed. Trusted proxies are not counted."),
    key("http", "site_root", "PADDOCK_HTTP_SITE_ROOT", Text, r#""/usr/share/paddock/site""#,
        "Built files of the dashboard; without it, LEPTOS_SITE_ROOT, or `site` beside the executable."),
    key("data", "root", "PADDOCK_DATA_ROOT", Text, r#""/var/lib/paddock""#,
        "Directory of everything: users' databases, the embedded store, keys.\n\
         Without it, /var/lib/paddock for root, ~/.local/share/paddock for others. At most 44 bytes long."),
    key("data", "trash_hours", "PADDOCK_DATA_TRASH_HOURS", Number, "72",
        "How long a deleted database can be brought back."),
    key("store", "url", "PADDOCK_STORE_URL", Secret, r#""postgres://paddock:password@db.example.org/paddock""#,
        "A PostgreSQL for Paddock's own records; without it, a small private one below the data root."),
    key("store", "max_connections", "PADDOCK_STORE_MAX_CONNECTIONS", Number, "10",
        "Connections to it."),
    key("engine", "version_dirs", "PADDOCK_ENGINE_VERSION_DIRS", List, "[]",
        "More directories to look for PostgreSQL in; each holds <version>/bin/postgres."),
    key("engine", "floors", "PADDOCK_ENGINE_FLOORS", List, r#"["17.12", "18.7"]"#,
        "Lowest minors that are thought safe, in place of the built-in ones of their majors. Installed versions below\n\
         are marked, and not offered for new databases when a safer one of their major is there."),
    key("engine", "public_host", "PADDOCK_ENGINE_PUBLIC_HOST", Text, r#""db.example.org""#,
        "Host part of the databases' URLs; without it, the host of public_url."),
    key("engine", "listen", "PADDOCK_ENGINE_LISTEN", List, r#"["127.0.0.1"]"#,
        "Addresses that databases listen on."),
    key("engine", "networks", "PADDOCK_ENGINE_NETWORKS", List, "[]",
        "Networks from which every database may be reached, beside this host itself: [\"10.0.0.0/8\"]."),
    key("engine", "firewall", "PADDOCK_ENGINE_FIREWALL", Switch, "true",
        "Databases' servers may answer and open no connection of their own, by a rule of nftables for their OS users.\n\
         Needs root and the package nftables."),
    key("engine", "first_port", "PADDOCK_ENGINE_FIRST_PORT", Number, "31000",
        "First port for databases."),
    key("engine", "last_port", "PADDOCK_ENGINE_LAST_PORT", Number, "31999",
        "Last port for databases."),
    key("engine", "pool", "PADDOCK_ENGINE_POOL", Number, "2",
        "Clusters kept initialised in advance, so that a new database starts at once; 0: none."),
    key("backups", "directory", "PADDOCK_BACKUPS_DIRECTORY", Text, r#""/var/backups/paddock""#,
        "Where backups lie; without it, `backups` below the data root. Best on another disk than the databases."),
    key("backups", "s3_bucket", "PADDOCK_BACKUPS_S3_BUCKET", Text, r#""backups""#,
        "A bucket of S3-compatible object storage in place of a directory."),
    key("backups", "s3_endpoint", "PADDOCK_BACKUPS_S3_ENDPOINT", Text, r#""https://s3.eu-west-1.amazonaws.com""#,
        "Where that storage answers, without the bucket."),
    key("backups", "s3_region", "PADDOCK_BACKUPS_S3_REGION", Text, r#""eu-west-1""#,
        "Its region; many storages take any word."),
    key("backups", "s3_prefix", "PADDOCK_BACKUPS_S3_PREFIX", Text, r#""paddock""#,
        "What the names of our objects begin with."),
    key("backups", "s3_access_key", "PADDOCK_BACKUPS_S3_ACCESS_KEY", Secret, r#""AKIA…""#,
        "The access key's name. Better: PADDOCK_BACKUPS_S3_ACCESS_KEY_FILE."),
    key("backups", "s3_secret_key", "PADDOCK_BACKUPS_S3_SECRET_KEY", Secret, r#""…""#,
        "The access key's secret. Better: PADDOCK_BACKUPS_S3_SECRET_KEY_FILE."),
    key("backups", "s3_path_style", "PADDOCK_BACKUPS_S3_PATH_STYLE", Switch, "false",
        "The bucket is the first part of the path and not of the host, as many self-hosted storages want it."),
    key("backups", "make_way_minutes", "PADDOCK_BACKUPS_MAKE_WAY_MINUTES", Number, "30",
        "How long one dump may rest in all, to make way for others on a busy host. It holds its snapshot meanwhile; 0: never."),
    key("apps", "max_addons_per_app", "PADDOCK_MAX_ADDONS_PER_APP", Number, "20",
        "How many databases an app may have, those in the trash left out."),
    key("apps", "hooks_reach_private_networks", "PADDOCK_HOOKS_REACH_PRIVATE_NETWORKS", Switch, "true",
        "Restart hooks may call addresses of private networks and of this host; switch it off where strangers have\n\
         accounts. Link-local addresses are never called."),
    key("accounts", "admin_email", "PADDOCK_ADMIN_EMAIL", Text, r#""ada@example.org""#,
        "The first account, made at the first start. Without it the log shows a one-time link that makes it."),
    key("accounts", "admin_username", "PADDOCK_ADMIN_USERNAME", Text, r#""ada""#,
        "Its user name."),
    key("accounts", "admin_password", "PADDOCK_ADMIN_PASSWORD", Secret, r#""at least twelve characters""#,
        "Its password. Better: PADDOCK_ADMIN_PASSWORD_FILE."),
    key("accounts", "admin_token", "PADDOCK_ADMIN_TOKEN", Secret, r#""tk-us-…""#,
        "An API token for it, so that programs can begin without a person."),
    key("accounts", "session_idle_minutes", "PADDOCK_SESSION_IDLE_MINUTES", Number, "30",
        "A browser session ends after so many minutes without a request. Pages that follow something live ask all the time."),
    key("accounts", "session_hours", "PADDOCK_SESSION_HOURS", Number, "12",
        "A browser session ends so many hours after sign-in, used or not."),
    key("accounts", "session_fresh_minutes", "PADDOCK_SESSION_FRESH_MINUTES", Number, "15",
        "Deleting, restoring, downloading, people, users and passwords want the password again so many minutes after sign-in."),
    key("telemetry", "log", "PADDOCK_LOG", Text, r#""info""#,
        "What is logged: `info`, `debug`, `info,control=debug`."),
    key("telemetry", "format", "PADDOCK_LOG_FORMAT", Text, r#""text""#,
        "`text` for people, `json` for machines."),
];

/// Puts the variables over the file's values.
///
/// # Errors
/// A text that does not fit its key, or a `*_FILE` that cannot be read.
pub fn overlay(table: &mut Table, env: &BTreeMap<String, String>) -> Result<(), ConfigError> {
    for key in KEYS {
        let mut text = env.get(key.variable).cloned();
        if key.kind == Secret
            && let Some(path) = env.get(&format!("{}_FILE", key.variable))
        {
            if text.is_some() {
                let both = format!("Give {0} or {0}_FILE, not both.", key.variable);
                return Err(ConfigError::Value(both));
            }
            text = Some(read_secret(key.variable, Path::new(path))?);
        }
        // An empty variable is the shell's way to say "none".
        let Some(text) = text.filter(|text| !text.is_empty()) else { continue };
        let section = table.entry(key.section).or_insert_with(|| Value::Table(Table::new()));
        if let Value::Table(section) = section {
            section.insert(key.name.into(), value(key, &text)?);
        }
    }
    Ok(())
}

fn value(key: &Key, text: &str) -> Result<Value, ConfigError> {
    Ok(match key.kind {
        Text | Secret => Value::String(text.into()),
        Number => Value::Integer(text.trim().parse().map_err(|_| ConfigError::Variable {
            variable: key.variable.into(),
            wanted: "a whole number",
        })?),
        Switch => {
            Value::from(text.parse::<bool>().map_err(|_| ConfigError::Variable {
                variable: key.variable.into(),
                wanted: "true or false",
            })?)
        }
        List => {
            Value::Array(text.split(',').map(str::trim).filter(|t| !t.is_empty()).map(Value::from).collect())
        }
    })
}

/// A file's content without the line end that editors and `echo` leave.
fn read_secret(variable: &str, path: &Path) -> Result<String, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
        what: format!("{variable}_FILE"),
        path: path.into(),
        source,
    })?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
