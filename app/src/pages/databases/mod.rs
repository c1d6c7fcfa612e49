//! The pages under `/databases`: every database, and each one's overview, activity and settings.

mod activity;
pub mod backups;
mod connect;
mod deleted;
mod extensions;
mod insights;
mod layout;
mod list;
mod logs;
mod metrics;
mod network;
mod one_format;
mod overview;
mod pitr;
mod plan;
mod queries;
mod read_only;
mod running;
mod settings;
mod tab;
mod tiles;
mod told;
mod users;

use activity::DatabaseActivity;
use backups::{BackupList, OneBackup};
use extensions::Extensions;
use insights::Insights;
use layout::DatabaseLayout;
use leptos::prelude::*;
use leptos_router::{
    SsrMode,
    components::{Outlet, ParentRoute, Route},
    path,
};
use list::DatabaseList;
use logs::LogsPage;
use metrics::Metrics;
use network::NetworkPage;
use overview::Overview;
use pitr::Recovery;
use plan::ChangePlanPage;
use queries::Queries;
use settings::Settings;
use users::{OneUser, Users};

/// Their routes.
#[component(transparent)]
pub fn DatabaseRoutes() -> impl leptos_router::MatchNestedRoutes + Clone {
    view! {
        <ParentRoute path=path!("/databases") view=Outlet ssr=SsrMode::Async>
            <Route path=path!("") view=DatabaseList ssr=SsrMode::Async />
            <ParentRoute path=path!(":id") view=DatabaseLayout ssr=SsrMode::Async>
                <Route path=path!("") view=Overview ssr=SsrMode::Async />
                <Route path=path!("activity") view=DatabaseActivity ssr=SsrMode::Async />
                <Route path=path!("backups") view=BackupList ssr=SsrMode::Async />
                <Route path=path!("backups/:backup") view=OneBackup ssr=SsrMode::Async />
                <Route path=path!("extensions") view=Extensions ssr=SsrMode::Async />
                <Route path=path!("users") view=Users ssr=SsrMode::Async />
                <Route path=path!("users/:user") view=OneUser ssr=SsrMode::Async />
                <Route path=path!("logs") view=LogsPage ssr=SsrMode::Async />
                <Route path=path!("insights") view=Insights ssr=SsrMode::Async />
                <Route path=path!("metrics") view=Metrics ssr=SsrMode::Async />
                <Route path=path!("network") view=NetworkPage ssr=SsrMode::Async />
                <Route path=path!("plan") view=ChangePlanPage ssr=SsrMode::Async />
                <Route path=path!("queries") view=Queries ssr=SsrMode::Async />
                <Route path=path!("recovery") view=Recovery ssr=SsrMode::Async />
                <Route path=path!("settings") view=Settings ssr=SsrMode::Async />
            </ParentRoute>
        </ParentRoute>
    }
    .into_inner()
}
