//! Making a user: a name, a password typed twice or made up, and whether it may only read.

use super::addon;
use crate::{
    error::AppError,
    ui::{Field, Form, Panel, Submit, Variant, the_typed_command},
};
use leptos::prelude::*;
use types::command::TypedForm;

/// Makes a user; its password is shown on the next page, once.
#[server(prefix = "/do", endpoint = "create_database_user")]
pub async fn create_user(
    id: String,
    #[server(default)] name: String,
    #[server(default)] password: String,
    #[server(default)] password_confirmation: String,
    #[server(default)] read_only: Option<String>,
) -> Result<(), AppError> {
    use crate::{address, ssr};
    let new = control::NewDatabaseUser {
        name: name.trim().to_owned(),
        read_only: read_only.is_some(),
        password: Some(password.into()),
        confirmation: Some(password_confirmation.into()),
    };
    let set = ssr::control()?.create_database_user(&ssr::actor()?, address::database(&id)?, new).await?;
    super::keep_password(&id, set.user, set.password).await;
    ssr::redirect(&format!("/databases/{id}/users"));
    Ok(())
}

/// The form.
#[component]
pub fn CreateForm(
    /// The add-on's id.
    id: String,
    /// The database's name.
    database: String,
    /// Makes one.
    create: ServerAction<CreateUser>,
) -> impl IntoView {
    let command = addon(&id).map(|id| the_typed_command(id, TypedForm::CreateUser { database }, |_| None));
    view! {
        <Panel title="Add a user">
            <Form action=create id="new-user">
                <input type="hidden" name="id" value=id />
                <Field
                    label="User name"
                    name="name"
                    hint="6 to 32 letters, digits and underscores, starting with a letter."
                    required=true
                    mono=true
                />
                <div class="pair">
                    <Field
                        label="Password"
                        name="password"
                        kind="password"
                        hint="8 to 64 characters without quotes. Leave it empty and a good one is made."
                        autocomplete="new-password"
                    />
                    <Field
                        label="Password again"
                        name="password_confirmation"
                        kind="password"
                        hint="The same, if you typed one."
                        autocomplete="new-password"
                    />
                </div>
                <label class="check">
                    <input type="checkbox" name="read_only" value="on" />
                    " Read-only: sees every table, writes nothing"
                </label>
                <div class="actions">
                    <Submit variant=Variant::Primary>"Create user"</Submit>
                </div>
                {command}
            </Form>
        </Panel>
    }
}
