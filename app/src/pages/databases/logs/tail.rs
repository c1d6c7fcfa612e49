//! What comes into a log while somebody looks: appended to what the page was made with, until it is held.
//!
//! Without scripts the page has a link that loads it again.

use super::record::entry;
use crate::{
    stream::{self, Heard},
    ui::Dot,
};
use leptos::prelude::*;
use types::log::LogRecord;

/// So many live records stay on the page; older ones give way.
const MOST: usize = 500;

/// The live end of a log.
#[island]
pub fn Tail(
    /// The stream, from where the page ends.
    url: String,
) -> impl IntoView {
    let (records, next) = (RwSignal::new(Vec::<(u64, LogRecord)>::new()), StoredValue::new(0_u64));
    let (broken, held) = (RwSignal::new(false), RwSignal::new(false));
    // What came while it was held.
    let waiting = StoredValue::new(Vec::<LogRecord>::new());
    let append = move |news: Vec<LogRecord>| {
        records.update(|records| {
            for record in news {
                let number = next.get_value();
                next.set_value(number + 1);
                records.push((number, record));
            }
            records.drain(..records.len().saturating_sub(MOST));
        });
    };
    // Effects run in the browser only.
    Effect::new(move |_| {
        stream::open(url.clone(), &["log"], broken, move |_, text| {
            if let Ok(news) = serde_json::from_str::<Vec<LogRecord>>(text) {
                if held.get_untracked() {
                    waiting.update_value(|waiting| {
                        waiting.extend(news);
                        waiting.drain(..waiting.len().saturating_sub(MOST));
                    });
                } else {
                    append(news);
                }
            }
            Heard::More
        });
    });
    let hold = move |_| {
        held.update(|held| *held = !*held);
        if !held.get_untracked() {
            append(waiting.try_update_value(std::mem::take).unwrap_or_default());
        }
    };
    let state = Memo::new(move |_| match (held.get(), broken.get()) {
        (true, _) => ("off", "Held"),
        (_, true) => ("warn", "Retrying"),
        _ => ("ok", "Live"),
    });
    let tone = Signal::derive(move || state.get().0.to_owned());
    view! {
        <ol class="log" aria-label="New records" hidden=move || records.with(Vec::is_empty)>
            <For each=move || records.get() key=|(number, _)| *number let:one>
                {entry(one.1)}
            </For>
        </ol>
        <p class="now-state log-state">
            <Dot tone />
            <span>{move || state.get().1}</span>
            <button
                type="button"
                class="button now-hold"
                data-small=true
                aria-pressed=move || if held.get() { "true" } else { "false" }
                on:click=hold
            >
                "Pause"
            </button>
        </p>
    }
}
