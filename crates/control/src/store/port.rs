//! Ports in the store: each is one database's, and rests after use, so that a stale URL reaches nobody else.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use std::ops::RangeInclusive;
use uuid::Uuid;

/// Any number will do, as long as nothing else locks it: allocation is done by one at a time.
const ALLOCATION: i64 = 0x7061_646f_706f_7274;

/// The lowest free port of `range`, from now on this database's. `None`: the host is full.
pub(crate) async fn allocate(
    conn: &mut PgConnection,
    range: RangeInclusive<u16>,
    database: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<u16>> {
    sqlx::query!(r#"SELECT pg_advisory_xact_lock($1)"#, ALLOCATION).execute(&mut *conn).await?;
    sqlx::query!(r#"DELETE FROM port WHERE reusable_at <= $1"#, now).execute(&mut *conn).await?;
    let port = sqlx::query_scalar!(
        r#"
        INSERT INTO port (port, database_id)
        SELECT candidate, $3 FROM generate_series($1::integer, $2::integer) candidate
        WHERE NOT EXISTS (SELECT FROM port used WHERE used.port = candidate)
        ORDER BY candidate LIMIT 1
        RETURNING port
        "#,
        i32::from(*range.start()),
        i32::from(*range.end()),
        database,
    )
    .fetch_optional(conn)
    .await?;
    // The range is of u16, so every port found in it is one.
    Ok(port.and_then(|port| u16::try_from(port).ok()))
}

/// Nobody gets these ports before `until`.
pub(crate) async fn rest(conn: &mut PgConnection, database: Uuid, until: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        r#"UPDATE port SET reusable_at = $2 WHERE database_id = $1 AND reusable_at IS NULL"#,
        database,
        until
    )
    .execute(conn)
    .await?;
    Ok(())
}
