//! Renews the table of an open page. While the pointer or the focus is in it, or something in it is unfolded, it stands
//! still: nobody shall press the button of another row than the one that was read.

use crate::page;
use leptos::{prelude::*, task::spawn_local};
use std::time::Duration;
use web_sys::Element;

/// What is renewed.
const LIVE: &str = ".queries-live";

/// Says whether the table moves, and moves it.
#[island]
pub fn Renewing(
    /// Seconds between two looks; 0: none.
    every_s: u32,
) -> impl IntoView {
    let state = RwSignal::new(if every_s == 0 { "Paused" } else { "Live" });
    // Effects run in the browser only.
    Effect::new(move |_| {
        if every_s == 0 {
            return;
        }
        let busy = StoredValue::new(false);
        let look = move || {
            if document().hidden() || busy.get_value() {
                return;
            }
            let Some(old) = find(&document(), LIVE) else { return };
            if is_read(&old) {
                state.set("Paused while you read");
                return;
            }
            busy.set_value(true);
            spawn_local(async move {
                let newer = page::again().await.ok().flatten();
                let newer = newer.as_ref().and_then(|page| find(page, LIVE));
                match newer {
                    // Somebody may have come to read meanwhile.
                    Some(newer) if !is_read(&old) => {
                        page::replace(&old, &newer);
                        state.set("Live");
                    }
                    Some(_) => {}
                    None => state.set("Retrying"),
                }
                busy.set_value(false);
            });
        };
        if let Ok(timer) = set_interval_with_handle(look, Duration::from_secs(every_s.into())) {
            on_cleanup(move || timer.clear());
        }
    });
    view! { <p class="queries-state">{move || state.get()}</p> }
}

fn find(page: &web_sys::Document, selector: &str) -> Option<Element> {
    page.query_selector(selector).ok().flatten()
}

/// The pointer or the focus is in the table, or something in it is unfolded.
fn is_read(live: &Element) -> bool {
    let busy = ["table:hover", "table:focus-within", "details[open]"];
    busy.iter().any(|selector| live.query_selector(selector).ok().flatten().is_some())
}
