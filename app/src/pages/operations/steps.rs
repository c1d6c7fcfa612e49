//! The steps of an operation, each with shape, word, detail and time. Only what changed is written anew.

use crate::live::Live;
use leptos::prelude::*;
use types::operation::{StepState, StepView, duration};

/// The steps, in order.
#[component]
pub fn Steps(
    /// The operation.
    live: Live,
) -> impl IntoView {
    let keys = Memo::new(move |_| {
        live.view.with(|view| view.steps.iter().map(|step| step.key.clone()).collect::<Vec<_>>())
    });
    view! {
        <ol class="steps">
            <For each=move || keys.get() key=Clone::clone let:key>
                <Step live key />
            </For>
        </ol>
    }
}

#[component]
fn Step(live: Live, key: String) -> impl IntoView {
    let step = Memo::new(move |_| live.view.with(|view| view.steps.iter().find(|s| s.key == key).cloned()));
    let state = move || step.with(|step| step.as_ref().map_or(StepState::Todo, |step| step.state));
    let detail =
        move || step.with(|step| step.as_ref().map(|step| step.detail.clone()).filter(|d| !d.is_empty()));
    view! {
        <li data-state=move || look(state()).0 aria-current=move || (state() == StepState::Now).then_some("step")>
            <span class="step-mark" aria-hidden="true">
                {move || look(state()).1}
            </span>
            <span class="step-words">
                {move || step.with(|step| step.as_ref().map(|step| step.title.clone()))}
                <span class="hidden">{move || format!(" ({})", look(state()).2)}</span>
                {move || detail().map(|detail| view! { <small>{detail}</small> })}
            </span>
            <span class="step-time">{move || step.with(|step| time(step.as_ref(), live))}</span>
        </li>
    }
}

/// Name for the stylesheet, mark, and word.
const fn look(state: StepState) -> (&'static str, &'static str, &'static str) {
    match state {
        StepState::Todo => ("todo", "", "not reached"),
        StepState::Now => ("now", "", "running"),
        StepState::Done => ("done", "✓", "done"),
        StepState::Failed => ("failed", "✕", "failed"),
        StepState::Skipped => ("skipped", "–", "left out"),
    }
}

/// How long a step took; a running one goes on between two events.
fn time(step: Option<&StepView>, live: Live) -> String {
    let Some((state, Some(ms))) = step.map(|step| (step.state, step.elapsed_ms)) else { return "–".into() };
    let more = if state == StepState::Now { live.since.get() } else { 0 };
    duration(ms + more)
}
