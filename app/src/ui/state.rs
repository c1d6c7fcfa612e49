//! A state is a shape, a word and a colour: ● Running, ◐ Changing, ▲ Waiting, ■ Stopped, ✕ Failed.

use leptos::prelude::*;

/// A state with its word.
#[component]
pub fn State(
    /// `ok`, `run`, `warn`, `err` or `off`.
    #[prop(into)]
    tone: Signal<String>,
    /// The word.
    #[prop(into)]
    word: Signal<String>,
) -> impl IntoView {
    view! {
        <span class="state" data-tone=move || tone.get()>
            {move || word.get()}
        </span>
    }
}

/// The shape alone, where a sentence beside it says the same.
#[component]
pub fn Dot(
    /// `ok`, `run`, `warn`, `err` or `off`.
    #[prop(into)]
    tone: Signal<String>,
) -> impl IntoView {
    view! { <span class="state" data-tone=move || tone.get() aria-hidden="true"></span> }
}
