//! The figures of a database, live: four tiles, the plan's limits with what is used of them, and where the disk goes.
//!
//! The words are `super::told`'s. What the page was made with stays right without scripts; with them the figures are
//! replaced in place, once a second. Nothing moves by it: figures have their width.

use super::told::{
    Kind, LIMIT_HEADS, LIMIT_NAMES, Told, advisory_sentence, cache_sentence, disk_sentence, limit_cell, parts,
};
use crate::{
    figures::{Fresh, watch},
    ui::{
        Column, Meter, Panel, Table, Td,
        chart::{Spark, spark_path},
    },
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use types::{
    Plan,
    metric::{Metric, SeriesView},
    plan::size,
    view::{DatabaseView, Figures},
};

/// The last 24 hours of a tile.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Day {
    path: String,
    highest: Option<f64>,
}

impl Day {
    fn of(sparks: &[SeriesView], kind: Kind) -> Self {
        let metric = match kind {
            Kind::Cpu => Metric::Cpu,
            Kind::Memory => Metric::Memory,
            Kind::Connections => Metric::Connections,
            Kind::Disk => Metric::DiskSize,
        };
        sparks.iter().find(|series| series.metric == metric).map_or_else(Self::default, |series| Self {
            path: spark_path(series),
            highest: series.all.map(|all| all.max),
        })
    }
}

/// Tiles, limits and disk of a database.
#[component]
pub fn Tiles(
    /// The database.
    view: DatabaseView,
) -> impl IntoView {
    let days = Kind::ALL.map(|kind| Day::of(&view.sparks, kind)).into();
    let (id, plan) = (view.addon.id.to_string(), view.addon.plan);
    view! { <LiveTiles id first=view.figures plan days /> }
}

/// What moves.
#[island]
fn LiveTiles(id: String, first: Option<Figures>, plan: Plan, days: Vec<Day>) -> impl IntoView {
    let fresh = watch(id.clone(), first);
    let plan = StoredValue::new(plan);
    let tile = |(kind, day): (Kind, Day)| view! { <Tile kind day id=id.clone() fresh plan /> };
    view! {
        <div class="stack">
            <div class="grid g4 tiles">{Kind::ALL.into_iter().zip(days).map(tile).collect_view()}</div>
            <div class="grid g2">
                <Limits fresh plan />
                <Disk fresh />
            </div>
        </div>
    }
}

#[component]
fn Tile(kind: Kind, day: Day, id: String, fresh: Fresh, plan: StoredValue<Plan>) -> impl IntoView {
    let Day { path, highest } = day;
    let told = Memo::new(move |_| {
        plan.with_value(|plan| fresh.figures.with(|figures| kind.tell(figures.as_ref(), plan, highest)))
    });
    let part = move |part: fn(&Told) -> &String| move || told.with(|told| part(told).clone());
    let used = Signal::derive(move || told.with(|told| told.share.0));
    let of = Signal::derive(move || told.with(|told| told.share.1));
    let panel = format!("/databases/{id}/metrics#panel-{}", crate::ui::slug(kind.name()));
    let spark = (!path.is_empty()).then(|| view! { <Spark path /> });
    view! {
        <dl class="panel tile" data-kind=crate::ui::slug(kind.name())>
            <dt>
                <a href=panel>{kind.name()}</a>
                <span>{kind.highest_of()}</span>
            </dt>
            <dd class="v">{part(|told| &told.value)} <small>{part(|told| &told.of)}</small></dd>
            <dd class="sub">
                <span>{part(|told| &told.left)}</span>
                <span>{part(|told| &told.right)}</span>
            </dd>
            <dd class="tile-spark">{spark}</dd>
            <dd>
                <Meter value=used of label=format!("{} used", kind.name()) />
            </dd>
        </dl>
    }
}

/// What the plan allows, what is used of it, and whether the kernel holds it.
#[component]
fn Limits(fresh: Fresh, plan: StoredValue<Plan>) -> impl IntoView {
    let cell = move |row: usize, column: usize| {
        move || {
            plan.with_value(|plan| {
                fresh.figures.with(|figures| limit_cell(row, column, figures.as_ref(), plan))
            })
        }
    };
    let row = move |(row, name): (usize, &'static str)| {
        let cells = LIMIT_HEADS.into_iter().enumerate().map(move |(column, label)| {
            let class = if column < 4 { "num" } else { "subtle" };
            view! {
                <Td label class>
                    {cell(row, column)}
                </Td>
            }
        });
        view! {
            <tr>
                <th scope="row">{name}</th>
                {cells.collect_view()}
            </tr>
        }
    };
    let mut columns = vec![Column::text("What")];
    columns.extend(
        LIMIT_HEADS.into_iter().enumerate().map(
            |(at, head)| {
                if at < 4 { Column::num(head) } else { Column::text(head) }
            },
        ),
    );
    let cache = move || fresh.figures.with(|figures| figures.as_ref().map(|f| cache_sentence(&f.container)));
    let advisory = move || {
        let told =
            fresh.figures.with(|figures| figures.as_ref().and_then(|f| advisory_sentence(&f.container)));
        told.map(|words| view! { <p class="advisory">{words}</p> })
    };
    view! {
        <Panel title="Limits of the plan" flush=true>
            <div class="limits">
                <Table caption="What is used, and what the plan allows" columns>
                    {LIMIT_NAMES.into_iter().enumerate().map(row).collect_view()}
                </Table>
            </div>
            <div class="panel-foot">
                <p class="hint">{cache}</p>
                {advisory}
            </div>
        </Panel>
    }
}

/// Why the disk holds more than the data.
#[component]
fn Disk(fresh: Fresh) -> impl IntoView {
    let bytes = move |at: usize| {
        Memo::new(move |_| fresh.figures.with(|figures| figures.as_ref().map(|f| parts(f)[at].bytes)))
    };
    let row = move |(at, part): (usize, super::told::Part)| {
        let bytes = bytes(at);
        view! {
            <div class="fact">
                <dt>
                    <span class="part-key" data-series=at + 1 aria-hidden="true"></span>
                    {part.name}
                    <small>{part.about}</small>
                </dt>
                <dd>{move || bytes.get().map_or_else(|| "—".to_owned(), size)}</dd>
            </div>
        }
    };
    let names = parts(&Figures::default());
    let sentence = move || fresh.figures.with(|figures| figures.as_ref().map(disk_sentence));
    view! {
        <Panel title="Where the disk goes">
            <p>{sentence}</p>
            <PartBar fresh />
            <dl class="facts parts">{names.into_iter().enumerate().map(row).collect_view()}</dl>
        </Panel>
    }
}

/// The parts of the disk as one bar. Decorative: the figures stand below it.
#[component]
#[expect(clippy::cast_precision_loss, reason = "a bar of some hundred pixels")]
fn PartBar(fresh: Fresh) -> impl IntoView {
    let edge = move |at: usize| {
        fresh.figures.with(|figures| {
            let parts = figures.as_ref().map(|f| parts(f).map(|part| part.bytes as f64))?;
            let all: f64 = parts.iter().sum();
            (all > 0.0).then(|| parts[..at].iter().sum::<f64>() / all * 100.0)
        })
    };
    let part = move |at: usize| {
        let from = move || edge(at).unwrap_or(0.0);
        let width = move || edge(at + 1).unwrap_or(0.0) - from();
        view! {
            <rect
                class="part"
                data-series=at + 1
                x=move || format!("{:.2}%", from())
                width=move || format!("{:.2}%", width())
                height="100%"
            />
        }
    };
    view! {
        <svg class="part-bar" aria-hidden="true" focusable="false">
            {(0..4).map(part).collect_view()}
        </svg>
    }
}
