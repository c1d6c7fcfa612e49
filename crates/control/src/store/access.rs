//! Finding an app or an add-on, always together with what the person is to it.
//!
//! There is no other way by name or id: a query without the person would be a way around the rights.

use crate::{
    Actor,
    access::{AddonAccess, AppAccess, Role},
};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use types::{AddonId, AppId, DatabaseId, NodeId, UserId};
use uuid::Uuid;

struct Found {
    id: Uuid,
    name: String,
    owner_id: Uuid,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl Found {
    fn access(self, actor: &Actor) -> AppAccess {
        let is_operator = actor.is_operator();
        let role = match () {
            () if actor.user_id().map(UserId::uuid) == Some(self.owner_id) => Role::Owner,
            () if is_operator => Role::Operator,
            () => Role::Collaborator,
        };
        AppAccess {
            id: AppId::new(self.id),
            name: self.name,
            owner_id: UserId::new(self.owner_id),
            created_at: self.created_at,
            updated_at: self.updated_at,
            role,
            is_operator,
        }
    }
}

/// The app of this name or `ap-` id that the actor may see.
pub(crate) async fn app(
    conn: &mut PgConnection,
    actor: &Actor,
    app: &str,
) -> Result<Option<AppAccess>, sqlx::Error> {
    // PostgreSQL's text has no NUL: such a name would be an error and not unknown.
    if app.contains('\0') {
        return Ok(None);
    }
    let id = app.parse::<AppId>().ok().map(AppId::uuid);
    let found = sqlx::query_as!(
        Found,
        r#"
        SELECT id, name, owner_id, created_at, updated_at
        FROM app
        WHERE CASE WHEN $1::uuid IS NULL THEN name = $2 ELSE id = $1 END
          AND deleted_at IS NULL
          AND ($4 OR owner_id = $3
               OR EXISTS (SELECT FROM collaborator c WHERE c.app_id = app.id AND c.user_id = $3))
        "#,
        id,
        app,
        actor.user_id().map(UserId::uuid),
        actor.is_operator(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.map(|found| found.access(actor)))
}

/// The add-on of this id that the actor may see; one that is purged only if `purged` is said.
pub(crate) async fn addon(
    conn: &mut PgConnection,
    actor: &Actor,
    addon: AddonId,
    purged: bool,
) -> Result<Option<AddonAccess>, sqlx::Error> {
    let row = sqlx::query!(
        r#"
        SELECT app.id, app.name, app.owner_id, app.created_at, app.updated_at,
               addon.resource_id, addon.deleted_at, database.id AS database_id, database.node_id
        FROM addon
        JOIN app ON app.id = addon.app_id
        JOIN database ON database.addon_id = addon.id
        WHERE addon.id = $1 AND ($4 OR addon.purged_at IS NULL)
          AND ($3 OR app.owner_id = $2
               OR EXISTS (SELECT FROM collaborator c WHERE c.app_id = app.id AND c.user_id = $2))
        "#,
        addon.uuid(),
        actor.user_id().map(UserId::uuid),
        actor.is_operator(),
        purged,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| AddonAccess {
        id: addon,
        database_id: DatabaseId::new(row.database_id),
        node: NodeId::new(row.node_id),
        resource_id: row.resource_id,
        deleted_at: row.deleted_at,
        app: Found {
            id: row.id,
            name: row.name,
            owner_id: row.owner_id,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
        .access(actor),
    }))
}
