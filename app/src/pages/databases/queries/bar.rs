//! What is listed and how often: refresh, idle sessions, filter and order. All of it is in the address.

use super::asked::{Asked, EVERY};
use crate::ui::{ButtonLink, Field, SelectField, Submit};
use leptos::prelude::*;
use types::query::{SessionFilter, SessionOrder, SessionState};

/// The bar.
#[component]
pub fn Bar(
    /// The add-on's id.
    id: String,
    /// What was asked for.
    asked: Asked,
    /// Users with a session.
    users: Vec<String>,
    /// How many sessions are idle.
    idle: usize,
) -> impl IntoView {
    // Another look is not at the same commands.
    let asked = Asked { commands: None, ..asked };
    let refresh = |(every_s, words): (u32, &'static str)| {
        let current = (asked.every_s == every_s).then_some("true");
        let href = Asked { every_s, ..asked.clone() }.href(&id);
        view! {
            <a href=href aria-current=current>
                {words}
            </a>
        }
    };
    let shown = asked.filter.idle;
    let other =
        Asked { filter: SessionFilter { idle: !shown, ..asked.filter.clone() }, ..asked.clone() }.href(&id);
    let words = if shown { "Hide idle" } else { "Show idle" };
    view! {
        <div class="queries-bar">
            <div class="queries-refresh">
                <span id="refresh-words">"Refresh"</span>
                <nav class="segments" aria-labelledby="refresh-words">
                    {EVERY.map(refresh).collect_view()}
                </nav>
                <noscript>
                    <a class="link" href=asked.href(&id)>
                        "Refresh now"
                    </a>
                </noscript>
            </div>
            <p class="queries-idle">
                <ButtonLink href=other small=true>
                    {format!("{words} ({idle})")}
                </ButtonLink>
                <span>"Idle means connected and waiting; a few are normal: they are your pool."</span>
            </p>
        </div>
        <Filter id=id.clone() asked=asked.clone() users />
    }
}

/// Text, user, state and order, as a form that changes the address.
#[component]
fn Filter(id: String, asked: Asked, users: Vec<String>) -> impl IntoView {
    let SessionFilter { idle, text, user, state, order } = asked.filter;
    let open = !text.is_empty() || !user.is_empty() || !state.is_empty() || order != SessionOrder::default();
    let all = || vec![(String::new(), "All".to_owned())];
    let mut whose = all();
    whose.extend(users.into_iter().map(|user| (user.clone(), user)));
    let mut states = all();
    let known = [
        SessionState::Active,
        SessionState::InTransaction,
        SessionState::InFailedTransaction,
        SessionState::Idle,
    ];
    states.extend(known.map(|state| (state.word().to_owned(), state.word().to_owned())));
    let orders = SessionOrder::ALL.map(|(_, key, words)| (key.to_owned(), words.to_owned())).to_vec();
    let sort =
        SessionOrder::ALL.iter().find(|(known, ..)| *known == order).map(|(_, key, _)| (*key).to_owned());
    view! {
        <details class="fold queries-filter" open=open>
            <summary>"Filter and order"</summary>
            <form method="get" action=format!("/databases/{id}/queries") class="form" data-inline=true>
                <input type="hidden" name="refresh" value=asked.every_s.to_string() />
                {idle.then(|| view! { <input type="hidden" name="idle" value="1" /> })}
                <Field label="Query contains" name="q" value=text />
                <SelectField label="User" name="user" options=whose value=user />
                <SelectField label="State" name="state" options=states value=state />
                <SelectField label="Order" name="sort" options=orders value=sort.unwrap_or_default() />
                <Submit>"Apply"</Submit>
            </form>
        </details>
    }
}
