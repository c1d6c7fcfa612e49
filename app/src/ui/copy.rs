//! Text to take along. Without scripts it stays selectable; with them a button copies it and says so.

use super::icon::{Glyph, Icon};
use leptos::prelude::*;

/// A line to copy: a read-only input that selects itself, and a button.
#[component]
pub fn CopyField(
    /// What it is, for the label.
    #[prop(into)]
    label: String,
    /// The text.
    #[prop(into)]
    value: String,
    /// The input's id; made from the label when left out.
    #[prop(optional, into)]
    id: Option<String>,
) -> impl IntoView {
    let id = id.unwrap_or_else(|| format!("copy-{}", super::slug(&label)));
    let name = label.clone();
    view! {
        <div class="copy">
            <label for=id.clone()>{label}</label>
            <div class="copy-line">
                <input
                    id=id
                    class="input mono"
                    readonly
                    value=value.clone()
                    spellcheck="false"
                    autocomplete="off"
                />
                <CopyButton name=name text=Some(value) />
            </div>
        </div>
    }
}

/// Several lines to copy, as they would stand in a file or a terminal.
#[component]
pub fn CodeBlock(
    /// What is shown.
    #[prop(into)]
    text: String,
    /// What is copied, when it differs from what is shown.
    #[prop(optional, into)]
    copied: Option<String>,
    /// What it is, for the button's name.
    #[prop(into)]
    name: String,
) -> impl IntoView {
    view! {
        <div class="code">
            <pre tabindex="0">
                <code>{text}</code>
            </pre>
            <CopyButton name=name text=copied />
        </div>
    }
}

/// Copies a text and says "Copied". Hidden where there are no scripts, as it could do nothing.
#[island]
pub fn CopyButton(
    /// What it copies, for people who do not see where the button stands.
    name: String,
    /// The text; `None`: what stands in the block around the button when it is pressed.
    text: Option<String>,
) -> impl IntoView {
    let done = RwSignal::new(false);
    let text = StoredValue::new(text);
    let button = NodeRef::<leptos::html::Button>::new();
    let shown = move || {
        let code = button.get()?.closest(".code").ok()??.query_selector("pre").ok()??;
        code.text_content()
    };
    let copy = move |_| {
        let Some(text) = text.get_value().or_else(shown) else { return };
        // The promise is not awaited: a refusal leaves the text selectable beside the button.
        drop(window().navigator().clipboard().write_text(&text));
        done.set(true);
        set_timeout(move || done.set(false), std::time::Duration::from_secs(4));
    };
    view! {
        <button node_ref=button type="button" class="button copy-button" data-small=true data-done=move || done.get() on:click=copy>
            <Icon glyph=Glyph::Copy />
            {move || if done.get() { "Copied" } else { "Copy" }}
            <span class="hidden">" " {name}</span>
        </button>
        <output class="hidden" aria-live="polite">
            {move || done.get().then_some("Copied")}
        </output>
    }
}
