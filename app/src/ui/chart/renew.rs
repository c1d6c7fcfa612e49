//! Newer charts for an open page: the page is asked for again, and what the server drew takes the place of what it had
//! drawn before. Charts, folds, scroll and focus stay where they are.
//!
//! The browser draws nothing itself. Where the page has other charts than before, it is loaded anew.

use crate::page;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Document, Element, Event};

/// Tells the cursor that charts were drawn anew.
pub(super) const RENEWED: &str = "charts-renewed";

/// What is replaced in each chart.
const PARTS: [&str; 6] =
    [".chart-y", ".chart-plot", ".chart-x", ".legend tbody", ".figures tbody", ".chart-table > .hint"];
/// What the cursor reads from each chart.
const SAID: [&str; 4] = ["data-top", "data-values", "data-summary", "aria-label"];

/// Draws the charts of this page anew, as the server has them now.
pub async fn renew() {
    let Ok(Some(newer)) = page::again().await else { return };
    let (old, new) = (all(&document(), ".charts > .panel"), all(&newer, ".charts > .panel"));
    let same = |(old, new): (&Element, &Element)| shape(old) == shape(new);
    if old.len() != new.len() || !old.iter().zip(&new).all(same) {
        drop(window().location().reload());
        return;
    }
    for (old, new) in old.iter().zip(&new) {
        for part in PARTS {
            take(old, new, part);
        }
    }
    if let (Some(old), Some(new)) = (document().body(), newer.body()) {
        take(&old, &new, ".range-words");
    }
    for (old, new) in all(&document(), ".charts").iter().zip(all(&newer, ".charts")) {
        copy(old, &new, &["data-from", "data-step", "data-steps"]);
    }
    if let Ok(event) = Event::new(RENEWED) {
        drop(document().dispatch_event(&event));
    }
}

/// Whether a panel has a chart, and of how many series.
fn shape(panel: &Element) -> usize {
    panel.query_selector_all(".legend tbody tr").map_or(0, |rows| rows.length() as usize)
}

fn take(old: &Element, new: &Element, part: &str) {
    let find = |within: &Element| within.query_selector(part).ok().flatten();
    if let (Some(old), Some(new)) = (find(old), find(new)) {
        page::replace(&old, &new);
        copy(&old, &new, &SAID);
    }
}

fn copy(old: &Element, new: &Element, names: &[&str]) {
    for name in names {
        if let Some(value) = new.get_attribute(name) {
            drop(old.set_attribute(name, &value));
        }
    }
}

fn all(within: &Document, selector: &str) -> Vec<Element> {
    let Ok(found) = within.query_selector_all(selector) else { return Vec::new() };
    (0..found.length()).filter_map(|at| found.item(at)?.dyn_into().ok()).collect()
}
