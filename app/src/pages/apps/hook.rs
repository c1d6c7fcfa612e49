//! The restart hook of an app: called after its variables changed, so that the app starts again and reads them.

use crate::{
    error::AppError,
    ui::{Column, Field, Form, OnceSecret, Panel, State, Submit, Table, Td, TextArea, Time},
};
use chrono::{DateTime, Utc};
use leptos::prelude::*;
use leptos_router::components::A;
use types::view::{HookDelivery, HookView};

/// Sets the hook; a new signing secret is shown on the next page, once.
#[server(prefix = "/do", endpoint = "set_hook")]
pub async fn set_hook(
    app: String,
    #[server(default)] url: String,
    #[server(default)] command: String,
) -> Result<(), AppError> {
    use crate::ssr;
    let url = Some(url.trim().to_owned()).filter(|url| !url.is_empty());
    // Program and arguments, one on each line: no quoting to get wrong.
    let command =
        command.lines().map(str::trim).filter(|line| !line.is_empty()).map(ToOwned::to_owned).collect();
    let hook = ssr::control()?.set_hook(&ssr::actor()?, &app, url, command).await?;
    match hook.new_secret {
        Some(secret) => ssr::flash("hook-secret", secret).await,
        None => ssr::flash("notice", "The restart hook is saved.").await,
    }
    ssr::redirect(&super::href(&app, "settings"));
    Ok(())
}

/// The hook and its last calls.
#[component]
pub fn Hook(
    /// Name of the app.
    app: String,
    /// The hook.
    hook: HookView,
    /// The secret that was just made.
    secret: Option<String>,
    /// Now, as the page's data has it.
    now: DateTime<Utc>,
    /// What the form posts to.
    set: ServerAction<SetHook>,
) -> impl IntoView {
    let HookView { url, command, deliveries, may_set_command, .. } = hook;
    view! {
        <Panel title="Restart hook" flush=true>
            <div class="panel-body stack">
                <p class="muted">
                    "Called after a change of this app's databases or of their variables, so that the app starts again and reads them."
                </p>
                {secret
                    .map(|secret| {
                        view! {
                            <OnceSecret
                                title="The hook is saved, with a new signing secret."
                                label="Signing secret"
                                value=secret
                                note="Shown this once. Each call carries an HMAC-SHA256 signature made with it."
                            />
                        }
                    })}
                <Form action=set id="hook">
                    <input type="hidden" name="app" value=app />
                    <Field
                        label="URL"
                        name="url"
                        kind="url"
                        hint="Gets a signed POST. Leave it empty for no call."
                        value=url.unwrap_or_default()
                    />
                    <Command command=command.join("\n") may_set=may_set_command />
                    <Submit>"Save hook"</Submit>
                </Form>
            </div>
            {(!deliveries.is_empty()).then(|| view! { <Deliveries deliveries now /> })}
        </Panel>
    }
}

/// The command on this host, for whom may set one; for others it stays as it is.
#[component]
fn Command(command: String, may_set: bool) -> impl IntoView {
    if !may_set {
        return view! { <input type="hidden" name="command" value=command /> }.into_any();
    }
    view! {
        <TextArea
            label="Or run on this host"
            name="command"
            hint="Program and arguments, one on each line; no shell reads them."
            value=command
            keeps=true
        />
    }
    .into_any()
}

#[component]
fn Deliveries(deliveries: Vec<HookDelivery>, now: DateTime<Utc>) -> impl IntoView {
    let columns =
        vec![Column::text("Called"), Column::text("How"), Column::text("Result"), Column::text("After")];
    let row = move |call: HookDelivery| {
        view! {
            <tr>
                <Td label="Called">
                    <Time at=call.at now=now />
                </Td>
                <Td label="How">{call.kind}</Td>
                <Td label="Result">
                    <State tone=if call.ok { "ok" } else { "err" } word=call.result />
                </Td>
                <Td label="After">
                    <A href=format!("/operations/{}", call.operation) attr:class="link">
                        "Operation"
                    </A>
                </Td>
            </tr>
        }
    };
    view! {
        <Table caption="Last calls of the hook" columns=columns>
            {deliveries.into_iter().map(row).collect_view()}
        </Table>
    }
}
