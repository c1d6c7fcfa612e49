//! An invitation to an app: accepted by who is signed in, or by making the account that it is for.

use crate::{
    error::AppError,
    ui::{Field, Form, Load, RowForm, Submit, Time, Variant},
};
use chrono::{DateTime, Utc};
use leptos::{either::Either, prelude::*};
use leptos_meta::Title;
use leptos_router::{components::A, hooks::use_params_map};
use serde::{Deserialize, Serialize};
use types::view::InvitationView;

/// What the page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InvitationPage {
    invitation: InvitationView,
    /// Who is signed in.
    username: Option<String>,
    now: DateTime<Utc>,
}

/// The invitation behind a link.
#[server(prefix = "/do", endpoint = "read_invitation")]
pub async fn read_invitation(token: String) -> Result<InvitationPage, AppError> {
    use crate::ssr;
    let invitation = ssr::control()?.invitation(&token).await?;
    let username = ssr::maybe_actor().map(|actor| actor.name().to_owned());
    Ok(InvitationPage { invitation, username, now: ssr::now()? })
}

/// Joins the app with the account that is signed in.
#[server(prefix = "/do", endpoint = "join_app")]
pub async fn join_app(token: String, app: String) -> Result<(), AppError> {
    use crate::ssr;
    let actor = ssr::actor()?;
    ssr::control()?.accept_invitation(Some(&actor), &token, None).await?;
    ssr::redirect(&super::apps::href(&app, ""));
    Ok(())
}

/// Makes the account that the invitation is for, joins the app and signs in.
#[server(prefix = "/do", endpoint = "join_app_anew")]
pub async fn join_app_anew(
    token: String,
    app: String,
    email: String,
    #[server(default)] username: String,
    #[server(default)] password: String,
) -> Result<(), AppError> {
    use crate::ssr;
    let account = control::NewAccount { email, username, password: password.into() };
    let user = ssr::control()?.accept_invitation(None, &token, Some(account)).await?;
    ssr::sign_in(user.id).await?;
    ssr::redirect(&super::apps::href(&app, ""));
    Ok(())
}

/// `/invitations/{token}`
#[component]
pub fn Invitation() -> impl IntoView {
    let params = use_params_map();
    let token = Signal::derive(move || params.with(|p| p.get("token").unwrap_or_default()));
    let page = Resource::new_blocking(move || token.get(), read_invitation);
    view! {
        <Load from=page let:page>
            <Title text=format!("Join {}", page.invitation.app) />
            <h1>{format!("Join {}", page.invitation.app)}</h1>
            <p class="muted">
                {page.invitation.invited_by.clone()} " invites " <b>{page.invitation.email.clone()}</b>
                " to work on this app. The link ends " <Time at=page.invitation.expires_at now=page.now /> "."
            </p>
            {match page.username {
                Some(username) => {
                    Either::Left(view! { <Join token=token.get_untracked() app=page.invitation.app username /> })
                }
                None => Either::Right(view! { <JoinAnew token=token.get_untracked() invitation=page.invitation /> }),
            }}
        </Load>
    }
}

#[component]
fn Join(token: String, app: String, username: String) -> impl IntoView {
    let join = ServerAction::<JoinApp>::new();
    let words = format!("Join {app}");
    view! {
        <crate::ui::ErrorSummary problem=crate::ui::problem(join) />
        <p>{format!("You are signed in as {username}.")}</p>
        <RowForm action=join fields=vec![("token", token), ("app", app)] variant=Variant::Primary large=true>
            {words}
        </RowForm>
    }
}

#[component]
fn JoinAnew(token: String, invitation: InvitationView) -> impl IntoView {
    let join = ServerAction::<JoinAppAnew>::new();
    let login = crate::next::login(&format!("/invitations/{token}"));
    view! {
        <Form action=join id="join">
            <input type="hidden" name="token" value=token />
            <input type="hidden" name="app" value=invitation.app />
            <input type="hidden" name="email" value=invitation.email />
            <Field
                label="User name"
                name="username"
                hint="2 to 32 letters, digits, dots, hyphens or underscores, starting with a letter."
                autocomplete="username"
                required=true
            />
            <Field
                label="Password"
                name="password"
                kind="password"
                hint="At least 12 characters; no other rule."
                autocomplete="new-password"
                required=true
            />
            <Submit variant=Variant::Primary>"Create account and join"</Submit>
        </Form>
        <p class="hint">
            "You have an account here? "
            <A href=login attr:class="link">
                "Sign in"
            </A>
        </p>
    }
}
