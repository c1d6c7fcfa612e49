//! The last whole backup of many databases at once, for lists.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

/// The last whole backup of a database.
#[derive(Clone, Debug)]
pub(crate) struct LastBackup {
    pub(crate) addon_id: Uuid,
    pub(crate) app_id: Uuid,
    pub(crate) made_at: DateTime<Utc>,
    pub(crate) proof: String,
}

/// Those of `databases` that have one.
pub(crate) async fn of(conn: &mut PgConnection, databases: &[Uuid]) -> sqlx::Result<Vec<LastBackup>> {
    sqlx::query_as!(
        LastBackup,
        r#"
        SELECT DISTINCT ON (b.database_id) a.id AS addon_id, a.app_id, coalesce(b.made_at, b.created_at) AS "made_at!",
               b.proof
        FROM backup b
        JOIN database d ON d.id = b.database_id
        JOIN addon a ON a.id = d.addon_id
        WHERE b.database_id = ANY($1) AND b.status = 'done'
        ORDER BY b.database_id, coalesce(b.made_at, b.created_at) DESC
        "#,
        databases
    )
    .fetch_all(conn)
    .await
}
