//! "Show me the command": what a form does, as a call of the HTTP API, as SQL and with PostgreSQL's own tools, from the same typed request.
//!
//! Nothing here is run: it is shown, to be copied. Secrets are never part of it; a place is left for them.

use crate::{
    AddonId, BackupId,
    connect::quote::url,
    reach::Feature,
    sql::{Unquotable, quote_ident},
};
use serde_json::{Value, json};

/// A form's act.
#[derive(Clone, Debug, PartialEq)]
pub enum Act<'a> {
    /// A user is made.
    CreateUser {
        /// Its name.
        name: &'a str,
        /// It may only read.
        read_only: bool,
    },
    /// A user gets another password.
    ChangePassword {
        /// Its name.
        name: &'a str,
        /// It is the published login: only Paddock changes its password, or the URL would be wrong.
        protected: bool,
    },
    /// A user is removed.
    DeleteUser {
        /// Its name.
        name: &'a str,
    },
    /// An extension is made.
    CreateExtension {
        /// Its name.
        name: &'a str,
    },
    /// An extension is dropped.
    DropExtension {
        /// Its name.
        name: &'a str,
    },
    /// A switch is turned on or off.
    Switch {
        /// Which one.
        feature: Feature,
        /// On.
        on: bool,
    },
    /// A network is opened.
    OpenNetwork {
        /// The range of addresses.
        cidr: &'a str,
        /// Why.
        note: &'a str,
    },
    /// Statements that take so long are logged with their plans.
    LogSlowQueries {
        /// Milliseconds; `None`: none.
        ms: Option<u32>,
    },
    /// What runs is listed.
    ListQueries,
    /// Counting of statements is switched on.
    CountStatements,
    /// Counters of statements begin anew.
    ResetStatements,
    /// A backup is made now.
    BackUp,
    /// Backups are made by themselves, or not any more.
    ScheduleBackups {
        /// On.
        enabled: bool,
        /// At this hour of UTC, 0 to 23.
        hour_utc: u8,
    },
    /// A backup is restored in the place of the data.
    RestoreBackup {
        /// Which one.
        backup: BackupId,
    },
}

/// The same act in other words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// For a shell, with `PADDOCK_URL` and `TOKEN` in its environment.
    pub api: String,
    /// For `psql`; `None` where no SQL of a user does it.
    pub sql: Option<String>,
    /// For a shell, with `DATABASE_URL` in its environment; `None` where no tool of PostgreSQL does it.
    pub tools: Option<String>,
}

/// What `act` is in other words; `None` when a name cannot be written in SQL.
#[must_use]
pub fn command(database: AddonId, act: &Act<'_>) -> Option<Command> {
    let sql = sql(act).ok()?;
    let (method, path, body) = call(act);
    let api = curl(method, &format!("/api/databases/{database}{path}"), body.as_ref());
    Some(Command { api, sql, tools: tools(act) })
}

/// Method, path below the database, and body.
fn call(act: &Act<'_>) -> (&'static str, String, Option<Value>) {
    let action = |name: &str, params: Value| {
        ("POST", "/action".to_owned(), Some(json!({"action_name": name, "params": params})))
    };
    match act {
        Act::CreateUser { name, read_only } => {
            let user = json!({"name": name, "read_only": read_only});
            ("POST", "/users".into(), Some(json!({"database_user": user})))
        }
        Act::ChangePassword { name, .. } => {
            ("POST", format!("/users/{}/reset_password", url(name)), Some(json!({})))
        }
        Act::DeleteUser { name } => ("DELETE", format!("/users/{}", url(name)), None),
        Act::CreateExtension { name } => action("create-extension", json!({"name": name})),
        Act::DropExtension { name } => action("drop-extension", json!({"name": name})),
        Act::Switch { feature, on: true } => {
            let feature = json!({"name": feature.name(), "status": ""});
            ("POST", "/features".into(), Some(json!({"feature": feature})))
        }
        Act::Switch { feature, on: false } => {
            ("DELETE", format!("/features?feature={}", feature.name()), None)
        }
        Act::OpenNetwork { cidr, note } => {
            let rule = json!({"type": "custom_range", "cidr": cidr, "label": note});
            ("POST", "/firewall_rules".into(), Some(json!({"firewall_rule": rule})))
        }
        Act::LogSlowQueries { ms } => ("PUT", "/slow_queries".into(), Some(json!({"threshold_ms": ms}))),
        Act::ListQueries => action("pg-list-queries", json!({})),
        Act::CountStatements => action("pg-stat-statements-enable", json!({})),
        Act::ResetStatements => action("pg-stat-statements-reset", json!({})),
        Act::BackUp => ("POST", "/backups".into(), Some(json!({}))),
        Act::ScheduleBackups { enabled: true, hour_utc } => {
            let set = json!({"periodic_backups_enabled": true, "periodic_backups_scheduled_at": hour_utc});
            ("PATCH", String::new(), Some(json!({"database": set})))
        }
        Act::ScheduleBackups { enabled: false, .. } => {
            ("PATCH", String::new(), Some(json!({"database": {"periodic_backups_enabled": false}})))
        }
        Act::RestoreBackup { backup } => ("POST", format!("/backups/{backup}/restore"), Some(json!({}))),
    }
}

fn sql(act: &Act<'_>) -> Result<Option<String>, Unquotable> {
    Ok(Some(match act {
        // Only the platform makes roles; what it gives is shown on the user's own page.
        Act::CreateUser { .. } | Act::DeleteUser { .. } => return Ok(None),
        // Files of the server, which no SQL of a user changes.
        Act::Switch { .. } | Act::OpenNetwork { .. } | Act::LogSlowQueries { .. } => return Ok(None),
        // The counters are where no user comes.
        Act::CountStatements | Act::ResetStatements => return Ok(None),
        // Made of dumps, not of statements.
        Act::BackUp | Act::ScheduleBackups { .. } | Act::RestoreBackup { .. } => return Ok(None),
        Act::ListQueries => {
            "SELECT pid, usename, state, clock_timestamp() - query_start AS duration, query\nFROM \
                             pg_stat_activity WHERE datname = current_database();"
                .into()
        }
        Act::ChangePassword { protected: true, .. } => return Ok(None),
        // Sessions of those who write begin as the owner, who may not change it.
        Act::ChangePassword { name, protected: false } => {
            format!("SET ROLE NONE;\n\\password {}", quote_ident(name)?)
        }
        Act::CreateExtension { name } => format!("CREATE EXTENSION IF NOT EXISTS {};", quote_ident(name)?),
        Act::DropExtension { name } => format!("DROP EXTENSION {};", quote_ident(name)?),
    }))
}

/// The dump that a backup holds, as anybody can make it.
fn tools(act: &Act<'_>) -> Option<String> {
    matches!(act, Act::BackUp).then(|| {
        "pg_dump --format c --no-owner --no-privileges --no-comments \\\n  --file backup.pgsql --dbname \"$DATABASE_URL\"".into()
    })
}

/// A call that can be pasted into a shell.
fn curl(method: &str, path: &str, body: Option<&Value>) -> String {
    let mut text =
        format!("curl -X {method} \"$PADDOCK_URL\"{path} \\\n  -H \"Authorization: Bearer $TOKEN\"");
    if let Some(body) = body {
        text += &format!(" \\\n  -H 'Content-Type: application/json' \\\n  -d {}", shell(&body.to_string()));
    }
    text
}

/// A word for a POSIX shell: in single quotes nothing is special but the quote itself.
fn shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(act: &Act<'_>) -> Command {
        command("ad-0198aaaa-0000-7000-8000-000000000000".parse().unwrap(), act).unwrap()
    }

    #[test]
    fn a_call_can_be_pasted() {
        let made = of(&Act::CreateUser { name: "it's_me", read_only: true });
        assert_eq!(
            made.api,
            r#"curl -X POST "$PADDOCK_URL"/api/databases/ad-0198aaaa-0000-7000-8000-000000000000/users \
  -H "Authorization: Bearer $TOKEN" \
  -H 'Content-Type: application/json' \
  -d '{"database_user":{"name":"it'\''s_me","read_only":true}}'"#
        );
    }

    #[test]
    fn a_backup_is_made_and_restored_by_hand() {
        let made = of(&Act::BackUp);
        assert!(made.api.starts_with(
            "curl -X POST \"$PADDOCK_URL\"/api/databases/ad-0198aaaa-0000-7000-8000-000000000000/backups "
        ));
        assert!(made.tools.unwrap().starts_with("pg_dump --format c "));
        let set = of(&Act::ScheduleBackups { enabled: true, hour_utc: 3 });
        let body = r#"-d '{"database":{"periodic_backups_enabled":true,"periodic_backups_scheduled_at":3}}'"#;
        assert!(set.api.ends_with(body), "{}", set.api);
        let backup = "bk-0198aaaa-0000-7000-8000-000000000000".parse().unwrap();
        let restored = of(&Act::RestoreBackup { backup });
        assert!(restored.api.contains("/backups/bk-0198aaaa-0000-7000-8000-000000000000/restore "));
        assert_eq!((restored.sql, restored.tools), (None, None));
    }

    #[test]
    fn sql_is_quoted() {
        let sql = |act: &Act<'_>| of(act).sql.unwrap();
        assert_eq!(
            sql(&Act::CreateExtension { name: "uuid-ossp" }),
            r#"CREATE EXTENSION IF NOT EXISTS "uuid-ossp";"#
        );
        assert_eq!(sql(&Act::DropExtension { name: "a\"b" }), r#"DROP EXTENSION "a""b";"#);
        let id = "ad-0198aaaa-0000-7000-8000-000000000000".parse().unwrap();
        assert_eq!(command(id, &Act::DropExtension { name: "a\0" }), None);
    }
}
