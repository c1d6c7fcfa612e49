//! Who may log in to a database: the table of users, and the form that makes one.
//!
//! Passwords are typed or made up, and shown once, on the page that follows.

mod create;
mod one;
mod rights;

pub use one::OneUser;

use super::layout::ThisDatabase;
use crate::{
    error::AppError,
    ui::{Column, Load, Notice, OnceSecret, Panel, Pill, Table, Td, Time},
};
use chrono::{DateTime, Utc};
use create::{CreateForm, CreateUser};
use leptos::{either::Either, prelude::*};
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
use serde::{Deserialize, Serialize};
use types::{
    AddonId,
    database_user::{DatabaseUserView, DatabaseUsersView},
};

/// A password that is shown once, and whose it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewPassword {
    user: String,
    password: String,
}

/// What the page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UsersPage {
    view: DatabaseUsersView,
    new: Option<NewPassword>,
    notice: Option<String>,
}

/// The users of a database.
#[server(prefix = "/do", endpoint = "database_users")]
pub async fn database_users(id: String) -> Result<UsersPage, AppError> {
    use crate::{address, ssr};
    let (control, actor) = (ssr::control()?, ssr::actor()?);
    let view = control.database_users(&actor, address::database(&id)?).await?;
    Ok(UsersPage { view, new: new_password(&id).await, notice: ssr::take_flash("notice").await })
}

/// Keeps a password for the next page of this database.
#[cfg(feature = "ssr")]
async fn keep_password(id: &str, user: String, password: String) {
    let kept = serde_json::to_string(&NewPassword { user, password }).unwrap_or_default();
    crate::ssr::flash(&format!("user-password:{id}"), kept).await;
}

/// What the page before this one kept.
#[cfg(feature = "ssr")]
async fn new_password(id: &str) -> Option<NewPassword> {
    let kept = crate::ssr::take_flash(&format!("user-password:{id}")).await?;
    serde_json::from_str(&kept).ok()
}

/// `/databases/{id}/users`.
#[component]
pub fn Users() -> impl IntoView {
    let params = use_params_map();
    let ThisDatabase(page) = ThisDatabase::expect();
    let id = move || params.read().get("id").unwrap_or_default();
    let users = Resource::new_blocking(id, database_users);
    let create = ServerAction::<CreateUser>::new();
    view! {
        <Load from=page quiet=true let:data>
            <Title text=format!("Users · {}", data.view.addon.resource_id) />
        </Load>
        <Load from=users let:users>
            <div class="stack">
                <Notice text=users.notice />
                <All id=id() view=users.view.clone() new=users.new />
                <CreateForm id=id() database=users.view.database create />
            </div>
        </Load>
    }
}

#[component]
fn All(id: String, view: DatabaseUsersView, new: Option<NewPassword>) -> impl IntoView {
    let columns = vec![
        Column::text("User"),
        Column::text("Rights"),
        Column::text("Password encryption"),
        Column::num("Connections"),
        Column::text("Last activity"),
    ];
    let now = view.now;
    let row = move |user: DatabaseUserView| view! { <Row id=id.clone() user now /> };
    let owner = view.owner;
    view! {
        <Panel title="Users" flush=true>
            <ShowPassword new />
            <Table caption="Users of this database" columns>
                {view.users.into_iter().map(row).collect_view()}
            </Table>
            <div class="panel-foot">
              <p class="hint">
                "Read-write users share everything: what any of them makes belongs to " <code>{owner}</code>
                ". Read-only users see every table, also future ones, and can write nothing."
              </p>
            </div>
        </Panel>
    }
}

/// A password that was just set.
#[component]
fn ShowPassword(new: Option<NewPassword>) -> impl IntoView {
    new.map(|NewPassword { user, password }| {
        view! {
            <OnceSecret
                title=format!("The password of {user} is set.")
                label=format!("Password of {user}")
                value=password
                note="Copy it now: it is shown this once."
            />
        }
    })
}

#[component]
fn Row(id: String, user: DatabaseUserView, now: DateTime<Utc>) -> impl IntoView {
    let href = format!("/databases/{id}/users/{}", user.name);
    let weak = user.password_encryption != "scram-sha-256";
    let encryption = if weak {
        Either::Left(view! { <Pill tone="warn" text=user.password_encryption.clone() /> })
    } else {
        Either::Right(user.password_encryption.clone())
    };
    view! {
        <tr>
            <th scope="row">
                <a href=href>{user.name.clone()}</a>
                " "
                {user.protected.then(|| view! { <Pill tone="off" text="protected" /> })}
            </th>
            <Td label="Rights">{if user.read_only { "read-only" } else { "read-write" }}</Td>
            <Td label="Password encryption">{encryption}</Td>
            <Td label="Connections" class="num">
                {user.connections}
            </Td>
            <Td label="Last activity" class="subtle">
                {match user.last_activity {
                    Some(at) => Either::Left(view! { <Time at now /> }),
                    None => Either::Right("not in the log"),
                }}
            </Td>
        </tr>
    }
}

/// The add-on that an address names, for "show me the command".
fn addon(id: &str) -> Option<AddonId> {
    id.parse().ok()
}
