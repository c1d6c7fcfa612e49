//! What the operations on backups share: a dump on its way into the vault, an archive on its way out of it.

mod flow;

use super::work::{self, Target, sentence};
use crate::{
    ControlPlane,
    backup::{
        self, room,
        vault::{Place, VaultError},
    },
    engine::dumps::DumpError,
    store::{self, backup::Whole},
};
use durable::{Cx, StepError};
use flow::{Giving, Taking};
use types::{BackupId, DatabaseId, plan::size};

/// A storage that does not answer is tried so often.
const TRIES: i32 = 3;

/// The backup that this operation is about.
pub(super) fn backup(cx: &Cx) -> Result<BackupId, StepError> {
    Ok(cx.params::<backup::ask::Of>()?.backup)
}

/// Its row.
pub(super) async fn row(plane: &ControlPlane, id: BackupId) -> Result<store::backup::Backup, StepError> {
    let mut conn = plane.store().acquire().await?;
    let filter = store::backup::Filter { backup: Some(id.uuid()), ..store::backup::Filter::default() };
    let found = store::backup::list(&mut conn, &filter).await?.pop();
    found.ok_or_else(|| StepError::give_up("This backup is gone: its time was over, or it was removed."))
}

/// What ended a dump or a restore early, as a step says it.
pub(super) fn trouble(error: DumpError, cx: &Cx) -> StepError {
    match error {
        DumpError::Engine(error) => work::trouble(error, cx),
        DumpError::Vault(error) => vault_trouble(error, cx),
        DumpError::Refused(words) => StepError::give_up(words),
        DumpError::Stopped => StepError::give_up("It was cancelled."),
    }
}

fn vault_trouble(error: VaultError, cx: &Cx) -> StepError {
    let again = cx.attempt() < TRIES;
    match error {
        VaultError::Storage { message, source, retry } => {
            let message = sentence(&message);
            let said = if retry && again { StepError::retry(message) } else { StepError::give_up(message) };
            said.with_source(source)
        }
        full @ VaultError::Full { .. } => StepError::give_up(format!(
            "{} The operator can make room. Earlier backups are untouched.",
            sentence(&full.to_string())
        )),
        other => StepError::give_up(sentence(&other.to_string())),
    }
}

/// Whether somebody has cancelled, asked of the store: what the worker knows of it may be as old as its lease.
pub(super) async fn cancelled(plane: &ControlPlane, cx: &Cx) -> bool {
    if cx.cancelled() {
        return true;
    }
    let asked = async {
        let mut conn = plane.store().acquire().await?;
        store::backup::cancelled(&mut conn, cx.operation_id).await
    };
    // A store that does not answer has not said so; the next look asks again.
    asked.await.unwrap_or(false)
}

/// Dumps a database into the vault and writes down what came of it. False: somebody cancelled.
pub(super) async fn make(
    plane: &ControlPlane,
    target: &Target,
    (id, in_haste): (BackupId, bool),
    cx: &mut Cx,
) -> Result<bool, StepError> {
    let database = DatabaseId::new(target.row.database_id);
    refuse_without_room(plane, target, cx).await?;
    let key = plane.key_for_new_archive(database).await.map_err(work::fault)?;
    let mut conn = plane.store().acquire().await?;
    store::backup::begin(&mut conn, id.uuid(), key.id, cx.now()).await?;
    drop(conn);
    let place = Place { database, backup: id };
    let sealing = plane.inner.vault.create(place, &key).await.map_err(|error| vault_trouble(error, cx))?;
    let mut taking = Taking::into(sealing, (plane, id), in_haste, cx);
    let dumped = plane.inner.engine.dump(&target.spec, &mut taking).await;
    let Taking { sealing, cx, bytes, outgrown, .. } = taking;
    let dumped = match dumped {
        Ok(dumped) => dumped,
        Err(error) => {
            sealing.abort().await;
            return match (outgrown, error) {
                (Some(why), _) => Err(StepError::give_up(why)),
                (None, DumpError::Stopped) => Ok(false),
                (None, error) => Err(trouble(error, cx)),
            };
        }
    };
    if cancelled(plane, cx).await {
        sealing.abort().await;
        return Ok(false);
    }
    cx.detail(format!("{} taken; reading it back", size(bytes))).await?;
    let written = sealing.finish().await.map_err(|error| vault_trouble(error, cx))?;
    if written.plain_bytes != bytes {
        return Err(StepError::retry("The archive does not hold what the dump gave."));
    }
    let name = backup::name::archive(dumped.at, &target.spec.name);
    let now = cx.now();
    let whole = Whole {
        made_at: dumped.at,
        name: &name,
        bytes: bytes.cast_signed(),
        stored_bytes: written.stored_bytes.cast_signed(),
        sha256: &written.sha256,
        crc32: i64::from(written.crc32),
        contents: serde_json::to_value(&dumped.contents)?,
    };
    let (tables, rows) = (dumped.contents.rows.len(), dumped.contents.total_rows());
    cx.detail(format!("{}, {tables} tables, {rows} rows; read back and compared", size(bytes))).await?;
    store::backup::done(cx.tx().await?, id.uuid(), now, &whole).await?;
    Ok(true)
}

/// Refuses a dump that would fill the volume of the archives.
async fn refuse_without_room(plane: &ControlPlane, target: &Target, cx: &Cx) -> Result<(), StepError> {
    let database = target.row.database_id;
    let mut conn = plane.store().acquire().await?;
    let filter = store::backup::Filter { database: Some(database), ..store::backup::Filter::default() };
    let earlier = store::backup::list(&mut conn, &filter).await?;
    drop(conn);
    let bytes = plane.inner.engine.disk_bytes(target.spec.id).await;
    let bytes = room::estimate(&earlier, bytes.map_err(|error| work::trouble(error, cx))?);
    match room::refusal(&plane.inner.vault, bytes).await {
        None => Ok(()),
        Some(why) => Err(StepError::give_up(why)),
    }
}

/// Removes what a making that did not come to its end has left, and says so in its row.
pub(super) async fn discard(plane: &ControlPlane, id: BackupId, cx: &mut Cx) -> Result<(), StepError> {
    let row = row(plane, id).await?;
    if row.status == "done" {
        return Ok(());
    }
    let place = Place { database: DatabaseId::new(row.database_id), backup: id };
    plane.inner.vault.remove(place).await.map_err(|error| vault_trouble(error, cx))?;
    let mut conn = plane.store().acquire().await?;
    let operation = durable::load(&mut *conn, cx.operation_id).await?;
    drop(conn);
    let error = operation.and_then(|operation| operation.error).map(|error| error.message.clone());
    let (now, status) = (cx.now(), if error.is_some() { "error" } else { "cancelled" });
    Ok(store::backup::ended(cx.tx().await?, id.uuid(), now, status, error.as_deref()).await?)
}

/// Opens an archive for reading from its beginning; what the vault says of it is the caller's to judge.
pub(super) async fn open<'a>(
    plane: &ControlPlane,
    row: &store::backup::Backup,
    cx: &'a mut Cx,
) -> Result<Result<Giving<'a>, VaultError>, StepError> {
    let database = DatabaseId::new(row.database_id);
    let key = row.key_id.filter(|_| row.status == "done");
    let key = key.ok_or_else(|| StepError::give_up("This backup is not whole."))?;
    let key = plane.archive_key(database, key).await.map_err(work::fault)?;
    let opened = plane.open_archive(row, &key).await;
    Ok(opened.map(|sealed| Giving::from(sealed, cx)))
}

/// Restores an archive beside a database and compares what came of it; answers what people may read.
pub(super) async fn load(
    plane: &ControlPlane,
    target: &Target,
    backup: BackupId,
    cx: &mut Cx,
) -> Result<String, StepError> {
    let row = row(plane, backup).await?;
    let mut conn = plane.store().acquire().await?;
    let was = contents(store::backup::contents(&mut conn, row.id).await?)?;
    drop(conn);
    let loaded = match open(plane, &row, cx).await? {
        Ok(mut giving) => plane.inner.engine.load_beside(&target.spec, was.data_bytes, &mut giving).await,
        Err(error) => Err(error.into()),
    };
    let loaded = loaded.map_err(|error| trouble(error, cx))?;
    let differences = was.differences(&loaded);
    if !differences.is_empty() {
        let message = format!("What was restored is not what was backed up: {}.", differences.join("; "));
        return Err(StepError::give_up(message));
    }
    Ok(format!("{} tables, {} rows, 0 differences", loaded.rows.len(), loaded.total_rows()))
}

/// What the database held when the backup was made.
pub(super) fn contents(value: Option<serde_json::Value>) -> Result<backup::contents::Contents, StepError> {
    let value = value.ok_or_else(|| StepError::give_up("What this backup holds was not written down."))?;
    Ok(serde_json::from_value(value)?)
}
