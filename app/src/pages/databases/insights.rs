//! What the statements of a database cost: which take most time, run most often, return most, read and write most.
//!
//! Range and order are in the address. Counting is switched on and off here; nothing is counted unasked.

use super::{queries::Text, tab::tab};
use crate::{
    error::AppError,
    ui::{
        ButtonLink, Column, Confirm, Empty, ErrorSummary, Notice, RowForm, Table, Td, Variant, moment,
        problem, the_command, the_commands,
    },
};
use leptos::{either::EitherOf3, prelude::*};
use leptos_router::hooks::{use_params_map, use_query_map};
use serde::{Deserialize, Serialize};
use types::{
    AddonId,
    command::Act,
    statement::{Counting, StatementOrder, StatementRange, StatementView, StatementsView},
};

/// What the page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InsightsPage {
    view: StatementsView,
    range: StatementRange,
    order: StatementOrder,
    said: Option<String>,
}

/// What the statements of a database cost.
#[server(prefix = "/do", endpoint = "read_statements")]
pub async fn read_statements(id: String, range: String, top: String) -> Result<InsightsPage, AppError> {
    use crate::{address, ssr};
    let (control, actor) = (ssr::control()?, ssr::actor()?);
    let addon = address::database(&id).inspect_err(ssr::refuse)?;
    let (range, order) = (StatementRange::named(&range), StatementOrder::named(&top));
    let view = control.statements(&actor, addon, range, order).await?;
    Ok(InsightsPage { view, range, order, said: ssr::take_flash("statements").await })
}

/// Begins (`on`: 1) or ends counting.
#[server(prefix = "/do", endpoint = "count_statements")]
pub async fn count_statements(id: String, on: u8) -> Result<(), AppError> {
    use crate::{address, ssr};
    let on = on == 1;
    ssr::control()?.count_statements(&ssr::actor()?, address::database(&id)?, on).await?;
    let said =
        if on { "Statements are counted from now on." } else { "Statements are not counted any more." };
    ssr::flash("statements", said).await;
    ssr::redirect(&format!("/databases/{id}/insights"));
    Ok(())
}

/// All counters begin anew.
#[server(prefix = "/do", endpoint = "reset_statements")]
pub async fn reset_statements(id: String) -> Result<(), AppError> {
    use crate::{address, ssr};
    ssr::control()?.reset_statements(&ssr::actor()?, address::database(&id)?).await?;
    ssr::flash("statements", "All counters began anew.").await;
    ssr::redirect(&format!("/databases/{id}/insights"));
    Ok(())
}

/// `/databases/{id}/insights?range=…&top=…`
#[component]
pub fn Insights() -> impl IntoView {
    let params = use_params_map();
    let query = use_query_map();
    let asked = move || {
        let query = query.read();
        let get = |name| query.get(name).unwrap_or_default();
        (params.read().get("id").unwrap_or_default(), get("range"), get("top"))
    };
    let page = Resource::new_blocking(asked, |(id, range, top)| read_statements(id, range, top));
    tab("Insights", page, |view, page| view! { <Living id=view.addon.id page /> })
}

#[component]
fn Living(id: AddonId, page: InsightsPage) -> impl IntoView {
    let (count, reset) = (ServerAction::<CountStatements>::new(), ServerAction::<ResetStatements>::new());
    let InsightsPage { view, range, order, said } = page;
    let switch = move |on: &str| vec![("id", id.to_string()), ("on", on.to_owned())];
    let shown = match view.counting {
        Counting::Off => EitherOf3::A(view! {
            <section class="panel">
                <Empty
                    title="Statements are not counted."
                    text="PostgreSQL can count runs, time, rows and blocks of each statement. It takes a little of every statement’s time; nobody is disconnected, and it can be switched off here at any time."
                >
                    <RowForm action=count fields=switch("1") variant=Variant::Primary large=true>
                        "Count statements"
                    </RowForm>
                </Empty>
            </section>
            {the_command(id, &Act::CountStatements { on: true })}
        }),
        Counting::NeedsRestart | Counting::NotRunning => {
            let (title, text) = if view.counting == Counting::NeedsRestart {
                ("Counting begins with the next restart.", "The server was started before this was possible.")
            } else {
                ("The server does not answer.", "The figures are there again when it runs.")
            };
            EitherOf3::B(view! {
                <section class="panel">
                    <Empty title text>
                        <ButtonLink href=format!("/databases/{id}/settings")>"Go to start and restart"</ButtonLink>
                    </Empty>
                </section>
            })
        }
        Counting::On => EitherOf3::C(view! {
            <Choices id range order />
            <Statements view range />
            <div class="actions">
                <RowForm action=count fields=switch("0") large=true>
                    "Stop counting"
                </RowForm>
                <Confirm verb="Reset" object="all counters" consequence="All counters of this database begin anew.">
                    <RowForm action=reset fields=vec![("id", id.to_string())] variant=Variant::Danger large=true>
                        "Reset now"
                    </RowForm>
                </Confirm>
            </div>
            {the_commands(
                id,
                vec![
                    ("Reset".into(), Act::ResetStatements),
                    ("Stop counting".into(), Act::CountStatements { on: false }),
                ],
                false,
            )}
        }),
    };
    view! {
        <ErrorSummary problem=problem(count) />
        <ErrorSummary problem=problem(reset) />
        <Notice text=said />
        <div class="stack insights">{shown}</div>
    }
}

/// What is told, and over what time.
#[component]
fn Choices(id: AddonId, range: StatementRange, order: StatementOrder) -> impl IntoView {
    let (now_range, now_order) = (range, order);
    let range_key =
        StatementRange::ALL.iter().find(|(one, ..)| *one == range).map_or("reset", |(_, key, _)| key);
    let order_key =
        StatementOrder::ALL.iter().find(|(one, ..)| *one == order).map_or("time", |(_, key, _)| key);
    let ranges = StatementRange::ALL.map(|(range, key, words)| {
        let current = (range == now_range).then_some("true");
        view! { <a href=format!("/databases/{id}/insights?range={key}&top={order_key}") aria-current=current>{words}</a> }
    });
    let orders = StatementOrder::ALL.map(|(order, key, words)| {
        let current = (order == now_order).then_some("true");
        view! { <a href=format!("/databases/{id}/insights?range={range_key}&top={key}") aria-current=current>{words}</a> }
    });
    view! {
        <div class="insights-bar">
            <nav class="segments" aria-label="Range">
                {ranges.collect_view()}
            </nav>
            <nav class="segments" aria-label="Top by">
                {orders.collect_view()}
            </nav>
        </div>
    }
}

#[component]
fn Statements(view: StatementsView, range: StatementRange) -> impl IntoView {
    let since = view.since.map(|since| format!("Counted since {}.", moment(since)));
    let since = since.or_else(|| {
        (range != StatementRange::Reset)
            .then(|| "Nothing older is kept yet: all since the last reset.".to_owned())
    });
    let table = if view.statements.is_empty() {
        view! {
            <section class="panel">
                <Empty title="Nothing was counted yet." text="Statements appear here after they ran." />
            </section>
        }
        .into_any()
    } else {
        let columns = vec![
            Column::text("Statement"),
            Column::text("User"),
            Column::num("Total time"),
            Column::num("Calls"),
            Column::num("Mean"),
            Column::num("Min – max"),
            Column::num("Rows"),
            Column::num("Blocks"),
        ];
        view! {
            <Table caption="Statements" columns>
                {view.statements.into_iter().map(row).collect_view()}
            </Table>
        }
        .into_any()
    };
    view! {
        <p class="hint">{since}</p>
        {table}
    }
}

fn row(one: StatementView) -> impl IntoView {
    let mean = millis(one.mean_ms());
    let spread = one.spread.map_or_else(
        || "—".to_owned(),
        |spread| format!("{} – {}", millis(spread.min_ms), millis(spread.max_ms)),
    );
    view! {
        <tr>
            <Td label="Statement" class="text">
                <Text query=one.query cut=one.cut />
            </Td>
            <Td label="User">
                <bdi>{one.user.unwrap_or_else(|| "(deleted)".into())}</bdi>
            </Td>
            <Td label="Total time" class="num">{millis(one.counters.total_ms)}</Td>
            <Td label="Calls" class="num">{one.counters.calls}</Td>
            <Td label="Mean" class="num">{mean}</Td>
            <Td label="Min – max" class="num">{spread}</Td>
            <Td label="Rows" class="num">{one.counters.rows}</Td>
            <Td label="Blocks" class="num">{one.counters.blocks}</Td>
        </tr>
    }
}

/// `0.12 ms`, `4.2 s`.
fn millis(ms: f64) -> String {
    match ms {
        _ if ms < 10.0 => format!("{ms:.2} ms"),
        _ if ms < 1_000.0 => format!("{ms:.0} ms"),
        _ => format!("{:.1} s", ms / 1_000.0),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn times_have_units() {
        assert_eq!([0.123, 42.4, 4_210.0].map(super::millis), ["0.12 ms", "42 ms", "4.2 s"]);
    }
}
