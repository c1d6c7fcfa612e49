//! An act as a call of the HTTP API that can be pasted into a shell.

use super::Act;
use crate::connect::quote::url;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

/// Asks for the password without showing it. No secret stands in a command.
const ASK: &str = "read -rsp 'Password: ' PASSWORD\n";
/// The password within a JSON text. The rule for passwords lets in no quote and no control character; a backslash is
/// doubled (bash).
const PLACE: &str = r#""${PASSWORD//\\/\\\\}""#;

/// A request: method, path below the database, body.
struct Call {
    method: &'static str,
    path: String,
    body: Option<Value>,
    /// The object in the body has two more fields: the password, twice.
    password: bool,
}

impl Call {
    fn new(method: &'static str, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), body: None, password: false }
    }

    fn with(self, body: Value) -> Self {
        Self { body: Some(body), ..self }
    }

    fn action(name: &str, params: &Value) -> Self {
        Self::new("POST", "/action").with(json!({"action_name": name, "params": params}))
    }
}

/// The act on `database` as text for a shell.
pub(super) fn shell_text(database: crate::AddonId, act: &Act<'_>) -> String {
    let Call { method, path, body, password } = call(act);
    let mut text = if password { ASK.to_owned() } else { String::new() };
    text += &format!(
        "curl -X {method} \"$PADDOCK_URL\"/api/databases/{database}{path} \\\n  -H \"Authorization: Bearer $TOKEN\""
    );
    if let Some(body) = body {
        let body = body.to_string();
        let body = if password { with_password(&body) } else { word(&body) };
        text += &format!(" \\\n  -H 'Content-Type: application/json' \\\n  -d {body}");
    }
    text
}

fn call(act: &Act<'_>) -> Call {
    match act {
        Act::CreateUser { name, read_only, typed, .. } => {
            let user = json!({"name": name, "read_only": read_only});
            let call = Call::new("POST", "/users").with(json!({"database_user": user}));
            Call { password: *typed, ..call }
        }
        Act::ChangePassword { name, typed: true, .. } => {
            let call = Call::new("PATCH", format!("/users/{}", url(name)));
            Call { password: true, ..call.with(json!({"database_user": {}})) }
        }
        Act::ChangePassword { name, typed: false, .. } => {
            Call::new("POST", format!("/users/{}/reset_password", url(name))).with(json!({}))
        }
        Act::DeleteUser { name, .. } => Call::new("DELETE", format!("/users/{}", url(name))),
        Act::MendRights { name, .. } => Call::action("mend-rights", &json!({"name": name})),
        Act::CreateExtension { name } => Call::action("create-extension", &json!({"name": name})),
        Act::DropExtension { name } => Call::action("drop-extension", &json!({"name": name})),
        Act::Switch { feature, on: true } => {
            let feature = json!({"name": feature.name(), "status": ""});
            Call::new("POST", "/features").with(json!({"feature": feature}))
        }
        Act::Switch { feature, on: false } => {
            Call::new("DELETE", format!("/features?feature={}", feature.name()))
        }
        Act::OpenNetwork { cidr, note, expires_at } => {
            let mut rule = json!({"type": "custom_range", "cidr": cidr, "label": note});
            if let Some(at) = expires_at {
                rule["expires_at"] = json!(exact(*at));
            }
            Call::new("POST", "/firewall_rules").with(json!({"firewall_rule": rule}))
        }
        Act::CloseNetwork { network } => Call::new("DELETE", format!("/firewall_rules/{network}")),
        Act::EndRefusedSessions => Call::action("end-refused-sessions", &json!({})),
        Act::LogSlowQueries { ms } => Call::new("PUT", "/slow_queries").with(json!({"threshold_ms": ms})),
        Act::ListQueries => Call::action("pg-list-queries", &json!({})),
        Act::CancelQuery { pid, started } => Call::action("pg-cancel-query", &process(*pid, *started)),
        Act::TerminateQuery { pid, started } => Call::action("pg-terminate-query", &process(*pid, *started)),
        Act::CountStatements { on: true } => Call::action("pg-stat-statements-enable", &json!({})),
        Act::CountStatements { on: false } => Call::action("pg-stat-statements-disable", &json!({})),
        Act::ResetStatements => Call::action("pg-stat-statements-reset", &json!({})),
        Act::BackUp => Call::new("POST", "/backups").with(json!({})),
        Act::ScheduleBackups { enabled: true, hour_utc } => {
            let set = json!({"periodic_backups_enabled": true, "periodic_backups_scheduled_at": hour_utc});
            Call::new("PATCH", "").with(json!({"database": set}))
        }
        Act::ScheduleBackups { enabled: false, .. } => {
            Call::new("PATCH", "").with(json!({"database": {"periodic_backups_enabled": false}}))
        }
        Act::RestoreMoment { moment } => {
            Call::new("POST", "/pitr/beside").with(json!({"restore_time": exact(*moment)}))
        }
        Act::RestoreBackup { backup } => {
            Call::new("POST", format!("/backups/{backup}/restore")).with(json!({}))
        }
    }
}

/// A session as it was listed.
fn process(pid: i32, started: DateTime<Utc>) -> Value {
    json!({"pid": pid, "backend_start": exact(started)})
}

pub(super) fn exact(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// A word for a POSIX shell: in single quotes nothing is special but the quote itself.
fn word(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// `{"database_user":{…}}` as a word, with the password's places in the inner object.
fn with_password(body: &str) -> String {
    let inner = body.strip_suffix("}}").unwrap_or(body);
    let comma = if inner.ends_with('{') { "" } else { "," };
    let before = word(&format!(r#"{inner}{comma}"password":""#));
    let between = word(r#"","password_confirmation":""#);
    format!("{before}{PLACE}{between}{PLACE}{}", word(r#""}}"#))
}
