//! Where the page is: the pages above it, as links, and itself.

use leptos::prelude::*;
use leptos_router::components::A;

/// One place on the way.
#[derive(Clone, Debug)]
pub struct Crumb {
    label: String,
    href: Option<String>,
}

impl Crumb {
    /// A page above this one.
    pub fn link(label: impl Into<String>, href: impl Into<String>) -> Self {
        Self { label: label.into(), href: Some(href.into()) }
    }

    /// This page, or a place without a page.
    pub fn here(label: impl Into<String>) -> Self {
        Self { label: label.into(), href: None }
    }
}

/// The way to this page.
#[component]
pub fn Breadcrumb(
    /// From the top to here.
    way: Vec<Crumb>,
) -> impl IntoView {
    let items = way.into_iter().map(|Crumb { label, href }| match href {
        Some(href) => view! { <li><A href=href exact=true>{label}</A></li> }.into_any(),
        None => view! { <li>{label}</li> }.into_any(),
    });
    view! {
        <nav class="breadcrumb" aria-label="Breadcrumb">
            <ol>{items.collect_view()}</ol>
        </nav>
    }
}
