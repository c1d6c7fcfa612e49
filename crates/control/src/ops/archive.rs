//! What the operations on backups share: a dump on its way into the vault, an archive on its way out of it.

use super::work::{self, Target, sentence};
use crate::{
    ControlPlane,
    backup::{
        self,
        vault::{Place, Sealed, Sealing, VaultError},
    },
    engine::dumps::{DumpError, Sink, Source},
    store::{self, backup::Whole},
};
use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use durable::{Cx, StepError};
use types::{BackupId, DatabaseId, plan::size};

/// How often people are told how far it is: at first, and after the first minute.
const TELL: TimeDelta = TimeDelta::seconds(1);
const TELL_LATER: TimeDelta = TimeDelta::seconds(5);
/// Read from an archive at a time, bytes.
const PIECE: u64 = 1 << 20;
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
    id: BackupId,
    cx: &mut Cx,
) -> Result<bool, StepError> {
    let database = target.spec.id;
    let key = plane.key_for_new_archive(database).await.map_err(work::fault)?;
    let mut conn = plane.store().acquire().await?;
    store::backup::begin(&mut conn, id.uuid(), key.id, cx.now()).await?;
    drop(conn);
    let place = Place { database, backup: id };
    let sealing = plane.inner.vault.create(place, &key).await.map_err(|error| vault_trouble(error, cx))?;
    let mut taking =
        Taking { plane, id, sealing, began: cx.now(), told: cx.now(), bytes: 0, stop: false, cx };
    let dumped = plane.inner.engine.dump(&target.spec, &mut taking).await;
    let Taking { sealing, cx, bytes, .. } = taking;
    let dumped = match dumped {
        Ok(dumped) => dumped,
        Err(error) => {
            sealing.abort().await;
            return if matches!(error, DumpError::Stopped) { Ok(false) } else { Err(trouble(error, cx)) };
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

/// Opens an archive for reading from its beginning.
pub(super) async fn open(
    plane: &ControlPlane,
    row: &store::backup::Backup,
    cx: &Cx,
) -> Result<Giving, StepError> {
    let database = DatabaseId::new(row.database_id);
    let key = row.key_id.filter(|_| row.status == "done");
    let key = key.ok_or_else(|| StepError::give_up("This backup is not whole."))?;
    let key = plane.archive_key(database, key).await.map_err(work::fault)?;
    let place = Place { database, backup: BackupId::new(row.id) };
    let sealed = plane.inner.vault.open(place, &key).await.map_err(|error| vault_trouble(error, cx))?;
    Ok(Giving { bytes: sealed.bytes(), sealed, at: 0 })
}

/// Restores an archive beside a database and compares what came of it; answers what people may read.
pub(super) async fn load(
    plane: &ControlPlane,
    target: &Target,
    backup: BackupId,
    cx: &mut Cx,
) -> Result<String, StepError> {
    let row = row(plane, backup).await?;
    let mut giving = open(plane, &row, cx).await?;
    let mut conn = plane.store().acquire().await?;
    let was = contents(store::backup::contents(&mut conn, row.id).await?)?;
    drop(conn);
    let loaded = plane.inner.engine.load_beside(&target.spec, was.data_bytes, &mut giving).await;
    let loaded = loaded.map_err(|error| trouble(error, cx))?;
    let differences = was.differences(&loaded);
    if !differences.is_empty() {
        let message = format!("What was restored is not what was backed up: {}.", differences.join("; "));
        return Err(StepError::give_up(message));
    }
    Ok(format!("{} tables, {} rows, 0 differences", loaded.rows.len(), loaded.total_rows()))
}

/// Takes a dump: into the vault, and the progress to the people who wait.
struct Taking<'a> {
    plane: &'a ControlPlane,
    id: BackupId,
    sealing: Box<dyn Sealing>,
    cx: &'a mut Cx,
    began: DateTime<Utc>,
    told: DateTime<Utc>,
    bytes: u64,
    /// Somebody has cancelled.
    stop: bool,
}

impl Taking<'_> {
    async fn tell(&mut self) -> Result<(), StepError> {
        let now = self.cx.now();
        let pause = if now - self.began < TimeDelta::minutes(1) { TELL } else { TELL_LATER };
        if now - self.told < pause {
            return Ok(());
        }
        self.told = now;
        self.stop = cancelled(self.plane, self.cx).await;
        let mut conn = self.plane.store().acquire().await?;
        store::backup::progress(&mut conn, self.id.uuid(), self.bytes.cast_signed()).await?;
        drop(conn);
        let ms = crate::operation::millis(self.began, now).max(1);
        let rate = size(self.bytes.saturating_mul(1000) / ms);
        self.cx.detail(format!("{} so far, {rate}/s", size(self.bytes))).await
    }
}

#[async_trait]
impl Sink for Taking<'_> {
    async fn stopped(&mut self) -> bool {
        cancelled(self.plane, self.cx).await
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), DumpError> {
        if self.stop {
            return Err(DumpError::Stopped);
        }
        self.sealing.write(bytes).await?;
        self.bytes += bytes.len() as u64;
        // Who lost the lease notices it at the next write of the operation; nobody fails for a figure.
        if let Err(error) = self.tell().await {
            tracing::debug!(%error, backup = %self.id, "progress is not told");
        }
        Ok(())
    }
}

/// Gives an archive's dump, piece by piece.
pub(super) struct Giving {
    sealed: Box<dyn Sealed>,
    bytes: u64,
    at: u64,
}

#[async_trait]
impl Source for Giving {
    async fn next(&mut self) -> Result<Option<Bytes>, DumpError> {
        if self.at == self.bytes {
            return Ok(None);
        }
        let to = (self.at + PIECE).min(self.bytes);
        let piece = self.sealed.read(self.at..to).await?;
        self.at = to;
        Ok(Some(piece))
    }
}

/// What the database held when the backup was made.
pub(super) fn contents(value: Option<serde_json::Value>) -> Result<backup::contents::Contents, StepError> {
    let value = value.ok_or_else(|| StepError::give_up("What this backup holds was not written down."))?;
    Ok(serde_json::from_value(value)?)
}
