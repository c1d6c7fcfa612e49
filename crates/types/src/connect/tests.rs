//! Each format is read back by the rules of the program that will read it, for passwords of any characters.

use super::{read::*, *};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn view(user: &str, password: &str) -> ConnectionView {
    ConnectionView {
        host: "db.example.org".into(),
        port: 31000,
        database: "my_app_4553".into(),
        username: user.into(),
        password: Some(password.into()),
    }
}

fn text(key: &str, view: &ConnectionView) -> String {
    let options = Options { masked: false, sslmode: SslMode::VerifyFull };
    formats(view, options).into_iter().find(|f| f.key == key).unwrap().text
}

/// What a reader understood: user, password, host, port, database, sslmode.
type Read = (String, String, String, String, String, String);

fn expected(user: &str, password: &str, sslmode: &str) -> Read {
    let all = [user, password, "db.example.org", "31000", "my_app_4553", sslmode].map(str::to_owned);
    all.into()
}

fn read(map: &BTreeMap<String, String>, keys: [&str; 6]) -> Read {
    keys.map(|key| map.get(key).unwrap_or_else(|| panic!("{key} in {map:?}")).clone()).into()
}

const LIBPQ: [&str; 6] = ["user", "password", "host", "port", "dbname", "sslmode"];

/// Any text that PostgreSQL takes as a name or a password: no NUL.
fn any() -> impl Strategy<Value = String> {
    let odd = "[ -~]{0,24}|[:@/?#%&+=;'\"\\\\`$!<%>|*\\[\\] \t]{0,24}";
    prop_oneof![odd, "\\PC{0,24}", "[^\u{0}]{0,24}"]
}

proptest! {
    #[test]
    fn urls(user in any(), password in any()) {
        let v = view(&user, &password);
        let wanted = expected(&user, &password, "verify-full");
        prop_assert_eq!(read(&url_parts(&text("url", &v)), LIBPQ), wanted.clone());
        let psql = text("psql", &v);
        prop_assert_eq!(read(&url_parts(double_quoted(psql.strip_prefix("psql ").unwrap())), LIBPQ), wanted.clone());
        let env = text("env", &v);
        prop_assert_eq!(read(&url_parts(double_quoted(env.strip_prefix("DATABASE_URL=").unwrap())), LIBPQ), wanted.clone());
        let pgx = text("pgx", &v);
        let go = pgx.strip_prefix("conn, err := pgx.Connect(ctx, ").and_then(|t| t.strip_suffix(')')).unwrap();
        prop_assert_eq!(read(&url_parts(double_quoted(go)), LIBPQ), wanted);
        let prisma = text("prisma", &v);
        let inner = double_quoted(prisma.strip_prefix("DATABASE_URL=").unwrap());
        prop_assert_eq!(read(&url_parts(inner), LIBPQ), expected(&user, &password, "require"));
    }

    #[test]
    fn jdbc(user in any(), password in any()) {
        let jdbc = text("jdbc", &view(&user, &password));
        let (place, parameters) = jdbc.split_once('?').unwrap();
        prop_assert_eq!(place, "jdbc:postgresql://db.example.org:31000/my_app_4553");
        let map = pairs(parameters, true);
        prop_assert_eq!((&map["user"], &map["password"]), (&user, &password));
        prop_assert_eq!(map["sslrootcert"].as_str(), CA_FILE);
    }

    #[test]
    fn files(user in any(), password in any()) {
        let v = view(&user, &password);
        let line = text("pgpass", &v);
        let broken = |t: &str| t.contains(['\n', '\r']);
        if broken(&user) || broken(&password) {
            prop_assert!(line.starts_with("# "));
        } else {
            prop_assert_eq!(pgpass_fields(&line), ["db.example.org", "31000", "my_app_4553", &user, &password]);
        }
        let file = text("service", &v);
        let cut = |t: &str| broken(t) || t.ends_with([' ', '\t', '\u{b}', '\u{c}']);
        if cut(&user) || cut(&password) {
            prop_assert!(file.starts_with("# ") && !file.contains('\n'));
        } else {
            prop_assert_eq!(read(&service_entries(&file), LIBPQ), expected(&user, &password, "verify-full"));
        }
    }

    #[test]
    fn key_and_value(user in any(), password in any()) {
        let v = view(&user, &password);
        prop_assert_eq!(read(&keywords(&text("keyvalue", &v)), LIBPQ), expected(&user, &password, "verify-full"));
        let keys = ["Username", "Password", "Host", "Port", "Database", "SSL Mode"];
        prop_assert_eq!(read(&dotnet_pairs(&text("npgsql", &v)), keys), expected(&user, &password, "VerifyFull"));
    }

    #[test]
    fn code(user in any(), password in any()) {
        let v = view(&user, &password);
        for (key, user_at, password_at) in [
            ("sqlalchemy", "username=", "password="),
            ("django", "\"USER\": ", "\"PASSWORD\": "),
            ("rails", "username: ", "password: "),
        ] {
            let text = text(key, &v);
            prop_assert_eq!(literal_after(&text, user_at), user.clone(), "{}", key);
            prop_assert_eq!(literal_after(&text, password_at), password.clone(), "{}", key);
        }
        let sqlx = text("sqlx", &v);
        prop_assert_eq!(rust_after(&sqlx, ".username("), user);
        prop_assert_eq!(rust_after(&sqlx, ".password("), password);
    }

    #[test]
    fn a_masked_text_has_the_mask_and_not_the_password(password in "[a-zA-Z0-9]{16,32}") {
        let v = view("ada", &password);
        for sslmode in SslMode::ALL {
            for format in formats(&v, Options { masked: true, sslmode }) {
                prop_assert!(format.text.contains(MASK) && !format.text.contains(&password), "{}", format.text);
            }
        }
    }
}

#[test]
fn a_view_without_a_password_is_masked() {
    let v = ConnectionView { password: None, ..view("ada", "") };
    let options = Options { masked: false, sslmode: SslMode::Require };
    assert!(formats(&v, options).iter().all(|f| f.text.contains(MASK)));
}

#[test]
fn only_a_checked_certificate_needs_the_file() {
    let v = view("ada", "secret");
    for format in formats(&v, Options { masked: false, sslmode: SslMode::VerifyFull }) {
        assert_eq!(format.text.contains(CA_FILE), format.key != "pgpass", "{}", format.text);
    }
    for format in formats(&v, Options { masked: false, sslmode: SslMode::Require }) {
        assert!(!format.text.contains(CA_FILE), "{}", format.text);
    }
}

#[test]
fn an_ipv6_address_is_bracketed_in_urls_and_escaped_in_pgpass() {
    let v = ConnectionView { host: "2001:db8::1".into(), ..view("ada", "secret") };
    assert!(text("url", &v).contains("@[2001:db8::1]:31000/"));
    assert!(text("pgpass", &v).starts_with(r"2001\:db8\:\:1:31000:"));
}

#[test]
fn the_lines_read_as_people_know_them() {
    let v = view("ada", "p@ss word");
    let tail = "db.example.org:31000/my_app_4553?sslmode=verify-full&sslrootcert=paddock-ca.pem";
    assert_eq!(text("psql", &v), format!("psql \"postgresql://ada:p%40ss%20word@{tail}\""));
    assert_eq!(
        text("keyvalue", &v),
        "host=db.example.org port=31000 dbname=my_app_4553 user=ada password='p@ss word' sslmode=verify-full \
         sslrootcert=paddock-ca.pem"
    );
    assert_eq!(formats(&v, Options { masked: true, sslmode: SslMode::Require }).len(), 14);
    assert_eq!(
        format_named(&v, Options { masked: true, sslmode: SslMode::Require }, "nonsense").unwrap().key,
        "url"
    );
}
