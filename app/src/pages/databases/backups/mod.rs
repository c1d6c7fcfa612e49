//! Backups of a database: how it stands with them, the list, the schedule, and what a restore has left.
//!
//! It decides nothing: when one is due, which one goes and what may be restored is the core's. While something moves the
//! page renews itself; all of it is in the store, so a reload shows the same.

mod acts;
mod following;
mod glance;
mod list;
mod one;
mod replaced;
mod restore;
mod schedule;
mod told;

pub use acts::{Acts, RestoreBeside};
pub use glance::{Backups as BackupsGlance, Glance, backups_glance};
pub use list::{DownloadForm, Stands};
pub use one::OneBackup;
pub use told::{bytes, clock, moment_of};

use super::{
    deleted::DeletedDatabase,
    tab::{Beside, NotOffered},
};
use crate::{
    error::AppError,
    live::Reload,
    ui::{Dot, Empty, ErrorSummary, Notice, Panel, RowForm, Variant, moment, problem, the_command},
};
use acts::{BringBackReplaced, DropReplaced, RotateArchiveKey, SetBackupSchedule};
use chrono::{DateTime, Utc};
use following::Following;
use leptos::{either::Either, prelude::*};
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
use list::List;
use replaced::Replaced;
use schedule::ScheduleCard;
use serde::{Deserialize, Serialize};
use told::{every, intact, last_failed, rule};
use types::{
    AddonId,
    backup::{BackupView, BackupsView},
    command::Act,
    view::{AddonView, DatabaseView},
};

/// What the page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BackupsPage {
    view: BackupsView,
    notice: Option<String>,
    now: DateTime<Utc>,
}

/// The backups of a database.
#[server(prefix = "/do", endpoint = "backups")]
pub async fn backups(id: String) -> Result<BackupsPage, AppError> {
    use crate::{address, ssr};
    let (control, actor) = (ssr::control()?, ssr::actor()?);
    let id = address::database(&id).inspect_err(ssr::refuse)?;
    let view = control.backups(&actor, id).await?;
    Ok(BackupsPage { view, notice: ssr::take_flash("notice").await, now: ssr::now()? })
}

/// What its forms post to.
#[derive(Clone, Copy)]
struct Forms {
    acts: Acts,
    set: ServerAction<SetBackupSchedule>,
    rotate: ServerAction<RotateArchiveKey>,
    bring_back: ServerAction<BringBackReplaced>,
    let_go: ServerAction<DropReplaced>,
}

/// `/databases/{id}/backups`.
#[component]
pub fn BackupList() -> impl IntoView {
    let params = use_params_map();
    let page = Resource::new_blocking(move || params.read().get("id").unwrap_or_default(), backups);
    let forms = Forms {
        acts: Acts::new(),
        set: ServerAction::new(),
        rotate: ServerAction::new(),
        bring_back: ServerAction::new(),
        let_go: ServerAction::new(),
    };
    view! { <Beside own=page show=move |view, page| view! { <Whole view page forms /> } /> }
}

#[component]
fn Whole(view: DatabaseView, page: BackupsPage, forms: Forms) -> impl IntoView {
    let addon = view.addon;
    let deleted = addon.deleted_at.is_some();
    let moves = every(&page.view.backups) == 1;
    let title = format!("Backups · {}", addon.resource_id);
    let gone = deleted.then(|| view! { <DeletedDatabase addon=addon.clone() now=view.now /> });
    let acts = forms.acts;
    view! {
        <Title text=title />
        {moves.then(|| view! { <Reload seconds=2 /> })}
        <Notice text=page.notice.clone() />
        <ErrorSummary problem=problem(acts.back_up) />
        <ErrorSummary problem=problem(acts.cancel) />
        <ErrorSummary problem=problem(acts.download) />
        <div class="stack">
            {gone}
            <Parts addon deleted page forms />
        </div>
    }
}

/// The list on the left, the schedule on the right; one below the other where there is no room.
#[component]
fn Parts(addon: AddonView, deleted: bool, page: BackupsPage, forms: Forms) -> impl IntoView {
    let BackupsPage { view, now, .. } = page;
    let (id, acts) = (addon.id, forms.acts);
    if !view.offered && view.backups.is_empty() {
        return Either::Left(view! {
            <NotOffered
                addon
                what="backups"
                text="Other plans make one every day, keep several of them, and try each by restoring it. The data stays when the plan changes."
            />
        });
    }
    let replaced = (view.replaced && !deleted).then(|| {
        let name = addon.resource_id.clone();
        view! { <Replaced id name bring_back=forms.bring_back let_go=forms.let_go /> }
    });
    let schedule = (addon.plan.daily_backups > 0 && !deleted).then(|| {
        view! { <ScheduleCard id view=view.clone() set=forms.set rotate=forms.rotate now /> }
    });
    let told = view.clone();
    let command = (view.manual_kept > 0 && !deleted).then(|| the_command(id, &Act::BackUp));
    let (every, alone) = (every(&view.backups).to_string(), schedule.is_none());
    Either::Right(view! {
        <div class="backups-page" data-alone=alone>
            <div class="stack">
                {replaced}
                <div class="backups-live stack" data-every=every>
                    <Trouble id view=told deleted acts now />
                    <All id view deleted acts now />
                </div>
                <Following />
                {command}
            </div>
            {schedule}
        </div>
    })
}

/// How it stands: what failed and what is left of it, what is overdue, or one calm sentence.
#[component]
fn Trouble(id: AddonId, view: BackupsView, deleted: bool, acts: Acts, now: DateTime<Utc>) -> impl IntoView {
    if deleted {
        return Either::Left(());
    }
    let can = view.manual_kept > 0 && view.live().is_none();
    let button = move |words: &'static str| {
        can.then(|| {
            view! {
                <div class="actions">
                    <RowForm action=acts.back_up fields=vec![("id", id.to_string())] large=true>
                        {words}
                    </RowForm>
                </div>
            }
        })
    };
    let failed = last_failed(&view).map(|backup| {
        let why = backup.error.clone().unwrap_or_else(|| "its cause is not known.".into());
        let left = intact(view.last_good(), now);
        (format!("Backup failed: {why}"), left)
    });
    let health = view.health.clone();
    Either::Right(match (failed, health) {
        (Some((title, left)), health) => {
            let overdue = health.filter(|(state, _)| state != "healthy").map(|(_, sentence)| sentence);
            Either::Left(view! {
                <section class="warning" aria-labelledby="backup-trouble">
                    <div>
                        <h2 id="backup-trouble">{title}</h2>
                        <p>{left} " " {overdue}</p>
                    </div>
                    {button("Try now")}
                </section>
            })
        }
        (None, Some((state, sentence))) if state != "healthy" => {
            let title = if state == "stale" { "Backups are stale." } else { "A backup is overdue." };
            Either::Left(view! {
                <section class="warning" aria-labelledby="backup-trouble">
                    <div>
                        <h2 id="backup-trouble">{title.to_owned()}</h2>
                        <p>{sentence} " " {None::<String>}</p>
                    </div>
                    {button("Back up now")}
                </section>
            })
        }
        (None, health) => Either::Right(health.map(|(_, sentence)| {
            view! {
                <section class="panel sentence" aria-label="State of the backups">
                    <p class="sentence-line">
                        <Dot tone="ok" />
                        <span class="sentence-text">{sentence}</span>
                    </p>
                </section>
            }
        })),
    })
}

/// The list with its head.
#[component]
fn All(id: AddonId, view: BackupsView, deleted: bool, acts: Acts, now: DateTime<Utc>) -> impl IntoView {
    let can = view.manual_kept > 0 && !deleted;
    let (none, live) = (view.backups.is_empty(), view.live().is_some());
    let fields = vec![("id", id.to_string())];
    let announced = rule(&view, now).filter(|_| can && !live);
    let announced = announced.map(|rule| view! { <p class="hint backups-rule" id="backups-rule">{rule}</p> });
    let count = can.then(|| format!("{} of {} manual kept", view.manual, view.manual_kept));
    let again = fields.clone();
    let aside = move || {
        let trigger = (can && !none && !live).then(|| {
            view! {
                <RowForm action=acts.back_up fields=again variant=Variant::Primary>
                    "Trigger manual backup"
                </RowForm>
            }
        });
        view! {
            <span>{count}</span>
            {trigger}
        }
    };
    let body = if none {
        Either::Left(view! { <NoneYet next_at=view.schedule.next_at deleted can fields acts /> })
    } else {
        Either::Right(view! { <List id backups=in_order(view.backups) acts now /> })
    };
    view! {
        <Panel title="Backups" flush=true aside>
            {announced}
            {body}
        </Panel>
    }
}

/// What is being made stands on top, whenever it was asked for.
fn in_order(mut backups: Vec<BackupView>) -> Vec<BackupView> {
    backups.sort_by_key(|backup| backup.status.ended());
    backups
}

#[component]
fn NoneYet(
    next_at: Option<DateTime<Utc>>,
    deleted: bool,
    can: bool,
    fields: Vec<(&'static str, String)>,
    acts: Acts,
) -> impl IntoView {
    if deleted {
        let text = "None had been made when the database was deleted.";
        return Either::Left(view! { <Empty title="There are no backups." text /> });
    }
    let text = match next_at {
        Some(at) => format!("The first runs {}. Each is restored for a trial afterwards.", moment(at)),
        None => "None is made by itself: the schedule is switched off.".into(),
    };
    let button = move || {
        can.then(|| {
            view! {
                <RowForm action=acts.back_up fields variant=Variant::Primary large=true>
                    "Back up now"
                </RowForm>
            }
        })
    };
    Either::Right(view! { <Empty title="No backups yet." text>{button()}</Empty> })
}
