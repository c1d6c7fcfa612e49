//! The password once more, before something grave. Afterwards the page that wanted it is there again: it has done nothing
//! yet and says so, and what was typed is still in it.

use crate::{
    error::AppError,
    next,
    ui::{Field, Form, Load, Panel, Strip, Submit, Variant},
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

/// Whose password is wanted.
#[server(prefix = "/do", endpoint = "read_confirm")]
pub async fn read_confirm() -> Result<String, AppError> {
    use crate::ssr;
    Ok(ssr::control()?.me(&ssr::actor()?).await?.username)
}

/// Takes the password and binds a new session to who has it.
#[server(prefix = "/do", endpoint = "confirm")]
pub async fn confirm(
    #[server(default)] password: String,
    #[server(default)] next: String,
    #[server(default)] act: String,
) -> Result<(), AppError> {
    use crate::ssr;
    let user = ssr::control()?.sign_in_again(&ssr::actor()?, &password.into()).await?;
    ssr::sign_in(user).await?;
    let told = "Your password is confirmed. Nothing was done yet: press the button once more.";
    ssr::redirect(&next::told(&next, &act, AppError::new(types::ProblemKind::Conflict, told)));
    Ok(())
}

/// `/account/confirm?next=…&act=…`
#[component]
pub fn ConfirmAccount() -> impl IntoView {
    let query = use_query_map();
    let word = move |name: &str| query.with_untracked(|q| q.get(name).unwrap_or_default());
    let (back, act) = (word("next"), word("act"));
    let action = ServerAction::<Confirm>::new();
    let page = Resource::new_blocking(|| (), |()| read_confirm());
    let (back, act) = (StoredValue::new(back), StoredValue::new(act));
    view! {
        <Title text="Confirm that it is you" />
        <Strip title="Confirm that it is you" />
        <Load from=page let:username>
            <Panel title="Sign in again">
                <Form action>
                    <p data-passing>
                        "You signed in as " <b>{username}</b>
                        " a while ago. Deleting, restoring, downloading, letting others in and showing secrets want your password again, in case somebody else sits here now. Nothing was done yet."
                    </p>
                    <input type="hidden" name="next" value=back.get_value() />
                    <input type="hidden" name="act" value=act.get_value() />
                    <Field
                        label="Password"
                        name="password"
                        kind="password"
                        autocomplete="current-password"
                        required=true
                    />
                    <div class="actions">
                        <Submit variant=Variant::Primary>"Confirm"</Submit>
                        <a class="button" href=next::safe(&back.get_value()).to_owned()>
                            "Back"
                        </a>
                    </div>
                </Form>
            </Panel>
        </Load>
    }
}
