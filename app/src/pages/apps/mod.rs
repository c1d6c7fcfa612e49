//! Apps: what groups databases and the variables that reach them.

pub mod activity;
pub mod deleted_backups;
pub mod environment;
pub mod hook;
pub mod layout;
pub mod list;
pub mod new;
pub mod people;
pub mod resources;
pub mod settings;

use leptos::prelude::*;
use leptos_router::{
    SsrMode,
    components::{ParentRoute, Route},
    hooks::use_params_map,
    path,
};

/// The pages under `/apps`.
#[component(transparent)]
pub fn AppRoutes() -> impl leptos_router::MatchNestedRoutes + Clone {
    view! {
        <ParentRoute path=path!("/apps") view=leptos_router::components::Outlet ssr=SsrMode::Async>
            <Route path=path!("") view=list::Apps ssr=SsrMode::Async />
            <Route path=path!("new") view=new::NewApp ssr=SsrMode::Async />
            <ParentRoute path=path!(":app") view=layout::AppLayout ssr=SsrMode::Async>
                <Route path=path!("") view=resources::Resources ssr=SsrMode::Async />
                <Route path=path!("environment") view=environment::Environment ssr=SsrMode::Async />
                <Route path=path!("activity") view=activity::AppActivity ssr=SsrMode::Async />
                <Route
                    path=path!("deleted-backups")
                    view=deleted_backups::BackupsOfDeleted
                    ssr=SsrMode::Async
                />
                <Route path=path!("settings") view=settings::Settings ssr=SsrMode::Async />
            </ParentRoute>
        </ParentRoute>
    }
    .into_inner()
}

/// The address of an app's page; `page` is empty for the first one.
#[must_use]
pub fn href(app: &str, page: &str) -> String {
    let app = crate::next::encode(app);
    if page.is_empty() { format!("/apps/{app}") } else { format!("/apps/{app}/{page}") }
}

/// The app that the address names.
pub fn app_name() -> Signal<String> {
    let params = use_params_map();
    Signal::derive(move || params.with(|p| p.get("app").unwrap_or_default()))
}
