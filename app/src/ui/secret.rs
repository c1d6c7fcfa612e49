//! A secret that is shown once: a token, a link, a signing key. It is never in an address and never stored readable.

use super::copy::CopyField;
use leptos::prelude::*;

/// The secret, to be copied now.
#[component]
pub fn OnceSecret(
    /// What was made: "API token “laptop”".
    #[prop(into)]
    title: String,
    /// The label of the line.
    #[prop(into)]
    label: String,
    /// The secret.
    #[prop(into)]
    value: String,
    /// What to do with it.
    #[prop(into)]
    note: String,
) -> impl IntoView {
    view! {
        <section class="once" role="status">
            <p class="once-title">{title}</p>
            <CopyField label=label value=value />
            <p class="hint">{note}</p>
        </section>
    }
}
