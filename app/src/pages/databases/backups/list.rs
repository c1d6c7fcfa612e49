//! The list of backups: a row for each, the newest on top, with what can be done with it.

use super::{
    acts::Acts,
    told::{bytes, clock, kept_as, moment_of, standing},
};
use crate::ui::{ButtonLink, Column, Menu, MenuLink, Pill, RowForm, Submit, Table, Td, Variant, moment};
use chrono::{DateTime, Utc};
use leptos::{either::Either, prelude::*, server_fn::ServerFn};
use types::{
    AddonId, BackupId,
    backup::{BackupMethod, BackupStatus, BackupView},
    operation::duration,
};

/// The table.
#[component]
pub fn List(
    /// The database.
    id: AddonId,
    /// Its backups, newest first.
    backups: Vec<BackupView>,
    /// What the buttons post to.
    acts: Acts,
    /// Now, as the page's data has it.
    now: DateTime<Utc>,
) -> impl IntoView {
    let columns = vec![
        Column::text("Created (UTC)"),
        Column::text("Kind"),
        Column::num("Size"),
        Column::num("Took"),
        Column::text("Proof"),
        Column::actions("Actions"),
    ];
    let row = move |backup| view! { <Row id backup acts now /> };
    view! {
        <Table caption="Backups, newest first" columns>
            {backups.into_iter().map(row).collect_view()}
        </Table>
    }
}

#[component]
fn Row(id: AddonId, backup: BackupView, acts: Acts, now: DateTime<Utc>) -> impl IntoView {
    let (at, method, late) = (moment_of(&backup), backup.method.word(), backup.late);
    let (page, size) = (page_of(id, backup.id), bytes(&backup));
    let (row, status) = (format!("backup-{}", backup.id), backup.status.as_str());
    let stands = backup.clone();
    let took = backup.took_ms(now).map_or_else(|| "–".to_owned(), duration);
    let kept = kept_as(&backup).map(|kept| view! { <span class="under">{kept}</span> });
    view! {
        <tr id=row data-status=status>
            <th scope="row">
                <a href=page>
                    <time datetime=at.to_rfc3339() title=moment(at)>
                        {clock(at, now)}
                    </time>
                </a>
                {late.then(|| view! { " " <Pill tone="warn" text="late" /> })}
            </th>
            <Td label="Kind">{method} {kept}</Td>
            <Td label="Size" class="num">
                {size}
            </Td>
            <Td label="Took" class="num">
                {took}
            </Td>
            <Td label="Proof" class="proof">
                <Stands backup=stands now />
            </Td>
            <Td label="Actions" class="acts">
                <Can id backup acts named=clock(at, now) />
            </Td>
        </tr>
    }
}

/// How it stands, and what is told under that.
#[component]
pub fn Stands(
    /// The backup.
    backup: BackupView,
    /// Now, as the page's data has it.
    now: DateTime<Utc>,
) -> impl IntoView {
    let told = standing(&backup, now);
    let more = (!told.more.is_empty()).then(|| view! { <span class="under">{told.more}</span> });
    view! {
        <Pill tone=told.tone text=told.word />
        {more}
    }
}

/// What can be done with it now.
#[component]
fn Can(id: AddonId, backup: BackupView, acts: Acts, named: String) -> impl IntoView {
    let page = page_of(id, backup.id);
    let operation = backup.operation.to_string();
    match backup.status {
        BackupStatus::Done => Either::Left(view! {
            <DownloadForm backup=backup.id acts named=named.clone() />
            <Menu object=format!("the backup of {named}")>
                <MenuLink href=page.clone()>"Details"</MenuLink>
                <MenuLink href=format!("{page}#restore")>"Restore …"</MenuLink>
            </Menu>
        }),
        BackupStatus::Scheduled | BackupStatus::Running if backup.method != BackupMethod::Safety => {
            Either::Right(Either::Left(view! {
                <RowForm action=acts.cancel fields=vec![("id", id.to_string()), ("operation", operation)]>
                    "Cancel"
                    <span class="hidden">" the backup of " {named}</span>
                </RowForm>
            }))
        }
        // It is part of a restore, or ends without anybody: its operation says more than its own page.
        BackupStatus::Scheduled | BackupStatus::Running | BackupStatus::Cancelling => {
            let href = format!("/operations/{operation}");
            Either::Right(Either::Right(view! { <Quiet href words="Follow" named /> }))
        }
        BackupStatus::Error | BackupStatus::Cancelled => {
            Either::Right(Either::Right(view! { <Quiet href=page words="Details" named /> }))
        }
    }
}

#[component]
fn Quiet(href: String, words: &'static str, named: String) -> impl IntoView {
    view! {
        <ButtonLink href small=true variant=Variant::Quiet>
            {words}
            <span class="hidden">" of the backup of " {named}</span>
        </ButtonLink>
    }
}

/// The button that begins a download. The page stays, so it works again and again.
#[component]
pub fn DownloadForm(
    /// Which one.
    backup: BackupId,
    /// What it posts to.
    acts: Acts,
    /// "20 Nov, 01:00", for people who do not see the row.
    named: String,
    /// It is what the page is for, and no side way of a row.
    #[prop(optional)]
    main: bool,
) -> impl IntoView {
    let _ = acts.download;
    let variant = if main { Variant::Primary } else { Variant::Plain };
    view! {
        <form method="post" action=super::acts::DownloadBackup::url() class="row-form" data-stays>
            <input type="hidden" name="backup" value=backup.to_string() />
            <Submit variant small=true>
                "Download"
                <span class="hidden">" the backup of " {named}</span>
            </Submit>
        </form>
    }
}

/// The page of one backup.
pub fn page_of(id: AddonId, backup: BackupId) -> String {
    format!("/databases/{id}/backups/{backup}")
}
