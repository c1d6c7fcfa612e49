//! What is shown can be pasted, is quoted, and is what is typed.

#![expect(clippy::unwrap_used, reason = "a command that cannot be read ends its test")]

use chrono::DateTime;
use types::command::{Act, Command, SqlBy, Typed, TypedForm, command};

const ID: &str = "ad-0198aaaa-0000-7000-8000-000000000000";

fn of(act: &Act<'_>) -> Command {
    command(ID.parse().unwrap(), act).unwrap()
}

fn sql(act: &Act<'_>) -> (SqlBy, String) {
    let sql = of(act).sql.unwrap();
    (sql.by, sql.text)
}

/// What `bash` makes of it: `curl` stands for a function that prints its last argument.
fn body(api: &str, password: &str) -> String {
    let call = api.strip_prefix("read -rsp 'Password: ' PASSWORD\n").unwrap_or(api);
    let script = format!("PASSWORD=$1; curl() {{ printf %s \"${{@: -1}}\"; }}\n{call}");
    #[expect(clippy::disallowed_methods, reason = "the shell is the judge of what can be pasted")]
    let told = std::process::Command::new("bash").args(["-c", &script, "bash", password]).output().unwrap();
    assert!(told.status.success(), "{api}: {}", String::from_utf8_lossy(&told.stderr));
    String::from_utf8(told.stdout).unwrap()
}

#[test]
fn a_call_can_be_pasted() {
    let act = Act::CreateUser { database: "my_app_1", name: "it's_me", read_only: true, typed: false };
    let made = of(&act);
    assert_eq!(
        made.api,
        r#"curl -X POST "$PADDOCK_URL"/api/databases/ad-0198aaaa-0000-7000-8000-000000000000/users \
  -H "Authorization: Bearer $TOKEN" \
  -H 'Content-Type: application/json' \
  -d '{"database_user":{"name":"it'\''s_me","read_only":true}}'"#
    );
    assert_eq!(body(&made.api, ""), r#"{"database_user":{"name":"it's_me","read_only":true}}"#);
}

/// A password is asked for, stands nowhere, and arrives whole.
#[test]
fn a_typed_password_has_a_place() {
    let made = of(&Act::CreateUser { database: "d", name: "it's_me", read_only: false, typed: true });
    let changed = of(&Act::ChangePassword { name: "reader", protected: false, typed: true });
    assert!(
        changed.api.contains("curl -X PATCH ") && changed.api.contains("/users/reader "),
        "{}",
        changed.api
    );
    for (api, name) in [(made.api, Some("it's_me")), (changed.api, None)] {
        assert!(api.starts_with("read -rsp "), "{api}");
        let password = r"a\ba$HOME `x` !";
        let told: serde_json::Value = serde_json::from_str(&body(&api, password)).unwrap();
        let user = &told["database_user"];
        assert_eq!((user["password"].as_str(), user["name"].as_str()), (Some(password), name));
        assert_eq!(user["password_confirmation"], user["password"]);
    }
    let made_up = of(&Act::ChangePassword { name: "reader", protected: false, typed: false });
    assert!(made_up.api.contains("/users/reader/reset_password "), "{}", made_up.api);
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
    let text = |act: &Act<'_>| sql(act).1;
    assert_eq!(
        text(&Act::CreateExtension { name: "uuid-ossp" }),
        r#"CREATE EXTENSION IF NOT EXISTS "uuid-ossp";"#
    );
    assert_eq!(text(&Act::DropExtension { name: "a\"b" }), r#"DROP EXTENSION "a""b";"#);
    let (by, made) = sql(&Act::CreateUser { database: "d", name: "a\"b", read_only: true, typed: true });
    assert_eq!(
        (by, made.as_str()),
        (
            SqlBy::Platform,
            "CREATE ROLE \"a\"\"b\" LOGIN;\nGRANT \"d_ro\" TO \"a\"\"b\";\nALTER ROLE \"a\"\"b\" SET \
             default_transaction_read_only = on;\n\\password \"a\"\"b\""
        )
    );
    let gone = text(&Act::DeleteUser { database: "d", name: "it's" });
    for part in
        ["WHERE usename = 'it''s';", "REASSIGN OWNED BY \"it's\" TO \"d_owner\";", "DROP ROLE \"it's\";"]
    {
        assert!(gone.contains(part), "{gone}");
    }
    let mend = |read_only| text(&Act::MendRights { database: "d", name: "w\"r", read_only });
    assert!(mend(false).starts_with("REASSIGN OWNED BY \"w\"\"r\" TO \"d_owner\";\n"), "{}", mend(false));
    assert!(!mend(true).contains("REASSIGN") && mend(true).contains("TO \"d_ro\";"), "{}", mend(true));
    for name in ["a\0", "", &"x".repeat(64)] {
        assert_eq!(command(ID.parse().unwrap(), &Act::DropExtension { name }), None, "{name:?}");
    }
}

/// A session is named by its moment of connecting, too, in both languages.
#[test]
fn a_session_is_named_for_ever() {
    let started = DateTime::from_timestamp_micros(1_790_000_000_000_007).unwrap();
    for (act, action, function) in [
        (Act::CancelQuery { pid: 11, started }, "pg-cancel-query", "pg_cancel_backend(pid)"),
        (Act::TerminateQuery { pid: 11, started }, "pg-terminate-query", "pg_terminate_backend(pid)"),
    ] {
        let told: serde_json::Value = serde_json::from_str(&body(&of(&act).api, "")).unwrap();
        let params = serde_json::json!({"pid": 11, "backend_start": "2026-09-21T14:13:20.000007Z"});
        assert_eq!((told["action_name"].as_str(), &told["params"]), (Some(action), &params));
        let (by, text) = sql(&act);
        assert!(by == SqlBy::User && text.contains(function), "{text}");
        assert!(text.contains("pid = 11 AND backend_start = '2026-09-21T14:13:20.000007Z';"), "{text}");
    }
}

#[test]
fn every_act_of_the_tabs_has_a_call() {
    let network = "nw-0198aaaa-0000-7000-8000-000000000000".parse().unwrap();
    for (act, part) in [
        (
            Act::CloseNetwork { network },
            "DELETE \"$PADDOCK_URL\"/api/databases/ad-0198aaaa-0000-7000-8000-000000000000/firewall_rules/nw-0198aaaa",
        ),
        (Act::EndRefusedSessions, r#""action_name":"end-refused-sessions""#),
        (
            Act::MendRights { database: "d", name: "u", read_only: false },
            r#"{"action_name":"mend-rights","params":{"name":"u"}}"#,
        ),
        (Act::CountStatements { on: false }, r#""action_name":"pg-stat-statements-disable""#),
        (Act::CountStatements { on: true }, r#""action_name":"pg-stat-statements-enable""#),
        (
            Act::DropExtension { name: "hstore" },
            r#"{"action_name":"drop-extension","params":{"name":"hstore"}}"#,
        ),
    ] {
        let api = of(&act).api;
        assert!(api.contains(part), "{api}");
    }
}

#[test]
fn a_form_shows_what_is_typed() {
    let typed = |form: TypedForm, fields: &[(&str, &str)]| {
        let typed = Typed { database: ID.parse().unwrap(), form };
        // As the page carries it to the browser.
        let typed: Typed = serde_json::from_str(&serde_json::to_string(&typed).unwrap()).unwrap();
        typed.command(|name| Some(fields.iter().find(|(known, _)| *known == name)?.1.to_owned()))
    };
    let create = || TypedForm::CreateUser { database: "my_app_1".into() };
    let empty = typed(create(), &[("name", ""), ("password", "")]).unwrap();
    assert_eq!(body(&empty.api, ""), r#"{"database_user":{"name":"user_name","read_only":false}}"#);
    let full = [("name", " reporting "), ("read_only", "on"), ("password", "a secret 1")];
    let full = typed(create(), &full).unwrap();
    assert!(full.api.contains(r#""name":"reporting","read_only":true"#), "{}", full.api);
    let whole = format!("{full:?}");
    assert!(whole.contains("GRANT \\\"my_app_1_ro\\\"") && !whole.contains("a secret 1"), "{whole}");
    assert_eq!(typed(create(), &[("name", &"x".repeat(64))]), None, "PostgreSQL would cut it");

    let change = || TypedForm::ChangePassword { name: "reporting".into(), protected: false };
    assert!(typed(change(), &[("password", "")]).unwrap().api.contains("reset_password"));
    assert!(typed(change(), &[("password", "x")]).unwrap().api.contains("curl -X PATCH "));

    let open = [("cidr", "192.0.2.0/24"), ("note", "it's us"), ("expires_at", "2026-12-01T10:30")];
    let open = typed(TypedForm::OpenNetwork, &open).unwrap();
    let rule: serde_json::Value = serde_json::from_str(&body(&open.api, "")).unwrap();
    assert_eq!(
        rule["firewall_rule"],
        serde_json::json!({"type": "custom_range", "cidr": "192.0.2.0/24", "label": "it's us",
            "expires_at": "2026-12-01T10:30:00Z"})
    );
    let open = typed(TypedForm::OpenNetwork, &[("expires_at", "")]).unwrap();
    assert!(open.api.contains("10.0.0.0/8") && !open.api.contains("expires_at"), "{}", open.api);

    for (ms, told) in [("500", "500"), ("off", "null")] {
        let slow = typed(TypedForm::LogSlowQueries, &[("threshold_ms", ms)]).unwrap();
        assert_eq!(body(&slow.api, ""), format!("{{\"threshold_ms\":{told}}}"));
    }
}
