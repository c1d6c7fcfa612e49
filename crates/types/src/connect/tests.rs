//! Each format is read back by the rules of the program that will read it, for passwords of any characters.

use super::*;
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

// --- readers -----------------------------------------------------------------------------------------------------

/// RFC 3986, as libpq's `conninfo_uri_decode` has it: `%XX`, and `+` is a plus.
fn percent(text: &str, plus_is_space: bool) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        match first {
            b'%' => {
                bytes.push(u8::from_str_radix(std::str::from_utf8(&tail[..2]).unwrap(), 16).unwrap());
                rest = &tail[2..];
            }
            b'+' if plus_is_space => bytes.push(b' '),
            other => bytes.push(*other),
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// libpq's order: up to `:` or `@` is the user, then the password up to `@`, then host, port, database, parameters.
fn url_parts(url: &str) -> BTreeMap<String, String> {
    let rest = url.strip_prefix("postgresql://").unwrap();
    let (login, rest) = rest.split_once('@').unwrap();
    let (user, password) = login.split_once(':').unwrap();
    let (place, parameters) = rest.split_once('?').unwrap();
    let (address, database) = place.split_once('/').unwrap();
    let (host, port) = address.rsplit_once(':').unwrap();
    let mut map = pairs(parameters, false);
    let own = [("user", user), ("password", password), ("host", host), ("port", port), ("dbname", database)];
    map.extend(own.map(|(key, value)| (key.to_owned(), percent(value, false))));
    map
}

fn pairs(text: &str, plus_is_space: bool) -> BTreeMap<String, String> {
    let pair = |pair: &str| {
        let (key, value) = pair.split_once('=').unwrap();
        (percent(key, plus_is_space), percent(value, plus_is_space))
    };
    text.split('&').map(pair).collect()
}

/// POSIX shell and dotenv, inside double quotes: `$`, backquote and backslash (and `!` when typed) would be special.
fn double_quoted(text: &str) -> &str {
    let inner = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap();
    assert!(!inner.contains(['"', '$', '`', '\\', '!', '\n', '#', ' ']), "{inner}");
    inner
}

/// libpq's `getPgPassLine`/`pwdfMatchesString`: a backslash takes the next character as it is.
fn pgpass_fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => fields.last_mut().unwrap().extend(chars.next()),
            ':' => fields.push(String::new()),
            c => fields.last_mut().unwrap().push(c),
        }
    }
    fields
}

/// libpq's `parseServiceFile`: space at both ends of the line is dropped, the first `=` parts key and value.
fn service_entries(file: &str) -> BTreeMap<String, String> {
    let mut lines = file.lines().map(str::trim_ascii);
    assert_eq!(lines.next(), Some("[my_app_4553]"));
    lines.map(|line| line.split_once('=').unwrap()).map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
}

/// libpq's `conninfo_parse`.
fn keywords(text: &str) -> BTreeMap<String, String> {
    let mut map = BTreeMap::new();
    let mut chars = text.chars().peekable();
    loop {
        while chars.next_if(char::is_ascii_whitespace).is_some() {}
        if chars.peek().is_none() {
            return map;
        }
        let key: String = std::iter::from_fn(|| chars.next_if(|c| *c != '=')).collect();
        assert_eq!(chars.next(), Some('='));
        let quoted = chars.next_if_eq(&'\'').is_some();
        let mut value = String::new();
        loop {
            match chars.next() {
                Some('\\') => value.extend(chars.next()),
                Some('\'') if quoted => break,
                Some(c) if !quoted && c.is_ascii_whitespace() => break,
                None => {
                    assert!(!quoted, "a quote is open in {text}");
                    break;
                }
                Some(c) => value.push(c),
            }
        }
        map.insert(key, value);
    }
}

/// .NET's `DbConnectionOptions`: `key=value;`, where a value in double quotes has them doubled.
fn dotnet_pairs(text: &str) -> BTreeMap<String, String> {
    let mut map = BTreeMap::new();
    let mut chars = text.chars().peekable();
    while chars.peek().is_some() {
        let key: String = std::iter::from_fn(|| chars.next_if(|c| *c != '=')).collect();
        assert_eq!(chars.next(), Some('='));
        let mut value = String::new();
        if chars.next_if_eq(&'"').is_some() {
            while let Some(c) = chars.next() {
                if c != '"' {
                    value.push(c);
                } else if chars.next_if_eq(&'"').is_some() {
                    value.push('"');
                } else {
                    break;
                }
            }
        } else {
            value = std::iter::from_fn(|| chars.next_if(|c| *c != ';')).collect();
            assert!(value.trim() == value && !value.contains(['\'', '"']));
        }
        assert!(matches!(chars.next(), None | Some(';')));
        map.insert(key, value);
    }
    map
}

/// The literal after `before`. JSON's strings are a subset of Python's and of YAML's double-quoted ones; YAML in
/// addition refuses unprintable characters, and ERB must find nothing to run.
fn literal_after(text: &str, before: &str) -> String {
    assert!(!text.contains("<%"), "{text}");
    let line = text.lines().find_map(|line| line.trim_start().strip_prefix(before)).unwrap();
    let line = line.strip_suffix(',').unwrap_or(line);
    assert!(!line.chars().any(char::is_control), "{line}");
    serde_json::from_str(line).unwrap()
}

/// A Rust string literal after `before`, up to `)`.
fn rust_after(text: &str, before: &str) -> String {
    let line = text.lines().find_map(|line| line.trim_start().strip_prefix(before)).unwrap();
    let inner = line.strip_prefix('"').and_then(|l| l.strip_suffix("\")")).unwrap();
    let mut out = String::new();
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        assert_ne!(c, '"');
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next().unwrap() {
            'n' => out.push('\n'),
            'r' => out.push('\r'),
            't' => out.push('\t'),
            '0' => out.push('\0'),
            'u' => {
                let hex: String = chars.by_ref().skip(1).take_while(|c| *c != '}').collect();
                out.push(char::from_u32(u32::from_str_radix(&hex, 16).unwrap()).unwrap());
            }
            same => out.push(same),
        }
    }
    out
}

// --- round trips ---------------------------------------------------------------------------------------------------

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
        let cut = |t: &str| broken(t) || t.ends_with(|c| matches!(c, ' ' | '\t' | '\u{b}' | '\u{c}'));
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
    assert_eq!(format_named(&v, Options { masked: true, sslmode: SslMode::Require }, "nonsense").unwrap().key, "url");
}
