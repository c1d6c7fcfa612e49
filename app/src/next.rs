//! Where to go after signing in: only pages of this dashboard, so that a link cannot send people elsewhere.

/// Where people land when nothing better is known.
pub const HOME: &str = "/apps";

/// `next` if it is a path of this dashboard, else [`HOME`].
///
/// Refused: other hosts (`https://…`, `//…`, and `/\…`, which browsers read as `//…`), control characters, which
/// browsers drop, and the addresses that are doors and not pages.
#[must_use]
pub fn safe(next: &str) -> &str {
    let path = next.strip_prefix('/');
    let local = path.is_some_and(|rest| !rest.starts_with(['/', '\\']));
    let plain = next.len() <= 512 && next.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    let page = !["/do/", "/login", "/setup", "/v1/", "/api/", "/events/", "/downloads/"]
        .iter()
        .any(|door| next.starts_with(door));
    if local && plain && page { next } else { HOME }
}

/// The login page that comes back to `page`.
#[must_use]
pub fn login(page: &str) -> String {
    match safe(page) {
        HOME | "/" => "/login".into(),
        next => format!("/login?next={}", encode(next)),
    }
}

/// `text` as the value of a query parameter.
#[must_use]
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~' | b'/') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_this_dashboard_are_kept() {
        for page in ["/apps", "/databases/ad-1?dialog=connect&format=psql", "/invitations/x", "/"] {
            assert_eq!(safe(page), page);
        }
    }

    #[test]
    fn nothing_leads_elsewhere() {
        let bad =
            ["", "apps", "//evil.example", "/\\evil.example", "https://evil.example", "/\t/evil.example"];
        let doors =
            ["/login?next=/login", "/do/sign_out", "/downloads/x", "/a\nb", "/é", "javascript:alert(1)"];
        for next in bad.into_iter().chain(doors) {
            assert_eq!(safe(next), HOME, "{next:?}");
        }
    }

    #[test]
    fn the_way_back_survives_the_address() {
        assert_eq!(login("/apps/x?view=resolved&a=b"), "/login?next=/apps/x%3Fview%3Dresolved%26a%3Db");
        assert_eq!(login("/apps"), "/login");
    }
}
