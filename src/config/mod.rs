//! The configuration: defaults, then the TOML file that `PADDOCK_CONFIG` names, then `PADDOCK_*` variables.
//!
//! An unknown key is refused (a typo must not silently leave a default in force). Reads files and the environment
//! once at start; nothing else in the server reads the environment. Start at [`keys`], the one table of keys.

pub mod keys;
pub mod sample;
pub mod sections;

use sections::{Accounts, Apps, Backups, Data, Engine, Http, Store, Telemetry};
use std::{collections::BTreeMap, path::PathBuf};
use types::Plan;

/// Everything that can be configured.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where people and programs reach this server.
    pub http: Http,
    /// Where files live.
    pub data: Data,
    /// Where Paddock keeps its own records.
    pub store: Store,
    /// The PostgreSQL servers of users.
    pub engine: Engine,
    /// Where backups lie.
    pub backups: Backups,
    /// What is offered.
    pub plans: Vec<Plan>,
    /// What apps may have and call.
    pub apps: Apps,
    /// The first account and sign-in.
    pub accounts: Accounts,
    /// What is logged, and how.
    pub telemetry: Telemetry,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            http: Http::default(),
            data: Data::default(),
            store: Store::default(),
            engine: Engine::default(),
            backups: Backups::default(),
            plans: Plan::defaults(),
            apps: Apps::default(),
            accounts: Accounts::default(),
            telemetry: Telemetry::default(),
        }
    }
}

/// Why the configuration cannot be used; each names where the wrong value came from.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file that was named cannot be read.
    #[error("cannot read {what} {path}: {source}")]
    Read {
        /// "the configuration file", "PADDOCK_ADMIN_PASSWORD_FILE"
        what: String,
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The file is not TOML, has an unknown key, or a value of the wrong kind.
    #[error("{origin}: {message}")]
    Parse {
        /// The file, or "the environment".
        origin: String,
        /// What is wrong; never the value of a secret.
        message: String,
    },
    /// A variable's text does not fit its key.
    #[error("{variable} must be {wanted}")]
    Variable {
        /// Its name.
        variable: String,
        /// "a whole number"
        wanted: &'static str,
    },
    /// The values do not fit together.
    #[error("{0}")]
    Value(String),
}

impl Config {
    /// Reads the configuration that the process was started with.
    ///
    /// # Errors
    /// See [`ConfigError`].
    pub fn load() -> Result<Self, ConfigError> {
        let env = std::env::vars().filter(|(name, _)| name.starts_with("PADDOCK_")).collect();
        let file = std::env::var_os("PADDOCK_CONFIG").map(PathBuf::from);
        Self::from_parts(file, &env)
    }

    /// Reads `file`, puts the variables `env` over it, and checks the result.
    ///
    /// # Errors
    /// See [`ConfigError`].
    pub fn from_parts(file: Option<PathBuf>, env: &BTreeMap<String, String>) -> Result<Self, ConfigError> {
        let mut table = toml::Table::new();
        let mut origin = String::from("the environment");
        if let Some(path) = file {
            origin = path.display().to_string();
            let text = std::fs::read_to_string(&path).map_err(|source| ConfigError::Read {
                what: "the configuration file".into(),
                path,
                source,
            })?;
            // The file is checked alone first, so that a message blames the right place.
            parse(&text, &origin)?;
            table = text.parse().map_err(|e: toml::de::Error| bad(&origin, &e))?;
        }
        keys::overlay(&mut table, env)?;
        let config: Self =
            toml::Value::Table(table).try_into().map_err(|e: toml::de::Error| bad(&origin, &e))?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), ConfigError> {
        let wrong = |text: String| Err(ConfigError::Value(text));
        let public = self.http.public_url();
        let host = public.strip_prefix("https://").or_else(|| public.strip_prefix("http://"));
        if !host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '?', '#', '@'])) {
            return wrong(format!(
                "http.public_url “{public}” is not an origin such as https://paddock.example.org."
            ));
        }
        if self.engine.first_port > self.engine.last_port || self.engine.first_port < 1024 {
            return wrong("engine.first_port must be 1024 or more, and not above engine.last_port.".into());
        }
        if self.plans.is_empty() {
            return wrong("At least one plan is needed under [[plans]].".into());
        }
        let mut names: Vec<_> = self.plans.iter().map(|plan| plan.name.as_str()).collect();
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return wrong(format!("The plan “{}” is listed twice.", twice[0]));
        }
        if self.http.region.is_empty() {
            return wrong("http.region must not be empty.".into());
        }
        let admin = &self.accounts;
        let some =
            [admin.admin_email.is_some(), admin.admin_username.is_some(), admin.admin_password.is_some()];
        if some.contains(&true) && some.contains(&false) {
            return wrong(
                "The first account needs all of admin_email, admin_username and admin_password.".into(),
            );
        }
        if admin.admin_token.is_some() && !some[0] {
            return wrong(
                "admin_token belongs to the first account: give admin_email and its password, too.".into(),
            );
        }
        Ok(())
    }
}

fn parse(text: &str, origin: &str) -> Result<Config, ConfigError> {
    toml::from_str(text).map_err(|e| bad(origin, &e))
}

/// `message()` alone: the full text quotes the line, and the line may hold a password.
fn bad(origin: &str, error: &toml::de::Error) -> ConfigError {
    ConfigError::Parse { origin: origin.into(), message: error.message().trim().to_owned() }
}

#[cfg(test)]
mod tests;
