//! The log of an operation, folded: what was done and what the tools said, line by line.

use crate::live::Live;
use leptos::prelude::*;
use types::operation::LogLine;

/// The log, open while something happens and when something failed.
#[component]
pub fn Log(
    /// The operation.
    live: Live,
) -> impl IntoView {
    let open = live.view.with_untracked(|view| view.error.is_some() || !view.status.ended());
    let count = Memo::new(move |_| live.view.with(|view| view.log.len()));
    let head = move || match count.get() {
        0 => "Log: nothing yet".to_owned(),
        1 => "Log: 1 line".to_owned(),
        n => format!("Log: {n} lines"),
    };
    let text = move || live.view.with(|view| view.log.iter().map(line).collect::<String>());
    view! {
        <details class="log-fold" open=open>
            <summary>{head}</summary>
            <pre class="term" tabindex="0">
                {text}
            </pre>
        </details>
    }
}

/// `14:02:07.114  start  text`
fn line(line: &LogLine) -> String {
    format!("{}  {:<10} {}\n", line.at.format("%H:%M:%S%.3f"), line.step, line.text)
}
