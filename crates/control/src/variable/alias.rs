//! Aliases: a value that is exactly `$OTHER` shows what the other variable has.

use secrecy::{ExposeSecret, SecretString};
use std::collections::{BTreeMap, BTreeSet};

/// What the variable `name` shows when aliases are followed.
pub(super) fn resolve<'a>(all: &'a BTreeMap<String, SecretString>, name: &'a str) -> &'a str {
    let value_of = |name: &str| all.get(name).map(ExposeSecret::expose_secret);
    let Some(own) = value_of(name) else { return "" };
    let (mut seen, mut value) = (BTreeSet::from([name]), own);
    while let Some(other) = value.strip_prefix('$') {
        let Some(next) = value_of(other) else { return value };
        if !seen.insert(other) {
            return own;
        }
        value = next;
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::variable::{ALIAS, PUBLISHED};
    use proptest::prelude::*;

    fn all(pairs: &[(&str, &str)]) -> BTreeMap<String, SecretString> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect()
    }

    #[test]
    fn aliases_are_followed() {
        let url = "postgresql://u:p@h:1/d?sslmode=prefer";
        let all = all(&[
            (PUBLISHED, url),
            (ALIAS, "$SCALINGO_POSTGRESQL_URL"),
            ("SECOND", "$DATABASE_URL"),
            ("TEXT", "x $DATABASE_URL"),
            ("BRACED", "${DATABASE_URL}"),
            ("UNKNOWN", "$NOWHERE"),
            ("TO_UNKNOWN", "$UNKNOWN"),
            ("PRICE", "$"),
        ]);
        for name in [PUBLISHED, ALIAS, "SECOND"] {
            assert_eq!(resolve(&all, name), url, "{name}");
        }
        for (name, stays) in [
            ("TEXT", "x $DATABASE_URL"),
            ("BRACED", "${DATABASE_URL}"),
            ("UNKNOWN", "$NOWHERE"),
            ("TO_UNKNOWN", "$NOWHERE"),
            ("PRICE", "$"),
        ] {
            assert_eq!(resolve(&all, name), stays, "{name}");
        }
    }

    #[test]
    fn circles_stay_as_written() {
        let all = all(&[("A", "$B"), ("B", "$C"), ("C", "$B"), ("SELF", "$SELF")]);
        for (name, stays) in [("A", "$B"), ("B", "$C"), ("C", "$B"), ("SELF", "$SELF")] {
            assert_eq!(resolve(&all, name), stays, "{name}");
        }
    }

    proptest! {
        #[test]
        fn resolving_always_ends(links in proptest::collection::vec((0u8..6, 0u8..6), 0..12)) {
            let all: BTreeMap<_, SecretString> =
                links.iter().map(|(from, to)| (format!("V{from}"), format!("$V{to}").into())).collect();
            for name in all.keys() {
                prop_assert!(resolve(&all, name).starts_with("$V"));
            }
        }
    }
}
