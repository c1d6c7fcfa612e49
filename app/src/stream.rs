//! A stream of server-sent events: opened, listened to, opened again when it breaks, closed with what listens.
//!
//! It knows no event: who opens it says which names it hears and what they mean. Streams are opened in the browser only.

use leptos::prelude::*;
use std::time::Duration;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{Event, EventSource, MessageEvent};

/// The first pause before a closed stream is opened again; it doubles up to [`LONGEST`].
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);

/// What a listener wants after an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The next one.
    More,
    /// No other: the stream is closed.
    Enough,
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

/// Opens `url` and hands every event of `names` to `hear`: its name and its data. `broken` is true while the stream is
/// interrupted. It is closed with the owner that is current now.
pub fn open(
    url: String,
    names: &'static [&'static str],
    broken: RwSignal<bool>,
    hear: impl Fn(&str, &str) -> Heard + Copy + 'static,
) {
    // Dropped, and so closed, with the page that the owner belongs to.
    connect(StoredValue::new_local(None), url, names, broken, hear, SHORTEST);
}

fn connect(
    slot: Slot,
    url: String,
    names: &'static [&'static str],
    broken: RwSignal<bool>,
    hear: impl Fn(&str, &str) -> Heard + Copy + 'static,
    pause: Duration,
) {
    // The page may be gone by now.
    if slot.try_with_value(|_| ()).is_none() {
        return;
    }
    let Ok(source) = EventSource::new(&url) else { return };

    let stream = source.clone();
    let message = Closure::<dyn FnMut(_)>::new(move |event: MessageEvent| {
        let Some(text) = event.data().as_string() else { return };
        broken.set(false);
        if hear(&event.type_(), &text) == Heard::Enough {
            stream.close();
        }
    });
    let stream = source.clone();
    let error = Closure::<dyn FnMut(_)>::new(move |_: Event| {
        broken.set(true);
        // Otherwise the browser tries again by itself.
        if stream.ready_state() == EventSource::CLOSED {
            let url = url.clone();
            set_timeout(move || connect(slot, url, names, broken, hear, (pause * 2).min(LONGEST)), pause);
        }
    });
    for name in names {
        let _ = source.add_event_listener_with_callback(name, message.as_ref().unchecked_ref());
    }
    let _ = source.add_event_listener_with_callback("error", error.as_ref().unchecked_ref());
    drop(slot.try_update_value(|kept| kept.replace(Stream { source, _message: message, _error: error })));
}
