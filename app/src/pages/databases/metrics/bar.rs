//! The range of the charts: a link for each usual one, a form for any other, and all of it as CSV.
//!
//! The range is in the address, so it can be kept and sent. The bar stays in sight while the charts scroll.

use super::{Asked, range};
use crate::ui::{ButtonLink, Field, FormScope, Glyph, Icon, Submit, Variant, chart::spaced, moment};
use chrono::{DateTime, Utc};
use leptos::{context::Provider, prelude::*};
use types::{Problem, metric::Range};

/// The bar.
#[component]
pub fn RangeBar(
    /// The add-on's id.
    id: String,
    /// What the charts show; `None` when the range was refused.
    ends: Option<(Range, DateTime<Utc>, DateTime<Utc>)>,
    /// The range as the address has it.
    asked: Asked,
    /// Why it was refused.
    problem: Option<Problem>,
) -> impl IntoView {
    let shown = ends.map(|(range, ..)| range);
    let page = format!("/databases/{id}/metrics");
    let link = |range: Range| {
        let current = (shown == Some(range)).then_some("true");
        view! {
            <a href=format!("{page}?{}", range::query(range)) aria-current=current>
                {spaced(range.key())}
            </a>
        }
    };
    let words = ends.map(|(_, from, to)| {
        view! {
            <p class="range-words">
                <time datetime=from.to_rfc3339()>{moment(from).trim_end_matches(" UTC").to_owned()}</time>
                " – "
                <time datetime=to.to_rfc3339()>{moment(to)}</time>
            </p>
        }
    });
    let csv = shown.map(|range| {
        view! {
            <ButtonLink href=format!("{page}.csv?{}", range::query(range)) small=true>
                <Icon glyph=Glyph::Download />
                "CSV"
                <span class="hidden">" of all charts"</span>
            </ButtonLink>
        }
    });
    view! {
        <div class="range-bar">
            <nav class="segments" aria-label="Range">
                {Range::BUTTONS.map(link).collect_view()}
            </nav>
            <Custom page=page.clone() ends asked problem />
            {words}
            {csv}
        </div>
    }
}

/// Any other range: two times. Open when that is what is shown, or what was refused.
#[component]
fn Custom(
    page: String,
    ends: Option<(Range, DateTime<Utc>, DateTime<Utc>)>,
    asked: Asked,
    problem: Option<Problem>,
) -> impl IntoView {
    let custom = matches!(ends, Some((Range::Between(..), ..)));
    let refused = problem.is_some();
    let typed = |text: Option<String>, shown: Option<DateTime<Utc>>| {
        shown.map(range::field).or(text.filter(|text| range::is_field(text))).unwrap_or_default()
    };
    let from = typed(asked.from, ends.map(|(_, from, _)| from));
    let to = typed(asked.to, ends.map(|(_, _, to)| to));
    let scope = FormScope { id: Some("range"), problem: Signal::stored(problem.clone().map(at_its_field)) };
    view! {
        <details class="custom-range" open=refused>
            <summary class="button" data-small=true data-variant="quiet" data-current=custom>
                "Custom"
            </summary>
            <form method="get" action=page class="custom-range-box" id="range" novalidate=true>
                <Provider value=scope>
                    <input type="hidden" name="range" value="custom" />
                    <Field label="From, UTC" name="from" kind="datetime-local" value=from required=true />
                    <Field label="To, UTC" name="to" kind="datetime-local" value=to required=true />
                    <Submit variant=Variant::Primary>"Show"</Submit>
                </Provider>
            </form>
        </details>
    }
}

/// A refusal that names no field is about the whole range: it is said where that ends.
fn at_its_field(mut problem: Problem) -> Problem {
    if problem.fields.is_empty() {
        problem.fields.push(types::FieldError { field: "to".into(), message: problem.message.clone() });
    }
    problem
}
