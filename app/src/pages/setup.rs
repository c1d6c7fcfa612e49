//! The first account of this Paddock. The link that leads here was written to the server's log: who can read that
//! runs this machine, and becomes the operator.

use crate::{
    error::AppError,
    ui::{Field, Form, Load, Submit, Variant},
};
use leptos::{either::Either, prelude::*};
use leptos_meta::Title;
use leptos_router::{components::A, hooks::use_query_map};

/// Whether there is no account yet.
#[server(prefix = "/do", endpoint = "read_setup")]
pub async fn read_setup() -> Result<bool, AppError> {
    Ok(crate::ssr::control()?.setup_needed().await?)
}

/// Makes the first account and signs in.
#[server(prefix = "/do", endpoint = "create_first_account")]
pub async fn create_first_account(
    #[server(default)] token: String,
    #[server(default)] email: String,
    #[server(default)] username: String,
    #[server(default)] password: String,
) -> Result<(), AppError> {
    use crate::ssr;
    let account = control::NewAccount { email, username, password: password.into() };
    let user = ssr::control()?.create_first_account(&token, account).await?;
    ssr::sign_in(user.id).await?;
    ssr::redirect("/apps");
    Ok(())
}

/// `/setup?token=…`
#[component]
pub fn Setup() -> impl IntoView {
    let page = Resource::new_blocking(|| (), |()| read_setup());
    view! {
        <Title text="Set up Paddock" />
        <Load from=page let:needed>
            {if needed { Either::Left(view! { <FirstAccount /> }) } else { Either::Right(view! { <Done /> }) }}
        </Load>
    }
}

#[component]
fn FirstAccount() -> impl IntoView {
    let query = use_query_map();
    let token = query.with_untracked(|q| q.get("token").unwrap_or_default());
    let create = ServerAction::<CreateFirstAccount>::new();
    view! {
        <h1>"Create the first account"</h1>
        <p class="muted">"It runs this Paddock: it sees all apps and may invite others."</p>
        <Form action=create id="first-account">
            <SetupToken token />
            <Field label="E-mail" name="email" kind="email" autocomplete="email" required=true />
            <Field
                label="User name"
                name="username"
                hint="2 to 32 letters, digits, dots, hyphens or underscores, starting with a letter. Shown beside what you do."
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
            <Submit variant=Variant::Primary>"Create account"</Submit>
        </Form>
    }
}

/// The token comes with the link; without it, it can be typed from the server's log.
#[component]
fn SetupToken(token: String) -> impl IntoView {
    if token.is_empty() {
        Either::Left(view! {
            <Field
                label="Setup token"
                name="token"
                hint="It is in the link that the server wrote to its log when it started."
                mono=true
                required=true
            />
        })
    } else {
        Either::Right(view! { <input type="hidden" name="token" value=token /> })
    }
}

#[component]
fn Done() -> impl IntoView {
    view! {
        <h1>"Paddock is set up"</h1>
        <p>
            "The first account exists. "
            <A href="/login" attr:class="link">
                "Sign in"
            </A>
        </p>
    }
}
