//! The act of a form as it stands: what is typed there, not an example. The server makes it when it draws the form, the
//! browser again at every change, by the same function.

use super::{Act, Command, command};
use crate::{AddonId, moment};
use serde::{Deserialize, Serialize};

/// What stands where no name is typed yet.
const NAME: &str = "user_name";
/// What stands where no network is typed yet.
const NETWORK: &str = "10.0.0.0/8";

/// A form whose command follows what is typed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TypedForm {
    /// A user is made.
    CreateUser {
        /// The database's name.
        database: String,
    },
    /// A user gets another password.
    ChangePassword {
        /// Its name.
        name: String,
        /// It is the published login.
        protected: bool,
    },
    /// A network is opened.
    OpenNetwork,
    /// Slow statements are logged.
    LogSlowQueries,
}

/// A form of a database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Typed {
    /// Whose.
    pub database: AddonId,
    /// Which one.
    pub form: TypedForm,
}

impl Typed {
    /// The command of what is typed: `get` answers a field's value, nothing for a box that is not ticked. `None` when it
    /// cannot be written.
    #[must_use]
    pub fn command(&self, get: impl Fn(&str) -> Option<String>) -> Option<Command> {
        let text = |name: &str| get(name).unwrap_or_default().trim().to_owned();
        let or = |text: String, example: &str| if text.is_empty() { example.to_owned() } else { text };
        // Only that there is one: it goes nowhere.
        let typed = get("password").is_some_and(|password| !password.is_empty());
        match &self.form {
            TypedForm::CreateUser { database } => {
                let (name, read_only) = (or(text("name"), NAME), get("read_only").is_some());
                command(self.database, &Act::CreateUser { database, name: &name, read_only, typed })
            }
            TypedForm::ChangePassword { name, protected } => {
                command(self.database, &Act::ChangePassword { name, protected: *protected, typed })
            }
            TypedForm::OpenNetwork => {
                let (cidr, note) = (or(text("cidr"), NETWORK), text("note"));
                let expires_at = moment::typed(&text("expires_at"));
                command(self.database, &Act::OpenNetwork { cidr: &cidr, note: &note, expires_at })
            }
            TypedForm::LogSlowQueries => {
                command(self.database, &Act::LogSlowQueries { ms: text("threshold_ms").parse().ok() })
            }
        }
    }
}
