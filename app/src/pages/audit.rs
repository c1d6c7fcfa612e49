//! The audit log, for operators: newest first, filtered and paged by the address alone.
//!
//! It shows what was written down and changes nothing. For everybody else the core refuses, and writes that down, too.

use crate::{
    error::AppError,
    ui::{ButtonLink, Column, Empty, Field, Load, State, Strip, Submit, Table, Td, Time, Variant},
};
use chrono::{DateTime, Utc};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{components::A, hooks::use_query_map};
use serde::{Deserialize, Serialize};
use types::audit::{AuditFilter, AuditPage, AuditView};

/// A part of the log, and now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditRows {
    page: AuditPage,
    now: DateTime<Utc>,
}

/// The records that fit.
#[server(prefix = "/do", endpoint = "read_audit")]
pub async fn read_audit(action: String, user: String, before: Option<i64>) -> Result<AuditRows, AppError> {
    use crate::ssr;
    let filter = AuditFilter { action, user, before, ..AuditFilter::default() };
    let page = ssr::control()?.audit(&ssr::actor()?, &filter).await?;
    Ok(AuditRows { page, now: ssr::now()? })
}

/// `/audit?action=…&user=…&before=…`
#[component]
pub fn Audit() -> impl IntoView {
    let query = use_query_map();
    let filter = Memo::new(move |_| {
        let query = query.read();
        let text = |key: &str| query.get(key).unwrap_or_default().trim().to_owned();
        let before = query.get("before").and_then(|before| before.parse().ok());
        AuditFilter { action: text("action"), user: text("user"), before, ..AuditFilter::default() }
    });
    let rows = Resource::new_blocking(
        move || filter.get(),
        |filter| read_audit(filter.action, filter.user, filter.before),
    );
    view! {
        <Title text="Audit log" />
        <Strip title="Audit log" />
        <Load from=rows let:rows>
            <Whole rows filter=filter.get_untracked() />
        </Load>
    }
}

#[component]
fn Whole(rows: AuditRows, filter: AuditFilter) -> impl IntoView {
    let AuditRows { page, now } = rows;
    let newest = filter.before.is_some().then(|| href(&AuditFilter { before: None, ..filter.clone() }));
    let older = page.older.map(|seq| href(&AuditFilter { before: Some(seq), ..filter.clone() }));
    let link = |href: Option<String>, words: &'static str| {
        href.map(|href| {
            view! {
                <ButtonLink href=href small=true variant=Variant::Quiet>
                    {words}
                </ButtonLink>
            }
        })
    };
    view! {
        <div class="stack">
            <form method="get" action="/audit" class="form" data-inline=true aria-label="Which records">
                <Field label="Action begins with" name="action" value=filter.action.clone() mono=true />
                <Field label="User" name="user" value=filter.user.clone() />
                <Submit>"Show"</Submit>
            </form>
            <section class="panel">
                <Records records=page.records now />
            </section>
            <nav class="actions" aria-label="Parts of the log">
                {link(newest, "Newest")} {link(older, "Older")}
            </nav>
        </div>
    }
}

#[component]
fn Records(records: Vec<AuditView>, now: DateTime<Utc>) -> impl IntoView {
    if records.is_empty() {
        let text = "Choose another action or user, or leave both fields empty to see all.";
        return view! { <Empty title="No record fits." text /> }.into_any();
    }
    let columns = vec![
        Column::text("When"),
        Column::text("User"),
        Column::text("Action"),
        Column::text("Outcome"),
        Column::text("App and database"),
        Column::text("More"),
        Column::text("From"),
    ];
    view! {
        <Table caption="Who did what, newest first" columns>
            {records.into_iter().map(|record| view! { <Record record now /> }).collect_view()}
        </Table>
    }
    .into_any()
}

#[component]
fn Record(record: AuditView, now: DateTime<Utc>) -> impl IntoView {
    let by_user = href(&AuditFilter { user: record.username.clone(), ..AuditFilter::default() });
    let by_action = href(&AuditFilter { action: record.action.clone(), ..AuditFilter::default() });
    let (tone, word) = if record.allowed { ("ok", "done") } else { ("err", "refused") };
    let app = record.app.map(|app| view! { <A href=format!("/apps/{app}")>{app}</A> });
    let database = record.database.map(|(id, name)| view! { <A href=format!("/databases/{id}")>{name}</A> });
    view! {
        <tr>
            <Td label="When">
                <Time at=record.at now />
            </Td>
            <Td label="User">
                <a href=by_user title="Records of this user">
                    {record.username}
                </a>
            </Td>
            <Td label="Action" class="mono">
                <a href=by_action title="Records of this action">
                    {record.action}
                </a>
            </Td>
            <Td label="Outcome">
                <State tone=tone.to_owned() word=word.to_owned() />
            </Td>
            <Td label="App and database">{app} " " {database}</Td>
            <Td label="More">{record.detail}</Td>
            <Td label="From" class="mono">
                {record.ip}
            </Td>
        </tr>
    }
}

/// The address of a part.
fn href(filter: &AuditFilter) -> String {
    let texts = [("action", filter.action.as_str()), ("user", filter.user.as_str())];
    let texts = texts.into_iter().filter(|(_, text)| !text.is_empty());
    let mut parts: Vec<_> = texts.map(|(key, text)| format!("{key}={}", crate::next::encode(text))).collect();
    parts.extend(filter.before.map(|seq| format!("before={seq}")));
    if parts.is_empty() { "/audit".into() } else { format!("/audit?{}", parts.join("&")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_has_an_address() {
        let filter = AuditFilter { user: "ada & eve".into(), before: Some(7), ..AuditFilter::default() };
        assert_eq!(href(&filter), "/audit?user=ada%20%26%20eve&before=7");
        assert_eq!(href(&AuditFilter::default()), "/audit");
    }
}
