//! What can be done with moments. Each is a plain form: it calls the core once and leads to what came of it.

use crate::error::AppError;
use chrono::{DateTime, Utc};
use leptos::prelude::*;

/// What the forms of the page post to.
#[derive(Clone, Copy)]
pub struct Acts {
    /// Restores a moment beside, or moves what stands there.
    pub restore: ServerAction<RestoreMoment>,
    /// Puts what stands there in the database's place.
    pub switch: ServerAction<SwitchToMoment>,
    /// Removes it.
    pub discard: ServerAction<DiscardMoment>,
    /// Copies the server into its archive now.
    pub base: ServerAction<MakeBaseBackup>,
}

impl Acts {
    /// For a page; made at its top.
    #[must_use]
    pub fn new() -> Self {
        Self {
            restore: ServerAction::new(),
            switch: ServerAction::new(),
            discard: ServerAction::new(),
            base: ServerAction::new(),
        }
    }
}

/// Restores a moment beside the database and leads to the operation that does it.
#[server(prefix = "/do", endpoint = "restore_moment")]
pub async fn restore_moment(
    id: String,
    moment: DateTime<Utc>,
    #[server(default)] timeline: Option<u32>,
) -> Result<(), AppError> {
    use crate::{address, ssr};
    use control::pitr::ToMoment;
    let to = ToMoment { moment, timeline, switch: false };
    let control = ssr::control()?;
    let accepted = control.restore_to_moment(&ssr::actor()?, address::database(&id)?, to, None, None).await?;
    ssr::redirect(&format!("/operations/{}", accepted.operation));
    Ok(())
}

/// Puts what stands beside the database in its place, if `name` is the database's, and leads to the operation.
#[server(prefix = "/do", endpoint = "switch_to_moment")]
pub async fn switch_to_moment(id: String, #[server(default)] name: String) -> Result<(), AppError> {
    use crate::{address, ssr};
    let (control, actor) = (ssr::control()?, ssr::actor()?);
    let accepted = control.switch_to_restore(&actor, address::database(&id)?, name.trim(), None).await?;
    ssr::redirect(&format!("/operations/{}", accepted.operation));
    Ok(())
}

/// Removes what stands beside the database.
#[server(prefix = "/do", endpoint = "discard_moment")]
pub async fn discard_moment(id: String) -> Result<(), AppError> {
    use crate::{address, ssr};
    ssr::control()?.discard_restore(&ssr::actor()?, address::database(&id)?).await?;
    ssr::flash("notice", "What stood beside the database is gone. The database itself was not touched.")
        .await;
    ssr::redirect(&format!("/databases/{id}/recovery"));
    Ok(())
}

/// Makes a full base backup and leads to the operation that does it.
#[server(prefix = "/do", endpoint = "make_base_backup")]
pub async fn make_base_backup(id: String) -> Result<(), AppError> {
    use crate::{address, ssr};
    let operation = ssr::control()?.make_base_backup(&ssr::actor()?, address::database(&id)?, None).await?;
    ssr::redirect(&format!("/operations/{operation}"));
    Ok(())
}
