//! The databases of an app, and those that were deleted and can still be brought back.

use crate::{
    error::AppError,
    ui::{
        ButtonLink, Column, Empty, ErrorSummary, Load, Menu, MenuLink, Notice, Panel, RowForm, State, Table,
        Td, Time, Variant, moment, problem,
    },
};
use chrono::{DateTime, Utc};
use leptos::{either::Either, prelude::*};
use leptos_meta::Title;
use leptos_router::components::A;
use serde::{Deserialize, Serialize};
use types::view::AddonView;

/// What the page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResourcesPage {
    app: String,
    addons: Vec<AddonView>,
    deleted: Vec<AddonView>,
    /// Backups are left of databases that are gone for good.
    left: bool,
    notice: Option<String>,
    now: DateTime<Utc>,
}

/// The databases of `app`.
#[server(prefix = "/do", endpoint = "read_resources")]
pub async fn read_resources(app: String) -> Result<ResourcesPage, AppError> {
    use crate::ssr;
    let (control, actor) = (ssr::control()?, ssr::actor()?);
    let addons = control.addons(&actor, &app).await?;
    let deleted = control.deleted_addons(&actor, &app).await?;
    let left = !control.deleted_backups(&actor, &app).await?.is_empty();
    Ok(ResourcesPage {
        app,
        addons,
        deleted,
        left,
        notice: ssr::take_flash("notice").await,
        now: ssr::now()?,
    })
}

/// Brings a deleted database back and follows how.
#[server(prefix = "/do", endpoint = "undo_delete")]
pub async fn undo_delete(addon: String) -> Result<(), AppError> {
    use crate::ssr;
    let addon = ssr::id(&addon)?;
    let accepted = ssr::control()?.restore_addon(&ssr::actor()?, addon).await?;
    ssr::redirect(&format!("/operations/{}", accepted.operation));
    Ok(())
}

/// `/apps/{app}`
#[component]
pub fn Resources() -> impl IntoView {
    let app = super::app_name();
    let undo = ServerAction::<UndoDelete>::new();
    let page = Resource::new_blocking(move || app.get(), read_resources);
    view! {
        <ErrorSummary problem=problem(undo) />
        <Load from=page let:page>
            <Title text=page.app.clone() />
            <Notice text=page.notice />
            <div class="stack">
                {{
                    let href = super::href(&page.app, "deleted-backups");
                    let link = move || view! { <A href attr:class="link">"Backups of deleted databases"</A> };
                    page.left.then(|| view! { <p>{link()}</p> })
                }}
                {if page.addons.is_empty() {
                    Either::Left(view! { <NoDatabases app=page.app /> })
                } else {
                    Either::Right(view! { <Databases addons=page.addons now=page.now /> })
                }}
                {(!page.deleted.is_empty()).then(|| view! { <Deleted addons=page.deleted now=page.now undo /> })}
            </div>
        </Load>
    }
}

#[component]
fn NoDatabases(app: String) -> impl IntoView {
    let text = "A database here is a PostgreSQL server of its own. Its URL appears in the app's environment as \
                DATABASE_URL.";
    view! {
        <section class="panel">
            <Empty title="No database yet." text=text>
                <ButtonLink href=super::href(&app, "addons/new") variant=Variant::Primary>
                    "Add a database"
                </ButtonLink>
            </Empty>
        </section>
    }
}

#[component]
fn Databases(addons: Vec<AddonView>, now: DateTime<Utc>) -> impl IntoView {
    let columns = vec![
        Column::text("Database"),
        Column::text("State"),
        Column::text("Plan"),
        Column::text("Version"),
        Column::text("Created"),
        Column::actions("Actions"),
    ];
    let row = move |addon: AddonView| {
        let (status, href) = (addon.database_status, format!("/databases/{}", addon.id));
        let which = format!(" to {}", addon.resource_id);
        let object = addon.resource_id.clone();
        view! {
            <tr>
                <th scope="row">
                    <A href=href.clone()>{addon.resource_id}</A>
                </th>
                <Td label="State">
                    <State tone=status.tone() word=status.word() />
                </Td>
                <Td label="Plan">{addon.plan.display_name}</Td>
                <Td label="Version">"PostgreSQL " {addon.version.to_string()}</Td>
                <Td label="Created" class="subtle">
                    <Time at=addon.created_at now=now />
                </Td>
                <Td label="Actions" class="acts">
                    <ButtonLink href=format!("{href}?dialog=connect") small=true>
                        "Connect"
                        <span class="hidden">{which}</span>
                    </ButtonLink>
                    <Menu object>
                        <MenuLink href=format!("{href}/plan")>"Change plan"</MenuLink>
                        <MenuLink href=format!("{href}/metrics")>"Metrics"</MenuLink>
                        <MenuLink href=format!("{href}/settings")>"Settings"</MenuLink>
                    </Menu>
                </Td>
            </tr>
        }
    };
    view! {
        <Panel title="Databases" flush=true>
            <Table caption="Databases of this app" columns=columns>
                {addons.into_iter().map(row).collect_view()}
            </Table>
        </Panel>
    }
}

#[component]
fn Deleted(addons: Vec<AddonView>, now: DateTime<Utc>, undo: ServerAction<UndoDelete>) -> impl IntoView {
    let columns = vec![
        Column::text("Database"),
        Column::text("Deleted"),
        Column::text("Data kept until"),
        Column::actions("Actions"),
    ];
    let row = move |addon: AddonView| {
        let which = format!(" {}", addon.resource_id);
        view! {
            <tr>
                <th scope="row" class="muted">
                    {addon.resource_id}
                </th>
                <Td label="Deleted" class="subtle">
                    {addon.deleted_at.map(|at| view! { <Time at=at now=now /> })}
                </Td>
                <Td label="Data kept until">{addon.purge_at.map(moment)}</Td>
                <Td label="Actions" class="acts">
                    <RowForm action=undo fields=vec![("addon", addon.id.to_string())]>
                        "Bring back"
                        <span class="hidden">{which}</span>
                    </RowForm>
                </Td>
            </tr>
        }
    };
    view! {
        <Panel title="Deleted" flush=true>
            <Table caption="Deleted databases that can be brought back" columns=columns>
                {addons.into_iter().map(row).collect_view()}
            </Table>
        </Panel>
    }
}
