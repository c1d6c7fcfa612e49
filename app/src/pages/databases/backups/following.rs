//! Keeps an open page of backups up to date while something moves: the parts marked [`LIVE`] are asked for again. How often
//! stands beside them, as the server says it; when it says never, nothing is asked.
//!
//! The focus stays on the button that has it, and nothing moves under a pressed button or an open menu.

use crate::page;
use leptos::{prelude::*, task::spawn_local};
use std::time::Duration;
use wasm_bindgen::JsCast;
use web_sys::{Document, Element, HtmlElement};

/// What is renewed; its `data-every` has seconds, 0 for never.
const LIVE: &str = ".backups-live";

/// What can have the focus in a row.
const CONTROLS: &str = "a, button, summary";

/// Looks again for as long as something moves, and says so when it cannot.
#[island]
pub fn Following() -> impl IntoView {
    let broken = RwSignal::new(false);
    // Effects run in the browser only.
    Effect::new(move |_| {
        let busy = StoredValue::new(false);
        let since = StoredValue::new(0_u32);
        let look = move || {
            let Some(old) = find(&document(), LIVE) else { return };
            let every = old.get_attribute("data-every").and_then(|text| text.parse().ok()).unwrap_or(0);
            since.update_value(|seconds| *seconds += 1);
            if every == 0
                || since.get_value() < every
                || busy.get_value()
                || document().hidden()
                || held(&old)
            {
                return;
            }
            busy.set_value(true);
            since.set_value(0);
            spawn_local(async move {
                let newer = page::again().await.ok().flatten();
                match newer.as_ref().and_then(|page| find(page, LIVE)) {
                    Some(newer) if !held(&old) => {
                        renew(&old, &newer);
                        broken.set(false);
                    }
                    Some(_) => {}
                    None => broken.set(true),
                }
                busy.set_value(false);
            });
        };
        if let Ok(timer) = set_interval_with_handle(look, Duration::from_secs(1)) {
            on_cleanup(move || timer.clear());
        }
    });
    view! {
        <p class="hint backups-broken" role="status">
            {move || broken.get().then_some("Live updates paused, retrying.")}
        </p>
    }
}

fn find(page: &Document, selector: &str) -> Option<Element> {
    page.query_selector(selector).ok().flatten()
}

/// A button is pressed in it, something in it is unfolded, or a form of the page is being sent: the page that answers is
/// the one to look at.
fn held(live: &Element) -> bool {
    let busy = ["button:active", "summary:active", "details[open]"];
    busy.iter().any(|selector| live.query_selector(selector).ok().flatten().is_some())
        || find(&document(), "button[aria-disabled=true]").is_some()
}

fn renew(old: &Element, newer: &Element) {
    let focus = focus(old);
    // More of the page hangs on it than what is renewed.
    if old.get_attribute("data-state") != newer.get_attribute("data-state") {
        drop(window().location().reload());
        return;
    }
    if let Some(every) = newer.get_attribute("data-every") {
        drop(old.set_attribute("data-every", &every));
    }
    page::replace(old, newer);
    let Some((row, at)) = focus else { return };
    let again = document().get_element_by_id(&row).and_then(|row| controls(&row).into_iter().nth(at));
    if let Some(again) = again {
        drop(again.focus());
    }
}

/// The row whose control has the focus, and which of its controls that is.
fn focus(live: &Element) -> Option<(String, usize)> {
    let active = document().active_element().filter(|active| live.contains(Some(active)))?;
    let row = active.closest("[id]").ok().flatten()?;
    let at = controls(&row).iter().position(|one| one.is_same_node(Some(&active)))?;
    Some((row.id(), at))
}

fn controls(of: &Element) -> Vec<HtmlElement> {
    let Ok(found) = of.query_selector_all(CONTROLS) else { return Vec::new() };
    (0..found.length()).filter_map(|at| found.item(at)?.dyn_into().ok()).collect()
}
