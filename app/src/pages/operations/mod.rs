//! The pages under `/operations`: what changes now, what changed, and each change on a page of its own.

mod list;
mod log;
mod show;
mod steps;

use leptos::prelude::*;
use leptos_router::{
    SsrMode,
    components::{Outlet, ParentRoute, Route},
    path,
};
use list::OperationList;
use show::OperationPage;

/// Their routes.
#[component(transparent)]
pub fn OperationRoutes() -> impl leptos_router::MatchNestedRoutes + Clone {
    view! {
        <ParentRoute path=path!("/operations") view=Outlet ssr=SsrMode::Async>
            <Route path=path!("") view=OperationList ssr=SsrMode::Async />
            <Route path=path!(":id") view=OperationPage ssr=SsrMode::Async />
        </ParentRoute>
    }
    .into_inner()
}
