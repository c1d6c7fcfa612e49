//! A server's log: its end by level and words, live where there are scripts, all of it as a file; and the statements that
//! took long, with their plans.
//!
//! What somebody may share is in the address. Text of a log is only ever text.

mod record;
mod slow;
mod tail;

use super::tab::tab;
use crate::{
    error::AppError,
    next::encode,
    ui::{ButtonLink, Empty, Field, FormScope, Glyph, Icon, Panel, Submit},
};
use leptos::{context::Provider, either::Either, prelude::*};
use leptos_router::hooks::{use_params_map, use_query_map};
use serde::{Deserialize, Serialize};
use slow::Slow;
use tail::Tail;
use types::{
    AddonId,
    log::{Level, LogView, SlowView},
};

/// What the address asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Asked {
    /// `slow` for the slow statements.
    view: Option<String>,
    /// A level's key.
    level: Option<String>,
    /// Words to look for.
    q: Option<String>,
    /// `newest` for the newest slow statements first.
    order: Option<String>,
}

/// What the page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Shown {
    /// The log, or why it cannot be shown: a wrong search does not take the page away.
    Log(Result<LogView, AppError>),
    /// Slow statements.
    Slow(Result<SlowView, AppError>),
}

/// The log of a database, as the address asks for it.
#[server(prefix = "/do", endpoint = "read_log")]
pub async fn read_log(id: String, asked: Asked) -> Result<Shown, AppError> {
    use crate::{address, ssr};
    use types::log::LogFilter;
    let (control, actor) = (ssr::control()?, ssr::actor()?);
    let id = address::database(&id).inspect_err(ssr::refuse)?;
    if asked.view.as_deref() == Some("slow") {
        let newest = asked.order.as_deref() == Some("newest");
        return Ok(Shown::Slow(control.slow_queries(&actor, id, newest).await.map_err(AppError::from)));
    }
    let filter = LogFilter {
        level: asked.level.as_deref().map(Level::named).unwrap_or_default(),
        words: asked.q.unwrap_or_default(),
    };
    Ok(Shown::Log(control.log(&actor, id, &filter).await.map_err(AppError::from)))
}

/// `/databases/{id}/logs?view=…&level=…&q=…`
#[component]
pub fn LogsPage() -> impl IntoView {
    let (params, query) = (use_params_map(), use_query_map());
    let asked = move || {
        let query = query.read();
        let of = |name: &str| query.get(name);
        let asked = Asked { view: of("view"), level: of("level"), q: of("q"), order: of("order") };
        (params.read().get("id").unwrap_or_default(), asked)
    };
    let page = Resource::new_blocking(asked, |(id, asked)| read_log(id, asked));
    let asked = Memo::new(move |_| asked().1);
    tab("Logs", page, move |view, shown| {
        view! { <Living id=view.addon.id shown asked=asked.get_untracked() /> }
    })
}

#[component]
fn Living(id: AddonId, shown: Shown, asked: Asked) -> impl IntoView {
    let slow = matches!(shown, Shown::Slow(_));
    let inside = match shown {
        Shown::Slow(shown) => Either::Left(view! { <Slow id shown asked /> }),
        Shown::Log(shown) => Either::Right(view! { <Log id shown asked /> }),
    };
    view! {
        <div class="stack logs">
            <Views id slow />
            {inside}
        </div>
    }
}

/// The two views, and the file.
#[component]
fn Views(id: AddonId, slow: bool) -> impl IntoView {
    let page = format!("/databases/{id}/logs");
    let current = |this: bool| (this == slow).then_some("true");
    view! {
        <div class="log-bar">
            <nav class="segments" aria-label="View">
                <a href=page.clone() aria-current=current(false)>"Log"</a>
                <a href=format!("{page}?view=slow") aria-current=current(true)>"Slow queries"</a>
            </nav>
            <ButtonLink href=format!("/databases/{id}/log.txt") small=true>
                <Icon glyph=Glyph::Download />
                "Download"
                <span class="hidden">" the kept log as text"</span>
            </ButtonLink>
        </div>
    }
}

#[component]
fn Log(id: AddonId, shown: Result<LogView, AppError>, asked: Asked) -> impl IntoView {
    let level = asked.level.as_deref().map(Level::named).unwrap_or_default();
    let words = asked.q.unwrap_or_default();
    let (shown, refused) = match shown {
        Ok(shown) => (Some(shown), None),
        Err(error) => (None, Some(error.0)),
    };
    let page = format!("/databases/{id}/logs");
    let here = format!("{page}?level={}&q={}", level.key(), encode(&words));
    let link = {
        let (page, words) = (page.clone(), encode(&words));
        move |one: Level| {
            let current = (one == level).then_some("true");
            view! {
                <a href=format!("{page}?level={}&q={words}", one.key()) aria-current=current>
                    {one.word()}
                </a>
            }
        }
    };
    let scope = FormScope { id: Some("search"), problem: Signal::stored(refused.clone()) };
    let said = refused.filter(|problem| problem.fields.is_empty()).map(|problem| {
        view! { <section class="panel"><Empty title="The log cannot be read just now." text=problem.message /></section> }
    });
    let list = shown.map(|shown| {
        let after = shown.mark.clone().unwrap_or_default();
        let stream = format!(
            "/events/databases/{id}/log?level={}&q={}&after={}",
            level.key(),
            encode(&words),
            encode(&after)
        );
        view! { <Records shown stream here=here.clone() /> }
    });
    view! {
        <div class="log-bar">
            <nav class="segments" aria-label="Level">
                {Level::ALL.map(link).collect_view()}
            </nav>
            <form method="get" action=page id="search" class="form log-search" data-inline=true novalidate=true>
                <Provider value=scope>
                    <input type="hidden" name="level" value=level.key() />
                    <Field label="Search" name="q" kind="search" value=words />
                    <Submit>"Search"</Submit>
                </Provider>
            </form>
        </div>
        {said}
        {list}
    }
}

#[component]
fn Records(shown: LogView, stream: String, here: String) -> impl IntoView {
    let LogView { records, left_out, .. } = shown;
    let earlier = (left_out > 0).then(|| {
        view! { <p class="hint">{format!("{left_out} earlier records match, too. The file has all of them.")}</p> }
    });
    let empty = records.is_empty().then(|| {
        view! { <p class="log-empty">"Nothing in the newest part of the log matches."</p> }
    });
    let refresh = move || view! { <a href=here>"Refresh"</a> };
    view! {
        <Panel title="Newest last" aside=refresh>
            {earlier}
            {empty}
            <ol class="log" aria-label="Log">
                {records.into_iter().map(record::entry).collect_view()}
            </ol>
            <Tail url=stream />
            <p class="hint">
                "Kept: seven days, within a share of the plan’s disk. Paddock’s own visits are left out here."
            </p>
        </Panel>
    }
}
