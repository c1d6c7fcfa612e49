//! What the window stands on: base backups, and the states that earlier restores have left.

use super::{acts::MakeBaseBackup, standing::exact};
use crate::ui::{ButtonLink, Column, Panel, RowForm, Table, Td, Variant, moment, relative};
use chrono::{DateTime, SecondsFormat, Utc};
use leptos::{either::Either, prelude::*};
use types::{
    AddonId,
    operation::duration,
    pitr::{BaseView, PitrView, RestorePoint},
    plan::size,
};

/// Base backups, newest first.
#[component]
pub fn Bases(
    /// The database.
    id: AddonId,
    /// Its moments.
    view: PitrView,
    /// Nothing can be begun: it is deleted, or the host has no tool.
    idle: bool,
    /// Makes one now.
    base: ServerAction<MakeBaseBackup>,
) -> impl IntoView {
    let making = view.making.map(|operation| {
        let href = format!("/operations/{operation}");
        view! { <ButtonLink href>"One is being made"</ButtonLink> }
    });
    let can = making.is_none() && !idle;
    let aside = move || {
        view! {
            {making}
            {can
                .then(|| {
                    view! {
                        <RowForm action=base fields=vec![("id", id.to_string())]>
                            "Make one now"
                        </RowForm>
                    }
                })}
        }
    };
    let now = view.now;
    let next = view.next_full_at.map(|at| format!("The next full one is due {}.", relative(at, now)));
    let row = move |base: BaseView| {
        let took = u64::try_from((base.to - base.from).num_milliseconds()).unwrap_or(0);
        view! {
            <tr>
                <th scope="row">
                    <span title=base.label>{moment(base.to)}</span>
                </th>
                <Td label="Kind">
                    {base.kind} {base.damaged.then(|| view! { <span class="field-error">" damaged pages"</span> })}
                </Td>
                <Td label="Database" class="num">
                    {size(base.bytes)}
                </Td>
                <Td label="In the archive" class="num">
                    {size(base.stored_bytes)}
                </Td>
                <Td label="Took" class="num">
                    {duration(took)}
                </Td>
            </tr>
        }
    };
    let body = if view.bases.is_empty() {
        Either::Left(view! {
            <p class="panel-text">"None yet. The first is made by itself, a minute after the database was created."</p>
        })
    } else {
        let columns = vec![
            Column::text("Ended"),
            Column::text("Kind"),
            Column::num("Database"),
            Column::num("In the archive"),
            Column::num("Took"),
        ];
        Either::Right(view! {
            <Table caption="Base backups" columns>
                {view.bases.into_iter().rev().map(row).collect_view()}
            </Table>
        })
    };
    view! {
        <Panel title="Base backups" flush=true aside>
            {next.map(|next| view! { <p class="hint panel-text">{next}</p> })}
            {body}
        </Panel>
    }
}

/// States that restores have left.
#[component]
pub fn Points(
    /// Newest first.
    points: Vec<RestorePoint>,
    /// Now, as the page's data has it.
    now: DateTime<Utc>,
) -> impl IntoView {
    let row = move |point: RestorePoint| {
        let at = point.moment.to_rfc3339_opts(SecondsFormat::Micros, true);
        let href = format!("?at={at}#chosen");
        view! {
            <tr>
                <th scope="row">
                    <span title=exact(point.moment)>"Before the restore " {relative(point.moment, now)}</span>
                </th>
                <Td label="The database went back to">{exact(point.went_to)}</Td>
                <Td label="Actions" class="acts">
                    <ButtonLink href variant=Variant::Plain>
                        "Choose it"
                    </ButtonLink>
                </Td>
            </tr>
        }
    };
    let columns =
        vec![Column::text("State"), Column::text("The database went back to"), Column::actions("Actions")];
    (!points.is_empty()).then(|| {
        view! {
            <Panel title="What restores have left" flush=true>
                <Table caption="States that restores have left" columns>
                    {points.into_iter().map(row).collect_view()}
                </Table>
            </Panel>
        }
    })
}
