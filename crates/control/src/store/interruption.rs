//! How long clients were locked out by restarts, as measured: the next one is predicted from it.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use types::operation::Interruption;
use uuid::Uuid;

/// Remembers how long it was; the first record of an operation stays.
pub(crate) async fn record(
    conn: &mut PgConnection,
    operation: Uuid,
    database: Uuid,
    at: DateTime<Utc>,
    interruption: Interruption,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        INSERT INTO interruption (operation_id, database_id, at, predicted_ms, measured_ms)
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING
        "#,
        operation,
        database,
        at,
        interruption.predicted_ms.and_then(|ms| i64::try_from(ms).ok()),
        i64::try_from(interruption.measured_ms).unwrap_or(i64::MAX),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// That of an operation, if it had one.
pub(crate) async fn of_operation(
    conn: &mut PgConnection,
    operation: Uuid,
) -> sqlx::Result<Option<Interruption>> {
    let row = sqlx::query!(
        r#"SELECT predicted_ms, measured_ms FROM interruption WHERE operation_id = $1"#,
        operation
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Interruption {
        predicted_ms: row.predicted_ms.map(i64::cast_unsigned),
        measured_ms: row.measured_ms.cast_unsigned(),
    }))
}

/// The last ones of a database, newest first, milliseconds.
pub(crate) async fn last(conn: &mut PgConnection, database: Uuid, limit: i64) -> sqlx::Result<Vec<u64>> {
    let rows = sqlx::query_scalar!(
        r#"SELECT measured_ms FROM interruption WHERE database_id = $1 ORDER BY at DESC LIMIT $2"#,
        database,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(i64::cast_unsigned).collect())
}

/// The median of the last ones on this host, milliseconds: what a database that was never restarted is told.
pub(crate) async fn median(conn: &mut PgConnection) -> sqlx::Result<Option<u64>> {
    let median = sqlx::query_scalar!(
        r#"
        SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY measured_ms) AS "median"
        FROM (SELECT measured_ms FROM interruption ORDER BY at DESC LIMIT 20) last
        "#
    )
    .fetch_one(conn)
    .await?;
    Ok(median.map(i64::cast_unsigned))
}
