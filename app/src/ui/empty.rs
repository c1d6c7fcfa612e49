//! Nothing here yet: what would be here, why it is not, and the one thing to do.

use leptos::prelude::*;

/// An empty place.
#[component]
pub fn Empty(
    /// "No apps yet."
    #[prop(into)]
    title: String,
    /// What would be here, and why it is not.
    #[prop(into)]
    text: String,
    /// The same from a terminal, if there is a command.
    #[prop(optional, into)]
    command: Option<String>,
    /// The one action.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="empty">
            <p class="empty-title">{title}</p>
            <p>{text}</p>
            {children.map(|children| view! { <div class="actions">{children()}</div> })}
            {command
                .map(|command| {
                    view! {
                        <p class="hint">
                            "From a terminal: " <code>{command}</code>
                        </p>
                    }
                })}
        </div>
    }
}
