//! Point-in-time recovery of a database: the window as a ribbon, a moment chosen and read back, what stands beside the
//! database, base backups, and what restores have left.
//!
//! It decides nothing: which moments can be had is the core's. Everything works without scripts; what is chosen stands
//! in the URL.

mod acts;
mod bases;
mod picker;
mod ribbon;
mod standing;
mod zone;

use super::{
    deleted::DeletedDatabase,
    tab::{Beside, NotOffered},
};
use crate::{
    error::AppError,
    ui::{ButtonLink, Dot, Empty, ErrorSummary, Notice, Panel, moment, problem, relative},
};
use acts::Acts;
use bases::{Bases, Points};
use chrono::{DateTime, Utc};
use leptos::{either::EitherOf3, prelude::*};
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};
use picker::Picker;
use ribbon::Ribbon;
use serde::{Deserialize, Serialize};
use standing::Standing;
use types::{
    pitr::PitrView,
    view::{AddonView, DatabaseView},
};

/// What the URL says of a moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    at: Option<String>,
    timeline: Option<u32>,
    date: Option<String>,
    time: Option<String>,
    zone: Option<String>,
}

/// A moment that was chosen, or what stands in the form until one is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Chosen {
    moment: Option<DateTime<Utc>>,
    timeline: Option<u32>,
    /// As clocks in `zone` showed it.
    local: String,
    date: String,
    time: String,
    zone: String,
    /// A field, and what is wrong with it.
    refused: Option<(String, String)>,
}

/// What the page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PitrPage {
    view: PitrView,
    chosen: Chosen,
    notice: Option<String>,
}

/// The moments of a database, and the one that the URL chooses.
#[server(prefix = "/do", endpoint = "pitr")]
pub async fn pitr(id: String, asked: Asked) -> Result<PitrPage, AppError> {
    use crate::{address, ssr};
    let (control, actor) = (ssr::control()?, ssr::actor()?);
    let id = address::database(&id).inspect_err(ssr::refuse)?;
    let view = control.pitr(&actor, id).await?;
    Ok(PitrPage { chosen: chosen(&view, asked), view, notice: ssr::take_flash("notice").await })
}

/// What the URL says, judged as the core will judge it.
#[cfg(feature = "ssr")]
fn chosen(view: &PitrView, asked: Asked) -> Chosen {
    use control::pitr::local;
    let zone = asked.zone.unwrap_or_else(|| "UTC".into());
    let typed = asked.date.zip(asked.time);
    let exact = asked.at.map(|at| {
        at.parse::<DateTime<Utc>>()
            .map_err(|_| ("restore_time".to_owned(), "This is not a moment.".to_owned()))
    });
    let read = exact.or_else(|| {
        let (date, time) = typed.as_ref()?;
        let first = |error: control::Error| {
            let problem = error.problem();
            let field = problem.fields.first();
            field.map_or_else(
                || ("restore_time".to_owned(), problem.message.clone()),
                |field| (field.field.clone(), field.message.clone()),
            )
        };
        Some(local::moment(date, time, &zone).map_err(first))
    });
    let timeline = asked.timeline;
    let (moment, mut refused) = match read {
        Some(Ok(moment)) => (Some(moment), None),
        Some(Err(refused)) => (None, Some(refused)),
        None => (None, None),
    };
    // A state that a restore has left has a window of its own; the core looks.
    if let Some(moment) = moment.filter(|_| timeline.is_none()) {
        refused = control::pitr::window::refused(view, moment).map(|why| ("restore_time".into(), why));
    }
    let told = moment.and_then(|moment| local::told(moment, &zone).ok());
    let shown = local::told(moment.unwrap_or(view.now), &zone).unwrap_or_default();
    let mut words = shown.split(' ').map(ToOwned::to_owned);
    let (date, time) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (date, time) = match (typed, moment) {
        (Some(typed), None) => typed,
        _ => (date, time),
    };
    Chosen { moment, timeline, local: told.unwrap_or_default(), date, time, zone, refused }
}

/// `/databases/{id}/recovery`.
#[component]
pub fn Recovery() -> impl IntoView {
    let (params, query) = (use_params_map(), use_query_map());
    let asked = move || {
        query.with(|query| Asked {
            at: query.get("at"),
            timeline: query.get("timeline").and_then(|id| id.parse().ok()),
            date: query.get("date"),
            time: query.get("time"),
            zone: query.get("zone"),
        })
    };
    let source = move || (params.read().get("id").unwrap_or_default(), asked());
    let page = Resource::new_blocking(source, |(id, asked)| pitr(id, asked));
    let acts = Acts::new();
    view! { <Beside own=page show=move |view, page| view! { <Whole view page acts /> } /> }
}

#[component]
fn Whole(view: DatabaseView, page: PitrPage, acts: Acts) -> impl IntoView {
    let addon = view.addon;
    let title = format!("Point-in-time recovery · {}", addon.resource_id);
    let deleted = addon.deleted_at.is_some();
    let gone = deleted.then(|| view! { <DeletedDatabase addon=addon.clone() now=view.now /> });
    view! {
        <Title text=title />
        <Notice text=page.notice.clone() />
        <ErrorSummary problem=problem(acts.restore) />
        <ErrorSummary problem=problem(acts.base) />
        <div class="stack">
            {gone}
            <Parts addon deleted page acts />
        </div>
    }
}

#[component]
fn Parts(addon: AddonView, deleted: bool, page: PitrPage, acts: Acts) -> impl IntoView {
    let PitrPage { view, chosen, .. } = page;
    let id = addon.id;
    if view.days == 0 {
        let (name, now) = (addon.resource_id.clone(), view.now);
        let standing = view.standing.map(|standing| view! { <Standing id name standing acts now /> });
        return EitherOf3::A(view! {
            <NotOffered
                addon
                what="point-in-time recovery"
                text="Other plans keep every change of the last days, so that any second of them can be brought back. The data stays when the plan changes."
            />
            {standing}
        });
    }
    if let Some(why) = view.unavailable.clone().filter(|_| view.bases.is_empty()) {
        return EitherOf3::B(view! {
            <section class="panel">
                <Empty title="Point-in-time recovery is not available on this host." text=why>
                    <ButtonLink href=format!("/databases/{id}/backups")>"See the backups"</ButtonLink>
                </Empty>
            </section>
        });
    }
    let idle = deleted || view.unavailable.is_some();
    let standing = view.standing.clone().map(|standing| {
        view! { <Standing id name=addon.resource_id.clone() standing acts now=view.now /> }
    });
    let picker = (!idle && view.from.is_some()).then(|| {
        view! { <Picker id view=view.clone() chosen=chosen.clone() restore=acts.restore /> }
    });
    let points = (!idle).then(|| view! { <Points points=view.points.clone() now=view.now /> });
    EitherOf3::C(view! {
        <State view=view.clone() />
        <Reach view=view.clone() chosen=chosen.moment />
        {standing}
        {picker}
        {points}
        <Bases id view idle base=acts.base />
    })
}

/// What is wrong, or one calm sentence.
#[component]
fn State(view: PitrView) -> impl IntoView {
    let now = view.now;
    let (tone, sentence) = match (view.trouble, view.from, view.archived_at) {
        (Some(trouble), ..) => ("err", trouble),
        (None, None, _) if view.making.is_some() => {
            ("run", "The first base backup is being made. Moments can be restored when it has ended.".into())
        }
        (None, None, _) => ("run", "The first base backup is made within a minute or two.".into()),
        (None, Some(_), Some(at)) => {
            ("ok", format!("Every change reaches the archive. The last arrived {}.", relative(at, now)))
        }
        (None, Some(_), None) => ("ok", "Every change reaches the archive.".into()),
    };
    view! {
        <section class="panel sentence" aria-label="State of the archive">
            <p class="sentence-line">
                <Dot tone=tone />
                <span class="sentence-text">{sentence}</span>
            </p>
        </section>
    }
}

/// The ribbon, and the same in words.
#[component]
fn Reach(view: PitrView, chosen: Option<DateTime<Utc>>) -> impl IntoView {
    let title = format!("Any second of the last {} days", view.days);
    let (ribbon, words) = (view.clone(), view.clone());
    view! {
        <Panel title>
            <div class="stack">
                <Window view />
                <Ribbon view=ribbon chosen />
                <What view=words />
            </div>
        </Panel>
    }
}

#[component]
fn Window(view: PitrView) -> impl IntoView {
    view.from.zip(view.to).map(|(from, to)| {
        let ends = if view.now == to { "now".to_owned() } else { moment(to) };
        view! {
            <p>
                "From " <b>{moment(from)}</b> " to " <b>{ends}</b>
                ". Click into the ribbon or type a moment below; nothing happens until you say so."
            </p>
        }
    })
}

/// The ribbon in words.
#[component]
fn What(view: PitrView) -> impl IntoView {
    let gaps = view.gaps.iter().map(|gap| {
        let word = |at: Option<DateTime<Utc>>| at.map_or_else(|| "?".to_owned(), moment);
        format!("A gap: moments after {} and before {} cannot be had.", word(gap.from), word(gap.to))
    });
    let marks = view.marks.iter().rev().map(|mark| format!("{}: {}", moment(mark.at), mark.words));
    let all: Vec<_> = gaps.chain(marks).take(50).collect();
    (!all.is_empty()).then(|| {
        view! {
            <details class="ribbon-words">
                <summary>"What happened in this time"</summary>
                <ul class="plain-list">{all.into_iter().map(|line| view! { <li>{line}</li> }).collect_view()}</ul>
            </details>
        }
    })
}
