//! One operation: its steps as they happen, its log, what is safe, and what can be done about it.
//!
//! The page is whole as the server sends it. While the operation runs, a live stream replaces the view; without
//! scripts the page loads itself again.

use super::{log::Log, steps::Steps};
use crate::error::AppError;
use crate::live::{Live, Reload, follow};
use crate::ui::{
    Breadcrumb, ButtonLink, Crumb, ErrorSummary, Load, Progress, State, Strip, Submit, Time, Variant, problem,
};
use leptos::{prelude::*, server_fn::ServerFn};
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
use types::operation::{OperationStatus, OperationView, duration};

/// An operation, whole.
#[server(prefix = "/do", endpoint = "operation")]
pub async fn operation(id: String) -> Result<OperationView, AppError> {
    use crate::{address, ssr};
    let (control, actor) = (ssr::control()?, ssr::actor()?);
    let id = address::operation(&id).inspect_err(ssr::refuse)?;
    Ok(control.operation(&actor, id).await?)
}

/// Asks a running operation to stop and take back what it made.
#[server(prefix = "/do", endpoint = "cancel_operation")]
pub async fn cancel_operation(id: String) -> Result<(), AppError> {
    use crate::{address, ssr};
    let (control, actor) = (ssr::control()?, ssr::actor()?);
    control.cancel_operation(&actor, address::operation(&id)?).await?;
    ssr::redirect(&format!("/operations/{id}"));
    Ok(())
}

/// Goes on where a failed operation stopped.
#[server(prefix = "/do", endpoint = "retry_operation")]
pub async fn retry_operation(id: String) -> Result<(), AppError> {
    use crate::{address, ssr};
    let (control, actor) = (ssr::control()?, ssr::actor()?);
    control.retry_operation(&actor, address::operation(&id)?).await?;
    ssr::redirect(&format!("/operations/{id}"));
    Ok(())
}

/// `/operations/{id}`.
#[component]
pub fn OperationPage() -> impl IntoView {
    let params = use_params_map();
    let id = move || params.read().get("id").unwrap_or_default();
    let cancel = ServerAction::<CancelOperation>::new();
    let retry = ServerAction::<RetryOperation>::new();
    let source = move || (id(), cancel.version().get(), retry.version().get());
    let page = Resource::new_blocking(source, |(id, _, _)| operation(id));
    view! {
        <ErrorSummary problem=problem(cancel) />
        <ErrorSummary problem=problem(retry) />
        <Load from=page let:first>
            <Operation first />
        </Load>
    }
}

#[component]
fn Operation(first: OperationView) -> impl IntoView {
    let running = !first.status.ended();
    view! {
        <Title text=tab_title(&first) />
        <Breadcrumb way=way(&first) />
        {running.then(|| view! { <Reload seconds=2 /> })}
        <Followed first />
    }
}

fn tab_title(view: &OperationView) -> String {
    format!("{} {}", view.status.symbol(), view.title)
}

/// What changes while the operation runs.
#[island]
fn Followed(first: OperationView) -> impl IntoView {
    let title = first.title.clone();
    let live = follow(first, || ());
    let view = live.view;
    Effect::new(move |_| document().set_title(&format!("{} · Paddock", view.with(tab_title))));
    let facts = move || {
        let tone = Signal::derive(move || view.with(|v| v.status.tone().to_owned()));
        let word = Signal::derive(move || view.with(|v| v.status.word().to_owned()));
        view! { <State tone word /> }
    };
    view! {
        <Strip title=title facts actions=move || view! { <Actions live /> } />
        <div class="stack">
            <Trouble live />
            <Now live />
            <Hint live />
        </div>
    }
}

fn way(view: &OperationView) -> Vec<Crumb> {
    let database = match view.addon_id {
        Some(id) => Crumb::link(view.database.clone(), format!("/databases/{id}")),
        None => Crumb::here(view.database.clone()),
    };
    vec![Crumb::link(view.app.clone(), format!("/apps/{}", view.app)), database, Crumb::here("Operation")]
}

/// What can be done about it, as far as it is now.
#[component]
fn Actions(live: Live) -> impl IntoView {
    let id = live.view.with_untracked(|v| v.id.to_string());
    let can = Memo::new(move |_| live.view.with(|v| (v.can_cancel, v.can_retry)));
    let then = Memo::new(move |_| live.view.with(next));
    move || {
        let (can_cancel, can_retry) = can.get();
        let act = |url, variant, words| view! { <Act id=id.clone() url variant words /> };
        let cancel = can_cancel.then(|| act(CancelOperation::url(), Variant::Danger, "Cancel"));
        let retry = can_retry.then(|| act(RetryOperation::url(), Variant::Primary, "Try again"));
        let then = then.get().map(|(href, words)| {
            view! {
                <ButtonLink href variant=Variant::Primary>
                    {words}
                </ButtonLink>
            }
        });
        (cancel, retry, then)
    }
}

#[component]
fn Act(id: String, url: &'static str, variant: Variant, words: &'static str) -> impl IntoView {
    view! {
        <form method="post" action=url class="row-form">
            <input type="hidden" name="id" value=id />
            <Submit variant>{words}</Submit>
        </form>
    }
}

/// Where people go when it has ended: address and words.
fn next(view: &OperationView) -> Option<(String, &'static str)> {
    if !view.status.ended() || view.can_retry {
        return None;
    }
    let database = view.addon_id.map(|id| format!("/databases/{id}"));
    match (view.kind.as_str(), view.status) {
        ("provision", OperationStatus::Failed | OperationStatus::Cancelled) => {
            Some((format!("/apps/{}/addons/new", view.app), "Order again"))
        }
        ("backup" | "prove_backup", _) => Some((format!("{}/backups", database?), "See the backups")),
        ("base_backup", _) => Some((format!("{}/recovery", database?), "See the moments")),
        ("pitr_restore", OperationStatus::Succeeded)
            if !view.steps.iter().any(|step| step.key == "switch") =>
        {
            Some((format!("{}/recovery", database?), "See what stands there"))
        }
        ("delete", OperationStatus::Succeeded) => Some((database?, "See until when it can come back")),
        _ => Some((database?, "Open database")),
    }
}

/// Progress, steps and log.
#[component]
fn Now(live: Live) -> impl IntoView {
    let view = live.view;
    let percent = Memo::new(move |_| view.with(OperationView::percent));
    let sentence = Memo::new(move |_| view.with(OperationView::sentence));
    let (actor, asked) = view.with_untracked(|v| (v.actor.clone(), v.created_at));
    view! {
        <section class="panel operation" aria-label="Progress">
            <header>
                <p class="operation-now" role="status">
                    {sentence}
                </p>
                <p class="aside">
                    <span>"Asked by " {actor} ", " <Time at=asked /></span>
                </p>
            </header>
            <Progress percent label="Progress" />
            <Steps live />
            <Log live />
        </section>
    }
}

/// Why it failed, in people's words and in the server's own.
#[component]
fn Trouble(live: Live) -> impl IntoView {
    let trouble =
        Memo::new(move |_| live.view.with(|v| v.error.clone().map(|error| (error, v.error_log.clone()))));
    let title = move || match live.view.with(|v| v.status) {
        OperationStatus::RollingBack => "A step failed; what was made is being taken back.",
        OperationStatus::Waiting => "A step failed and will be tried again.",
        _ => "This went wrong.",
    };
    move || {
        trouble.get().map(|(error, log)| {
            let own = (!log.is_empty()).then(|| {
                view! {
                    <p class="trouble-from">"The last lines of the server's own log:"</p>
                    <pre class="term" tabindex="0">
                        {log.join("\n")}
                    </pre>
                }
            });
            view! {
                <section class="trouble" aria-label="What went wrong">
                    <p class="trouble-title">{title}</p>
                    <p>{error}</p>
                    {own}
                </section>
            }
        })
    }
}

/// "Nobody could connect for 310 ms; 290 ms were expected."
fn cut(view: &OperationView) -> Option<String> {
    Some(format!("Nobody could connect for {}.", view.interruption?.sentence()))
}

/// What is safe, how long it takes, and whether the page is up to date.
#[component]
fn Hint(live: Live) -> impl IntoView {
    let expected = move || {
        live.view.with(|v| {
            let told = |ms| format!("Earlier ones took {} (median of the last 20). ", duration(ms));
            v.expected_ms.map(told)
        })
    };
    let cut = move || live.view.with(cut);
    let paused = move || live.paused.get().then_some("Live updates paused, retrying.");
    view! {
        <p class="interruption">{cut}</p>
        <p class="hint">{expected} {move || live.view.with(|v| v.safety.clone())}</p>
        <p class="hint paused" role="status">
            {paused}
        </p>
    }
}
