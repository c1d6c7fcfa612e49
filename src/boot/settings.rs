//! What each room is told, from the one configuration.

use crate::{
    config::{Config, ConfigError},
    web::{assets, router, serve},
};
use chrono::TimeDelta;
use engine::{
    EngineConfig,
    layout::Layout,
    versions::{Catalogue, DISTRIBUTION_DIR, Floors},
};
use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};
use vault::{S3Config, VaultConfig};

/// What the engine is told.
#[must_use]
pub fn engine(config: &Config) -> EngineConfig {
    let mut settings = EngineConfig::new(&config.data.root);
    settings.ports = config.engine.first_port..=config.engine.last_port;
    settings.listen.clone_from(&config.engine.listen);
    settings.firewall = config.engine.firewall;
    settings.networks.clone_from(&config.engine.networks);
    settings.make_way = Duration::from_secs(60 * u64::from(config.backups.make_way_minutes));
    settings.version_dirs.clone_from(&config.engine.version_dirs);
    settings.floors.clone_from(&config.engine.floors);
    settings.public_host =
        config.engine.public_host.clone().unwrap_or_else(|| host(&config.http.public_url()));
    settings
}

/// What must be said about the address that people are told: the public command-line client reads the second label of
/// the API's host, and breaks where there is none.
#[must_use]
pub fn host_warning(config: &Config) -> Option<String> {
    let host = host(&config.http.public_url());
    let message = format!(
        "The public command-line client cannot work with the host name {host}, which has no dot. Set http.public_url \
         (PADDOCK_HTTP_PUBLIC_URL) to an address or a full name if you want to use it."
    );
    (!host.contains(['.', ':'])).then_some(message)
}

/// The host of an origin, without scheme and port.
fn host(origin: &str) -> String {
    let authority = origin.split("://").nth(1).unwrap_or(origin);
    match authority.parse::<SocketAddr>() {
        Ok(address) => address.ip().to_string(),
        Err(_) => match authority.trim_matches(['[', ']']).parse::<IpAddr>() {
            Ok(ip) => ip.to_string(),
            Err(_) => authority.split(':').next().unwrap_or(authority).to_owned(),
        },
    }
}

/// Where PostgreSQL servers are looked for, for commands that start no engine.
#[must_use]
pub fn catalogue(config: &Config) -> Catalogue {
    let own = Layout::new(&config.data.root).versions();
    let more = config.engine.version_dirs.clone();
    let dirs = [own].into_iter().chain(more).chain([DISTRIBUTION_DIR.into()]);
    Catalogue::new(dirs.collect()).with_floors(Floors::default().with(config.engine.floors.clone()))
}

/// Where backups lie.
///
/// # Errors
/// A bucket without the rest that it needs.
pub fn vault(config: &Config) -> Result<VaultConfig, ConfigError> {
    let backups = &config.backups;
    let Some(bucket) = backups.s3_bucket.clone() else {
        let below = || Layout::new(&config.data.root).root().join("backups");
        return Ok(VaultConfig::Directory { root: backups.directory.clone().unwrap_or_else(below) });
    };
    let missing = |name: &str| {
        ConfigError::Value(format!("backups.s3_bucket is set, so backups.{name} is needed, too"))
    };
    let endpoint = backups.s3_endpoint.clone().ok_or_else(|| missing("s3_endpoint"))?;
    Ok(VaultConfig::S3(S3Config {
        allow_http: endpoint.starts_with("http://"),
        endpoint,
        region: backups.s3_region.clone().unwrap_or_else(|| "us-east-1".into()),
        bucket,
        prefix: backups.s3_prefix.clone().unwrap_or_default(),
        access_key: backups.s3_access_key.clone().ok_or_else(|| missing("s3_access_key"))?,
        secret_key: backups.s3_secret_key.clone().ok_or_else(|| missing("s3_secret_key"))?,
        path_style: backups.s3_path_style,
    }))
}

/// What the core is told.
#[must_use]
pub fn core(config: &Config) -> control::Config {
    control::Config {
        plans: config.plans.clone(),
        public_url: config.http.public_url(),
        trash_for: TimeDelta::hours(config.data.trash_hours.into()),
        max_addons_per_app: config.apps.max_addons_per_app,
        hooks_reach_private_networks: config.apps.hooks_reach_private_networks,
        session_idle: TimeDelta::minutes(config.accounts.session_idle_minutes.into()),
        session_absolute: TimeDelta::hours(config.accounts.session_hours.into()),
        session_fresh: TimeDelta::minutes(config.accounts.session_fresh_minutes.into()),
        ..control::Config::default()
    }
}

/// What the router is told.
#[must_use]
pub fn site(config: &Config) -> router::Site {
    router::Site {
        public_url: config.http.public_url().into(),
        region: config.http.region.as_str().into(),
        trusted_proxies: config.http.trusted_proxies.iter().map(IpAddr::to_canonical).collect(),
        options: assets::options(config.http.site_root.clone()),
    }
}

/// What the accept loop is told.
#[must_use]
pub fn limits(config: &Config) -> serve::Limits {
    serve::Limits {
        connections: config.http.max_connections,
        per_ip: config.http.max_connections_per_ip,
        uncounted: config.http.trusted_proxies.iter().map(IpAddr::to_canonical).collect(),
        ..serve::Limits::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the file says and the core does not hear would be a promise to nobody.
    #[test]
    fn the_core_hears_what_apps_may() {
        let told = |text: &str| {
            let core = core(&toml::from_str(text).unwrap());
            (core.max_addons_per_app, core.hooks_reach_private_networks)
        };
        let defaults = control::Config::default();
        assert_eq!(told(""), (defaults.max_addons_per_app, defaults.hooks_reach_private_networks));
        let file = "[apps]\nmax_addons_per_app = 3\nhooks_reach_private_networks = false";
        assert_eq!(told(file), (3, false));
    }

    #[test]
    fn a_host_name_without_a_dot_is_warned_of() {
        for (origin, warned) in [
            ("https://paddock", true),
            ("http://localhost:8080", true),
            ("https://paddock.example.org", false),
            ("http://127.0.0.1:8080", false),
            ("http://[::1]:8080", false),
        ] {
            let file = format!("[http]\npublic_url = \"{origin}\"");
            assert_eq!(host_warning(&toml::from_str(&file).unwrap()).is_some(), warned, "{origin}");
        }
    }

    #[test]
    fn the_host_of_an_origin() {
        for (origin, wanted) in [
            ("https://paddock.example.org", "paddock.example.org"),
            ("http://paddock.example.org:8080", "paddock.example.org"),
            ("http://127.0.0.1:8080", "127.0.0.1"),
            ("http://[::1]:8080", "::1"),
            ("http://[::1]", "::1"),
        ] {
            assert_eq!(host(origin), wanted, "{origin}");
        }
    }
}
