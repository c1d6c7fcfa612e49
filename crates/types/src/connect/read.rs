//! The readers of the tests: each format's own rules, as the program has them that will read it. They panic at what
//! that program would refuse.

use std::collections::BTreeMap;

/// RFC 3986, as libpq's `conninfo_uri_decode` has it: `%XX`, and `+` is a plus.
pub fn percent(text: &str, plus_is_space: bool) -> String {
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
pub fn url_parts(url: &str) -> BTreeMap<String, String> {
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

pub fn pairs(text: &str, plus_is_space: bool) -> BTreeMap<String, String> {
    let pair = |pair: &str| {
        let (key, value) = pair.split_once('=').unwrap();
        (percent(key, plus_is_space), percent(value, plus_is_space))
    };
    text.split('&').map(pair).collect()
}

/// POSIX shell and dotenv, inside double quotes: `$`, backquote and backslash (and `!` when typed) would be special.
pub fn double_quoted(text: &str) -> &str {
    let inner = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap();
    assert!(!inner.contains(['"', '$', '`', '\\', '!', '\n', '#', ' ']), "{inner}");
    inner
}

/// libpq's `getPgPassLine`/`pwdfMatchesString`: a backslash takes the next character as it is.
pub fn pgpass_fields(line: &str) -> Vec<String> {
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
pub fn service_entries(file: &str) -> BTreeMap<String, String> {
    let mut lines = file.lines().map(str::trim_ascii);
    assert_eq!(lines.next(), Some("[my_app_4553]"));
    lines.map(|line| line.split_once('=').unwrap()).map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
}

/// libpq's `conninfo_parse`.
pub fn keywords(text: &str) -> BTreeMap<String, String> {
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
pub fn dotnet_pairs(text: &str) -> BTreeMap<String, String> {
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
pub fn literal_after(text: &str, before: &str) -> String {
    assert!(!text.contains("<%"), "{text}");
    let line = text.lines().find_map(|line| line.trim_start().strip_prefix(before)).unwrap();
    let line = line.strip_suffix(',').unwrap_or(line);
    assert!(!line.chars().any(char::is_control), "{line}");
    serde_json::from_str(line).unwrap()
}

/// A Rust string literal after `before`, up to `)`.
pub fn rust_after(text: &str, before: &str) -> String {
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
