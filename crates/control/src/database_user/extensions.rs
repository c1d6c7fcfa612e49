//! Extensions of a database: what there is, made and dropped. Only what needs no superuser is offered, so nothing is
//! lent to anybody.

use super::Ready;
use crate::{Action, Actor, ControlPlane, Error, Result, engine::EngineError};
use types::{AddonId, extension::Extension};

impl ControlPlane {
    /// What its server has, by name.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when it does not run; `Unavailable`.
    pub async fn extensions(&self, actor: &Actor, addon: AddonId) -> Result<Vec<Extension>> {
        self.addon_access(actor, addon, Action::View).await?;
        let Ready { spec, .. } = self.ready(addon).await?;
        Ok(self.inner.engine.extensions(&spec).await?)
    }

    /// Makes one; answers its version. One that is there stays.
    ///
    /// # Errors
    /// `Invalid` on field `name` where it is not offered, or PostgreSQL refuses; as [`Self::extensions`].
    pub async fn create_extension(&self, actor: &Actor, addon: AddonId, name: &str) -> Result<String> {
        self.addon_access(actor, addon, Action::Operate).await?;
        let found = self.extension(actor, addon, name).await?;
        if !found.offered {
            return Err(Error::invalid(
                "name",
                format!(
                    "{name} needs a superuser, which nobody is here, or a library that is not loaded here. It is not offered."
                ),
            ));
        }
        let Ready { row, spec } = self.ready(addon).await?;
        let version = self.inner.engine.create_extension(&spec, name).await.map_err(refused)?;
        self.note(actor, &row, "database.create_extension", format!("{name} {version}")).await?;
        Ok(version)
    }

    /// Drops one that nothing depends on.
    ///
    /// # Errors
    /// `Invalid` on field `name` with what depends on it; as [`Self::extensions`].
    pub async fn drop_extension(&self, actor: &Actor, addon: AddonId, name: &str) -> Result<()> {
        self.addon_access(actor, addon, Action::Operate).await?;
        let found = self.extension(actor, addon, name).await?;
        if found.built_in {
            return Err(Error::invalid("name", format!("{name} belongs to every database and stays.")));
        }
        if found.version.is_none() {
            return Err(Error::invalid("name", format!("{name} is not enabled.")));
        }
        if !found.dependents.is_empty() {
            let message = format!(
                "{name} is in use: {}. Nothing was dropped. Drop or change these first.",
                found.dependents.join(", ")
            );
            return Err(Error::invalid("name", message));
        }
        let Ready { row, spec } = self.ready(addon).await?;
        self.inner.engine.drop_extension(&spec, name).await.map_err(refused)?;
        self.note(actor, &row, "database.drop_extension", name.into()).await
    }

    async fn extension(&self, actor: &Actor, addon: AddonId, name: &str) -> Result<Extension> {
        let all = self.extensions(actor, addon).await?;
        let found = all.into_iter().find(|extension| extension.name == name);
        found.ok_or_else(|| Error::invalid("name", "This server has no such extension."))
    }
}

/// PostgreSQL's own refusal is about what was asked for.
fn refused(error: EngineError) -> Error {
    match error {
        EngineError::Postgres { message, .. } => Error::invalid("name", message),
        other => other.into(),
    }
}
