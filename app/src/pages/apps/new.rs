//! Making an app.

use crate::{
    error::AppError,
    ui::{Breadcrumb, ButtonLink, Crumb, Field, Form, Strip, Submit, Variant},
};
use leptos::prelude::*;
use leptos_meta::Title;

/// Makes the app and opens it.
#[server(prefix = "/do", endpoint = "create_app")]
pub async fn create_app(#[server(default)] name: String) -> Result<(), AppError> {
    use crate::ssr;
    let app = ssr::control()?.create_app(&ssr::actor()?, name.trim()).await?;
    ssr::redirect(&super::href(&app.name, ""));
    Ok(())
}

/// Answers the signed-out with the way to the login page.
#[server(prefix = "/do", endpoint = "read_new_app")]
pub async fn read_new_app() -> Result<(), AppError> {
    crate::ssr::actor().map(drop)
}

/// `/apps/new`
#[component]
pub fn NewApp() -> impl IntoView {
    let page = Resource::new_blocking(|| (), |()| read_new_app());
    let create = ServerAction::<CreateApp>::new();
    view! {
        <Title text="Create app" />
        <Breadcrumb way=vec![Crumb::link("Apps", "/apps"), Crumb::here("Create app")] />
        <Strip title="Create app" />
        <crate::ui::Load from=page let:_page>
            <section class="panel">
                <div class="panel-body narrow">
                    <Form action=create id="new-app">
                        <Field
                            label="Name"
                            name="name"
                            hint="1 to 48 lower-case letters, digits and hyphens, starting with a letter. Its databases are named after it."
                            mono=true
                            required=true
                        />
                        <div class="actions">
                            <Submit variant=Variant::Primary>"Create app"</Submit>
                            <ButtonLink href="/apps" variant=Variant::Quiet>
                                "Back"
                            </ButtonLink>
                        </div>
                    </Form>
                </div>
            </section>
        </crate::ui::Load>
    }
}
