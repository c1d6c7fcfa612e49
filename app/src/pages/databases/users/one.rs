//! One user: its password, its rights, and the way out.

use super::{NewPassword, ShowPassword, addon, rights::Rights};
use crate::{
    error::AppError,
    pages::databases::layout::ThisDatabase,
    ui::{
        Breadcrumb, Crumb, ErrorSummary, Fact, Facts, Field, Form, Load, Notice, Panel, Submit, Time,
        Variant, problem, the_command, the_typed_command,
    },
};
use chrono::{DateTime, Utc};
use leptos::{either::Either, prelude::*};
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
use serde::{Deserialize, Serialize};
use types::{
    command::{Act, TypedForm},
    database_user::{DatabaseUserView, Owned},
    rights::RightsView,
};

/// What the page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UserPage {
    user: DatabaseUserView,
    owned: Owned,
    rights: RightsView,
    new: Option<NewPassword>,
    notice: Option<String>,
    now: DateTime<Utc>,
}

/// One user of a database.
#[server(prefix = "/do", endpoint = "database_user")]
pub async fn database_user(id: String, name: String) -> Result<UserPage, AppError> {
    use crate::{address, ssr};
    let (control, actor, addon) = (ssr::control()?, ssr::actor()?, address::database(&id)?);
    let (user, owned, rights) = control.database_user_page(&actor, addon, &name).await?;
    let (new, notice) = (super::new_password(&id).await, ssr::take_flash("notice").await);
    Ok(UserPage { user, owned, rights, new, notice, now: ssr::now()? })
}

/// Gives a user another password. The protected user's leads to the operation that makes it known.
#[server(prefix = "/do", endpoint = "change_database_password")]
pub async fn change_password(
    id: String,
    name: String,
    #[server(default)] password: String,
    #[server(default)] password_confirmation: String,
) -> Result<(), AppError> {
    use crate::{address, ssr};
    let (control, actor, addon) = (ssr::control()?, ssr::actor()?, address::database(&id)?);
    let (given, again) = (Some(password.into()), Some(password_confirmation.into()));
    let set = control.change_database_password(&actor, addon, &name, given, again).await?;
    if let Some(operation) = set.operation {
        // The URL is where its password is read, not this page.
        ssr::redirect(&format!("/operations/{operation}"));
        return Ok(());
    }
    super::keep_password(&id, set.user, set.password).await;
    ssr::redirect(&format!("/databases/{id}/users/{name}"));
    Ok(())
}

/// Removes a user, if `confirm` is its name.
#[server(prefix = "/do", endpoint = "delete_database_user")]
pub async fn delete_user(
    id: String,
    name: String,
    #[server(default)] confirm: String,
) -> Result<(), AppError> {
    use crate::{address, ssr};
    if confirm.trim() != name {
        return Err(AppError::field("confirm", format!("Type {name} to confirm.")));
    }
    let (control, actor, addon) = (ssr::control()?, ssr::actor()?, address::database(&id)?);
    let owned = control.delete_database_user(&actor, addon, &name).await?;
    let inherited = owned.sentence().map(|what| format!(" What it owned belongs to the owner now: {what}."));
    ssr::flash("notice", format!("The user {name} is deleted.{}", inherited.unwrap_or_default())).await;
    ssr::redirect(&format!("/databases/{id}/users"));
    Ok(())
}

/// `/databases/{id}/users/{name}`.
#[component]
pub fn OneUser() -> impl IntoView {
    let params = use_params_map();
    let ThisDatabase(page) = ThisDatabase::expect();
    let word = move |name: &str| params.read().get(name).unwrap_or_default();
    let asked = move || (word("id"), word("user"));
    let user = Resource::new_blocking(asked, |(id, name)| database_user(id, name));
    let (change, delete) = (ServerAction::<ChangePassword>::new(), ServerAction::<DeleteUser>::new());
    let mend = ServerAction::<super::rights::MendRights>::new();
    view! {
        <Load from=page quiet=true let:data>
            <Title text=format!("{} · Users · {}", word("user"), data.view.addon.resource_id) />
        </Load>
        <Load from=user let:user>
            <div class="stack">
                <Breadcrumb way=vec![
                    Crumb::link("Users", format!("/databases/{}/users", word("id"))),
                    Crumb::here(user.user.name.clone()),
                ] />
                <Notice text=user.notice.clone() />
                <ErrorSummary problem=problem(mend) />
                <Who user=user.clone() />
                <Rights id=word("id") rights=user.rights.clone() mend />
                <PasswordForm id=word("id") user=user.user.clone() change />
                <DeleteForm id=word("id") database=user.rights.database user=user.user owned=user.owned delete />
            </div>
        </Load>
    }
}

#[component]
fn Who(user: UserPage) -> impl IntoView {
    let UserPage { user, owned, new, now, .. } = user;
    let kind = if user.read_only { "read-only" } else { "read-write" };
    let seen = match user.last_activity {
        Some(at) => Either::Left(view! { <Time at now /> }),
        None => Either::Right("not in the log that is kept"),
    };
    view! {
        <Panel title=user.name>
            <ShowPassword new />
            <Facts>
                <Fact name="Rights">{kind}{user.protected.then_some(", protected: the login of the URL")}</Fact>
                <Fact name="Password">{user.password_encryption}</Fact>
                <Fact name="Open connections">{user.connections}</Fact>
                <Fact name="Last activity">{seen}</Fact>
                <Fact name="Owns under its own name">
                    {owned.sentence().unwrap_or_else(|| "nothing: what it makes belongs to the owner".into())}
                </Fact>
            </Facts>
        </Panel>
    }
}

#[component]
fn PasswordForm(id: String, user: DatabaseUserView, change: ServerAction<ChangePassword>) -> impl IntoView {
    let consequence = if user.protected {
        "The new password works beside the old one first, under a second login. Then the URL and the app’s variables \
         change, its hook is called, and only after a while the old one is closed: an app that reads its URL when it \
         connects loses nothing."
    } else {
        "Open connections stay; the next login needs the new password."
    };
    let form = TypedForm::ChangePassword { name: user.name.clone(), protected: user.protected };
    let command = addon(&id).map(|id| the_typed_command(id, form, |_| None));
    view! {
        <Panel title="Change the password">
            <Form action=change id="password">
                <p>{consequence}</p>
                <input type="hidden" name="id" value=id />
                <input type="hidden" name="name" value=user.name.clone() />
                <div class="pair">
                    <Field
                        label="New password"
                        name="password"
                        kind="password"
                        hint="8 to 64 characters without quotes. Leave it empty and a good one is made."
                        autocomplete="new-password"
                    />
                    <Field
                        label="New password again"
                        name="password_confirmation"
                        kind="password"
                        hint="The same, if you typed one."
                        autocomplete="new-password"
                    />
                </div>
                <div class="actions">
                    <Submit>"Change password"</Submit>
                </div>
                {command}
            </Form>
        </Panel>
    }
}

#[component]
fn DeleteForm(
    id: String,
    database: String,
    user: DatabaseUserView,
    owned: Owned,
    delete: ServerAction<DeleteUser>,
) -> impl IntoView {
    if user.protected {
        return Either::Left(view! {
            <Panel title="Delete this user">
                <p>
                    "The protected user is the login of the published URL: it goes with the database. Its password can be changed."
                </p>
            </Panel>
        });
    }
    let name = user.name;
    let open = match user.connections {
        0 => String::new(),
        1 => " Its one open connection ends.".to_owned(),
        n => format!(" Its {n} open connections end."),
    };
    let owned = owned.sentence().map(|what| format!(" What it owns goes to the owner: {what}."));
    let command = addon(&id).map(|id| the_command(id, &Act::DeleteUser { database: &database, name: &name }));
    Either::Right(view! {
        <Panel title="Delete this user" tone="danger">
            <div class="stack">
                <p>{name.clone()} " cannot log in any more." {open} {owned}</p>
                <Form action=delete id="delete">
                    <input type="hidden" name="id" value=id />
                    <input type="hidden" name="name" value=name.clone() />
                    <Field label=format!("Type {name} to confirm") name="confirm" required=true mono=true />
                    <div class="actions">
                        <Submit variant=Variant::Danger>"Delete user"</Submit>
                    </div>
                </Form>
                {command}
            </div>
        </Panel>
    })
}
