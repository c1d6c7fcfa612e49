//! Follows an operation while it runs: server-sent events replace the view that the page was made from.
//!
//! It decides nothing about progress (`types::operation` does), opens no stream for what has ended, and is silent on
//! the server. Without it a page is still right: it shows what was true when it was made.

use crate::stream::{self, Heard};
use leptos::prelude::*;
use std::time::Duration;
use types::operation::OperationView;

/// An operation that is being followed.
#[derive(Clone, Copy)]
pub struct Live {
    /// The newest view.
    pub view: RwSignal<OperationView>,
    /// Milliseconds since that view came, in whole seconds: running times go on between two events.
    pub since: RwSignal<u64>,
    /// The stream is interrupted and will be tried again.
    pub paused: RwSignal<bool>,
}

/// Follows the operation that `first` shows; `ended` runs once, when a running one has ended.
#[must_use]
pub fn follow(first: OperationView, ended: impl Fn() + Copy + 'static) -> Live {
    let live = Live { view: RwSignal::new(first), since: RwSignal::new(0), paused: RwSignal::new(false) };
    // Effects run in the browser only.
    Effect::new(move |_| {
        if live.view.with_untracked(|view| view.status.ended()) {
            return;
        }
        let tick = move || {
            if live.view.with_untracked(|view| !view.status.ended()) {
                live.since.update(|ms| *ms += 1000);
            }
        };
        if let Ok(timer) = set_interval_with_handle(tick, Duration::from_secs(1)) {
            on_cleanup(move || timer.clear());
        }
        open(live, ended);
    });
    live
}

fn open(live: Live, ended: impl Fn() + Copy + 'static) {
    let Some(id) = live.view.try_with_untracked(|view| view.id) else { return };
    stream::open(format!("/events/operations/{id}"), &["operation"], live.paused, move |_, text| {
        let Ok(view) = serde_json::from_str::<OperationView>(text) else { return Heard::More };
        let over = view.status.ended();
        live.since.set(0);
        live.view.set(view);
        if !over {
            return Heard::More;
        }
        ended();
        Heard::Enough
    });
}

/// Loads the page again after `seconds` where there are no scripts; with scripts the live stream does better.
#[component]
pub fn Reload(
    /// Until the page is loaded again.
    seconds: u8,
) -> impl IntoView {
    view! {
        <noscript>
            <meta http-equiv="refresh" content=seconds.to_string() />
        </noscript>
    }
}
