//! Restart hooks and what became of their calls.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

/// A row of `restart_hook`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hook {
    pub url: Option<String>,
    /// Sealed.
    pub secret: Option<Vec<u8>>,
    pub command: Option<Vec<String>>,
}

/// A row of `hook_delivery`.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub operation_id: Uuid,
    pub kind: String,
    pub at: DateTime<Utc>,
    pub duration_ms: i32,
    pub ok: bool,
    pub result: String,
}

/// An app's hook, if it has one.
pub(crate) async fn find(conn: &mut PgConnection, app: Uuid) -> sqlx::Result<Option<Hook>> {
    sqlx::query_as!(Hook, r#"SELECT url, secret, command FROM restart_hook WHERE app_id = $1"#, app)
        .fetch_optional(conn)
        .await
}

/// Sets an app's hook; both parts empty removes it.
pub(crate) async fn put(conn: &mut PgConnection, app: Uuid, hook: &Hook) -> sqlx::Result<()> {
    if hook.url.is_none() && hook.command.is_none() {
        sqlx::query!(r#"DELETE FROM restart_hook WHERE app_id = $1"#, app).execute(conn).await?;
        return Ok(());
    }
    sqlx::query!(
        r#"
        INSERT INTO restart_hook (app_id, url, secret, command) VALUES ($1, $2, $3, $4)
        ON CONFLICT (app_id) DO UPDATE
        SET url = EXCLUDED.url, secret = EXCLUDED.secret, command = EXCLUDED.command
        "#,
        app,
        hook.url,
        hook.secret,
        hook.command.as_deref(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The last calls, newest first.
pub(crate) async fn deliveries(
    conn: &mut PgConnection,
    app: Uuid,
    limit: i64,
) -> sqlx::Result<Vec<Delivery>> {
    sqlx::query_as!(
        Delivery,
        r#"
        SELECT operation_id, kind, at, duration_ms, ok, result FROM hook_delivery
        WHERE app_id = $1 ORDER BY at DESC, id DESC LIMIT $2
        "#,
        app,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// Whether this call was taken already.
pub(crate) async fn was_taken(conn: &mut PgConnection, operation: Uuid, kind: &str) -> sqlx::Result<bool> {
    let row = sqlx::query!(
        r#"SELECT ok FROM hook_delivery WHERE operation_id = $1 AND kind = $2"#,
        operation,
        kind
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.is_some_and(|row| row.ok))
}

/// Whether the app was told by an operation: there was a call, and all were taken.
pub(crate) async fn was_told(conn: &mut PgConnection, operation: Uuid) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT coalesce(bool_and(ok), false) AS "told!" FROM hook_delivery WHERE operation_id = $1"#,
        operation
    )
    .fetch_one(conn)
    .await
}

/// Remembers how a call went; a later attempt of the same call replaces it.
pub(crate) async fn record(
    conn: &mut PgConnection,
    id: Uuid,
    app: Uuid,
    delivery: &Delivery,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        INSERT INTO hook_delivery (id, app_id, operation_id, kind, at, duration_ms, ok, result)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (operation_id, kind) DO UPDATE
        SET at = EXCLUDED.at, duration_ms = EXCLUDED.duration_ms, ok = EXCLUDED.ok, result = EXCLUDED.result
        "#,
        id,
        app,
        delivery.operation_id,
        delivery.kind,
        delivery.at,
        delivery.duration_ms,
        delivery.ok,
        delivery.result,
    )
    .execute(conn)
    .await?;
    Ok(())
}
