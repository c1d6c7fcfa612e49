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

/// `value` as it may be shown for the variable `name`, as it was written or as what it stands for in the end. `written`
/// gives a variable's value as it was written: what comes from one whose name says that it is a secret is one, too.
#[must_use]
pub fn value<'a>(name: &'a str, value: &str, written: impl Fn(&str) -> Option<&'a str>) -> String {
    if value.strip_prefix('$').is_some_and(|other| written(other).is_some()) {
        // A reference to another variable says nothing by itself. Where there is none of that name it is text like any other.
        return value.into();
    }
    // A ring of references ends, too.
    let next = |at: &&'a str| written(at)?.strip_prefix('$');
    let secret = std::iter::successors(Some(name), next).take(LONGEST).any(is_secret);
    if secret && !value.is_empty() {
        return DOTS.into();
    }
    url_password(value).unwrap_or_else(|| value.into())
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
    use super::DOTS;

    /// One that refers to nothing.
    fn value(name: &str, value: &str) -> String {
        super::value(name, value, |_| None)
    }

    #[test]
    fn passwords_in_urls_are_hidden() {
        let shown = value("DATABASE_URL", "postgresql://u:p@ss@h:31000/d?sslmode=prefer");
        assert_eq!(shown, "postgresql://u:••••••••@h:31000/d?sslmode=prefer");
        assert!(!value("X", "postgres://u:a/b?c#d@h/d").contains("b?c#d"));
        assert_eq!(value("X", "https://example.org/a?b=c"), "https://example.org/a?b=c");
    }

    #[test]
    fn secrets_by_name_are_hidden_whole() {
        assert_eq!(value("SECRET_KEY_BASE", "abc"), DOTS);
        assert_eq!(value("api_token", "abc"), DOTS);
        assert_eq!(value("api_token", "$wordf1sh"), DOTS, "no variable has that name");
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
            assert_eq!(super::value(name, "swordfish", written), DOTS, "{name}");
        }
        assert_eq!(super::value("CACHE", "$REDIS", written), "$REDIS", "as it was written");
        assert_eq!(super::value("PLACE", "fr", written), "fr");
        assert_eq!(super::value("RING", "$RING", written), "$RING");
    }

    #[test]
    fn the_rest_is_shown() {
        assert_eq!(value("DATABASE_URL", "$SCALINGO_POSTGRESQL_URL"), "$SCALINGO_POSTGRESQL_URL");
        assert_eq!(value("RAILS_ENV", "production"), "production");
    }
}
