//! Hides secrets in the values of variables, for pages that somebody may look at over a shoulder.
//!
//! Hides too much rather than too little. It is no protection against the person who is signed in: they may ask to
//! see the values.

/// What stands in the place of a secret.
pub const DOTS: &str = "••••••••";

/// No chain of references is followed for longer.
const LONGEST: usize = 1000;

/// Parts of names whose values are secrets.
const SECRET_NAMES: [&str; 8] =
    ["SECRET", "PASSWORD", "PASSWD", "TOKEN", "KEY", "CREDENTIAL", "PRIVATE", "SALT"];

/// `value` as it may be shown for the variable `name`.
#[must_use]
pub fn value(name: &str, value: &str) -> String {
    if value.starts_with('$') {
        // A reference to another variable says nothing by itself.
        return value.into();
    }
    if is_secret(name) && !value.is_empty() {
        return DOTS.into();
    }
    url_password(value).unwrap_or_else(|| value.into())
}

/// The same for what a variable stands for in the end: its value may come from one whose name says that it is a secret.
/// `written` gives a variable's value as it was written.
#[must_use]
pub fn resolved<'a>(name: &'a str, value: &str, written: impl Fn(&str) -> Option<&'a str>) -> String {
    // A ring of references ends, too.
    let next = |at: &&'a str| written(at)?.strip_prefix('$');
    let named = std::iter::successors(Some(name), next).take(LONGEST).find(|at| is_secret(at));
    self::value(named.unwrap_or(name), value)
}

fn is_secret(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    SECRET_NAMES.iter().any(|part| upper.contains(part))
}

/// `value` without its password, if it is a URL that has one.
fn url_password(value: &str) -> Option<String> {
    let (scheme, rest) = value.split_once("://")?;
    // The last `@` before the path: a password may hold an unescaped one.
    let authority = rest.find(['/', '?', '#']).map_or(rest, |end| &rest[..end]);
    let at = authority.rfind('@').or_else(|| rest.rfind('@'))?;
    let (userinfo, host) = rest.split_at(at);
    let user = userinfo.split(':').next().unwrap_or_default();
    let secret = if userinfo.contains(':') { format!("{user}:{DOTS}") } else { user.to_owned() };
    Some(format!("{scheme}://{secret}{host}"))
}

#[cfg(test)]
mod tests {
    use super::{resolved, value};

    #[test]
    fn passwords_in_urls_are_hidden() {
        let shown = value("DATABASE_URL", "postgresql://u:p@ss@h:31000/d?sslmode=prefer");
        assert_eq!(shown, "postgresql://u:••••••••@h:31000/d?sslmode=prefer");
        assert!(!value("X", "postgres://u:a/b?c#d@h/d").contains("b?c#d"));
        assert_eq!(value("X", "https://example.org/a?b=c"), "https://example.org/a?b=c");
    }

    #[test]
    fn secrets_by_name_are_hidden_whole() {
        assert_eq!(value("SECRET_KEY_BASE", "abc"), super::DOTS);
        assert_eq!(value("api_token", "abc"), super::DOTS);
    }

    #[test]
    fn what_comes_from_a_secret_is_hidden() {
        let written = |name: &str| match name {
            "CACHE" => Some("$REDIS"),
            "REDIS" => Some("$API_TOKEN"),
            "API_TOKEN" => Some("swordfish"),
            "RING" => Some("$RING"),
            "PLACE" => Some("$REGION"),
            "REGION" => Some("fr"),
            _ => None,
        };
        for name in ["CACHE", "REDIS", "API_TOKEN"] {
            assert_eq!(resolved(name, "swordfish", written), super::DOTS, "{name}");
        }
        assert_eq!(resolved("PLACE", "fr", written), "fr");
        assert_eq!(resolved("RING", "$RING", written), "$RING");
    }

    #[test]
    fn the_rest_is_shown() {
        assert_eq!(value("DATABASE_URL", "$SCALINGO_POSTGRESQL_URL"), "$SCALINGO_POSTGRESQL_URL");
        assert_eq!(value("RAILS_ENV", "production"), "production");
    }
}
