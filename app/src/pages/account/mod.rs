//! The signed-in person's own account: password, sessions, API tokens.

mod confirm;
mod sessions;
mod tokens;

use crate::{
    error::AppError,
    frame::{SignOut, ThemeSwitch},
    theme::Theme,
    ui::{Fact, Facts, Field, Form, Load, Notice, Panel, Strip, Submit},
};
use chrono::{DateTime, Utc};
pub use confirm::ConfirmAccount;
use leptos::{prelude::*, server_fn::ServerFn};
use leptos_meta::Title;
use serde::{Deserialize, Serialize};
use sessions::{RevokeSession, Sessions};
use tokens::{CreateToken, RevokeToken, Tokens};
use types::view::{SessionView, TokenView, UserView};

/// What the page shows. The token is there once, after it was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccountPage {
    user: UserView,
    theme: Theme,
    sessions: Vec<SessionView>,
    tokens: Vec<TokenView>,
    new_token: Option<String>,
    notice: Option<String>,
    now: DateTime<Utc>,
}

/// The account.
#[server(prefix = "/do", endpoint = "read_account")]
pub async fn read_account() -> Result<AccountPage, AppError> {
    use crate::ssr;
    let (control, actor) = (ssr::control()?, ssr::actor()?);
    Ok(AccountPage {
        user: control.me(&actor).await?,
        theme: ssr::theme(),
        sessions: control.sessions(&actor).await?,
        tokens: control.tokens(&actor).await?,
        new_token: ssr::take_flash("token").await,
        notice: ssr::take_flash("notice").await,
        now: ssr::now()?,
    })
}

/// Gives the account another password and ends its other sessions.
#[server(prefix = "/do", endpoint = "change_password")]
pub async fn change_password(
    #[server(default)] current: String,
    #[server(default)] new: String,
) -> Result<(), AppError> {
    use crate::ssr;
    ssr::control()?.change_password(&ssr::actor()?, &current.into(), &new.into()).await?;
    ssr::flash("notice", "The password is changed. All other sessions are signed out.").await;
    ssr::redirect("/account");
    Ok(())
}

/// `/account`
#[component]
pub fn Account() -> impl IntoView {
    let password = ServerAction::<ChangePassword>::new();
    let session = ServerAction::<RevokeSession>::new();
    let create = ServerAction::<CreateToken>::new();
    let revoke = ServerAction::<RevokeToken>::new();
    let page = Resource::new_blocking(|| (), |()| read_account());
    view! {
        <Title text="Account" />
        <Strip title="Account" actions=|| view! { <SignOutButton /> } />
        <div class="stack">
            <Load from=page let:page>
                <Notice text=page.notice />
                <div class="stack">
                    <Profile user=page.user theme=page.theme />
                    <Tokens tokens=page.tokens new=page.new_token now=page.now create revoke />
                    <Sessions sessions=page.sessions now=page.now revoke=session />
                </div>
            </Load>
            <Password change=password />
        </div>
    }
}

/// A plain form: the page that follows holds nothing of what was loaded before.
#[component]
fn SignOutButton() -> impl IntoView {
    view! {
        <form method="post" action=SignOut::url()>
            <Submit>"Sign out"</Submit>
        </form>
    }
}

#[component]
fn Profile(user: UserView, theme: Theme) -> impl IntoView {
    view! {
        <Panel title="Profile">
            <Facts>
                <Fact name="User name">{user.username}</Fact>
                <Fact name="E-mail">{user.email}</Fact>
                <Fact name="Role">{if user.is_operator { "Operator: runs this Paddock" } else { "Developer" }}</Fact>
                <Fact name="Look">
                    <ThemeSwitch theme />
                </Fact>
            </Facts>
        </Panel>
    }
}

#[component]
fn Password(change: ServerAction<ChangePassword>) -> impl IntoView {
    view! {
        <Panel title="Password">
            <Form action=change id="password">
                <Field
                    label="Current password"
                    name="current"
                    kind="password"
                    autocomplete="current-password"
                    required=true
                />
                <Field
                    label="New password"
                    name="new"
                    kind="password"
                    hint="At least 12 characters; no other rule. All other sessions are signed out."
                    autocomplete="new-password"
                    required=true
                />
                <Submit>"Change password"</Submit>
            </Form>
        </Panel>
    }
}
