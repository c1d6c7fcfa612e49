//! A small menu of links behind "⋯", for rows of tables. It unfolds without scripts; with them Escape and a click
//! elsewhere fold it again (`crate::enhance`).

use leptos::prelude::*;

/// A menu of links.
#[component]
pub fn Menu(
    /// What it is about, for people who do not see the row: "my_app_4553".
    #[prop(into)]
    object: String,
    /// [`MenuLink`]s.
    children: Children,
) -> impl IntoView {
    view! {
        <details class="menu" name="menu">
            <summary class="button" data-small=true data-variant="quiet">
                <span aria-hidden="true">"⋯"</span>
                <span class="hidden">"More for " {object}</span>
            </summary>
            <ul class="menu-box">{children()}</ul>
        </details>
    }
}

/// One link of a menu.
#[component]
pub fn MenuLink(
    /// Where to.
    #[prop(into)]
    href: String,
    /// What is there.
    children: Children,
) -> impl IntoView {
    view! {
        <li>
            <a href=href>{children()}</a>
        </li>
    }
}
