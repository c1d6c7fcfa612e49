//! Every database over all apps that the person may see.

use crate::error::AppError;
use crate::ui::{ButtonLink, Column, Empty, Load, State, Strip, Table, Td, Time, Variant};
use chrono::{DateTime, Utc};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::components::A;
use serde::{Deserialize, Serialize};
use types::view::AddonView;

/// The rows of the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DatabaseRows {
    rows: Vec<AddonView>,
    now: DateTime<Utc>,
}

/// The databases that the person may see, deleted ones left out.
#[server(prefix = "/do", endpoint = "databases")]
pub async fn databases() -> Result<DatabaseRows, AppError> {
    use crate::ssr;
    let rows = ssr::control()?.databases(&ssr::actor()?).await?;
    Ok(DatabaseRows { rows, now: ssr::now()? })
}

/// `/databases`.
#[component]
pub fn DatabaseList() -> impl IntoView {
    let list = Resource::new_blocking(|| (), |()| databases());
    view! {
        <Title text="Databases" />
        <Strip title="Databases" />
        <Load from=list let:list>
            <Rows list />
        </Load>
    }
}

#[component]
fn Rows(list: DatabaseRows) -> impl IntoView {
    let DatabaseRows { rows, now } = list;
    if rows.is_empty() {
        return view! {
            <Empty title="No databases yet." text="A database belongs to an app, which gets the variables that reach it.">
                <ButtonLink href="/apps" variant=Variant::Primary>
                    "Choose an app"
                </ButtonLink>
            </Empty>
        }
        .into_any();
    }
    let columns = vec![
        Column::text("Database"),
        Column::text("State"),
        Column::text("App"),
        Column::text("Plan"),
        Column::text("PostgreSQL"),
        Column::text("Created"),
    ];
    view! {
        <Table caption="Databases of all your apps" columns>
            {rows.into_iter().map(|row| view! { <Row row now /> }).collect_view()}
        </Table>
    }
    .into_any()
}

#[component]
fn Row(row: AddonView, now: DateTime<Utc>) -> impl IntoView {
    let app = format!("/apps/{}", row.app);
    view! {
        <tr>
            <Td label="Database">
                <A href=format!("/databases/{}", row.id)>{row.resource_id}</A>
            </Td>
            <Td label="State">
                <State tone=row.database_status.tone().to_owned() word=row.database_status.word().to_owned() />
            </Td>
            <Td label="App">
                <A href=app>{row.app}</A>
            </Td>
            <Td label="Plan">{row.plan.display_name}</Td>
            <Td label="PostgreSQL">{row.version.to_string()}</Td>
            <Td label="Created">
                <Time at=row.created_at now />
            </Td>
        </tr>
    }
}
