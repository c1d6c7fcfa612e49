//! Databases in the store: what is wanted of each. What is seen of them is asked from the engine, never kept here.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

/// What its owner wants of a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Running,
    Stopped,
    Deleted,
}

impl Wanted {
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Deleted => "deleted",
        }
    }
}

/// A new row of `database`.
pub(crate) struct NewDatabase<'a> {
    pub id: Uuid,
    pub addon_id: Uuid,
    pub version: &'a str,
    pub port: u16,
    /// Sealed.
    pub owner_password: &'a [u8],
}

/// Adds a database that shall run.
pub(crate) async fn insert(
    conn: &mut PgConnection,
    new: NewDatabase<'_>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        INSERT INTO database (id, node_id, addon_id, version, port, wanted, owner_password, created_at)
        VALUES ($1, $1, $2, $3, $4, 'running', $5, $6)
        "#,
        new.id,
        new.addon_id,
        new.version,
        i32::from(new.port),
        new.owner_password,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The sealed password of the protected user.
pub(crate) async fn sealed_password(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Vec<u8>>> {
    sqlx::query_scalar!(r#"SELECT owner_password FROM database WHERE id = $1"#, id).fetch_optional(conn).await
}

/// The login that comes with its sealed password; `None`: none comes any more.
pub(crate) async fn next_login(
    conn: &mut PgConnection,
    id: Uuid,
    next: Option<(&str, &[u8])>,
) -> sqlx::Result<()> {
    let (login, password) = next.unzip();
    sqlx::query!(
        r#"UPDATE database SET next_login = $2, next_password = $3 WHERE id = $1"#,
        id,
        login,
        password,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The login that comes, and its sealed password.
pub(crate) async fn read_next_login(
    conn: &mut PgConnection,
    id: Uuid,
) -> sqlx::Result<Option<(String, Vec<u8>)>> {
    let row = sqlx::query!(r#"SELECT next_login, next_password FROM database WHERE id = $1"#, id)
        .fetch_optional(conn)
        .await?;
    Ok(row.and_then(|row| row.next_login.zip(row.next_password)))
}

/// From now on the protected user logs in like this; the login that came has come.
pub(crate) async fn change_login(
    conn: &mut PgConnection,
    id: Uuid,
    login: Option<&str>,
    password: &[u8],
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        UPDATE database SET login = $2, owner_password = $3, next_login = NULL, next_password = NULL WHERE id = $1
        "#,
        id,
        login,
        password,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Says what is wanted from now on.
pub(crate) async fn want(conn: &mut PgConnection, id: Uuid, wanted: Wanted) -> sqlx::Result<()> {
    sqlx::query!(r#"UPDATE database SET wanted = $2 WHERE id = $1"#, id, wanted.text()).execute(conn).await?;
    Ok(())
}

/// The published URL accepted a login.
pub(crate) async fn ready(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<()> {
    sqlx::query!(r#"UPDATE database SET ready = true WHERE id = $1"#, id).execute(conn).await?;
    Ok(())
}

/// It listens elsewhere from now on.
pub(crate) async fn move_to_port(conn: &mut PgConnection, id: Uuid, port: u16) -> sqlx::Result<()> {
    sqlx::query!(r#"UPDATE database SET port = $2 WHERE id = $1"#, id, i32::from(port)).execute(conn).await?;
    Ok(())
}

/// What the disk guard found: the level that was told, whether new transactions are read-only, and until when writes
/// are allowed all the same.
pub(crate) async fn guard(
    conn: &mut PgConnection,
    id: Uuid,
    level: i16,
    read_only: bool,
    writes_until: Option<DateTime<Utc>>,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"UPDATE database SET disk_level = $2, read_only = $3, writes_until = $4 WHERE id = $1"#,
        id,
        level,
        read_only,
        writes_until,
    )
    .execute(conn)
    .await?;
    Ok(())
}
