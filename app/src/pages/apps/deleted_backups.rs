//! Backups of an app's databases that are gone for good: each can be downloaded, and a new database can begin with it.

use crate::{
    error::AppError,
    pages::databases::backups::{Acts, DownloadForm, RestoreBeside, Stands, bytes, clock, moment_of},
    ui::{Column, Empty, ErrorSummary, Load, Panel, RowForm, Table, Td, moment, problem},
};
use chrono::{DateTime, Utc};
use leptos::{either::Either, prelude::*};
use leptos_meta::Title;
use serde::{Deserialize, Serialize};
use types::backup::{BackupView, DeletedBackups};

/// What the page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeletedBackupsPage {
    app: String,
    databases: Vec<DeletedBackups>,
    now: DateTime<Utc>,
}

/// The backups of `app`'s databases that are gone.
#[server(prefix = "/do", endpoint = "deleted_backups")]
pub async fn read_deleted_backups(app: String) -> Result<DeletedBackupsPage, AppError> {
    use crate::ssr;
    let databases = ssr::control()?.deleted_backups(&ssr::actor()?, &app).await?;
    Ok(DeletedBackupsPage { app, databases, now: ssr::now()? })
}

/// What its forms post to.
#[derive(Clone, Copy)]
struct Forms {
    acts: Acts,
    beside: ServerAction<RestoreBeside>,
}

/// `/apps/{app}/deleted-backups`
#[component]
pub fn BackupsOfDeleted() -> impl IntoView {
    let app = super::app_name();
    let forms = Forms { acts: Acts::new(), beside: ServerAction::new() };
    let page = Resource::new_blocking(move || app.get(), read_deleted_backups);
    view! {
        <ErrorSummary problem=problem(forms.acts.download) />
        <ErrorSummary problem=problem(forms.beside) />
        <Load from=page let:page>
            <Title text=format!("Backups of deleted databases · {}", page.app) />
            <div class="stack">
                {if page.databases.is_empty() {
                    Either::Left(view! { <NoBackups /> })
                } else {
                    let now = page.now;
                    let each = move |of| view! { <Database of now forms /> };
                    Either::Right(page.databases.into_iter().map(each).collect_view())
                }}
            </div>
        </Load>
    }
}

#[component]
fn NoBackups() -> impl IntoView {
    let text = "Backups of a database live on after it is deleted, for as long as its plan says.";
    view! {
        <section class="panel">
            <Empty title="No backups of deleted databases." text />
        </section>
    }
}

/// One database that was.
#[component]
fn Database(of: DeletedBackups, now: DateTime<Utc>, forms: Forms) -> impl IntoView {
    let columns = vec![
        Column::text("Created (UTC)"),
        Column::text("Kind"),
        Column::num("Size"),
        Column::text("Proof"),
        Column::actions("Actions"),
    ];
    let row = move |backup: BackupView| {
        let (at, method, size) = (moment_of(&backup), backup.method.word(), bytes(&backup));
        let (id, named) = (backup.id, clock(at, now));
        view! {
            <tr>
                <th scope="row">
                    <time datetime=at.to_rfc3339() title=moment(at)>
                        {named.clone()}
                    </time>
                </th>
                <Td label="Kind">{method}</Td>
                <Td label="Size" class="num">
                    {size}
                </Td>
                <Td label="Proof" class="proof">
                    <Stands backup now />
                </Td>
                <Td label="Actions" class="acts">
                    <DownloadForm backup=id acts=forms.acts named=named.clone() />
                    <RowForm
                        action=forms.beside
                        fields=vec![("backup", id.to_string()), ("plan", String::new())]
                    >
                        "Restore as new"
                        <span class="hidden">" database from the backup of " {named}</span>
                    </RowForm>
                </Td>
            </tr>
        }
    };
    let (title, id) = (of.resource_id.clone(), of.addon.to_string());
    let aside = move || view! { <code>{id}</code> };
    view! {
        <Panel title flush=true aside>
            <Table caption=format!("Backups of {}, newest first", of.resource_id) columns>
                {of.backups.into_iter().map(row).collect_view()}
            </Table>
        </Panel>
    }
}
