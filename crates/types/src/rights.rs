//! What a user of a database may do with each object, as PostgreSQL answers it, and what is missing.
//!
//! "Missing" is judged against what the dashboard promises: a user that reads and writes may do with everything what the
//! owner may; one that only reads may read every table, view and sequence of every schema, and write nothing. "Beyond" is
//! what lets one that only reads change something.

use crate::sql::{Unquotable, quote_ident};
use serde::{Deserialize, Serialize};

/// Kinds of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectKind {
    /// The database itself.
    Database,
    /// A schema.
    Schema,
    /// A table, partitioned or foreign ones too.
    Table,
    /// A view, materialised ones too.
    View,
    /// A sequence.
    Sequence,
    /// A function or procedure.
    Function,
    /// A type that somebody made: an enumeration, a domain, a range, a composite.
    Type,
    /// A large object; its number is its name.
    LargeObject,
}

impl ObjectKind {
    /// What people call it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Schema => "schema",
            Self::Table => "table",
            Self::View => "view",
            Self::Sequence => "sequence",
            Self::Function => "function",
            Self::Type => "type",
            Self::LargeObject => "large object",
        }
    }

    /// What can be done with it (manual 5.8, table 5.2), in the manual's order. `MAINTAIN` is a right from 17 on; before,
    /// it was the owner's.
    #[must_use]
    pub const fn verbs(self) -> &'static [&'static str] {
        match self {
            Self::Database => &["CREATE", "CONNECT", "TEMPORARY"],
            Self::Schema => &["CREATE", "USAGE"],
            Self::Table | Self::View => {
                &["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN"]
            }
            Self::Sequence => &["SELECT", "USAGE", "UPDATE"],
            Self::Function => &["EXECUTE"],
            Self::Type => &["USAGE"],
            Self::LargeObject => &["SELECT", "UPDATE"],
        }
    }

    /// What a user that only reads is promised.
    #[must_use]
    pub const fn reading(self) -> &'static [&'static str] {
        match self {
            Self::Database => &["CONNECT"],
            Self::Schema => &["USAGE"],
            Self::Table | Self::View | Self::Sequence => &["SELECT"],
            Self::Function | Self::Type | Self::LargeObject => &[],
        }
    }

    /// What a user that only reads may be given beside that, since it changes nothing. A function that runs with the rights
    /// of whoever calls it gives nobody any.
    const fn harmless(self) -> &'static [&'static str] {
        match self {
            Self::Function => &["EXECUTE"],
            Self::Type => &["USAGE"],
            Self::LargeObject => &["SELECT"],
            _ => self.reading(),
        }
    }
}

/// An object and what one user may do with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectRights {
    /// What it is.
    pub kind: ObjectKind,
    /// Its schema; empty for the database and for schemas.
    pub schema: String,
    /// Its name; functions with the types of their arguments.
    pub name: String,
    /// Who owns it.
    pub owner: String,
    /// The verbs of [`ObjectKind::verbs`] that are allowed; with the addition ` (columns)` where it is for some columns only.
    pub allowed: Vec<String>,
    /// A function that runs with its owner's rights, whoever calls it.
    pub definer: bool,
    /// Functions that a view calls and that the user may not call: the view refuses it.
    pub closed: Vec<String>,
}

impl ObjectRights {
    /// What the user should be able to do and cannot.
    #[must_use]
    pub fn missing(&self, read_only: bool) -> Vec<&'static str> {
        let promised = if read_only { self.kind.reading() } else { self.kind.verbs() };
        promised.iter().copied().filter(|verb| !self.allows(verb)).collect()
    }

    /// What lets a user that only reads change something.
    #[must_use]
    pub fn beyond(&self, read_only: bool) -> Vec<&str> {
        if !read_only {
            return Vec::new();
        }
        let harmless = if self.definer { &[] } else { self.kind.harmless() };
        self.allowed.iter().map(String::as_str).filter(|verb| !harmless.contains(verb)).collect()
    }

    /// How urgent it is to see it: more than is promised, less, or neither.
    fn gap(&self, read_only: bool) -> Gap {
        match () {
            () if !self.beyond(read_only).is_empty() => Gap::More,
            () if !self.missing(read_only).is_empty() => Gap::Less,
            () => Gap::None,
        }
    }

    /// It is allowed.
    #[must_use]
    pub fn allows(&self, verb: &str) -> bool {
        self.allowed.iter().any(|allowed| allowed == verb)
    }
}

/// The rights of one user, for its page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RightsView {
    /// The database's name.
    pub database: String,
    /// Whose.
    pub user: String,
    /// It may only read.
    pub read_only: bool,
    /// At most [`RightsView::MOST`], those with gaps first, and before them those where it may do more than it should.
    pub objects: Vec<ObjectRights>,
    /// How many there are.
    pub total: usize,
    /// How many have a gap: it may do less than it should, or more.
    pub gaps: usize,
    /// With how many of these it may do more.
    pub beyond: usize,
    /// The user's own GRANTs, as SQL.
    pub sql: String,
}

/// In the order in which people should see them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    More,
    Less,
    None,
}

impl RightsView {
    /// So many objects are shown.
    pub const MOST: usize = 500;

    /// Of everything in the database: counted, and what matters kept.
    #[must_use]
    pub fn new(
        (database, user): (String, String),
        read_only: bool,
        mut objects: Vec<ObjectRights>,
        sql: String,
    ) -> Self {
        let total = objects.len();
        objects.sort_by_cached_key(|o| (o.gap(read_only), o.kind, o.schema.clone(), o.name.clone()));
        let beyond = objects.partition_point(|o| o.gap(read_only) == Gap::More);
        let gaps = objects.partition_point(|o| o.gap(read_only) != Gap::None);
        objects.truncate(Self::MOST);
        Self { database, user, read_only, objects, total, gaps, beyond, sql }
    }
}

/// What a user of `database` is given, as SQL: membership does it all.
///
/// # Errors
/// A name that PostgreSQL could not keep.
pub fn grants(database: &str, name: &str, read_only: bool) -> Result<String, Unquotable> {
    let user = quote_ident(name)?;
    Ok(match read_only {
        true => {
            let group = quote_ident(&format!("{database}_ro"))?;
            format!("GRANT {group} TO {user};\nALTER ROLE {user} SET default_transaction_read_only = on;")
        }
        false => {
            let owner = quote_ident(&format!("{database}_owner"))?;
            format!("GRANT {owner} TO {user};\nALTER ROLE {user} SET role = {owner};")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(kind: ObjectKind, name: &str, allowed: &[&str]) -> ObjectRights {
        ObjectRights {
            kind,
            schema: "public".into(),
            name: name.into(),
            owner: "o".into(),
            allowed: allowed.iter().map(|&verb| verb.to_owned()).collect(),
            definer: false,
            closed: Vec::new(),
        }
    }

    #[test]
    fn gaps_are_told_against_what_is_promised() {
        let table = |allowed: &[&str]| object(ObjectKind::Table, "t", allowed);
        assert_eq!(table(&[]).missing(true), ["SELECT"]);
        assert!(table(&["SELECT"]).missing(true).is_empty());
        assert_eq!(table(&["SELECT", "INSERT"]).beyond(true), ["INSERT"]);
        assert_eq!(table(&["SELECT", "UPDATE (columns)"]).beyond(true), ["UPDATE (columns)"]);
        assert!(table(&["SELECT", "INSERT"]).beyond(false).is_empty());
        assert_eq!(table(ObjectKind::Table.verbs()).missing(false), Vec::<&str>::new());
        assert_eq!(table(&["SELECT"]).missing(false).len(), 7);
    }

    #[test]
    fn a_function_is_more_than_reading_only_with_rights_of_its_own() {
        let invoker = object(ObjectKind::Function, "f()", &["EXECUTE"]);
        assert!(invoker.beyond(true).is_empty());
        assert_eq!(ObjectRights { definer: true, ..invoker }.beyond(true), ["EXECUTE"]);
        assert!(object(ObjectKind::Type, "mood", &["USAGE"]).beyond(true).is_empty());
        let large = object(ObjectKind::LargeObject, "1", &["SELECT", "UPDATE"]);
        assert_eq!((large.beyond(true), large.missing(true).len()), (vec!["UPDATE"], 0));
    }

    #[test]
    fn whoever_may_do_too_much_is_seen_however_much_there_is() {
        let mut objects: Vec<_> = (0..RightsView::MOST + 9)
            .map(|n| object(ObjectKind::Table, &format!("a{n}"), if n < 300 { &[] } else { &["SELECT"] }))
            .collect();
        objects.push(object(ObjectKind::Sequence, "z", &["SELECT", "USAGE"]));
        let view = RightsView::new(("shop".into(), "reader".into()), true, objects, String::new());
        assert_eq!((view.total, view.gaps, view.beyond), (RightsView::MOST + 10, 301, 1));
        assert_eq!((view.objects.len(), view.objects[0].name.as_str()), (RightsView::MOST, "z"));
    }
}
