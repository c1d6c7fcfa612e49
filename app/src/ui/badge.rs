//! Small facts beside a name: badges are neutral, pills have a tone.

use leptos::prelude::*;

/// A neutral fact: a plan, a version, a host.
#[component]
pub fn Badge(
    /// What it says.
    #[prop(into)]
    text: String,
) -> impl IntoView {
    view! { <span class="badge">{text}</span> }
}

/// A judgement in one word: `ok`, `run`, `warn`, `err` or `off`.
#[component]
pub fn Pill(
    /// Its look.
    #[prop(into)]
    tone: String,
    /// The word: the colour alone says nothing.
    #[prop(into)]
    text: String,
) -> impl IntoView {
    view! {
        <span class="pill" data-tone=tone>
            {text}
        </span>
    }
}
