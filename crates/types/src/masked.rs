//! Passwords in the text of statements, masked before a text is shown or kept.
//!
//! What follows the word `PASSWORD` as a literal is replaced, and so is `password=…` within a connection string. A
//! literal that does not end (the text was cut) is masked to the end. It reads no more SQL than that: a word too much is
//! masked rather than one too few.

/// What stands in place of a password.
pub const MASK: &str = "'•••'";

/// The text without its passwords.
#[must_use]
pub fn masked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(end) = next_password(rest) {
        let (before, after) = rest.split_at(end);
        out.push_str(before);
        let gap = gap(after);
        let value = &after[gap..];
        match literal(value) {
            Some(length) => {
                out.push_str(&after[..gap]);
                out.push_str(MASK);
                rest = &value[length..];
            }
            // `password=secret` in a connection string: a bare word right behind the sign.
            None if after[..gap].trim_end().ends_with('=') => {
                let bare = |c: char| c.is_whitespace() || matches!(c, '\'' | '"' | ';' | '&' | ',' | ')');
                let length = value.find(bare).unwrap_or(value.len());
                out.push_str(&after[..gap]);
                let parameter = value.starts_with('$') || value.starts_with(':') || value.starts_with('?');
                out.push_str(if parameter || length == 0 { &value[..length] } else { "•••" });
                rest = &value[length..];
            }
            None => rest = after,
        }
    }
    out.push_str(rest);
    out
}

/// Where the next word `password` or `passwd` ends.
fn next_password(text: &str) -> Option<usize> {
    // Letters of ASCII keep their places when their case changes.
    let lower = text.to_ascii_lowercase();
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let mut from = 0;
    loop {
        let (at, length) = ["password", "passwd"]
            .into_iter()
            .filter_map(|name| Some((from + lower[from..].find(name)?, name.len())))
            .min()?;
        let end = at + length;
        let whole = !lower[..at].ends_with(word) && !lower[end..].starts_with(word);
        if whole {
            return Some(end);
        }
        from = end;
    }
}

/// How much stands between the word and its value: blanks, comments, a sign, a quote of a name.
fn gap(text: &str) -> usize {
    let mut at = 0;
    loop {
        let rest = &text[at..];
        let step = match rest {
            _ if rest.starts_with("--") => rest.find('\n').map_or(rest.len(), |end| end + 1),
            _ if rest.starts_with("/*") => comment(rest),
            _ => match rest.chars().next() {
                Some(c) if c.is_whitespace() || matches!(c, '=' | '"' | '(' | ':' | '>') => c.len_utf8(),
                _ => return at,
            },
        };
        at += step;
    }
}

/// How long the comment is that the text begins with; comments stand in comments (manual 4.1.5).
fn comment(text: &str) -> usize {
    let (mut at, mut depth) = (2, 1);
    while depth > 0 {
        let rest = &text[at..];
        let Some(next) = rest.find(['/', '*']) else { return text.len() };
        match rest.get(next..next + 2) {
            Some("/*") => (at, depth) = (at + next + 2, depth + 1),
            Some("*/") => (at, depth) = (at + next + 2, depth - 1),
            _ => at += next + 1,
        }
    }
    at
}

/// How long the literal is that the text begins with, with the parts that go on after a line's end (manual 4.1.2.1).
fn literal(text: &str) -> Option<usize> {
    let mut length = part(text)?;
    loop {
        let rest = &text[length..];
        let gap = gap(rest);
        let goes_on = rest[..gap].contains('\n') && rest[gap..].starts_with('\'');
        match goes_on.then(|| part(&rest[gap..])).flatten() {
            Some(more) => length += gap + more,
            None => return Some(length),
        }
    }
}

/// One part of it.
fn part(text: &str) -> Option<usize> {
    let lower = text.get(..3).unwrap_or(text).to_ascii_lowercase();
    let (prefix, escapes) = match () {
        () if lower.starts_with("u&'") => (2, false),
        () if lower.starts_with("e'") => (1, true),
        () if lower.starts_with('\'') => (0, false),
        () => return dollar(text),
    };
    let mut chars = text[prefix + 1..].char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' if escapes => drop(chars.next()),
            '\'' if chars.peek().is_some_and(|(_, next)| *next == '\'') => drop(chars.next()),
            '\'' => return Some(prefix + 1 + at + 1),
            _ => {}
        }
    }
    Some(text.len())
}

/// `$tag$ … $tag$`
fn dollar(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('$')?;
    let end = inner.find('$')?;
    let tag = &inner[..end];
    let fine = tag.chars().all(|c| c.is_alphanumeric() || c == '_')
        && !tag.starts_with(|c: char| c.is_ascii_digit());
    let mark = &text[..end + 2];
    fine.then(|| text[mark.len()..].find(mark).map_or(text.len(), |at| mark.len() * 2 + at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn passwords_are_masked() {
        for (text, told) in [
            ("ALTER ROLE a PASSWORD 'x'", "ALTER ROLE a PASSWORD '•••'"),
            (
                "create user a encrypted password 'it''s' login",
                "create user a encrypted password '•••' login",
            ),
            (
                r"CREATE USER a PASSWORD E'x\'y' VALID UNTIL 'z'",
                "CREATE USER a PASSWORD '•••' VALID UNTIL 'z'",
            ),
            ("ALTER USER a PASSWORD U&'x'", "ALTER USER a PASSWORD '•••'"),
            ("ALTER USER a PASSWORD $$x$$; SELECT 1", "ALTER USER a PASSWORD '•••'; SELECT 1"),
            ("ALTER USER a PASSWORD $t$x$$y$t$, 2", "ALTER USER a PASSWORD '•••', 2"),
            ("ALTER USER a PASSWORD /* b */ -- c\n 'x'", "ALTER USER a PASSWORD /* b */ -- c\n '•••'"),
            ("ALTER USER a PASSWORD 'begun and cu", "ALTER USER a PASSWORD '•••'"),
            ("OPTIONS (user 'u', password 'x')", "OPTIONS (user 'u', password '•••')"),
            ("UPDATE u SET \"password\" = 'x'", "UPDATE u SET \"password\" = '•••'"),
            ("CONNECTION 'host=h password=x user=u'", "CONNECTION 'host=h password=••• user=u'"),
            ("ALTER USER a PASSWORD 'first'\n  'second' LOGIN", "ALTER USER a PASSWORD '•••' LOGIN"),
            ("ALTER USER a PASSWORD /* /* x */ y */ 'secret'", "ALTER USER a PASSWORD /* /* x */ y */ '•••'"),
            ("PASSWORD 'a', PASSWORD 'b'", "PASSWORD '•••', PASSWORD '•••'"),
        ] {
            assert_eq!(masked(text), told);
        }
    }

    #[test]
    fn the_rest_stays() {
        for text in [
            "ALTER ROLE a PASSWORD NULL",
            "SELECT password_hash = 'x', old_password FROM t",
            "SELECT password FROM t WHERE n = 'x'",
            "UPDATE u SET password = $1",
            "äöü PASSWORD",
            "",
        ] {
            assert_eq!(masked(text), text);
        }
    }

    proptest! {
        #[test]
        fn no_password_survives(before in "(\\PC){0,20}", secret in "[a-z]{12}", after in "(\\PC){0,20}") {
            let told = masked(&format!("{before} PASSWORD '{secret}' {after}"));
            // A literal that was open before makes the word part of it, and then it is data of a query.
            prop_assume!(!after.contains(&secret) && !before.contains(&secret));
            prop_assume!(!before.contains('$') && !before.contains('\''));
            prop_assert!(!told.contains(&secret), "{}", told);
        }
    }
}
