//! What a database holds, counted: taken at the snapshot of a dump, taken again where the dump was restored, compared.
//!
//! It holds names, numbers and fingerprints, never a value of a user's. Of definitions only what survives a dump and a
//! restore word by word is compared: PostgreSQL writes the same expression in two ways before and after.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// So many differences are named; the rest is counted.
const NAMED: usize = 20;

/// What a database holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Contents {
    /// Rows of each table, by `schema.table`.
    pub rows: BTreeMap<String, u64>,
    /// Everything that has a name (`table public.t`, `function public.f(integer)`), with a fingerprint of what makes it up.
    pub objects: BTreeMap<String, String>,
    /// Extensions and their versions.
    pub extensions: BTreeMap<String, String>,
    /// Large objects.
    pub large_objects: u64,
    /// Logical size, bytes. Not compared: a restored database has no bloat.
    pub data_bytes: u64,
}

impl Contents {
    /// Rows of all tables.
    #[must_use]
    pub fn total_rows(&self) -> u64 {
        self.rows.values().sum()
    }

    /// What `restored` has otherwise than `self`, as sentences; empty when nothing is missing, added or changed.
    #[must_use]
    pub fn differences(&self, restored: &Self) -> Vec<String> {
        let mut all = Vec::new();
        compare(&self.rows, &restored.rows, &mut all, |table, was, is| {
            format!("table {table} has {is} rows, and had {was}")
        });
        compare(&self.objects, &restored.objects, &mut all, |object, _, _| {
            format!("{object} is defined otherwise")
        });
        compare(&self.extensions, &restored.extensions, &mut all, |name, was, is| {
            format!("extension {name} has version {is}, and had {was}")
        });
        if self.large_objects != restored.large_objects {
            all.push(format!(
                "{} large objects, and there were {}",
                restored.large_objects, self.large_objects
            ));
        }
        let more = all.len().saturating_sub(NAMED);
        if more > 0 {
            all.truncate(NAMED);
            all.push(format!("and {more} more"));
        }
        all
    }
}

fn compare<V: PartialEq>(
    was: &BTreeMap<String, V>,
    is: &BTreeMap<String, V>,
    all: &mut Vec<String>,
    changed: impl Fn(&str, &V, &V) -> String,
) {
    for (name, value) in was {
        match is.get(name) {
            Some(now) if now == value => {}
            Some(now) => all.push(changed(name, value, now)),
            None => all.push(format!("{name} is missing")),
        }
    }
    let added = is.keys().filter(|name| !was.contains_key(*name));
    all.extend(added.map(|name| format!("{name} was not there before")));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(rows: &[(&str, u64)]) -> Contents {
        Contents {
            rows: rows.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect(),
            ..Contents::default()
        }
    }

    #[test]
    fn what_is_missing_added_or_changed_is_named() {
        let was = contents(&[("public.a", 3), ("public.b", 4)]);
        assert_eq!(was.differences(&was), [] as [&str; 0]);
        let is = contents(&[("public.a", 2), ("public.c", 0)]);
        assert_eq!(
            was.differences(&is),
            ["table public.a has 2 rows, and had 3", "public.b is missing", "public.c was not there before"]
        );
    }

    #[test]
    fn a_thousand_differences_are_counted() {
        let was = Contents {
            objects: (0..1000).map(|n| (format!("table public.t{n}"), String::new())).collect(),
            ..Contents::default()
        };
        let told = was.differences(&Contents::default());
        assert_eq!((told.len(), told.last().map(String::as_str)), (NAMED + 1, Some("and 980 more")));
    }
}
