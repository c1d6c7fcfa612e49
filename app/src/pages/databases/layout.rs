//! What stands around every page of a database: its name and state, the way to connect, and what runs on it now.
//!
//! The data is loaded here once; the pages inside take it from the context. Every resource is made at the top of its
//! page, whatever it shows: server and browser number resources in the order in which they are made.

use super::{
    connect::{self, ConnectDialog},
    running::RunningLine,
};
use crate::ui::{Badge, Breadcrumb, Crumb, Glyph, Icon, Load, State, Strip, Tab, Tabs};
use crate::{error::AppError, live::Reload};
use leptos::prelude::*;
use leptos_router::{
    components::Outlet,
    hooks::{use_location, use_params_map, use_query_map},
};
use serde::{Deserialize, Serialize};
use types::{
    operation::OperationView,
    status::DatabaseStatus,
    view::{AddonView, DatabaseView},
};

/// What the layout loads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DatabasePage {
    /// The database.
    pub view: DatabaseView,
    /// What changes it now.
    pub running: Option<OperationView>,
}

/// The database that the pages inside show.
#[derive(Clone, Copy)]
pub struct ThisDatabase(pub Resource<Result<DatabasePage, AppError>>);

impl ThisDatabase {
    /// The database of the layout around this page.
    #[must_use]
    pub fn expect() -> Self {
        expect_context()
    }
}

/// A database's overview, and how far the operation is that changes it.
#[server(prefix = "/do", endpoint = "database")]
pub async fn database(id: String) -> Result<DatabasePage, AppError> {
    use crate::{address, ssr};
    let (control, actor) = (ssr::control()?, ssr::actor()?);
    let id = address::database(&id).inspect_err(ssr::refuse)?;
    let view = control.database(&actor, id).await?;
    let running = match view.addon.operation {
        Some(operation) => Some(control.operation(&actor, operation).await?),
        None => None,
    };
    Ok(DatabasePage { view, running })
}

/// `/databases/{id}` and what is under it.
#[component]
pub fn DatabaseLayout() -> impl IntoView {
    let params = use_params_map();
    let query = use_query_map();
    let id = Memo::new(move |_| params.read().get("id").unwrap_or_default());
    let page = Resource::new_blocking(move || id.get(), database);
    provide_context(ThisDatabase(page));
    let reveal = ServerAction::<connect::RevealPassword>::new();
    let connecting = Memo::new(move |_| query.read().get("dialog").is_some_and(|dialog| dialog == "connect"));
    let asked = move || (connecting.get(), id.get(), reveal.version().get());
    let connection = Resource::new_blocking(asked, |(open, id, _)| connect::when_open(open, id));
    view! {
        <Load from=page let:data>
            <Head data />
        </Load>
        <Outlet />
        <Show when=move || connecting.get()>
            <ConnectDialog page connection reveal />
        </Show>
    }
}

#[component]
fn Head(data: DatabasePage) -> impl IntoView {
    let DatabasePage { view: DatabaseView { addon, node, .. }, running } = data;
    let way = vec![
        Crumb::link(addon.app.clone(), format!("/apps/{}", addon.app)),
        Crumb::link("Databases", "/databases"),
        Crumb::here(addon.resource_id.clone()),
    ];
    let status = addon.database_status;
    let deleted = addon.deleted_at.is_some() || status == DatabaseStatus::Deleted;
    let (plan, version) = (addon.plan.display_name.clone(), format!("PostgreSQL {}", addon.version));
    let facts = move || {
        view! {
            <Badge text=plan />
            <Badge text=version />
            <Badge text=node />
            <State tone=status.tone().to_owned() word=status.word().to_owned() />
        }
    };
    view! {
        <Breadcrumb way />
        <Strip title=addon.resource_id.clone() facts actions=move || (!deleted).then(|| view! { <ConnectLink /> }) />
        {running
            .map(|first| {
                view! {
                    <RunningLine first />
                    <Reload seconds=4 />
                }
            })}
        {tabs(&addon, deleted)}
    }
}

fn tabs(addon: &AddonView, deleted: bool) -> impl IntoView + use<> {
    let base = format!("/databases/{}", addon.id);
    let mut tabs = vec![Tab::new("Overview", base.clone())];
    if !deleted {
        tabs.push(Tab::new("Metrics", format!("{base}/metrics")));
        tabs.push(Tab::new("Users", format!("{base}/users")));
        tabs.push(Tab::new("Running queries", format!("{base}/queries")));
    }
    // They outlive their database.
    tabs.push(Tab::new("Backups", format!("{base}/backups")));
    tabs.push(Tab::new("Recovery", format!("{base}/recovery")));
    if !deleted {
        tabs.push(Tab::new("Insights", format!("{base}/insights")));
        tabs.push(Tab::new("Extensions", format!("{base}/extensions")));
        tabs.push(Tab::new("Network", format!("{base}/network")));
        tabs.push(Tab::new("Logs", format!("{base}/logs")));
    }
    tabs.push(Tab::new("Activity", format!("{base}/activity")));
    if !deleted {
        tabs.push(Tab::new("Settings", format!("{base}/settings")));
    }
    view! { <Tabs label=addon.resource_id.clone() tabs /> }
}

/// Opens the dialog on whichever page of the database this is.
#[component]
fn ConnectLink() -> impl IntoView {
    let path = use_location().pathname;
    view! {
        <a
            class="button"
            data-variant="primary"
            href=move || format!("{}?dialog=connect", path.get())
        >
            <Icon glyph=Glyph::Link />
            "Connect"
        </a>
    }
}
