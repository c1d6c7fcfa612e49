//! The apps that somebody may see, each with its databases.

use crate::{
    error::AppError,
    ui::{ButtonLink, Column, Empty, Load, Notice, State, Strip, Table, Td, Time, Variant},
};
use chrono::{DateTime, Utc};
use leptos::{either::Either, prelude::*};
use leptos_meta::Title;
use leptos_router::components::A;
use serde::{Deserialize, Serialize};
use types::view::{ActivityView, AddonView, AppRow};

/// What the page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AppsPage {
    apps: Vec<AppRow>,
    notice: Option<String>,
    now: DateTime<Utc>,
}

/// The apps.
#[server(prefix = "/do", endpoint = "read_apps")]
pub async fn read_apps() -> Result<AppsPage, AppError> {
    use crate::ssr;
    let apps = ssr::control()?.apps(&ssr::actor()?).await?;
    Ok(AppsPage { apps, notice: ssr::take_flash("notice").await, now: ssr::now()? })
}

/// `/apps`
#[component]
pub fn Apps() -> impl IntoView {
    let page = Resource::new_blocking(|| (), |()| read_apps());
    let create = || view! { <ButtonLink href="/apps/new" variant=Variant::Primary>"Create app"</ButtonLink> };
    view! {
        <Title text="Apps" />
        <Strip title="Apps" actions=create />
        <Load from=page let:page>
            <Notice text=page.notice />
            {if page.apps.is_empty() {
                Either::Left(view! { <NoApps /> })
            } else {
                Either::Right(view! { <AppTable apps=page.apps now=page.now /> })
            }}
        </Load>
    }
}

#[component]
fn NoApps() -> impl IntoView {
    view! {
        <section class="panel">
            <Empty
                title="No apps yet."
                text="An app groups databases and the variables that reach them: one app for each service of yours."
            >
                <ButtonLink href="/apps/new" variant=Variant::Primary>
                    "Create app"
                </ButtonLink>
            </Empty>
        </section>
    }
}

#[component]
fn AppTable(apps: Vec<AppRow>, now: DateTime<Utc>) -> impl IntoView {
    let columns = vec![
        Column::text("App"),
        Column::text("Database"),
        Column::text("State"),
        Column::text("Plan"),
        Column::text("Version"),
        Column::text("Last event"),
    ];
    let body = move |app: AppRow| view! { <AppBody app now /> };
    view! {
        <section class="panel">
            <Table caption="Your apps and their databases" columns=columns grouped=true>
                {apps.into_iter().map(body).collect_view()}
            </Table>
        </section>
    }
}

/// One app: a row for each of its databases.
#[component]
fn AppBody(app: AppRow, now: DateTime<Utc>) -> impl IntoView {
    let mut rows = app.addons.into_iter();
    let first = rows.next();
    let more = rows.len();
    let (href, add) = (super::href(&app.name, ""), super::href(&app.name, "addons/new"));
    let name = view! { <A href=href>{app.name}</A> };
    let event = app.last_event.map(|event| view! { <LastEvent event now /> });
    let first = match first {
        Some(addon) => Either::Left(view! { <AddonCells addon /> }),
        None => Either::Right(view! {
            <td data-label="Database" colspan="4">
                <A href=add attr:class="link">
                    "Add a database"
                </A>
            </td>
        }),
    };
    let more_rows = rows.map(|addon| view! { <tr><AddonCells addon /></tr> }).collect_view();
    view! {
        <tbody>
            <tr>
                <th scope="rowgroup" rowspan=more + 1>
                    {name}
                </th>
                {first}
                <td data-label="Last event" class="subtle" rowspan=more + 1>
                    {event}
                </td>
            </tr>
            {more_rows}
        </tbody>
    }
}

#[component]
fn AddonCells(addon: AddonView) -> impl IntoView {
    let status = addon.database_status;
    view! {
        <Td label="Database">
            <A href=format!("/databases/{}", addon.id) attr:class="muted">
                {addon.resource_id}
            </A>
        </Td>
        <Td label="State">
            <State tone=status.tone() word=status.word() />
        </Td>
        <Td label="Plan">{addon.plan.display_name}</Td>
        <Td label="Version">{addon.version.to_string()}</Td>
    }
}

#[component]
fn LastEvent(event: ActivityView, now: DateTime<Utc>) -> impl IntoView {
    view! { {event.title} " " <Time at=event.at now=now /> }
}
