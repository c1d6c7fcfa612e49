//! Search over what the actor may see.

use crate::{Actor, ControlPlane, Result};
use types::search::{Found, find};

impl ControlPlane {
    /// Apps and databases whose name or id fits, the nearest first.
    ///
    /// # Errors
    /// `Forbidden` for a token that is good for one database only.
    pub async fn search(&self, actor: &Actor, text: &str) -> Result<Vec<Found>> {
        Ok(find(self.apps(actor).await?, text))
    }
}
