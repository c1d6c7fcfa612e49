//! The variables of an app, as written or as they are read by the app, with secrets hidden until asked for.
//!
//! The hiding happens on the server: a page whose address does not ask for the values does not hold them.

mod look;
mod table;

use crate::{
    error::AppError,
    ui::{ButtonLink, ErrorSummary, Field, Form, Load, Notice, Panel, Submit, TextArea, Variant, problem},
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use look::Look;
use serde::{Deserialize, Serialize};
use table::{DeleteVariable, Variables};
use types::view::VariableView;

/// What the page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EnvironmentPage {
    look: Look,
    variables: Vec<VariableView>,
    /// The one that is being changed, as written.
    edited: Option<VariableView>,
    notice: Option<String>,
}

/// The variables, as `look` asks.
#[server(prefix = "/do", endpoint = "read_environment")]
pub async fn read_environment(
    app: String,
    resolved: bool,
    reveal: bool,
    edit: String,
) -> Result<EnvironmentPage, AppError> {
    use crate::{mask, ssr};
    use std::collections::HashMap;
    let (control, actor) = (ssr::control()?, ssr::actor()?);
    if reveal || !edit.is_empty() {
        control.fresh(&actor).await?;
    }
    let edited = match edit.as_str() {
        "" => None,
        id => control
            .variables(&actor, &app, false)
            .await?
            .into_iter()
            .find(|v| v.id.to_string() == id && !v.managed),
    };
    let mut variables = control.variables(&actor, &app, resolved).await?;
    if !reveal {
        let written =
            if resolved { control.variables(&actor, &app, false).await? } else { variables.clone() };
        let written: HashMap<_, _> = written.iter().map(|v| (v.name.as_str(), v.value.as_str())).collect();
        for variable in &mut variables {
            let shown = mask::value(&variable.name, &variable.value, |name| written.get(name).copied());
            variable.value = shown;
        }
    }
    let look = Look { app, resolved, reveal, edit };
    Ok(EnvironmentPage { look, variables, edited, notice: ssr::take_flash("notice").await })
}

/// Adds a variable, or gives it another value.
#[server(prefix = "/do", endpoint = "set_variable")]
pub async fn set_variable(
    app: String,
    #[server(default)] name: String,
    #[server(default)] value: String,
) -> Result<(), AppError> {
    use crate::ssr;
    ssr::control()?.set_variable(&ssr::actor()?, &app, name.trim(), &value).await?;
    ssr::flash("notice", format!("{} is set. The app reads it at its next start.", name.trim())).await;
    ssr::redirect(&super::href(&app, "environment"));
    Ok(())
}

/// Gives a variable another value.
#[server(prefix = "/do", endpoint = "update_variable")]
pub async fn update_variable(
    app: String,
    id: String,
    #[server(default)] value: String,
) -> Result<(), AppError> {
    use crate::ssr;
    let variable = ssr::id(&id)?;
    ssr::control()?.update_variable(&ssr::actor()?, &app, variable, &value).await?;
    ssr::flash("notice", "The value is changed. The app reads it at its next start.").await;
    ssr::redirect(&super::href(&app, "environment"));
    Ok(())
}

/// `/apps/{app}/environment?view=resolved&reveal=1&edit={id}`
#[component]
pub fn Environment() -> impl IntoView {
    let (app, query) = (super::app_name(), use_query_map());
    let set = ServerAction::<SetVariable>::new();
    let update = ServerAction::<UpdateVariable>::new();
    let delete = ServerAction::<DeleteVariable>::new();
    let look = move || {
        query.with(|q| {
            let is = |key: &str, value: &str| q.get_str(key) == Some(value);
            (app.get(), is("view", "resolved"), is("reveal", "1"), q.get("edit").unwrap_or_default())
        })
    };
    let page = Resource::new_blocking(look, |(app, resolved, reveal, edit)| {
        read_environment(app, resolved, reveal, edit)
    });
    view! {
        <div class="stack">
            <ErrorSummary problem=problem(delete) />
            <Load from=page let:page>
                <Title text=format!("Environment of {}", page.look.app) />
                <Notice text=page.notice />
                <div class="stack">
                    {page.edited.map(|variable| view! { <Edit look=page.look.clone() variable update /> })}
                    <Variables look=page.look variables=page.variables delete />
                </div>
            </Load>
            <Add app set />
        </div>
    }
}

#[component]
fn Edit(look: Look, variable: VariableView, update: ServerAction<UpdateVariable>) -> impl IntoView {
    let back = look.href(look.resolved, look.reveal, "");
    view! {
        <Panel title=format!("Change {}", variable.name)>
            <Form action=update id="change">
                <input type="hidden" name="app" value=look.app />
                <input type="hidden" name="id" value=variable.id.to_string() />
                <TextArea label="Value" name="value" value=variable.value />
                <div class="actions">
                    <Submit variant=Variant::Primary>"Change value"</Submit>
                    <ButtonLink href=back variant=Variant::Quiet>
                        "Keep it"
                    </ButtonLink>
                </div>
            </Form>
        </Panel>
    }
}

#[component]
fn Add(app: Signal<String>, set: ServerAction<SetVariable>) -> impl IntoView {
    view! {
        <Panel title="Add a variable">
            <Form action=set id="add">
                <input type="hidden" name="app" value=move || app.get() />
                <Field
                    label="Name"
                    name="name"
                    hint="Letters, digits and underscores. A name that exists gets the new value."
                    mono=true
                    required=true
                />
                <TextArea
                    label="Value"
                    name="value"
                    hint="$OTHER_NAME stands for the value of another variable."
                    rows=2
                />
                <Submit variant=Variant::Primary>"Set variable"</Submit>
            </Form>
        </Panel>
    }
}
