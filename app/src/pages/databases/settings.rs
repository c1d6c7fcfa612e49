//! What changes a database as a whole: stop, start, restart, and the zone where it gets lost.

use super::tab::tab;
use crate::error::AppError;
use crate::ui::{ButtonLink, Confirm, ErrorSummary, Field, Form, Panel, RowForm, Submit, Variant, problem};
use leptos::{either::Either, prelude::*};
use types::{
    status::DatabaseStatus,
    view::{AddonView, DatabaseView},
};

/// Stops the server and leads to the operation that does it.
#[server(prefix = "/do", endpoint = "stop_database")]
pub async fn stop_database(id: String) -> Result<(), AppError> {
    use crate::{address, ssr};
    let accepted = ssr::control()?.stop_database(&ssr::actor()?, address::database(&id)?, None).await?;
    ssr::redirect(&format!("/operations/{}", accepted.operation));
    Ok(())
}

/// Starts the server and leads to the operation that does it.
#[server(prefix = "/do", endpoint = "start_database")]
pub async fn start_database(id: String) -> Result<(), AppError> {
    use crate::{address, ssr};
    let accepted = ssr::control()?.start_database(&ssr::actor()?, address::database(&id)?, None).await?;
    ssr::redirect(&format!("/operations/{}", accepted.operation));
    Ok(())
}

/// Restarts the server and leads to the operation that does it.
#[server(prefix = "/do", endpoint = "restart_database")]
pub async fn restart_database(id: String) -> Result<(), AppError> {
    use crate::{address, ssr};
    let accepted = ssr::control()?.restart_database(&ssr::actor()?, address::database(&id)?, None).await?;
    ssr::redirect(&format!("/operations/{}", accepted.operation));
    Ok(())
}

/// Deletes the database, if `confirm` is its name, and leads to the operation that does it.
#[server(prefix = "/do", endpoint = "delete_database")]
pub async fn delete_database(id: String, confirm: String) -> Result<(), AppError> {
    use crate::{address, ssr};
    let (control, actor) = (ssr::control()?, ssr::actor()?);
    let accepted = control.delete_addon(&actor, address::database(&id)?, confirm.trim(), None).await?;
    ssr::redirect(&format!("/operations/{}", accepted.operation));
    Ok(())
}

/// For how many hours a deleted database can be brought back.
#[server(prefix = "/do", endpoint = "undo_hours")]
pub async fn undo_hours() -> Result<i64, AppError> {
    Ok(crate::ssr::control()?.config().trash_for.num_hours())
}

/// `/databases/{id}/settings`.
#[component]
pub fn Settings() -> impl IntoView {
    let hours = Resource::new_blocking(|| (), |()| undo_hours());
    tab("Settings", hours, |view, hours| {
        view! {
            <div class="stack">
                <ItsPlan addon=view.addon.clone() />
                <Power addon=view.addon.clone() />
                <Danger view hours />
            </div>
        }
    })
}

/// The plan that it has, and the way to another.
#[component]
fn ItsPlan(addon: AddonView) -> impl IntoView {
    let AddonView { id, plan, .. } = addon;
    let what = format!(
        "{}: {} of memory, {} connections, {} of disk, {}. URL, users and data stay when it changes.",
        plan.display_name,
        plan.memory(),
        plan.connections(),
        plan.disk(),
        plan.cpu()
    );
    view! {
        <Panel title="Plan" flush=true>
            <div class="act-row">
                <p>{what}</p>
                <ButtonLink href=format!("/databases/{id}/plan")>"Change plan"</ButtonLink>
            </div>
        </Panel>
    }
}

/// Stop, start, restart; only what makes sense now.
#[component]
fn Power(addon: AddonView) -> impl IntoView {
    let (stop, start) = (ServerAction::<StopDatabase>::new(), ServerAction::<StartDatabase>::new());
    let restart = ServerAction::<RestartDatabase>::new();
    let name = addon.resource_id;
    let fields = vec![("id", addon.id.to_string())];
    let rows = if addon.database_status == DatabaseStatus::Stopped {
        Either::Left(view! {
            <Row text="The server starts on the same address and takes connections again at once.">
                <RowForm action=start fields large=true>
                    "Start"
                    <span class="hidden">" " {name}</span>
                </RowForm>
            </Row>
        })
    } else {
        let (again, same) = (name.clone(), fields.clone());
        Either::Right(view! {
            <Row text="Restarting closes open connections once; drivers connect again. Committed data stays.">
                <Confirm verb="Restart" object=again consequence="Open connections are closed now.">
                    <RowForm action=restart fields=same large=true>
                        "Restart now"
                    </RowForm>
                </Confirm>
            </Row>
            <Row text="Stopped, the server stays so until somebody starts it. Data, address and password stay.">
                <Confirm
                    verb="Stop"
                    object=name
                    consequence="The app cannot reach its database until it is started again."
                >
                    <RowForm action=stop fields variant=Variant::Danger large=true>
                        "Stop now"
                    </RowForm>
                </Confirm>
            </Row>
        })
    };
    view! {
        <ErrorSummary problem=problem(stop) />
        <ErrorSummary problem=problem(start) />
        <ErrorSummary problem=problem(restart) />
        <Panel title="Server" flush=true>
            {rows}
        </Panel>
    }
}

/// What an action does, and its button.
#[component]
fn Row(text: &'static str, children: Children) -> impl IntoView {
    view! {
        <div class="act-row">
            <p>{text}</p>
            {children()}
        </div>
    }
}

/// Deleting: what is lost, what survives, and the name to type.
#[component]
fn Danger(view: DatabaseView, hours: i64) -> impl IntoView {
    let delete = ServerAction::<DeleteDatabase>::new();
    let AddonView { id, resource_id, app, .. } = view.addon;
    let data = view.figures.map(|figures| format!(" with {} of data", types::plan::size(figures.data_bytes)));
    let lost = format!(
        "{resource_id}{} stops at once, and {app} loses the variables that reach it.",
        data.unwrap_or_default()
    );
    let kept =
        format!("The data waits {hours} hours in the trash; until then, one button brings all of it back.");
    view! {
        <Panel title="Delete this database" tone="danger">
            <div class="stack">
                <p>{lost} " " {kept}</p>
                <Form action=delete id="delete">
                    <input type="hidden" name="id" value=id.to_string() />
                    <Field label=format!("Type {resource_id} to confirm") name="confirm" required=true mono=true />
                    <div class="actions">
                        <Submit variant=Variant::Danger>"Delete database"</Submit>
                    </div>
                </Form>
            </div>
        </Panel>
    }
}
