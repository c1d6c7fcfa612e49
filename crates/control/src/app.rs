//! Apps: a name, an owner, and the databases and variables under it.
//!
//! An app is deleted at once when nothing of it can come back. While databases of it wait in the trash, the row
//! stays, unseen, and its name is free: whoever brings a database back gets the app back with its people and
//! variables. An app with live databases is never deleted.

use crate::{
    Action, Actor, ControlPlane, Error, Result,
    access::AppAccess,
    addon::ByViewer,
    audit,
    backup::view::proof_state,
    ops::restore,
    store::{self, addon::Filter},
};
use types::{
    AddonId, AppId, UserId, name,
    view::{AppRow, AppView, LastBackup, UserView},
};
use uuid::Uuid;

impl ControlPlane {
    /// The apps that the actor may see, by name; an operator sees all.
    ///
    /// # Errors
    /// `Forbidden` for a token that is good for one database only.
    pub async fn apps(&self, actor: &Actor) -> Result<Vec<AppRow>> {
        let viewer = actor.viewer()?;
        let mut conn = self.store().acquire().await?;
        let apps = store::app::list(&mut conn, viewer).await?;
        let filter = Filter { viewer, deleted: Some(false), ..Filter::default() };
        let addons = store::addon::list(&mut conn, &filter).await?;
        let ids: Vec<_> = addons.iter().map(|addon| addon.database_id).collect();
        let mut backups = store::last_backup::of(&mut conn, &ids).await?;
        drop(conn);
        let mut addons = self.addon_views(addons).await;
        let mut last = self.last_events(&apps.iter().map(|app| app.id).collect::<Vec<_>>()).await?;
        let rows = apps.into_iter().map(|app| {
            let id = AppId::new(app.id);
            let of_app = addons.extract_if(.., |addon| addon.app_id == id).collect();
            let backups = backups.extract_if(.., |last| last.app_id == app.id).map(last_backup).collect();
            AppRow { id, name: app.name, addons: of_app, backups, last_event: last.remove(&app.id) }
        });
        Ok(rows.collect())
    }

    /// An app by name or id.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn app(&self, actor: &Actor, app: &str) -> Result<AppView> {
        let access = self.app_access(actor, app, Action::View).await?;
        self.app_view(access).await
    }

    /// Makes an app; the actor owns it.
    ///
    /// # Errors
    /// `Invalid` on field `name`: against the rules, or taken.
    pub async fn create_app(&self, actor: &Actor, name: &str) -> Result<AppView> {
        let owner = actor.account()?;
        name::app(name).map_err(|refusal| Error::invalid("name", refusal))?;
        let (id, now) = (Uuid::now_v7(), self.now());
        let mut tx = self.store().begin().await?;
        if !store::app::insert(&mut tx, id, name, owner.uuid(), now).await? {
            return Err(taken(name));
        }
        let entry = audit::Entry::new("app.create").app(AppId::new(id)).detail(name);
        audit::record(&mut tx, now, actor, entry).await?;
        tx.commit().await?;
        self.app(actor, &AppId::new(id).to_string()).await
    }

    /// Gives an app another name. Names of its databases and of their users stay as they are: URLs keep working.
    ///
    /// # Errors
    /// `Invalid` on field `name`.
    pub async fn rename_app(&self, actor: &Actor, app: &str, new: &str) -> Result<AppView> {
        let access = self.app_access(actor, app, Action::RenameApp).await?;
        name::app(new).map_err(|refusal| Error::invalid("name", refusal))?;
        let now = self.now();
        let mut tx = self.store().begin().await?;
        if !store::app::rename(&mut tx, access.id.uuid(), new, now).await? {
            return Err(taken(new));
        }
        let detail = format!("{} to {new}", access.name);
        let entry = audit::Entry::new("app.rename").app(access.id).detail(detail);
        audit::record(&mut tx, now, actor, entry).await?;
        tx.commit().await?;
        self.app(actor, &access.id.to_string()).await
    }

    /// Deletes an app that has no live database. `confirm` is its name, typed.
    ///
    /// # Errors
    /// `Invalid` on field `confirm`; `Conflict` naming the databases that it still has.
    pub async fn delete_app(&self, actor: &Actor, app: &str, confirm: &str) -> Result<()> {
        let access = self.app_access(actor, app, Action::DeleteApp).await?;
        if confirm != access.name {
            return Err(Error::invalid("confirm", format!("Type {} to delete the app.", access.name)));
        }
        self.delete_checked(actor, access).await
    }

    /// [`Self::delete_app`] for clients that ask their user themselves.
    ///
    /// # Errors
    /// `Conflict` naming the databases that it still has.
    pub async fn delete_app_api(&self, actor: &Actor, app: &str) -> Result<()> {
        let access = self.app_access(actor, app, Action::DeleteApp).await?;
        self.delete_checked(actor, access).await
    }

    async fn delete_checked(&self, actor: &Actor, access: AppAccess) -> Result<()> {
        let now = self.now();
        let mut tx = self.store().begin().await?;
        // The lock keeps a database from being ordered between the look and the deletion.
        if !store::app::lock(&mut tx, access.id.uuid()).await? {
            return Err(Error::NotFound("app"));
        }
        let filter = Filter { app: Some(access.id.uuid()), ..Filter::default() };
        let mut live = store::addon::list(&mut tx, &filter).await?;
        // What is coming back from the trash lives; what is on its way there does not.
        live.retain(|addon| {
            addon.deleted_at.is_none() || addon.operation_kind.as_deref() == Some(restore::KIND)
        });
        if !live.is_empty() {
            let names: Vec<_> = live.iter().map(|addon| addon.resource_id.as_str()).collect();
            return Err(Error::Conflict {
                message: format!(
                    "{} still has {}: {}. Delete {} first.",
                    access.name,
                    if live.len() == 1 { "a database".into() } else { format!("{} databases", live.len()) },
                    names.join(", "),
                    if live.len() == 1 { "it" } else { "them" },
                ),
                operation: live.iter().find_map(|addon| addon.operation).map(types::OperationId::new),
            });
        }
        store::app::delete(&mut tx, access.id.uuid(), now).await?;
        let entry = audit::Entry::new("app.delete").app(access.id).detail(access.name);
        audit::record(&mut tx, now, actor, entry).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn app_view(&self, access: AppAccess) -> Result<AppView> {
        let mut conn = self.store().acquire().await?;
        let app = store::app::load(&mut conn, access.id.uuid()).await?.ok_or(Error::NotFound("app"))?;
        Ok(AppView {
            id: access.id,
            name: app.name,
            owner: UserView {
                id: UserId::new(app.owner_id),
                username: app.owner_username,
                email: app.owner_email,
                is_operator: app.owner_is_operator,
            },
            may_manage: access.may(Action::DeleteApp),
            created_at: app.created_at,
            updated_at: app.updated_at,
        })
    }
}

fn taken(name: &str) -> Error {
    Error::invalid("name", format!("The name {name} is taken."))
}

fn last_backup(row: store::last_backup::LastBackup) -> (AddonId, LastBackup) {
    (AddonId::new(row.addon_id), LastBackup { made_at: row.made_at, proof: proof_state(&row.proof) })
}
