//! The ways to quote a value. Each is total: every text has a form, or the function says that it has none.
//!
//! Nothing here knows what the value is. The sources of the rules stand beside each function.

use std::fmt::Write;

/// Percent-encoding for any part of a URL: all but RFC 3986's unreserved characters. libpq, JDBC (`URLDecoder`, which
/// reads `+` as a space), Go and browsers decode this alike.
pub fn url(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// A host in a URL: an IPv6 address stands in brackets.
pub fn url_host(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { url(host) }
}

/// libpq's `keyword=value`: quotes when needed, and a backslash before quote and backslash.
pub fn keyword(text: &str) -> String {
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:/".contains(&b)) {
        return text.to_owned();
    }
    let mut out = String::from("'");
    for c in text.chars() {
        if matches!(c, '\'' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('\'');
    out
}

/// A field of `.pgpass`: a backslash before colon and backslash. A line cannot hold a line break.
pub fn pgpass(text: &str) -> Option<String> {
    (!has_line_break(text)).then(|| text.replace('\\', r"\\").replace(':', r"\:"))
}

/// A value in `pg_service.conf`: there is no quoting; the line is taken as it is, without the space at its end.
pub fn service(text: &str) -> Option<&str> {
    let cut = text.ends_with(|c: char| c.is_ascii_whitespace() || c == '\u{b}');
    (!has_line_break(text) && !cut).then_some(text)
}

fn has_line_break(text: &str) -> bool {
    text.contains(['\n', '\r', '\0'])
}

/// A value in a .NET connection string: double quotes when needed, doubled inside.
pub fn dotnet(text: &str) -> String {
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:/".contains(&b)) {
        return text.to_owned();
    }
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// A string literal that Python and YAML (double-quoted style) read alike. `<` is written as an escape, because Rails
/// runs `database.yml` through ERB before YAML sees it, and `<%` would start Ruby there.
pub fn literal(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '<' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c if c < ' ' => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A Rust string literal.
pub fn rust(text: &str) -> String {
    format!("{text:?}")
}
