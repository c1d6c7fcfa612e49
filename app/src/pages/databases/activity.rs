//! What happened to a database, newest first: operations, restarts, reveals, each with who did it.

use super::layout::ThisDatabase;
use crate::error::AppError;
use crate::ui::{Empty, Load, Panel, Timeline};
use chrono::{DateTime, Utc};
use leptos::{either::Either, prelude::*};
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
use serde::{Deserialize, Serialize};
use types::view::ActivityView;

/// The rows of the page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DatabaseEvents {
    rows: Vec<ActivityView>,
    now: DateTime<Utc>,
}

/// The last 200 things that happened to a database.
#[server(prefix = "/do", endpoint = "database_activity")]
pub async fn database_activity(id: String) -> Result<DatabaseEvents, AppError> {
    use crate::{address, ssr};
    let (control, actor) = (ssr::control()?, ssr::actor()?);
    let rows = control.activity(&actor, control::Activity::Addon(address::database(&id)?), 200).await?;
    Ok(DatabaseEvents { rows, now: ssr::now()? })
}

/// `/databases/{id}/activity`.
#[component]
pub fn DatabaseActivity() -> impl IntoView {
    let params = use_params_map();
    let ThisDatabase(page) = ThisDatabase::expect();
    let events =
        Resource::new_blocking(move || params.read().get("id").unwrap_or_default(), database_activity);
    view! {
        <Load from=page quiet=true let:data>
            <Title text=format!("Activity · {}", data.view.addon.resource_id) />
        </Load>
        <Load from=events quiet=true let:events>
            <Panel title="Activity" flush=true>
                <Happened rows=events.rows now=events.now />
            </Panel>
        </Load>
    }
}

/// Things that happened, newest first.
#[component]
pub fn Happened(
    /// The things.
    rows: Vec<ActivityView>,
    /// Now, as the page's data has it.
    now: DateTime<Utc>,
) -> impl IntoView {
    if rows.is_empty() {
        let text = "Changes of this database appear here, each with who made it.";
        return Either::Left(view! { <Empty title="Nothing happened yet." text /> });
    }
    Either::Right(view! { <Timeline events=rows now /> })
}
