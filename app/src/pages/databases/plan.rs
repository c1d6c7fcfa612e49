//! Changing the plan: choose, see what it means for this very database, confirm.
//!
//! The choice is in the address (`?to=`), so it can be linked and needs no scripts. What it means was read from the
//! server just now; nothing is changed before the last button.

use super::tab::Beside;
use crate::{
    error::AppError,
    pages::addons::cards::{PlanCards, chosen_plan},
    ui::{Column, Dot, ErrorSummary, Fact, Facts, Field, Form, Panel, Submit, Table, Td, Variant, problem},
};
use leptos::{either::Either, prelude::*};
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};
use serde::{Deserialize, Serialize};
use types::{
    Plan,
    operation::short,
    plan_change::{FitView, PlanChangeView, SettingChange, Verdict},
    view::{AddonView, DatabaseView},
};

/// What can be chosen, and what the chosen one would mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanPage {
    plans: Vec<Plan>,
    /// What the plan in the address means; an error of that alone does not take the page away.
    change: Option<Result<PlanChangeView, AppError>>,
}

/// The plans, and what `to` would mean for the database.
#[server(prefix = "/do", endpoint = "plan_change")]
pub async fn plan_change(id: String, to: Option<String>) -> Result<PlanPage, AppError> {
    use crate::{address, ssr};
    let (control, actor) = (ssr::control()?, ssr::actor()?);
    let id = address::database(&id).inspect_err(ssr::refuse)?;
    let change = match to {
        Some(to) => Some(control.plan_change(&actor, id, &to).await.map_err(AppError::from)),
        None => None,
    };
    Ok(PlanPage { plans: control.plans().to_vec(), change })
}

/// Changes the plan and leads to the operation that does it.
#[server(prefix = "/do", endpoint = "change_plan")]
pub async fn change_plan(id: String, plan: String, confirm: Option<String>) -> Result<(), AppError> {
    use crate::{address, ssr};
    let (control, actor) = (ssr::control()?, ssr::actor()?);
    let confirm = confirm.unwrap_or_default();
    let accepted = control.change_plan(&actor, address::database(&id)?, &plan, confirm.trim(), None).await?;
    ssr::redirect(&format!("/operations/{}", accepted.operation));
    Ok(())
}

/// `/databases/{id}/plan?to=…`
#[component]
pub fn ChangePlanPage() -> impl IntoView {
    let params = use_params_map();
    let query = use_query_map();
    let asked = move || {
        (params.read().get("id").unwrap_or_default(), query.read().get("to").filter(|to| !to.is_empty()))
    };
    let page = Resource::new_blocking(asked, |(id, to)| plan_change(id, to));
    let change = ServerAction::<ChangePlan>::new();
    let whole = move |view: DatabaseView, page| view! { <Whole addon=view.addon page change /> };
    view! { <Beside own=page quiet=true show=whole /> }
}

#[component]
fn Whole(addon: AddonView, page: PlanPage, change: ServerAction<ChangePlan>) -> impl IntoView {
    let PlanPage { plans, change: asked } = page;
    let meaning = asked.map(|asked| match asked {
        Ok(view) => Either::Left(
            view! { <Meaning name=addon.resource_id.clone() id=addon.id.to_string() view change /> },
        ),
        Err(error) => Either::Right(
            view! { <ErrorSummary problem=Signal::stored(Some(error.0)) form=Some("choose".to_owned()) /> },
        ),
    });
    view! {
        <Title text=format!("Change plan · {}", addon.resource_id) />
        <div class="stack">
            <ErrorSummary problem=problem(change) form=Some("confirm".to_owned()) />
            {meaning}
            <Choose addon plans />
        </div>
    }
}

/// The cards, with what differs from the plan that it has.
#[component]
fn Choose(addon: AddonView, plans: Vec<Plan>) -> impl IntoView {
    let action = format!("/databases/{}/plan", addon.id);
    let chosen = chosen_plan(&plans, "to");
    view! {
        <Panel title="Choose a plan">
            <form method="get" action=action class="form">
                <PlanCards id="choose-plan" name="to" plans chosen current=Some(addon.plan) />
                <div class="actions">
                    <Submit>"Finish"</Submit>
                    <span class="subtle">"Shows what it means. Nothing is changed yet."</span>
                </div>
            </form>
        </Panel>
    }
}

/// What the change means, and the button that does it.
#[component]
fn Meaning(
    name: String,
    id: String,
    view: PlanChangeView,
    change: ServerAction<ChangePlan>,
) -> impl IntoView {
    let PlanChangeView {
        current,
        target,
        at_once,
        at_restart,
        last_ms,
        predicted_ms,
        fits,
        lost,
        verdict,
        sentence,
        ..
    } = view;
    let title = format!("{} → {}", current.display_name, target.display_name);
    let restart = !at_restart.is_empty();
    let act = (verdict != Verdict::Refused).then(|| {
        view! { <Act name id plan=target.name.clone() tight=verdict == Verdict::Tight change /> }
    });
    view! {
        <Panel title>
            <div class="stack">
                <p class="sentence-line" data-verdict=verdict.tone()>
                    <Dot tone=verdict.tone() />
                    <span>
                        <b>{verdict.word()}</b>
                        ". "
                        {sentence}
                    </span>
                </p>
                {lost
                    .map(|lost| {
                        view! {
                            <p class="sentence-line" data-verdict="warn">
                                <Dot tone="warn" />
                                <span>{lost}</span>
                            </p>
                        }
                    })}
                <Fits fits />
                <Facts>
                    <Fact name="Interruption">{interruption(restart, predicted_ms, &last_ms)}</Fact>
                    <Fact name="Stays the same">"URL, port, users, passwords, variables and data."</Fact>
                    <Fact name="Afterwards">"The restart hook of the app is called."</Fact>
                </Facts>
                <Settings title="At once, without a restart" none="Nothing." changes=at_once />
                <Settings
                    title="With the restart"
                    none="Nothing waits for a restart, so no connection is closed."
                    changes=at_restart
                />
                {act}
            </div>
        </Panel>
    }
}

fn interruption(restart: bool, predicted_ms: Option<u64>, last_ms: &[u64]) -> String {
    if !restart {
        return "None.".into();
    }
    let expected = predicted_ms.map_or_else(
        || "Nothing was measured on this host yet.".to_owned(),
        |ms| format!("About {}.", short(ms)),
    );
    if last_ms.is_empty() {
        return expected;
    }
    let last: Vec<_> = last_ms.iter().map(|ms| short(*ms)).collect();
    format!("{expected} The last ones of this database: {}.", last.join(", "))
}

/// Figures against the new limits.
#[component]
fn Fits(fits: Vec<FitView>) -> impl IntoView {
    let row = |fit: FitView| {
        view! {
            <tr>
                <th scope="row">{fit.title}</th>
                <Td label="With the new plan">{fit.detail}</Td>
                <Td label="Verdict">
                    <Dot tone=fit.verdict.tone() />
                    " "
                    {fit.verdict.word()}
                </Td>
            </tr>
        }
    };
    let columns =
        vec![Column::text("Limit or rule"), Column::text("With the new plan"), Column::text("Verdict")];
    view! {
        <Table caption="What is used and kept, against the new plan" columns>
            {fits.into_iter().map(row).collect_view()}
        </Table>
    }
}

/// Settings that change, folded.
#[component]
fn Settings(title: &'static str, none: &'static str, changes: Vec<SettingChange>) -> impl IntoView {
    if changes.is_empty() {
        return Either::Left(view! {
            <p class="subtle">
                <b>{title}</b>
                ": "
                {none}
            </p>
        });
    }
    let row = |change: SettingChange| {
        view! {
            <tr>
                <th scope="row" class="mono">
                    {change.name}
                </th>
                <Td label="Now" class="mono">
                    {change.from}
                </Td>
                <Td label="Then" class="mono">
                    {change.to}
                </Td>
            </tr>
        }
    };
    let columns = vec![Column::text("Setting"), Column::text("Now"), Column::text("Then")];
    let count = changes.len();
    Either::Right(view! {
        <details class="fold">
            <summary>
                <b>{title}</b>
                <span class="subtle">" " {count} " settings"</span>
            </summary>
            <Table caption=title columns>
                {changes.into_iter().map(row).collect_view()}
            </Table>
        </details>
    })
}

#[component]
fn Act(
    name: String,
    id: String,
    plan: String,
    tight: bool,
    change: ServerAction<ChangePlan>,
) -> impl IntoView {
    let back = format!("/databases/{id}");
    view! {
        <Form action=change id="confirm">
            <input type="hidden" name="id" value=id />
            <input type="hidden" name="plan" value=plan />
            {tight
                .then(|| {
                    view! { <Field label=format!("Type {name} to confirm") name="confirm" required=true mono=true /> }
                })}
            <div class="actions">
                <Submit variant=Variant::Primary>"Confirm plan change"</Submit>
                <crate::ui::ButtonLink href=back variant=Variant::Quiet>
                    "Keep the plan"
                </crate::ui::ButtonLink>
            </div>
        </Form>
    }
}
