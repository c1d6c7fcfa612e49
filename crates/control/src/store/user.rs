//! Accounts. Passwords are here as argon2id hashes only.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use types::{UserId, view::UserView};
use uuid::Uuid;

/// An account as pages show it.
pub(crate) struct UserRow {
    pub(crate) id: Uuid,
    pub(crate) username: String,
    pub(crate) email: String,
    pub(crate) is_operator: bool,
}

impl From<UserRow> for UserView {
    fn from(row: UserRow) -> Self {
        let UserRow { id, username, email, is_operator } = row;
        Self { id: UserId::new(id), username, email, is_operator }
    }
}

/// What a sign-in needs to know.
pub(crate) struct Credentials {
    pub(crate) id: Uuid,
    pub(crate) username: String,
    pub(crate) email: String,
    pub(crate) is_operator: bool,
    pub(crate) password_hash: String,
    pub(crate) failed_logins: i32,
    pub(crate) next_login_at: Option<DateTime<Utc>>,
}

/// A new account.
pub(crate) struct NewUser<'a> {
    pub(crate) id: Uuid,
    pub(crate) email: &'a str,
    pub(crate) username: &'a str,
    pub(crate) password_hash: &'a str,
    pub(crate) is_operator: bool,
}

/// Which field of a new account is taken, if that is why the insert failed.
pub(crate) fn taken(error: &sqlx::Error) -> Option<&'static str> {
    match error.as_database_error()?.constraint()? {
        "app_user_email" => Some("email"),
        "app_user_username" => Some("username"),
        _ => None,
    }
}

pub(crate) async fn insert(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    user: &NewUser<'_>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        INSERT INTO app_user (id, email, username, password_hash, is_operator, created_at, password_changed_at)
        VALUES ($1, $2, $3, $4, $5, $6, $6)
        "#,
        user.id,
        user.email,
        user.username,
        user.password_hash,
        user.is_operator,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Lets one transaction at a time make a first account; reading goes on.
pub(crate) async fn lock_all(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!(r#"LOCK TABLE app_user IN SHARE ROW EXCLUSIVE MODE"#).execute(conn).await?;
    Ok(())
}

pub(crate) async fn any(conn: &mut PgConnection) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM app_user) AS "any!""#).fetch_one(conn).await
}

pub(crate) async fn load(conn: &mut PgConnection, id: UserId) -> Result<Option<UserRow>, sqlx::Error> {
    sqlx::query_as!(
        UserRow,
        r#"SELECT id, username, email, is_operator FROM app_user WHERE id = $1"#,
        id.uuid()
    )
    .fetch_optional(conn)
    .await
}

/// By e-mail address or user name, locked: tries on one account are counted one after the other. A user name has no
/// `@`, so there is one row at most.
pub(crate) async fn credentials(
    conn: &mut PgConnection,
    identifier: &str,
) -> Result<Option<Credentials>, sqlx::Error> {
    sqlx::query_as!(
        Credentials,
        r#"
        SELECT id, username, email, is_operator, password_hash, failed_logins, next_login_at
        FROM app_user
        WHERE lower(email) = lower($1) OR lower(username) = lower($1)
        FOR UPDATE
        "#,
        identifier,
    )
    .fetch_optional(conn)
    .await
}

/// Lets this transaction's commit not wait for the disk: a count of tries may be lost in a crash, and the wait would
/// tell an account that is counted here from a name that nobody has.
pub(crate) async fn do_not_wait_for_disk(tx: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!(r#"SET LOCAL synchronous_commit TO off"#).execute(tx).await?;
    Ok(())
}

/// Counts a try, before its password is checked.
pub(crate) async fn count_try(
    conn: &mut PgConnection,
    id: Uuid,
    failed: i32,
    next: Option<DateTime<Utc>>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"UPDATE app_user SET failed_logins = $2, next_login_at = $3 WHERE id = $1"#,
        id,
        failed,
        next
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The right password was given, in a try that began at `began`: no delay any more. Its better hash is kept, if there
/// is one and the password was not changed meanwhile.
pub(crate) async fn signed_in(
    conn: &mut PgConnection,
    began: DateTime<Utc>,
    id: Uuid,
    rehash: Option<&str>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        UPDATE app_user
        SET failed_logins = 0, next_login_at = NULL,
            password_hash = CASE WHEN password_changed_at <= $3 THEN coalesce($2, password_hash) ELSE password_hash END
        WHERE id = $1
        "#,
        id,
        rehash,
        began,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn set_password(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    id: UserId,
    hash: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        UPDATE app_user
        SET password_hash = $2, password_changed_at = $3, failed_logins = 0, next_login_at = NULL
        WHERE id = $1
        "#,
        id.uuid(),
        hash,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}
