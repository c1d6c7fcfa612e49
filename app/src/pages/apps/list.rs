//! The apps that somebody may see, each with its databases.

use crate::{
    error::AppError,
    ui::{ButtonLink, Column, Empty, Load, Notice, State, Strip, Table, Td, Time, Variant, relative},
};
use chrono::{DateTime, Utc};
use leptos::{either::Either, prelude::*};
use leptos_meta::Title;
use leptos_router::{components::A, hooks::use_query_map};
use serde::{Deserialize, Serialize};
use types::{
    backup::ProofState,
    view::{ActivityView, AddonView, AppRow, LastBackup},
};

/// Which databases are listed: key of the address, words, and the tones of their states.
const STATES: [(&str, &str, &[&str]); 4] = [
    ("running", "Running", &["ok"]),
    ("changing", "Changing", &["run"]),
    ("stopped", "Stopped", &["off"]),
    ("down", "Down", &["err", "warn"]),
];

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
                Either::Right(view! { <Filtered apps=page.apps now=page.now /> })
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

/// The chips, and what they leave.
#[component]
fn Filtered(apps: Vec<AppRow>, now: DateTime<Utc>) -> impl IntoView {
    let asked = use_query_map().read_untracked().get("state");
    let chosen = STATES.iter().find(|(key, ..)| asked.as_deref() == Some(key)).copied();
    let key = chosen.map_or("", |(key, ..)| key);
    let chip = |key_of: &'static str, words: &'static str, count: usize| {
        let href = if key_of.is_empty() { "/apps".to_owned() } else { format!("/apps?state={key_of}") };
        view! {
            <a href=href aria-current=(key_of == key).then_some("true")>
                {format!("{words} ({count})")}
            </a>
        }
    };
    let count = |tones: &[&str]| databases(&apps).filter(|addon| has(addon, tones)).count();
    let chips = STATES.map(|(key, words, tones)| chip(key, words, count(tones)));
    let all = chip("", "All", databases(&apps).count());
    let shown = match chosen {
        None => apps,
        Some((.., tones)) => only(apps, tones),
    };
    let none = shown.is_empty();
    view! {
        <div class="stack">
            <nav class="segments" aria-label="State of the databases">
                {all}
                {chips}
            </nav>
            {if none {
                Either::Left(view! { <Empty title="No database is in this state." text="Choose “All” to see every app." /> })
            } else {
                Either::Right(view! { <AppTable apps=shown now /> })
            }}
        </div>
    }
}

fn databases(apps: &[AppRow]) -> impl Iterator<Item = &AddonView> {
    apps.iter().flat_map(|app| &app.addons)
}

fn has(addon: &AddonView, tones: &[&str]) -> bool {
    tones.contains(&addon.database_status.tone())
}

/// Databases whose state has one of these tones, and the apps that have any.
fn only(apps: Vec<AppRow>, tones: &[&str]) -> Vec<AppRow> {
    let kept = apps.into_iter().map(|mut app| {
        app.addons.retain(|addon| has(addon, tones));
        app
    });
    kept.filter(|app| !app.addons.is_empty()).collect()
}

/// "5 hours ago, restored as a test", and the look of it.
fn backup_words(last: Option<LastBackup>, now: DateTime<Utc>) -> (&'static str, String) {
    let Some(LastBackup { made_at, proof }) = last else { return ("off", "none".into()) };
    let (tone, words) = match proof {
        ProofState::Proven => ("ok", ", restored as a test"),
        ProofState::Refuted => ("err", ", does not restore"),
        ProofState::None | ProofState::Running | ProofState::Failed => ("off", ""),
    };
    (tone, format!("{}{words}", relative(made_at, now)))
}

#[component]
fn AppTable(apps: Vec<AppRow>, now: DateTime<Utc>) -> impl IntoView {
    let columns = vec![
        Column::text("App"),
        Column::text("Database"),
        Column::text("State"),
        Column::text("Plan"),
        Column::text("Version"),
        Column::text("Last backup"),
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
    let backups: Vec<_> = app.addons.iter().map(|addon| app.last_backup(addon.id)).collect();
    let mut rows = app.addons.into_iter().zip(backups);
    let first = rows.next();
    let more = rows.len();
    let (href, add) = (super::href(&app.name, ""), super::href(&app.name, "addons/new"));
    let name = view! { <A href=href>{app.name}</A> };
    let event = app.last_event.map(|event| view! { <LastEvent event now /> });
    let first = match first {
        Some((addon, last)) => Either::Left(view! { <AddonCells addon last now /> }),
        None => Either::Right(view! {
            <td data-label="Database" colspan="5">
                <A href=add attr:class="link">
                    "Add a database"
                </A>
            </td>
        }),
    };
    let more_rows = rows.map(|(addon, last)| view! { <tr><AddonCells addon last now /></tr> }).collect_view();
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
fn AddonCells(addon: AddonView, last: Option<LastBackup>, now: DateTime<Utc>) -> impl IntoView {
    let status = addon.database_status;
    let (tone, words) = backup_words(last, now);
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
        <Td label="Last backup">
            <State tone=tone.to_owned() word=words />
        </Td>
    }
}

#[component]
fn LastEvent(event: ActivityView, now: DateTime<Utc>) -> impl IntoView {
    view! { {event.title} " " <Time at=event.at now=now /> }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::status::DatabaseStatus;

    #[test]
    fn every_state_has_a_chip() {
        use DatabaseStatus as S;
        for status in [S::Creating, S::Running, S::Migrating, S::Updating, S::Upgrading, S::Stopped, S::Down]
        {
            let chips = STATES.iter().filter(|(.., tones)| tones.contains(&status.tone())).count();
            assert_eq!(chips, 1, "{status:?}");
        }
    }

    #[test]
    fn a_last_backup_says_what_is_known_of_it() {
        let now = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let made_at = now - chrono::TimeDelta::hours(5);
        let told = |proof| backup_words(Some(LastBackup { made_at, proof }), now);
        assert_eq!(told(ProofState::Proven), ("ok", "5 hours ago, restored as a test".into()));
        assert_eq!(told(ProofState::Refuted).0, "err");
        assert_eq!(told(ProofState::None), ("off", "5 hours ago".into()));
        assert_eq!(backup_words(None, now), ("off", "none".into()));
    }
}
