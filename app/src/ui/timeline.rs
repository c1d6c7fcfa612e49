//! What happened, newest first: when, what, by whom.

use super::{Dot, Time};
use chrono::{DateTime, Utc};
use leptos::prelude::*;
use leptos_router::components::A;
use types::view::ActivityView;

/// A list of what happened.
#[component]
pub fn Timeline(
    /// Newest first.
    events: Vec<ActivityView>,
    /// Now, as the page's data has it.
    now: DateTime<Utc>,
    /// Names the database of each event, where the page is not about one.
    #[prop(optional)]
    databases: bool,
) -> impl IntoView {
    let line = |event: ActivityView| view! { <Line event now databases /> };
    view! { <ol class="timeline">{events.into_iter().map(line).collect_view()}</ol> }
}

#[component]
fn Line(event: ActivityView, now: DateTime<Utc>, databases: bool) -> impl IntoView {
    let ActivityView { at, actor, title, detail, operation, database, tone } = event;
    let title = match operation {
        Some(id) => view! { <A href=format!("/operations/{id}")>{title}</A> }.into_any(),
        None => title.into_any(),
    };
    let database = database.filter(|_| databases);
    view! {
        <li>
            <Time at=at now=now />
            <Dot tone=tone />
            <p>
                <b>{title}</b>
                " "
                {database.map(|name| view! { <span class="mono">{name}" "</span> })}
                <span class="muted">{detail}</span>
            </p>
            <span class="who">{actor}</span>
        </li>
    }
}
