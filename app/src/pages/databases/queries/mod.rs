//! What runs in a database now: who is connected, who waits for whom, and stopping it.
//!
//! The page is whole as the server sends it. Where there are scripts its table is renewed while nobody reads in it; where
//! there are none a link does. Texts of queries are shown as text.

mod asked;
mod bar;
mod renewing;
mod table;

use super::tab::tab;
use crate::{
    error::AppError,
    ui::{Empty, ErrorSummary, Notice, problem, the_commands},
};
use asked::Asked;
use bar::Bar;
use leptos::{either::Either, prelude::*};
use leptos_router::hooks::{use_params_map, use_query_map};
use renewing::Renewing;
use serde::{Deserialize, Serialize};
use table::Sessions;
pub use table::Text;
use types::{AddonId, command::Act, query::QueriesView, view::DatabaseView};

/// What the page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueriesPage {
    view: QueriesView,
    asked: Asked,
    /// What became of the last act.
    said: Option<String>,
}

/// What runs in a database.
#[server(prefix = "/do", endpoint = "read_queries")]
pub async fn read_queries(id: String, asked: Asked) -> Result<QueriesPage, AppError> {
    use crate::{address, ssr};
    let (control, actor) = (ssr::control()?, ssr::actor()?);
    let id = address::database(&id).inspect_err(ssr::refuse)?;
    let view = control.queries(&actor, id, &asked.filter).await?;
    Ok(QueriesPage { view, asked, said: ssr::take_flash("query").await })
}

/// Stops the statement of a session.
#[server(prefix = "/do", endpoint = "cancel_query")]
pub async fn cancel_query(id: String, pid: i32, started: i64, page: String) -> Result<(), AppError> {
    use crate::{address, ssr};
    let addon = address::database(&id)?;
    let done = ssr::control()?.cancel_query(&ssr::actor()?, addon, pid, Some(started)).await?;
    ssr::flash("query", told(pid, done, "Its statement was cancelled; its connection stays.")).await;
    ssr::redirect(&address::queries(&id, &page));
    Ok(())
}

/// Ends a session.
#[server(prefix = "/do", endpoint = "terminate_query")]
pub async fn terminate_query(id: String, pid: i32, started: i64, page: String) -> Result<(), AppError> {
    use crate::{address, ssr};
    let addon = address::database(&id)?;
    let done = ssr::control()?.terminate_query(&ssr::actor()?, addon, pid, Some(started)).await?;
    ssr::flash("query", told(pid, done, "It was terminated; its transaction is rolled back.")).await;
    ssr::redirect(&address::queries(&id, &page));
    Ok(())
}

/// What became of it, in a sentence.
#[cfg(feature = "ssr")]
fn told(pid: i32, done: types::query::Signalled, sent: &str) -> String {
    use types::query::Signalled;
    match done {
        Signalled::Sent => format!("Process {pid}: {sent}"),
        Signalled::Idle => format!("Process {pid} runs no query any more. Nothing was done."),
        Signalled::Gone => format!("The session of process {pid} ended meanwhile. Nothing was done."),
    }
}

/// `/databases/{id}/queries`
#[component]
pub fn Queries() -> impl IntoView {
    let params = use_params_map();
    let query = use_query_map();
    let asked = move || {
        let query = query.read();
        (params.read().get("id").unwrap_or_default(), Asked::of(|name| query.get(name)))
    };
    let page = Resource::new_blocking(asked, |(id, asked)| read_queries(id, asked));
    tab("Running queries", page, |view, page| view! { <Living view page /> })
}

#[component]
fn Living(view: DatabaseView, page: QueriesPage) -> impl IntoView {
    let (cancel, terminate) = (ServerAction::<CancelQuery>::new(), ServerAction::<TerminateQuery>::new());
    let QueriesPage { view: queries, asked, said } = page;
    let id = view.addon.id;
    let shown = if queries.running {
        Either::Left(
            view! { <Sessions view=queries.clone() id=id.to_string() asked=asked.clone() cancel terminate /> },
        )
    } else {
        Either::Right(view! {
            <section class="panel">
                <Empty
                    title="The server does not answer."
                    text="Nothing runs in a server that is stopped or starting; this page looks again by itself."
                />
            </section>
        })
    };
    let commands = commands(id, &queries, asked.commands);
    view! {
        <ErrorSummary problem=problem(cancel) />
        <ErrorSummary problem=problem(terminate) />
        <Notice text=said />
        <div class="stack queries">
            <Bar id=id.to_string() asked=asked.clone() users=queries.users.clone() idle=queries.idle />
            <Renewing every_s=asked.every_s />
            <div class="queries-live stack">{shown}</div>
            {commands}
        </div>
    }
}

/// The commands of the session that was asked for: with each row, a page of many sessions would be twice as long. They are
/// no part of what is renewed; whom they mean stays the same.
fn commands(id: AddonId, queries: &QueriesView, asked: Option<i32>) -> impl IntoView {
    let mut acts = vec![("List what runs".to_owned(), Act::ListQueries)];
    let session = asked.and_then(|pid| queries.sessions.iter().find(|one| one.pid == pid));
    if let Some((pid, started)) = session.and_then(|one| Some((one.pid, one.connected()?))) {
        acts.push((format!("Cancel process {pid}"), Act::CancelQuery { pid, started }));
        acts.push((format!("Terminate process {pid}"), Act::TerminateQuery { pid, started }));
    }
    let hint = match asked {
        None => Some("The number of a session leads to its commands.".to_owned()),
        Some(pid) if queries.running && session.is_none() => {
            Some(format!("Process {pid} is not listed any more."))
        }
        Some(_) => None,
    };
    view! {
        <div id="commands" class="stack">
            {hint.map(|words| view! { <p class="hint">{words}</p> })} {the_commands(id, acts, session.is_some())}
        </div>
    }
}
