//! What every request for a change shares: the same request twice is one operation, and the answer is the same.

use crate::{
    Actor, ControlPlane, Error, Result,
    addon::Subject,
    store::{self, addon::Filter},
};
use chrono::{DateTime, TimeDelta, Utc};
use durable::{Enqueued, Idempotency, NewOperation};
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use types::{AddonId, OperationId, name, view::Accepted};
use uuid::Uuid;

/// What may run at the same time for a database: operations of one lane exclude each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// The database itself is changed.
    Change,
    /// It is read, and stays as it is.
    Backup,
    /// A backup of it is tried elsewhere.
    Proof,
    /// Its server is copied into its archive.
    Base,
}

impl Lane {
    /// As the operation log names what is changed.
    pub(crate) fn subject(self, subject: Subject) -> String {
        let uuid = subject.database.uuid();
        match self {
            Self::Change => subject.name(),
            Self::Backup => format!("backup:{uuid}"),
            Self::Proof => format!("proof:{uuid}"),
            Self::Base => format!("base:{uuid}"),
        }
    }
}

/// How long an operation may take before somebody should look. What is about a backup moves bytes, which take as long as
/// they are many: a dump, a copy, a trial, and what is restored in place or beside.
fn deadline(kind: &str, params: &serde_json::Value) -> TimeDelta {
    if params.get("backup").is_some() || ["base_backup", "pitr_restore"].contains(&kind) {
        TimeDelta::hours(24)
    } else {
        TimeDelta::minutes(30)
    }
}

/// Kinds that close connections or replace data: a dump would end with them.
const DISTURBING: [&str; 5] = ["stop", "restart", "delete", "change_plan", "restore_backup"];

/// A client's key for one request, bound to who asks and what for.
pub(crate) fn idempotency(
    actor: &Actor,
    key: Option<String>,
    request: &impl serde::Serialize,
) -> Result<Option<Idempotency>> {
    let Some(key) = key else { return Ok(None) };
    if key.is_empty() || key.len() > 255 || key.chars().any(char::is_control) {
        return Err(Error::invalid("idempotency_key", "An Idempotency-Key has 1 to 255 plain characters."));
    }
    let request = serde_json::to_vec(request).map_err(Error::internal)?;
    let fingerprint = Sha256::digest(&request).to_vec();
    Ok(Some(Idempotency { principal: actor.principal(), key, fingerprint }))
}

/// Asks the operation log for an operation on a database.
pub(crate) async fn enqueue(
    tx: &mut PgConnection,
    now: DateTime<Utc>,
    actor: &Actor,
    begin: (&'static str, String),
    subject: Subject,
    idempotency: Option<Idempotency>,
) -> Result<Enqueued> {
    enqueue_with(tx, now, actor, begin, (subject, ()), idempotency).await
}

/// Refuses a database that is deleted, or that an operation works on.
pub(crate) fn refuse_changed(row: &store::addon::Addon) -> Result<()> {
    if row.deleted_at.is_some() || row.purged_at.is_some() {
        return Err(Error::conflict("This database was deleted. Bring it back first."));
    }
    row.operation.map_or(Ok(()), |operation| Err(busy(operation)))
}

/// That an operation works on a database, with a way to it.
pub(crate) fn busy(operation: Uuid) -> Error {
    Error::Conflict {
        message: "Something else changes this database now. Try again when it is done.".into(),
        operation: Some(OperationId::new(operation)),
    }
}

/// Refuses what would end a backup that is being made.
pub(crate) async fn refuse_beside_backup(tx: &mut PgConnection, subject: Subject) -> Result<()> {
    match durable::live_for(&mut *tx, &Lane::Backup.subject(subject)).await? {
        None => Ok(()),
        Some(backup) => Err(Error::Conflict {
            message: "A backup of this database is being made. Wait for its end, or cancel it.".into(),
            operation: Some(OperationId::new(backup.id)),
        }),
    }
}

/// [`enqueue`] for a kind that is told more than what it changes; `more` serialises to fields beside the subject's.
pub(crate) async fn enqueue_with(
    tx: &mut PgConnection,
    now: DateTime<Utc>,
    actor: &Actor,
    begin: (&'static str, String),
    (subject, more): (Subject, impl serde::Serialize),
    idempotency: Option<Idempotency>,
) -> Result<Enqueued> {
    let disturbing = DISTURBING.contains(&begin.0);
    let asked = enqueue_in(Lane::Change, tx, now, actor, begin, (subject, more), idempotency).await?;
    // What was asked for before is answered whatever runs now.
    if disturbing && matches!(asked, Enqueued::New(_)) {
        refuse_beside_backup(tx, subject).await?;
    }
    Ok(asked)
}

/// [`enqueue_with`] in another lane.
pub(crate) async fn enqueue_in(
    lane: Lane,
    tx: &mut PgConnection,
    now: DateTime<Utc>,
    actor: &Actor,
    (kind, first_step): (&'static str, String),
    (subject, more): (Subject, impl serde::Serialize),
    idempotency: Option<Idempotency>,
) -> Result<Enqueued> {
    #[derive(serde::Serialize)]
    struct Params<M> {
        #[serde(flatten)]
        subject: Subject,
        #[serde(flatten)]
        more: M,
    }
    let params = serde_json::to_value(Params { subject, more }).map_err(Error::internal)?;
    let new = NewOperation {
        id: Uuid::now_v7(),
        kind,
        subject: lane.subject(subject),
        deadline: deadline(kind, &params),
        params,
        actor: actor.to_json(),
        first_step,
        idempotency,
    };
    Ok(durable::enqueue(tx, now, new).await?)
}

impl ControlPlane {
    /// The answer to a request: the add-on as it is now, and the operation to follow.
    pub(crate) async fn accepted(&self, operation: Uuid) -> Result<Accepted> {
        let mut conn = self.store().acquire().await?;
        let row = durable::load(&mut *conn, operation).await?.ok_or(Error::NotFound("operation"))?;
        let subject: Subject = serde_json::from_value(row.params).map_err(Error::internal)?;
        let filter = Filter { addon: Some(subject.addon.uuid()), purged: true, ..Filter::default() };
        let addon = store::addon::list(&mut conn, &filter).await?.pop().ok_or(Error::NotFound("addon"))?;
        drop(conn);
        let addon = self.addon_views(vec![addon]).await.pop().ok_or(Error::NotFound("addon"))?;
        Ok(Accepted { addon, operation: OperationId::new(operation) })
    }

    /// The add-on's row, for an actor who was let through to it.
    pub(crate) async fn addon_row(
        &self,
        conn: &mut PgConnection,
        id: AddonId,
    ) -> Result<store::addon::Addon> {
        let filter = Filter { addon: Some(id.uuid()), purged: true, ..Filter::default() };
        store::addon::list(conn, &filter).await?.pop().ok_or(Error::NotFound("addon"))
    }
}

/// A new resource id for an app: its name and four random digits.
pub(super) fn resource_id(app: &str) -> String {
    name::resource_id(app, rand::random_range(1000..10000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_bound_to_its_request() {
        let of = |key: &str, request: &str| idempotency(&Actor::System, Some(key.into()), &request);
        let (a, b) = (of("k", "one").unwrap().unwrap(), of("k", "two").unwrap().unwrap());
        assert_ne!(a.fingerprint, b.fingerprint);
        assert_eq!(a, of("k", "one").unwrap().unwrap());
        for bad in ["", "a\nb", &"k".repeat(256)] {
            assert!(of(bad, "one").is_err(), "{bad:?}");
        }
    }
}
