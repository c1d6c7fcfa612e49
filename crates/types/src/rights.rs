//! What a user of a database may do with each object, as PostgreSQL answers it, and what is missing.
//!
//! "Missing" is judged against what the dashboard promises: a user that reads and writes may do with everything what the
//! owner may; one that only reads may read every table, view and sequence of every schema, and write nothing.

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
        }
    }

    /// What can be done with it (manual 5.8, table 5.2), in the manual's order.
    #[must_use]
    pub const fn verbs(self) -> &'static [&'static str] {
        match self {
            Self::Database => &["CREATE", "CONNECT", "TEMPORARY"],
            Self::Schema => &["CREATE", "USAGE"],
            Self::Table | Self::View => {
                &["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"]
            }
            Self::Sequence => &["SELECT", "USAGE", "UPDATE"],
            Self::Function => &["EXECUTE"],
        }
    }

    /// What a user that only reads is promised.
    #[must_use]
    pub const fn reading(self) -> &'static [&'static str] {
        match self {
            Self::Database => &["CONNECT"],
            Self::Schema => &["USAGE"],
            Self::Table | Self::View | Self::Sequence => &["SELECT"],
            Self::Function => &[],
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
    /// The verbs of [`ObjectKind::verbs`] that are allowed.
    pub allowed: Vec<String>,
}

impl ObjectRights {
    /// What the user should be able to do and cannot.
    #[must_use]
    pub fn missing(&self, read_only: bool) -> Vec<&'static str> {
        let promised = if read_only { self.kind.reading() } else { self.kind.verbs() };
        promised.iter().copied().filter(|verb| !self.allows(verb)).collect()
    }

    /// What a user that only reads can do beyond reading. Functions are the exception: those that come with
    /// extensions may be called by everybody.
    #[must_use]
    pub fn beyond(&self, read_only: bool) -> Vec<&'static str> {
        if !read_only || self.kind == ObjectKind::Function {
            return Vec::new();
        }
        let more = self.kind.verbs().iter().copied().filter(|verb| !self.kind.reading().contains(verb));
        more.filter(|verb| self.allows(verb)).collect()
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
    /// Whose.
    pub user: String,
    /// It may only read.
    pub read_only: bool,
    /// At most [`RightsView::MOST`], those with gaps first.
    pub objects: Vec<ObjectRights>,
    /// How many there are.
    pub total: usize,
    /// How many have a gap.
    pub gaps: usize,
    /// The user's own GRANTs, as SQL.
    pub sql: String,
}

impl RightsView {
    /// So many objects are shown.
    pub const MOST: usize = 500;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_told_against_what_is_promised() {
        let table = |allowed: &[&str]| ObjectRights {
            kind: ObjectKind::Table,
            schema: "public".into(),
            name: "t".into(),
            owner: "o".into(),
            allowed: allowed.iter().map(|&verb| verb.to_owned()).collect(),
        };
        assert_eq!(table(&[]).missing(true), ["SELECT"]);
        assert!(table(&["SELECT"]).missing(true).is_empty());
        assert_eq!(table(&["SELECT", "INSERT"]).beyond(true), ["INSERT"]);
        assert_eq!(table(ObjectKind::Table.verbs()).missing(false), Vec::<&str>::new());
        assert_eq!(table(&["SELECT"]).missing(false).len(), 6);
    }
}
