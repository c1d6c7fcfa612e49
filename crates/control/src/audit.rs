//! The audit log: who did what, to what, from where, and whether it was allowed.
//!
//! Rows are written once and never changed. What people typed is made plain first (no control characters, cut), so
//! that a name cannot forge a second line. No secret belongs in `detail`.

use crate::{Actor, ControlPlane, error::Result, store};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use types::{
    AddonId, AppId, DatabaseId,
    audit::{AuditFilter, AuditPage, AuditView},
};

/// One thing to record.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) action: &'static str,
    pub(crate) app: Option<AppId>,
    pub(crate) database: Option<DatabaseId>,
    pub(crate) detail: String,
    pub(crate) allowed: bool,
}

impl Entry {
    /// Something that was done: `noun.verb`.
    pub(crate) fn new(action: &'static str) -> Self {
        Self { action, app: None, database: None, detail: String::new(), allowed: true }
    }

    /// To this app.
    pub(crate) fn app(self, app: AppId) -> Self {
        Self { app: Some(app), ..self }
    }

    /// To this database.
    pub(crate) fn database(self, database: DatabaseId) -> Self {
        Self { database: Some(database), ..self }
    }

    /// More about it; never a secret.
    pub(crate) fn detail(self, detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), ..self }
    }

    /// It was refused.
    pub(crate) fn refused(self) -> Self {
        Self { allowed: false, ..self }
    }
}

/// Writes it down, in the caller's transaction if there is one: the record and the change stand or fall together.
pub(crate) async fn record(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    actor: &Actor,
    entry: Entry,
) -> Result<(), sqlx::Error> {
    let who = Who { user: actor.user_id().map(types::UserId::uuid), name: actor.name(), ip: actor.ip() };
    record_as(conn, now, who, entry).await
}

/// Somebody who is not signed in (yet).
pub(crate) struct Who<'a> {
    pub(crate) user: Option<uuid::Uuid>,
    pub(crate) name: &'a str,
    pub(crate) ip: &'a str,
}

/// [`record`] for somebody who is no actor.
pub(crate) async fn record_as(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    who: Who<'_>,
    entry: Entry,
) -> Result<(), sqlx::Error> {
    tracing::info!(
        target: "audit",
        action = entry.action,
        allowed = entry.allowed,
        user = %plain(who.name, 64),
        ip = %plain(who.ip, 64),
        app = entry.app.map(tracing::field::display),
        database = entry.database.map(tracing::field::display),
        detail = %plain(&entry.detail, 300),
    );
    store::audit::insert(conn, now, &who, &entry).await
}

/// Text from outside on one line: control characters and invisible direction marks escaped, cut at `max` characters.
pub(crate) fn plain(text: &str, max: usize) -> String {
    let odd = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut out = String::new();
    for (n, c) in text.chars().enumerate() {
        if n == max {
            out.push('…');
            break;
        }
        if odd(c) { out.extend(c.escape_unicode()) } else { out.push(c) }
    }
    out
}

impl ControlPlane {
    /// The newest records that fit, for the operator. Reading is not written down; being refused is.
    ///
    /// # Errors
    /// `Forbidden` for everybody else.
    pub async fn audit(&self, actor: &Actor, filter: &AuditFilter) -> Result<AuditPage> {
        self.require_operator(actor, "audit.read").await?;
        let most = filter.limit.clamp(1, 1000);
        // PostgreSQL's texts know no NUL, so nothing is called so.
        let without = |text: &str| text.replace('\0', "");
        let filter =
            AuditFilter { action: without(&filter.action), user: without(&filter.user), ..filter.clone() };
        let mut conn = self.store().acquire().await?;
        // One more tells whether there are older ones.
        let mut rows = store::audit::newest(&mut conn, &filter, i64::from(most) + 1).await?;
        let more = rows.len() > usize::from(most);
        rows.truncate(most.into());
        let older = rows.last().map(|row| row.seq).filter(|_| more);
        Ok(AuditPage { records: rows.into_iter().map(view).collect(), older })
    }
}

fn view(row: store::audit::AuditRow) -> AuditView {
    AuditView {
        seq: row.seq,
        at: row.at,
        username: row.username,
        ip: row.ip,
        action: row.action,
        app: row.app,
        database: row.addon_id.map(AddonId::new).zip(row.resource_id),
        detail: row.detail,
        allowed: row.allowed,
    }
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn a_name_cannot_forge_a_line() {
        let forged = "x\n2026-01-01 level=INFO sign-in ok user=admin\u{1b}[2J\u{202e}";
        let told = plain(forged, 300);
        assert!(!told.chars().any(char::is_control), "{told}");
        assert!(!told.contains('\u{202e}'));
        assert_eq!(plain("abcdef", 3), "abc…");
    }
}
