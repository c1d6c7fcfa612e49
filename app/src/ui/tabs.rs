//! Tabs are pages: links, with the present one marked.

use leptos::prelude::*;
use leptos_router::components::A;

/// One tab.
#[derive(Clone, Debug)]
pub struct Tab {
    label: &'static str,
    href: String,
}

impl Tab {
    /// A tab that leads to `href`.
    pub fn new(label: &'static str, href: impl Into<String>) -> Self {
        Self { label, href: href.into() }
    }
}

/// The pages of one thing.
#[component]
pub fn Tabs(
    /// Whose pages: "my-app".
    #[prop(into)]
    label: String,
    /// The pages, in order.
    tabs: Vec<Tab>,
) -> impl IntoView {
    // What lies below a page belongs to its tab; below the first one lie all the others.
    let tab = |(at, Tab { label, href }): (usize, Tab)| {
        view! {
            <A href=href exact=at == 0>
                {label}
            </A>
        }
    };
    view! {
        <nav class="tabs" aria-label=label>
            {tabs.into_iter().enumerate().map(tab).collect_view()}
        </nav>
    }
}
