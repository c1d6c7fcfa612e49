//! What can be done with backups. Each is a plain form: it calls the core once and leads to the page that shows what came
//! of it.

use crate::error::AppError;
use leptos::prelude::*;

/// What the buttons of the pages post to.
#[derive(Clone, Copy)]
pub struct Acts {
    /// Makes one now.
    pub back_up: ServerAction<BackUp>,
    /// Ends one that is being made.
    pub cancel: ServerAction<CancelBackup>,
    /// Leads to an archive.
    pub download: ServerAction<DownloadBackup>,
}

impl Acts {
    /// For a page; made at its top.
    #[must_use]
    pub fn new() -> Self {
        Self { back_up: ServerAction::new(), cancel: ServerAction::new(), download: ServerAction::new() }
    }
}

/// The page of a database's backups.
#[cfg(feature = "ssr")]
fn backups_page(id: &str) -> String {
    format!("/databases/{id}/backups")
}

/// Makes a backup now.
#[server(prefix = "/do", endpoint = "back_up")]
pub async fn back_up(id: String) -> Result<(), AppError> {
    use crate::{address, ssr};
    ssr::control()?.back_up(&ssr::actor()?, address::database(&id)?, None).await?;
    ssr::flash("notice", "The backup has begun. You can close this page: it goes on.").await;
    ssr::redirect(&backups_page(&id));
    Ok(())
}

/// Ends a backup that is being made.
#[server(prefix = "/do", endpoint = "cancel_backup")]
pub async fn cancel_backup(id: String, operation: String) -> Result<(), AppError> {
    use crate::{address, ssr};
    ssr::control()?.cancel_operation(&ssr::actor()?, address::operation(&operation)?).await?;
    ssr::flash("notice", "The backup is being cancelled. Nothing of it is kept.").await;
    ssr::redirect(&backups_page(&id));
    Ok(())
}

/// Makes a link to an archive and follows it.
#[server(prefix = "/do", endpoint = "download_backup")]
pub async fn download_backup(backup: String) -> Result<(), AppError> {
    use crate::ssr;
    let link = ssr::control()?.backup_link(&ssr::actor()?, ssr::id(&backup)?).await?;
    ssr::redirect(&link.path);
    Ok(())
}

/// Sets when backups are made.
#[server(prefix = "/do", endpoint = "set_backup_schedule")]
pub async fn set_backup_schedule(
    id: String,
    #[server(default)] enabled: Option<String>,
    hour: u8,
    zone: String,
) -> Result<(), AppError> {
    use crate::{address, ssr};
    let (control, actor, addon) = (ssr::control()?, ssr::actor()?, address::database(&id)?);
    let at = Some((hour, zone.trim().to_owned()));
    control.set_backup_schedule(&actor, addon, Some(enabled.is_some()), at).await?;
    let notice = match enabled {
        Some(_) => "The schedule is updated.",
        None => "Scheduled backups are switched off. Those that are there stay.",
    };
    ssr::flash("notice", notice).await;
    ssr::redirect(&backups_page(&id));
    Ok(())
}

/// Has coming archives sealed with a new key.
#[server(prefix = "/do", endpoint = "rotate_archive_key")]
pub async fn rotate_archive_key(id: String) -> Result<(), AppError> {
    use crate::{address, ssr};
    ssr::control()?.rotate_archive_key(&ssr::actor()?, address::database(&id)?).await?;
    ssr::flash(
        "notice",
        "Coming backups have a new key. Those that are there keep theirs and stay readable.",
    )
    .await;
    ssr::redirect(&backups_page(&id));
    Ok(())
}

/// Tries a backup now and leads to the operation that does it.
#[server(prefix = "/do", endpoint = "prove_backup")]
pub async fn prove_backup(backup: String) -> Result<(), AppError> {
    use crate::ssr;
    let operation = ssr::control()?.prove_backup(&ssr::actor()?, ssr::id(&backup)?).await?;
    ssr::redirect(&format!("/operations/{operation}"));
    Ok(())
}

/// Restores a backup in the place of the data, if `name` is the database's, and leads to the operation that does it.
#[server(prefix = "/do", endpoint = "restore_backup")]
pub async fn restore_in_place(
    id: String,
    backup: String,
    #[server(default)] name: String,
) -> Result<(), AppError> {
    use crate::{address, ssr};
    let (control, actor, addon) = (ssr::control()?, ssr::actor()?, address::database(&id)?);
    let accepted = control.restore_backup(&actor, addon, ssr::id(&backup)?, name.trim(), None).await?;
    ssr::redirect(&format!("/operations/{}", accepted.operation));
    Ok(())
}

/// Restores a backup into a new database and leads to the operation that makes it.
#[server(prefix = "/do", endpoint = "restore_backup_beside")]
pub async fn restore_beside(backup: String, plan: String) -> Result<(), AppError> {
    use crate::ssr;
    let (control, actor) = (ssr::control()?, ssr::actor()?);
    let accepted = control.restore_beside(&actor, ssr::id(&backup)?, Some(plan), None).await?;
    ssr::redirect(&format!("/operations/{}", accepted.operation));
    Ok(())
}

/// Puts back what was there before the last restore.
#[server(prefix = "/do", endpoint = "bring_back_replaced")]
pub async fn bring_back_replaced(id: String) -> Result<(), AppError> {
    use crate::{address, ssr};
    ssr::control()?.bring_back_replaced(&ssr::actor()?, address::database(&id)?).await?;
    ssr::flash("notice", "It is back. What was there until now waits in its place.").await;
    ssr::redirect(&backups_page(&id));
    Ok(())
}

/// Drops what was there before the last restore.
#[server(prefix = "/do", endpoint = "drop_replaced")]
pub async fn drop_replaced(id: String) -> Result<(), AppError> {
    use crate::{address, ssr};
    ssr::control()?.drop_replaced(&ssr::actor()?, address::database(&id)?).await?;
    ssr::flash("notice", "What was there before the restore is gone; its disk is free again.").await;
    ssr::redirect(&backups_page(&id));
    Ok(())
}
