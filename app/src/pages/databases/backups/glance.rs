//! A database's backups in two lines, for its overview: the last one and the next.

use crate::{
    error::AppError,
    ui::{moment, relative},
};
use chrono::{DateTime, Utc};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use types::{
    AddonId,
    backup::{BackupView, ProofState},
};

/// What the overview says of backups.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Glance {
    last: Option<BackupView>,
    next_at: Option<DateTime<Utc>>,
}

/// The last good backup and the next one; nothing where the plan has none, or where they cannot be read: the overview is
/// there for more than that.
#[server(prefix = "/do", endpoint = "backups_glance")]
pub async fn backups_glance(id: String) -> Result<Option<Glance>, AppError> {
    use crate::{address, ssr};
    let (control, actor) = (ssr::control()?, ssr::actor()?);
    let Ok(id) = address::database(&id) else { return Ok(None) };
    let view = control.backups(&actor, id).await.ok().filter(|view| view.offered);
    Ok(view.map(|view| Glance { last: view.last_good().cloned(), next_at: view.schedule.next_at }))
}

/// Two items of the list "Next".
#[component]
pub fn Backups(
    /// The database.
    id: AddonId,
    /// What is said.
    glance: Glance,
    /// Now, as the page's data has it.
    now: DateTime<Utc>,
) -> impl IntoView {
    let page = format!("/databases/{id}/backups");
    let last = match &glance.last {
        None => "none yet".to_owned(),
        Some(backup) => {
            let ago = relative(super::told::moment_of(backup), now);
            let proof = match backup.proof.state {
                ProofState::None | ProofState::Running => String::new(),
                _ => format!(", {}", super::told::standing(backup, now).word),
            };
            format!("{ago}{proof}")
        }
    };
    let next = glance.next_at.map(|at| {
        view! {
            <li>
                "Next backup"
                <span class="when" title=moment(at)>
                    {relative(at, now)}
                </span>
            </li>
        }
    });
    view! {
        <li>
            <a class="link" href=page>
                "Last backup"
            </a>
            <span class="when">{last}</span>
        </li>
        {next}
    }
}
