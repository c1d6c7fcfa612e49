//! The text of `postgresql.conf`: one value quoted by one function.
//!
//! Whatever stands in a value, it stays one value of one setting. What the file cannot hold is refused.

use std::fmt::Write as _;
use std::path::Path;

/// A value that the file cannot hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} cannot stand in postgresql.conf")]
pub struct BadValue(String);

/// Name and value, in the order of the file.
pub type Settings = Vec<(&'static str, String)>;

/// The text of `postgresql.conf`.
///
/// # Errors
/// A value that the file cannot hold.
pub fn render(settings: &Settings) -> Result<String, BadValue> {
    let mut text = "# Written by Paddock from the plan; changes are lost.\n".to_owned();
    for (name, value) in settings {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{name} = {}", quote(value)?);
    }
    Ok(text)
}

/// As PostgreSQL's own lexer reads it (manual 19.1.2): in single quotes, quotes doubled, backslashes escaped.
fn quote(value: &str) -> Result<String, BadValue> {
    let mut quoted = "'".to_owned();
    for c in value.chars() {
        match c {
            '\0' => return Err(BadValue(value.to_owned())),
            '\'' => quoted.push_str("''"),
            '\\' => quoted.push_str(r"\\"),
            '\n' => quoted.push_str(r"\n"),
            '\r' => quoted.push_str(r"\r"),
            other => quoted.push(other),
        }
    }
    quoted.push('\'');
    Ok(quoted)
}

pub(super) fn path(path: &Path) -> Result<String, BadValue> {
    path.to_str().map(str::to_owned).ok_or_else(|| BadValue(path.display().to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a quoted value back, as `guc-file.l` (`GUC_scanstr`) does.
    fn read_back(quoted: &str) -> Option<String> {
        let inner = quoted.strip_prefix('\'')?.strip_suffix('\'')?;
        let (mut text, mut chars) = (String::new(), inner.chars());
        while let Some(c) = chars.next() {
            text.push(match c {
                '\'' => (chars.next()? == '\'').then_some('\'')?,
                '\n' => return None,
                '\\' => match chars.next()? {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    'b' => '\u{8}',
                    'f' => '\u{c}',
                    '0'..='7' => return None,
                    other => other,
                },
                other => other,
            });
        }
        Some(text)
    }

    proptest::proptest! {
        #[test]
        fn any_value_is_read_back_as_it_was(value in "[^\0]*") {
            let quoted = quote(&value).unwrap();
            proptest::prop_assert!(!quoted.contains('\n'));
            proptest::prop_assert_eq!(read_back(&quoted), Some(value));
        }
    }

    #[test]
    fn a_value_cannot_become_a_setting() {
        let text = render(&vec![("cluster_name", "x'\nfsync = off #".into())]).unwrap();
        assert_eq!(text.lines().count(), 2);
        assert_eq!(quote("a\0b"), Err(BadValue("a\0b".into())));
    }
}
