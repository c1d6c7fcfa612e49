//! Every address of the dashboard, on one screen.
//!
//! Pages are rendered whole on the server (`SsrMode::Async`), so that they work without scripts and their status is
//! known before the first byte.

use crate::frame::{Doorway, Frame};
use crate::pages::{
    account::{Account, ConfirmAccount},
    addons::AddonRoutes,
    apps::AppRoutes,
    audit::Audit,
    databases::DatabaseRoutes,
    find::Find,
    invitation::Invitation,
    login::Login,
    operations::OperationRoutes,
    setup::Setup,
};
use crate::ui::PageNotFound;
use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::{
    SsrMode,
    components::{ParentRoute, Redirect, Route, Router, Routes},
    path,
};

/// The dashboard.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    view! {
        <Title formatter=title />
        <Router>
            <Routes fallback=PageNotFoundAlone>
                <Route path=path!("/") view=Home />
                <DoorRoutes />
                <ParentRoute path=path!("") view=Frame ssr=SsrMode::Async>
                    <AddonRoutes />
                    <AppRoutes />
                    <DatabaseRoutes />
                    <OperationRoutes />
                    <Route path=path!("/audit") view=Audit ssr=SsrMode::Async />
                    <Route path=path!("/find") view=Find ssr=SsrMode::Async />
                    <Route path=path!("/account") view=Account ssr=SsrMode::Async />
                    <Route path=path!("/account/confirm") view=ConfirmAccount ssr=SsrMode::Async />
                </ParentRoute>
            </Routes>
        </Router>
    }
}

/// Pages for people who are not signed in, or not yet.
#[component(transparent)]
fn DoorRoutes() -> impl leptos_router::MatchNestedRoutes + Clone {
    view! {
        <ParentRoute path=path!("") view=Doorway ssr=SsrMode::Async>
            <Route path=path!("/login") view=Login ssr=SsrMode::Async />
            <Route path=path!("/setup") view=Setup ssr=SsrMode::Async />
            <Route path=path!("/invitations/:token") view=Invitation ssr=SsrMode::Async />
        </ParentRoute>
    }
    .into_inner()
}

/// "Paddock" stands behind every title.
fn title(page: String) -> String {
    if page.is_empty() { "Paddock".into() } else { format!("{page} · Paddock") }
}

#[component]
fn Home() -> impl IntoView {
    view! { <Redirect path="/apps" /> }
}

#[component]
fn PageNotFoundAlone() -> impl IntoView {
    view! {
        <main class="doorway" id="main">
            <PageNotFound />
        </main>
    }
}
