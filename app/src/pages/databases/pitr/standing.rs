//! What stands beside the database: as of when, what is in it, and the three ways on: move it, switch to it, discard it.

use super::acts::Acts;
use crate::ui::{
    ButtonLink, Column, Confirm, ErrorSummary, Field, Form, Panel, RowForm, Submit, Table, Td, Variant,
    problem, relative,
};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use leptos::{either::Either, prelude::*};
use types::{
    AddonId,
    operation::duration,
    pitr::{RestoreStatus, RestoreView, TableRows},
};

/// A little earlier or later.
const NUDGES: [(i64, &str); 6] =
    [(-3600, "−1 h"), (-60, "−1 min"), (-1, "−1 s"), (1, "+1 s"), (60, "+1 min"), (3600, "+1 h")];
/// So many tables are listed; the rest is counted.
const LISTED: usize = 50;

/// The panel.
#[component]
pub fn Standing(
    /// The database.
    id: AddonId,
    /// Its name.
    name: String,
    /// What stands there.
    standing: RestoreView,
    /// What its buttons post to.
    acts: Acts,
    /// Now, as the page's data has it.
    now: DateTime<Utc>,
) -> impl IntoView {
    if standing.status != RestoreStatus::Ready {
        let href = format!("/operations/{}", standing.operation);
        return Either::Left(view! {
            <Panel title="Being restored beside the database">
                <div class="stack">
                    <p>"As of " {exact(standing.moment)} ". The database works as always."</p>
                    <div class="actions">
                        <ButtonLink href variant=Variant::Primary>
                            "See how far it is"
                        </ButtonLink>
                    </div>
                </div>
            </Panel>
        });
    }
    let reached = standing.reached_at.map(|at| format!("Its last change is of {}.", exact(at)));
    let took = standing.took_ms.map(|ms| format!("Restored in {}.", duration(ms)));
    let until = relative(standing.until, now);
    Either::Right(view! {
        <ErrorSummary problem=problem(acts.discard) />
        <Panel title=format!("Beside {name}, as of {}", exact(standing.moment))>
            <div class="stack">
                <p class="hint">
                    {reached} " " {took}
                    " It is read-only, nobody but Paddock reaches it, and it goes by itself " {until} "."
                </p>
                <Tables tables=standing.tables.clone() />
                <Nudge id standing acts now />
                <div class="ways-on">
                    <Switch id name=name.clone() acts />
                    <Confirm
                        verb="Discard it"
                        object=name
                        consequence="What stands beside the database is removed. The database is not touched, and the moment can be restored again as long as it is in the window."
                        main=true
                    >
                        <RowForm
                            action=acts.discard
                            fields=vec![("id", id.to_string())]
                            variant=Variant::Danger
                            large=true
                        >
                            "Discard it now"
                        </RowForm>
                    </Confirm>
                </div>
            </div>
        </Panel>
    })
}

/// To the second, or finer where that counts.
pub fn exact(at: DateTime<Utc>) -> String {
    let format = if at.timestamp_subsec_millis() == 0 {
        "%-d %b %Y, %H:%M:%S UTC"
    } else {
        "%-d %b %Y, %H:%M:%S%.3f UTC"
    };
    at.format(format).to_string()
}

#[component]
fn Tables(tables: Vec<TableRows>) -> impl IntoView {
    if tables.is_empty() {
        return Either::Left(view! { <p>"There was no table at that moment."</p> });
    }
    let more = tables.len().saturating_sub(LISTED);
    let more = (more > 0).then(|| view! { <p class="hint">{format!("And {more} more tables.")}</p> });
    let row = |table: TableRows| {
        let rows = table.rows.map_or_else(|| "not counted".to_owned(), |rows| rows.to_string());
        view! {
            <tr>
                <th scope="row" class="mono">
                    {table.table}
                </th>
                <Td label="Rows" class="num">
                    {rows}
                </Td>
            </tr>
        }
    };
    let columns = vec![Column::text("Table"), Column::num("Rows")];
    Either::Right(view! {
        <div class="standing-tables">
            <Table caption="What is in it" columns>
                {tables.into_iter().take(LISTED).map(row).collect_view()}
            </Table>
            {more}
        </div>
    })
}

#[component]
fn Nudge(id: AddonId, standing: RestoreView, acts: Acts, now: DateTime<Utc>) -> impl IntoView {
    let by =
        NUDGES.into_iter().map(|(seconds, words)| (standing.moment + TimeDelta::seconds(seconds), words));
    let button = |(at, words): (DateTime<Utc>, &'static str)| {
        let fields =
            vec![("id", id.to_string()), ("moment", at.to_rfc3339_opts(SecondsFormat::Micros, true))];
        view! {
            <RowForm action=acts.restore fields>
                {words}
            </RowForm>
        }
    };
    let buttons = by.filter(|(at, _)| *at <= now).map(button).collect_view();
    view! {
        <div class="nudges" role="group" aria-label="Move it">
            <span class="subtle">"Move it"</span>
            {buttons}
        </div>
    }
}

#[component]
fn Switch(id: AddonId, name: String, acts: Acts) -> impl IntoView {
    // What was refused is not folded away.
    let refused = problem(acts.switch);
    let wrong = Signal::derive(move || refused.with(Option::is_some));
    view! {
        <details class="switch-to" open=move || wrong.get()>
            <summary class="button" data-variant="danger">"Switch to it"</summary>
            <Form action=acts.switch id="switch">
                <ul class="plain-list">
                    <li>"Connections are closed for a moment; then it answers at the same address."</li>
                    <li>
                        "The published user and its password stay. Other users and their passwords are those of that moment."
                    </li>
                    <li>
                        "The state of now stays a moment that can be restored, up to its last committed row if the server runs, and so does every moment before."
                    </li>
                </ul>
                <input type="hidden" name="id" value=id.to_string() />
                <Field label=format!("Type {name} to confirm") name="name" required=true mono=true />
                <div class="actions">
                    <Submit variant=Variant::Danger>"Switch to it now"</Submit>
                </div>
            </Form>
        </details>
    }
}
