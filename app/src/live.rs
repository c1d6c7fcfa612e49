//! Follows an operation while it runs: server-sent events replace the view that the page was made from.
//!
//! It decides nothing about progress (`types::operation` does), opens no stream for what has ended, and is silent on
//! the server. Without it a page is still right: it shows what was true when it was made.

use leptos::prelude::*;
use std::time::Duration;
use types::operation::OperationView;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{Event, EventSource, MessageEvent};

/// The first pause before a closed stream is opened again; it doubles up to [`LONGEST`].
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);

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
        // Dropped, and so closed, with the page that this effect belongs to.
        let stream = StoredValue::new_local(None);
        open(live, stream, SHORTEST, ended);
    });
    live
}

/// An open stream and what listens to it. Dropping it closes the stream first, so nothing calls a dropped listener.
struct Stream {
    source: EventSource,
    _message: Closure<dyn FnMut(MessageEvent)>,
    _error: Closure<dyn FnMut(Event)>,
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.source.close();
    }
}

type Slot = StoredValue<Option<Stream>, LocalStorage>;

fn open(live: Live, slot: Slot, pause: Duration, ended: impl Fn() + Copy + 'static) {
    let Some(id) = live.view.try_with_untracked(|view| view.id) else { return };
    let Ok(source) = EventSource::new(&format!("/events/operations/{id}")) else { return };

    let stream = source.clone();
    let message = Closure::<dyn FnMut(_)>::new(move |event: MessageEvent| {
        let Some(view): Option<OperationView> =
            event.data().as_string().and_then(|text| serde_json::from_str(&text).ok())
        else {
            return;
        };
        let over = view.status.ended();
        live.paused.set(false);
        live.since.set(0);
        live.view.set(view);
        if over {
            stream.close();
            ended();
        }
    });
    let stream = source.clone();
    let error = Closure::<dyn FnMut(_)>::new(move |_: Event| {
        live.paused.set(true);
        // Otherwise the browser tries again by itself.
        if stream.ready_state() == EventSource::CLOSED {
            set_timeout(move || open(live, slot, (pause * 2).min(LONGEST), ended), pause);
        }
    });
    let _ = source.add_event_listener_with_callback("operation", message.as_ref().unchecked_ref());
    let _ = source.add_event_listener_with_callback("error", error.as_ref().unchecked_ref());
    // The page may be gone by now: then the stream is closed at once, with its listeners.
    drop(slot.try_update_value(|kept| kept.replace(Stream { source, _message: message, _error: error })));
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
