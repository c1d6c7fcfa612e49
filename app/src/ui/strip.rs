//! The top of a page: its name, facts about it, and what can be done.

use leptos::prelude::*;

/// The top strip.
#[component]
pub fn Strip(
    /// The page's heading.
    #[prop(into)]
    title: String,
    /// Badges and state beside the heading.
    #[prop(optional, into)]
    facts: ViewFnOnce,
    /// Buttons, on the right.
    #[prop(optional, into)]
    actions: ViewFnOnce,
) -> impl IntoView {
    view! {
        <div class="strip">
            <h1>{title}</h1>
            {facts.run()}
            <div class="right">{actions.run()}</div>
        </div>
    }
}
