//! What a page gains where there are scripts, once for the whole page: dialogs become modal, the first error gets the
//! focus, a form is sent once, what was typed survives a refusal, commands follow what is typed, what floats is folded by
//! Escape or a click beside it, and Ctrl-K leads to the field that finds by name.
//!
//! It knows elements, not pages: everything it does, a page also works without.

use crate::follow::follow;
use leptos::prelude::*;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{
    Element, Event, HtmlDialogElement, HtmlElement, HtmlFormElement, HtmlInputElement, HtmlTextAreaElement,
    KeyboardEvent, Node,
};

/// Where what was typed waits for the answer; this tab only, and never a password.
const KEPT: &str = "paddock-form";

/// What floats over the page while it is unfolded.
const FLOATING: &str = "details[open]:is(.menu, .custom-range)";

/// Pixels of the tab before the current one: there is more on that side.
const BEFORE_TAB: i32 = 40;

/// Stands once in every page, behind everything else. When it is done, the page says so: `data-ready`.
#[island]
pub fn Enhance() -> impl IntoView {
    // Effects run in the browser only.
    Effect::new(|_| {
        for dialog in all::<HtmlDialogElement>("dialog[open]") {
            make_modal(&dialog);
        }
        // A page on the way back to the form leaves what was typed into it.
        let passing = !all::<Element>("[data-passing]").is_empty();
        let kept = if passing { None } else { take_kept() };
        for tab in all::<HtmlElement>(".tabs [aria-current]") {
            show_tab(&tab);
        }
        if let Some(summary) = all::<HtmlElement>(".error-summary").first() {
            if let Some(kept) = kept {
                restore(&kept);
            }
            drop(summary.focus());
        }
        for form in all::<HtmlFormElement>("form:has([data-follows])") {
            follow(&form);
        }
        // Boxes and choices say "input", too.
        listen(document().as_ref(), "input", |event| {
            let field = event.target().and_then(|t| t.dyn_into::<Element>().ok());
            let form = field.and_then(|field| field.closest("form").ok().flatten());
            if let Some(form) = form.and_then(|form| form.dyn_into::<HtmlFormElement>().ok()) {
                follow(&form);
            }
        });
        listen(document().as_ref(), "submit", |event| {
            if let Some(form) = event.target().and_then(|t| t.dyn_into::<HtmlFormElement>().ok()) {
                send_once(&form, &event);
            }
        });
        listen(document().as_ref(), "click", |event| {
            let target = event.target().and_then(|t| t.dyn_into::<Node>().ok());
            for open in all::<Element>(FLOATING) {
                if !open.contains(target.as_ref()) {
                    drop(open.remove_attribute("open"));
                }
            }
        });
        listen(document().as_ref(), "keydown", |event| {
            let Some(key) = event.dyn_ref::<KeyboardEvent>() else { return };
            if key.key() == "Escape" {
                fold();
            }
            if (key.ctrl_key() || key.meta_key()) && key.key() == "k" && !key.alt_key() {
                event.prevent_default();
                find();
            }
        });
        // A page that comes back from the browser's memory was not sent: its buttons work again.
        listen(window().as_ref(), "pageshow", |_| {
            for button in all::<Element>("button[aria-disabled=true]") {
                drop(button.remove_attribute("aria-disabled"));
            }
        });
        listen(document().as_ref(), "focusin", |event| {
            let input = event.target().and_then(|t| t.dyn_into::<HtmlInputElement>().ok());
            if let Some(input) = input.filter(HtmlInputElement::read_only) {
                input.select();
            }
        });
        // This is the last island of a page: what stands before it listens by now.
        if let Some(page) = document().document_element() {
            drop(page.set_attribute("data-ready", ""));
        }
    });
}

/// Folds what floats; the focus goes back to what unfolded it.
fn fold() {
    for open in all::<Element>(FLOATING) {
        drop(open.remove_attribute("open"));
        let summary = open.query_selector("summary").ok().flatten();
        if let Some(summary) = summary.and_then(|summary| summary.dyn_into::<HtmlElement>().ok()) {
            drop(summary.focus());
        }
    }
}

/// To the field that finds by name, or to its page where the frame has no room for it.
fn find() {
    let finder = all::<HtmlInputElement>("#finder").into_iter().find(|finder| finder.offset_width() > 0);
    match finder {
        Some(finder) => {
            drop(finder.focus());
            finder.select();
        }
        None => drop(window().location().assign("/find")),
    }
}

/// A row of tabs that is wider than the window begins a little before the one whose page this is.
fn show_tab(tab: &HtmlElement) {
    let row = tab.closest(".tabs").ok().flatten().and_then(|row| row.dyn_into::<HtmlElement>().ok());
    if let Some(row) = row {
        row.set_scroll_left(tab.offset_left() - row.offset_left() - BEFORE_TAB);
    }
}

fn all<T: JsCast>(selector: &str) -> Vec<T> {
    let Ok(found) = document().query_selector_all(selector) else { return Vec::new() };
    (0..found.length()).filter_map(|at| found.item(at)?.dyn_into().ok()).collect()
}

fn listen(on: &web_sys::EventTarget, event: &str, act: impl FnMut(Event) + 'static) {
    let act = Closure::<dyn FnMut(Event)>::new(act);
    drop(on.add_event_listener_with_callback(event, act.as_ref().unchecked_ref()));
    // It lives as long as the page.
    act.forget();
}

/// The server sends it open; the browser opens it again as a modal one. Escape leads where "Close" leads.
fn make_modal(dialog: &HtmlDialogElement) {
    dialog.close();
    drop(dialog.show_modal());
    let Some(close) = dialog.get_attribute("data-close") else { return };
    listen(dialog, "cancel", move |event| {
        event.prevent_default();
        drop(window().location().replace(&close));
    });
}

/// A second click while the answer is awaited does nothing; what was typed is kept in case it is refused.
fn send_once(form: &HtmlFormElement, event: &Event) {
    // The page stays where it is: a download.
    if form.has_attribute("data-stays") {
        return;
    }
    let Ok(Some(button)) = form.query_selector("button[type=submit]") else { return };
    if button.get_attribute("aria-disabled").is_some() {
        event.prevent_default();
        return;
    }
    drop(button.set_attribute("aria-disabled", "true"));
    // Not `form.id()`: where a form has a field named `id`, that property is the field.
    let Some(id) = form.get_attribute("id") else { return };
    if let (Ok(text), Some(storage)) = (serde_json::to_string(&fields(&id)), storage()) {
        drop(storage.set_item(KEPT, &text));
    }
}

/// The fields of a form that people type into and that are no secret, with what stands in them.
fn fields(form: &str) -> Vec<(String, String)> {
    let kinds = ["text", "email", "url", "number"].map(|kind| format!("input[type={kind}][id]:read-write"));
    let selector = |fields: &str| format!("form[id=\"{form}\"] :is({fields}, textarea[data-keeps])");
    let typed = |field: Element| Some((field.id(), value_of(&field)?));
    all(&selector(&kinds.join(","))).into_iter().filter_map(typed).collect()
}

fn value_of(field: &Element) -> Option<String> {
    let input = field.dyn_ref::<HtmlInputElement>().map(HtmlInputElement::value);
    input.or_else(|| field.dyn_ref::<HtmlTextAreaElement>().map(HtmlTextAreaElement::value))
}

/// Beside an error stands what it is about, and not what was there before.
fn restore(kept: &[(String, String)]) {
    for (id, value) in kept {
        let Some(field) = document().get_element_by_id(id) else { continue };
        if let Some(input) = field.dyn_ref::<HtmlInputElement>() {
            input.set_value(value);
        }
        if let Some(area) = field.dyn_ref::<HtmlTextAreaElement>() {
            area.set_value(value);
        }
    }
}

fn take_kept() -> Option<Vec<(String, String)>> {
    let storage = storage()?;
    let text = storage.get_item(KEPT).ok()??;
    drop(storage.remove_item(KEPT));
    serde_json::from_str(&text).ok()
}

fn storage() -> Option<web_sys::Storage> {
    window().session_storage().ok()?
}
