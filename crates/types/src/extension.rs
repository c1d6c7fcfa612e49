//! Extensions of a database: what its server has, what is made, and what of it a user may make.

use serde::{Deserialize, Serialize};

/// An extension that the server of a database has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extension {
    /// `pg_trgm`
    pub name: String,
    /// What it does, as its control file says.
    pub comment: String,
    /// The version that would be made.
    pub default_version: String,
    /// The version that is made; `None`: it is not.
    pub version: Option<String>,
    /// Its schema, when it is made.
    pub schema: Option<String>,
    /// Users may make it: it needs no superuser (`trusted` in its control file), and no library that Paddock does not
    /// load.
    pub offered: bool,
    /// Its library must be loaded at the server's start, and this server was started without it: it takes effect after
    /// a restart.
    pub needs_restart: bool,
    /// It belongs to every database and cannot be dropped.
    pub built_in: bool,
    /// What would be lost with it, for people: "column shop.orders.tags". At most 20.
    pub dependents: Vec<String>,
}
