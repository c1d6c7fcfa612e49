//! One backup: what it is, whether it is proven, how it is used elsewhere, and the ways to restore it.

use super::{
    acts::{Acts, ProveBackup, RestoreBeside, RestoreInPlace},
    following::Following,
    list::{DownloadForm, Stands},
    restore::Restore,
    told::{bytes, clock, every, moment_of},
};
use crate::{
    error::AppError,
    live::Reload,
    pages::databases::layout::ThisDatabase,
    ui::{
        Breadcrumb, CodeBlock, Crumb, ErrorSummary, Fact, Facts, Load, Panel, Pill, RowForm, Time, moment,
        problem,
    },
};
use chrono::{DateTime, Utc};
use leptos::{either::Either, prelude::*};
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
use serde::{Deserialize, Serialize};
use types::{
    Plan,
    backup::{BackupStatus, BackupView, ProofState, ProofView},
    operation::duration,
    plan::size,
    view::AddonView,
};

/// What the page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BackupPage {
    backup: BackupView,
    plans: Vec<Plan>,
    now: DateTime<Utc>,
}

/// One backup of a database.
#[server(prefix = "/do", endpoint = "backup")]
pub async fn read_backup(id: String, backup: String) -> Result<BackupPage, AppError> {
    use crate::{address, ssr};
    let (control, actor) = (ssr::control()?, ssr::actor()?);
    let id = address::database(&id).inspect_err(ssr::refuse)?;
    let wanted: types::BackupId = ssr::id(&backup)?;
    // From the list: only that knows as what each is kept.
    let all = control.backups(&actor, id).await?.backups;
    let gone = || AppError::not_found("backup");
    let backup = all.into_iter().find(|one| one.id == wanted).ok_or_else(gone).inspect_err(ssr::refuse)?;
    Ok(BackupPage { backup, plans: control.plans().to_vec(), now: ssr::now()? })
}

/// What its forms post to.
#[derive(Clone, Copy)]
struct Forms {
    acts: Acts,
    prove: ServerAction<ProveBackup>,
    beside: ServerAction<RestoreBeside>,
    in_place: ServerAction<RestoreInPlace>,
}

/// `/databases/{id}/backups/{backup}`.
#[component]
pub fn OneBackup() -> impl IntoView {
    let params = use_params_map();
    let ThisDatabase(database) = ThisDatabase::expect();
    let word = move |name: &str| params.read().get(name).unwrap_or_default();
    let page =
        Resource::new_blocking(move || (word("id"), word("backup")), |(id, backup)| read_backup(id, backup));
    let forms = Forms {
        acts: Acts::new(),
        prove: ServerAction::new(),
        beside: ServerAction::new(),
        in_place: ServerAction::new(),
    };
    let both = move |addon: AddonView| {
        view! {
            <Load from=page let:page>
                <Whole addon=addon.clone() page forms />
            </Load>
        }
    };
    view! {
        <Load from=database quiet=true let:data>
            {both(data.view.addon)}
        </Load>
    }
}

#[component]
fn Whole(addon: AddonView, page: BackupPage, forms: Forms) -> impl IntoView {
    let BackupPage { backup, plans, now } = page;
    let named = clock(moment_of(&backup), now);
    let whole = backup.status == BackupStatus::Done;
    let every = every(std::slice::from_ref(&backup));
    let (moves, state) = (every == 1, backup.status.as_str());
    let restores = whole && addon.deleted_at.is_none();
    let rest = whole.then(|| view! { <Elsewhere backup=backup.clone() /> });
    let restore = restores.then(|| {
        let (backup, addon) = (backup.clone(), addon.clone());
        view! { <Restore addon backup plans beside=forms.beside in_place=forms.in_place /> }
    });
    view! {
        <Title text=format!("Backup of {named} · {}", addon.resource_id) />
        {moves.then(|| view! { <Reload seconds=3 /> })}
        <div class="stack">
            <Breadcrumb way=vec![
                Crumb::link("Backups", format!("/databases/{}/backups", addon.id)),
                Crumb::here(format!("{named} UTC")),
            ] />
            <ErrorSummary problem=problem(forms.acts.download) />
            <ErrorSummary problem=problem(forms.prove) />
            <div class="backups-live stack" data-every=every.to_string() data-state=state>
                <What backup=backup.clone() acts=forms.acts now />
                <Proof backup=backup.clone() prove=forms.prove now />
            </div>
            <Following />
            {rest}
            {restore}
        </div>
    }
}

/// Facts.
#[component]
fn What(backup: BackupView, acts: Acts, now: DateTime<Utc>) -> impl IntoView {
    let named = clock(moment_of(&backup), now);
    let whole = backup.status == BackupStatus::Done;
    let id = backup.id;
    let aside = {
        let named = named.clone();
        move || whole.then(|| view! { <DownloadForm backup=id acts named main=true /> })
    };
    let took = backup.took_ms(now).map(|ms| {
        let rate = backup.rate(now).filter(|rate| *rate > 0);
        format!("{}{}", duration(ms), rate.map(|rate| format!(", {}/s", size(rate))).unwrap_or_default())
    });
    let held = backup.made_at.map(|at| view! { <Fact name="Holds the data of">{moment(at)}</Fact> });
    let name = backup.name.clone().map(|name| {
        view! {
            <Fact name="Name">
                <code>{name}</code>
            </Fact>
        }
    });
    let sum = backup.sha256.clone().map(|sum| {
        view! {
            <Fact name="SHA-256 of the dump">
                <code>{sum}</code>
            </Fact>
        }
    });
    let kept = Some(backup.kept_as.clone()).filter(|kept| backup.good() && !kept.is_empty());
    let kept = kept.map(|kept| view! { <Fact name="Kept as">{kept}</Fact> });
    let sizes = if whole {
        format!("{} to download, {} of it the dump", bytes(&backup), size(backup.bytes))
    } else {
        bytes(&backup)
    };
    let kind = format!("{}{}", backup.method.word(), if backup.late { ", late" } else { "" });
    let (version, operation) = (backup.version.clone(), format!("/operations/{}", backup.operation));
    view! {
        <Panel title=format!("Backup of {named} UTC") aside>
            <Facts>
                <Fact name="State">
                    <Stands backup now />
                </Fact>
                <Fact name="Kind">{kind}</Fact>
                {kept}
                {held}
                <Fact name="Size">{sizes}</Fact>
                <Fact name="Took">{took.unwrap_or_else(|| "–".into())}</Fact>
                <Fact name="Made with">"PostgreSQL " {version}</Fact>
                {name}
                {sum}
                <Fact name="Id">
                    <code>{id.to_string()}</code>
                </Fact>
                <Fact name="Operation">
                    <a class="link" href=operation>
                        "How it was made"
                    </a>
                </Fact>
            </Facts>
        </Panel>
    }
}

/// Its trial restore.
#[component]
fn Proof(backup: BackupView, prove: ServerAction<ProveBackup>, now: DateTime<Utc>) -> impl IntoView {
    if backup.status != BackupStatus::Done {
        return Either::Left(());
    }
    let tone = backup.proof.tone();
    let ProofView { state, at, words, operation, .. } = backup.proof.clone();
    let explained = match state {
        ProofState::None => {
            "It will be restored in a throw-away server when the machine is idle, and compared with what the database held."
        }
        ProofState::Running => {
            "It is being restored in a throw-away server and compared with what the database held."
        }
        ProofState::Proven => {
            "It was restored in a throw-away server: every table has as many rows as the database had, its schema is the same, and its indexes are sound."
        }
        ProofState::Refuted => "What it gives back is not what the database held.",
        ProofState::Failed => "The trial itself could not be made. Nothing was learned of the backup.",
    };
    let when = at.map(|at| view! { <Fact name="Tried"><Time at now /></Fact> });
    let how = operation.map(|operation| {
        view! {
            <Fact name="Operation">
                <a class="link" href=format!("/operations/{operation}")>
                    "How it was tried"
                </a>
            </Fact>
        }
    });
    let words = (state != ProofState::Running && !words.is_empty()).then(|| {
        let each = words.into_iter().map(|word| view! { <li>{word}</li> }).collect_view();
        view! { <ul class="plain-list">{each}</ul> }
    });
    let facts = (when.is_some() || how.is_some()).then(|| view! { <Facts>{when} {how}</Facts> });
    let label = if state == ProofState::None { "Try it now" } else { "Try it again now" };
    let again = (state != ProofState::Running).then(|| {
        let fields = vec![("backup", backup.id.to_string())];
        view! {
            <div class="actions">
                <RowForm action=prove fields large=true>
                    {label}
                </RowForm>
            </div>
        }
    });
    Either::Right(view! {
        <Panel title="Proof">
            <div class="stack">
                <p>
                    <Pill tone text=backup.proof.badge() />
                </p>
                <p>{explained}</p>
                {words}
                {facts}
                {again}
            </div>
        </Panel>
    })
}

/// The documented way to use the archive anywhere.
#[component]
fn Elsewhere(backup: BackupView) -> impl IntoView {
    let archive = backup.name.unwrap_or_default();
    let dump = archive.replace(".tar.gz", ".pgsql");
    let unpack = format!("tar -xzf {archive}");
    let restore = format!(
        "pg_restore --clean --if-exists --no-owner --no-privileges --no-comments \\\n  --dbname \"$DATABASE_URL\" {dump}"
    );
    view! {
        <Panel title="Restore it anywhere">
            <div class="stack">
                <p>
                    "The archive holds one dump in PostgreSQL’s custom format. With PostgreSQL’s own tools, of this version or newer, it restores into any database:"
                </p>
                <CodeBlock text=unpack name="the command that unpacks it" />
                <CodeBlock text=restore name="the command that restores it" />
            </div>
        </Panel>
    }
}
