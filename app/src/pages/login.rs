//! Signing in. It says the same for an unknown account and a wrong password, and goes only to pages of this
//! dashboard afterwards.

use crate::{
    error::AppError,
    ui::{Field, Form, Load, Submit, Variant},
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{components::A, hooks::use_query_map};

/// Leads on who is signed in already, and answers whether this Paddock has no account yet.
#[server(prefix = "/do", endpoint = "read_login")]
pub async fn read_login(next: String) -> Result<bool, AppError> {
    use crate::{next, ssr};
    if ssr::maybe_actor().is_some() {
        ssr::redirect(next::safe(&next));
    }
    Ok(ssr::control()?.setup_needed().await?)
}

/// Binds the session to the account, if name and password belong together.
#[server(prefix = "/do", endpoint = "sign_in")]
pub async fn sign_in(
    #[server(default)] identifier: String,
    #[server(default)] password: String,
    #[server(default)] next: String,
) -> Result<(), AppError> {
    use crate::{next, ssr};
    let user = ssr::control()?.sign_in(&identifier, &password.into(), &ssr::ip()).await?;
    ssr::sign_in(user.id).await?;
    ssr::redirect(next::safe(&next));
    Ok(())
}

/// `/login?next=…`
#[component]
pub fn Login() -> impl IntoView {
    let query = use_query_map();
    let next = move || query.with(|q| q.get("next").unwrap_or_default());
    let page = Resource::new_blocking(next, read_login);
    let sign_in = ServerAction::<SignIn>::new();
    view! {
        <Title text="Sign in" />
        <h1>"Sign in"</h1>
        <Load from=page let:setup_needed>
            {setup_needed.then(|| view! { <SetupFirst /> })}
        </Load>
        <Form action=sign_in id="sign-in">
            <input type="hidden" name="next" value=next />
            <Field label="User name or e-mail" name="identifier" autocomplete="username" required=true />
            <Field
                label="Password"
                name="password"
                kind="password"
                autocomplete="current-password"
                required=true
            />
            <Submit variant=Variant::Primary>"Sign in"</Submit>
        </Form>
        <p class="hint">
            "No account? Accounts are made by invitation: somebody who owns an app here sends you a link."
        </p>
    }
}

#[component]
fn SetupFirst() -> impl IntoView {
    view! {
        <p class="notice" data-tone="run">
            "This Paddock has no account yet. "
            <A href="/setup" attr:class="link">
                "Create the first one"
            </A>
        </p>
    }
}
