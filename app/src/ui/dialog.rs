//! A dialog that is a state of the page's address: closing it is a link, so it works without scripts and can be
//! shared. With scripts it becomes modal, keeps the focus inside and closes on Escape, see [`crate::enhance`].

use super::button::{ButtonLink, Variant};
use leptos::prelude::*;

/// A dialog, open for as long as it is on the page.
#[component]
pub fn Dialog(
    /// Its heading.
    #[prop(into)]
    title: String,
    /// The same page without the dialog.
    #[prop(into)]
    close: String,
    /// What is in it.
    children: Children,
) -> impl IntoView {
    let id = format!("dialog-{}", super::slug(&title));
    let leave = close.clone();
    view! {
        <dialog class="dialog" open aria-labelledby=id.clone() data-close=leave>
            <header>
                <h2 id=id.clone()>{title}</h2>
                <ButtonLink href=close variant=Variant::Quiet small=true>
                    "Close"
                </ButtonLink>
            </header>
            {children()}
        </dialog>
    }
}
