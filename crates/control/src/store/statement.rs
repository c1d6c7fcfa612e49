//! Statistics of statements in the store: whether they are recorded, and snapshots of the counters. No text of a query.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use types::statement::Counters;
use uuid::Uuid;

/// Whether statements of a database are counted from now on.
pub(crate) async fn count(conn: &mut PgConnection, database: Uuid, on: bool) -> sqlx::Result<()> {
    sqlx::query!(r#"UPDATE database SET statements = $2 WHERE id = $1"#, database, on).execute(conn).await?;
    Ok(())
}

/// Keeps a snapshot.
pub(crate) async fn keep(
    conn: &mut PgConnection,
    database: Uuid,
    at: DateTime<Utc>,
    counters: &[Counters],
) -> sqlx::Result<()> {
    let counters = serde_json::to_value(counters).map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query!(
        r#"INSERT INTO statement_snapshot (database_id, at, counters) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"#,
        database,
        at,
        counters,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The last snapshot before a moment, or the first one after it.
pub(crate) async fn near(
    conn: &mut PgConnection,
    database: Uuid,
    at: DateTime<Utc>,
) -> sqlx::Result<Option<(DateTime<Utc>, Vec<Counters>)>> {
    let row = sqlx::query!(
        r#"
        SELECT at, counters FROM statement_snapshot WHERE database_id = $1
        ORDER BY (at <= $2) DESC, abs(extract(epoch FROM at - $2)) LIMIT 1
        "#,
        database,
        at,
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| match serde_json::from_value(row.counters) {
        Ok(counters) => Ok((row.at, counters)),
        Err(error) => Err(sqlx::Error::Decode(error.into())),
    })
    .transpose()
}

/// Removes those before `kept`, and of those before `fine` all but the first of each hour.
pub(crate) async fn thin(
    conn: &mut PgConnection,
    fine: DateTime<Utc>,
    kept: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        DELETE FROM statement_snapshot s
        WHERE s.at < $2
           OR (s.at < $1 AND EXISTS (
               SELECT FROM statement_snapshot o WHERE o.database_id = s.database_id AND o.at < s.at
               AND date_trunc('hour', o.at, 'UTC') = date_trunc('hour', s.at, 'UTC')))
        "#,
        fine,
        kept,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets those of a database: its counters begin anew.
pub(crate) async fn forget(conn: &mut PgConnection, database: Uuid) -> sqlx::Result<()> {
    sqlx::query!(r#"DELETE FROM statement_snapshot WHERE database_id = $1"#, database).execute(conn).await?;
    Ok(())
}
