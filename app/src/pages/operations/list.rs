//! Operations, newest first: those that run now, or all.

use crate::error::AppError;
use crate::ui::{Column, Empty, Load, State, Strip, Table, Td, Time};
use chrono::{DateTime, Utc};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{components::A, hooks::use_query_map};
use serde::{Deserialize, Serialize};
use types::operation::{OperationRow, duration};

/// The rows of the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OperationRows {
    rows: Vec<OperationRow>,
    now: DateTime<Utc>,
}

/// The last hundred operations on databases that the person may see.
#[server(prefix = "/do", endpoint = "operations")]
pub async fn operations(live: bool) -> Result<OperationRows, AppError> {
    use crate::ssr;
    let filter = control::OperationFilter { live, limit: 100, ..Default::default() };
    let rows = ssr::control()?.operations(&ssr::actor()?, filter).await?;
    Ok(OperationRows { rows, now: ssr::now()? })
}

/// `/operations`.
#[component]
pub fn OperationList() -> impl IntoView {
    let query = use_query_map();
    let live = Memo::new(move |_| query.read().get("show").is_some_and(|show| show == "running"));
    let list = Resource::new_blocking(move || live.get(), operations);
    let mark = move |this: bool| (live.get() == this).then_some("page");
    view! {
        <Title text="Operations" />
        <Strip title="Operations" />
        <nav class="tabs" aria-label="Which operations">
            <a href="/operations" aria-current=move || mark(false)>
                "All"
            </a>
            <a href="/operations?show=running" aria-current=move || mark(true)>
                "Running"
            </a>
        </nav>
        <Load from=list let:list>
            <Rows list live=live.get_untracked() />
        </Load>
    }
}

#[component]
fn Rows(list: OperationRows, live: bool) -> impl IntoView {
    let OperationRows { rows, now } = list;
    if rows.is_empty() {
        let (title, text) = match live {
            true => ("Nothing runs now.", "What you ask for appears here while it happens."),
            false => (
                "No operations yet.",
                "Creating, stopping or deleting a database is an operation; each stays here.",
            ),
        };
        return view! { <Empty title text /> }.into_any();
    }
    let columns = vec![
        Column::text("Operation"),
        Column::text("State"),
        Column::text("App"),
        Column::text("By"),
        Column::text("Asked"),
        Column::num("Took"),
    ];
    view! {
        <Table caption="Operations, newest first" columns>
            {rows.into_iter().map(|row| view! { <Row row now /> }).collect_view()}
        </Table>
    }
    .into_any()
}

#[component]
fn Row(row: OperationRow, now: DateTime<Utc>) -> impl IntoView {
    let app = format!("/apps/{}", row.app);
    view! {
        <tr>
            <Td label="Operation">
                <A href=format!("/operations/{}", row.id)>{row.title}</A>
            </Td>
            <Td label="State">
                <State tone=row.status.tone().to_owned() word=row.status.word().to_owned() />
            </Td>
            <Td label="App">
                <A href=app>{row.app}</A>
            </Td>
            <Td label="By">{row.actor}</Td>
            <Td label="Asked">
                <Time at=row.created_at now />
            </Td>
            <Td label="Took" class="num">
                {row.elapsed_ms.map_or_else(|| "—".to_owned(), duration)}
            </Td>
        </tr>
    }
}
