//! The pages under `/apps/:app/addons`: what can be added to an app. One page today, one thing to add.

pub(crate) mod cards;
mod new;

use leptos::prelude::*;
use leptos_router::{SsrMode, components::Route, path};
use new::NewDatabase;

/// Their routes.
#[component(transparent)]
pub fn AddonRoutes() -> impl leptos_router::MatchNestedRoutes + Clone {
    view! { <Route path=path!("/apps/:app/addons/new") view=NewDatabase ssr=SsrMode::Async /> }.into_inner()
}
