//! What happened in an app.

use crate::{
    error::AppError,
    ui::{Empty, Load, Panel, Timeline},
};
use chrono::{DateTime, Utc};
use leptos::{either::Either, prelude::*};
use leptos_meta::Title;
use serde::{Deserialize, Serialize};
use types::view::ActivityView;

/// What the page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActivityPage {
    app: String,
    events: Vec<ActivityView>,
    now: DateTime<Utc>,
}

/// The last hundred events of `app`.
#[server(prefix = "/do", endpoint = "read_app_activity")]
pub async fn read_app_activity(app: String) -> Result<ActivityPage, AppError> {
    use crate::ssr;
    let events = ssr::control()?.activity(&ssr::actor()?, control::Activity::App(&app), 100).await?;
    Ok(ActivityPage { app, events, now: ssr::now()? })
}

/// `/apps/{app}/activity`
#[component]
pub fn AppActivity() -> impl IntoView {
    let app = super::app_name();
    let page = Resource::new_blocking(move || app.get(), read_app_activity);
    view! {
        <Load from=page let:page>
            <Title text=format!("Activity of {}", page.app) />
            <Panel title="What happened" flush=true>
                {if page.events.is_empty() {
                    Either::Left(
                        view! {
                            <Empty
                                title="Nothing happened yet."
                                text="Changes of this app and its databases are listed here, each with who made it."
                            />
                        },
                    )
                } else {
                    Either::Right(view! { <Timeline events=page.events now=page.now databases=true /> })
                }}
            </Panel>
        </Load>
    }
}
