//! The table of keys, the structs, the sample file and the variables must agree.

use super::*;
use keys::KEYS;

fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

fn load(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::from_parts(None, &env(pairs))
}

#[test]
fn without_file_and_variables_the_defaults_hold() {
    let config = load(&[]).unwrap();
    assert_eq!(config.http.public_url(), "http://127.0.0.1:8080");
    assert!(!config.http.secure());
    assert_eq!(config.plans, Plan::defaults());
}

#[test]
fn the_sample_file_is_up_to_date_and_can_be_read() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/paddock.sample.toml");
    if std::env::var_os("UPDATE_SAMPLE").is_some() {
        std::fs::write(path, sample::text()).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), sample::text(), "UPDATE_SAMPLE=1 writes it again");
    // With every comment sign before a key taken away, it is a whole configuration.
    let all: String = sample::text()
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(rest) if !rest.starts_with(' ') => format!("{rest}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    let config: Config = toml::from_str(&all).unwrap();
    config.check().unwrap();
    assert_eq!(config.plans.len(), 1);
    assert!(config.http.secure());
}

#[test]
fn every_field_has_a_key_and_every_key_a_field() {
    // An unknown field makes serde list the known ones.
    for section in ["http", "data", "store", "engine", "backups", "apps", "accounts", "telemetry"] {
        let error = toml::from_str::<Config>(&format!("[{section}]\nno_such_key = 1")).unwrap_err();
        let mut known: Vec<_> = error.message().split('`').skip(3).step_by(2).map(str::to_owned).collect();
        let mut listed: Vec<_> =
            KEYS.iter().filter(|k| k.section == section).map(|k| k.name.to_owned()).collect();
        known.sort();
        listed.sort();
        assert_eq!(known, listed, "{section}");
    }
}

#[test]
fn a_variable_wins_over_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("paddock.toml");
    std::fs::write(&path, "[http]\nlisten = \"127.0.0.1:1\"\nregion = \"here\"\n").unwrap();
    let config = Config::from_parts(Some(path), &env(&[("PADDOCK_HTTP_LISTEN", "127.0.0.1:2")])).unwrap();
    assert_eq!((config.http.listen.port(), config.http.region.as_str()), (2, "here"));
}

#[test]
fn a_secret_may_come_from_a_file_and_is_never_shown() {
    use secrecy::ExposeSecret;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("password");
    std::fs::write(&path, "correct horse battery\n").unwrap();
    let path = path.to_str().unwrap();
    let admin = [("PADDOCK_ADMIN_EMAIL", "a@b.example"), ("PADDOCK_ADMIN_USERNAME", "ada")];
    let config = load(&[admin[0], admin[1], ("PADDOCK_ADMIN_PASSWORD_FILE", path)]).unwrap();
    assert_eq!(config.accounts.admin_password.as_ref().unwrap().expose_secret(), "correct horse battery");
    assert!(!format!("{config:?}").contains("horse"));
    let both = [admin[0], admin[1], ("PADDOCK_ADMIN_PASSWORD_FILE", path), ("PADDOCK_ADMIN_PASSWORD", "x")];
    assert!(load(&both).unwrap_err().to_string().contains("not both"));
}

#[test]
fn mistakes_are_named() {
    let cases: &[(&[(&str, &str)], &str)] = &[
        (&[("PADDOCK_ENGINE_POOL", "many")], "PADDOCK_ENGINE_POOL must be a whole number"),
        (&[("PADDOCK_HTTP_PUBLIC_URL", "paddock.example.org")], "public_url"),
        (&[("PADDOCK_HTTP_PUBLIC_URL", "https://x.example/sub")], "public_url"),
        (&[("PADDOCK_ENGINE_FIRST_PORT", "80")], "first_port"),
        (&[("PADDOCK_ADMIN_EMAIL", "a@b.example")], "admin_password"),
        (&[("PADDOCK_LOG_FORMAT", "yaml")], "yaml"),
    ];
    for (pairs, wanted) in cases {
        let message = load(pairs).unwrap_err().to_string();
        assert!(message.contains(wanted), "{pairs:?}: {message}");
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("paddock.toml");
    std::fs::write(&path, "[http]\nlisten_on = \"127.0.0.1:1\"\n").unwrap();
    assert!(Config::from_parts(Some(path.clone()), &env(&[])).unwrap_err().to_string().contains("listen_on"));
    // A message must not quote the line of a secret.
    std::fs::write(&path, "[accounts]\nadmin_password = [\"hunter2hunter2\"]\n").unwrap();
    let message = Config::from_parts(Some(path), &env(&[])).unwrap_err().to_string();
    assert!(!message.contains("hunter2"), "{message}");
}
