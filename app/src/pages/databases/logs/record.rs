//! One record of a log, the same from the server and live.

use leptos::prelude::*;
use types::log::LogRecord;

/// The record as an item of a list. Its text is text: nothing in it becomes markup.
pub fn entry(record: LogRecord) -> impl IntoView {
    let tone = record.tone();
    let at = record.at.map(|at| {
        let words = at.format("%d %b %H:%M:%S%.3f").to_string();
        view! { <time datetime=at.to_rfc3339()>{words}</time> }
    });
    let pid = record.pid.map(|pid| format!("[{pid}]"));
    view! {
        <li data-tone=tone>
            <p class="log-head">
                {at}
                <span class="log-severity">{record.severity}</span>
                <span>{record.who}</span>
                <span>{pid}</span>
            </p>
            <p class="log-text">{record.text}</p>
        </li>
    }
}
