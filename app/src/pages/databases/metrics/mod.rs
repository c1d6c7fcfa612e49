//! What was measured of a database over time: a range, a chart for each panel, and the figures of this very second.
//!
//! The page is whole as the server sends it, tables and all. Where there are scripts a cursor runs over the charts, and
//! short ranges show what comes in; where there are none the page of a short range loads itself again.

mod bar;
mod now;
mod range;

use super::tab::tab;
use crate::{
    error::AppError,
    live::Reload,
    ui::{
        Dot, Empty, Panel, Time,
        chart::{Chart, Cursor, Frame},
    },
};
use bar::RangeBar;
use leptos::{either::Either, prelude::*};
use leptos_router::hooks::{use_params_map, use_query_map};
use now::Now;
use serde::{Deserialize, Serialize};
use types::{
    metric::{MarkView, MetricsView, Range},
    view::{DatabaseView, Figures},
};

/// So many marks are listed unfolded: the charts come soon after them.
const FEW: usize = 4;

/// The charts, or why there are none: a wrong range does not take the page away.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricsPage {
    charts: Result<MetricsView, AppError>,
    asked: Asked,
}

/// The range as the address has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Asked {
    /// `6h`, `custom`.
    range: Option<String>,
    /// The beginning, as it was typed.
    from: Option<String>,
    /// The end, as it was typed.
    to: Option<String>,
}

/// The charts of a database.
#[server(prefix = "/do", endpoint = "read_metrics")]
pub async fn read_metrics(id: String, asked: Asked) -> Result<MetricsPage, AppError> {
    use crate::{address, ssr};
    let (control, actor) = (ssr::control()?, ssr::actor()?);
    let id = address::database(&id).inspect_err(ssr::refuse)?;
    let range = address::range(asked.range.as_deref(), asked.from.as_deref(), asked.to.as_deref());
    let charts = match range.inspect_err(ssr::refuse) {
        Ok(range) => control.metrics(&actor, id, range).await.map_err(AppError::from),
        Err(error) => Err(error),
    };
    Ok(MetricsPage { charts, asked })
}

/// `/databases/{id}/metrics?range=…`
#[component]
pub fn Metrics() -> impl IntoView {
    let params = use_params_map();
    let query = use_query_map();
    let asked = move || {
        let query = query.read();
        let asked = Asked { range: query.get("range"), from: query.get("from"), to: query.get("to") };
        (params.read().get("id").unwrap_or_default(), asked)
    };
    let page = Resource::new_blocking(asked, |(id, asked)| read_metrics(id, asked));
    tab("Metrics", page, |view, page| view! { <Living view page /> })
}

#[component]
fn Living(view: DatabaseView, page: MetricsPage) -> impl IntoView {
    let MetricsPage { charts, asked } = page;
    let id = view.addon.id.to_string();
    let (charts, problem) = match charts {
        Ok(charts) => (Some(charts), None),
        Err(error) => (None, Some(error.0)),
    };
    let every_s = charts.as_ref().and_then(|charts| match charts.range {
        Range::Hour => Some(10),
        Range::SixHours => Some(30),
        _ => None,
    });
    let now = every_s.map(|every_s| view! { <Moving id=id.clone() first=view.figures every_s /> });
    let ends = charts.as_ref().map(|charts| (charts.range, charts.from, charts.to));
    let shown = match charts {
        Some(charts) => Either::Left(view! { <Charts view=charts /> }),
        None => Either::Right(view! {
            <section class="panel">
                <Empty title="This range cannot be shown." text="Change its times above, or take one of the usual ranges." />
            </section>
        }),
    };
    view! {
        <div class="stack metrics">
            <RangeBar id ends asked problem /> {now} {shown}
        </div>
    }
}

/// What a short range shows besides its charts.
#[component]
fn Moving(id: String, first: Option<Figures>, every_s: u32) -> impl IntoView {
    view! {
        <Now id first every_s />
        <Reload seconds=30 />
    }
}

#[component]
fn Charts(view: MetricsView) -> impl IntoView {
    let recorded = view.panels.iter().flat_map(|panel| &panel.series).any(|series| series.all.is_some());
    if !recorded {
        return Either::Left(view! { <Nothing range=view.range /> });
    }
    let frame = Frame::of(&view);
    let steps = view.panels.iter().flat_map(|panel| &panel.series).map(|series| series.points.len()).max();
    let panel = |panel: types::metric::PanelView| {
        let frame = frame.clone();
        view! {
            <Panel title=panel.panel.title()>
                <p class="chart-about">{panel.panel.about()}</p>
                <Chart panel frame />
            </Panel>
        }
    };
    let marks = (!view.marks.is_empty()).then(|| view! { <Marks marks=view.marks.clone() /> });
    Either::Right(view! {
        {marks}
        <div
            class="charts"
            data-from=view.from.timestamp()
            data-step=view.step_s
            data-steps=steps.unwrap_or(0)
        >
            {view.panels.into_iter().map(panel).collect_view()}
        </div>
        <Cursor />
    })
}

#[component]
fn Nothing(range: Range) -> impl IntoView {
    let (title, text) = match range {
        Range::Between(..) => ("Nothing was recorded in this time.", "Take another range above."),
        _ => ("Nothing was recorded yet.", "The first values appear within 10 seconds."),
    };
    let again = !matches!(range, Range::Between(..) | Range::Hour | Range::SixHours);
    view! {
        <section class="panel">
            <Empty title text />
        </section>
        {again.then(|| view! { <Reload seconds=10 /> })}
    }
}

/// What happened meanwhile; the numbers are those at the upper edges of the charts.
#[component]
fn Marks(marks: Vec<MarkView>) -> impl IntoView {
    let row = |(at, mark): (usize, MarkView)| {
        let MarkView { at: when, title, tone, operation } = mark;
        let title = match operation {
            Some(id) => Either::Left(view! { <a href=format!("/operations/{id}")>{title}</a> }),
            None => Either::Right(title),
        };
        view! {
            <li>
                <span class="mark-number">{at + 1}</span>
                <Dot tone />
                <span class="mark-title">{title}</span>
                <Time at=when />
            </li>
        }
    };
    let count = marks.len();
    view! {
        <details class="panel happened" open=count <= FEW>
            <summary>
                "What happened in this time"
                <span class="subtle">{count}</span>
            </summary>
            <ol class="marks">{marks.into_iter().enumerate().map(row).collect_view()}</ol>
        </details>
    }
}
