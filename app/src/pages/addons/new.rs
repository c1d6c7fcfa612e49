//! "Add PostgreSQL": choose a plan and a version, see what it gives, create the database.
//!
//! The chosen plan is in the address, so a link can offer one and the page reads the same without scripts. Which
//! plans and versions there are, and whether one may be had, is the core's to say.

use super::cards::{PlanCards, chosen_plan};
use crate::error::AppError;
use crate::ui::{
    Breadcrumb, ButtonLink, Crumb, Empty, Fact, Facts, Form, Load, Panel, SelectField, Strip, Submit, Variant,
};
use leptos::{either::Either, prelude::*};
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
use serde::{Deserialize, Serialize};
use types::{Plan, view::VersionView};

/// What can be chosen for an app.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Choices {
    app: String,
    plans: Vec<Plan>,
    versions: Vec<VersionView>,
    /// Sent with the form: pressing the button twice makes one database.
    form_key: String,
}

/// What can be chosen for `app`.
#[server(prefix = "/do", endpoint = "addon_choices")]
pub async fn addon_choices(app: String) -> Result<Choices, AppError> {
    use crate::ssr;
    let (control, actor) = (ssr::control()?, ssr::actor()?);
    let app = control.app(&actor, &app).await?;
    let versions = control.versions().await?.into_iter().filter(|version| version.offered).collect();
    let form_key = format!("form-{}", ssr::now()?.timestamp_micros());
    Ok(Choices { app: app.name, plans: control.plans().to_vec(), versions, form_key })
}

/// Orders the database and leads to the operation that makes it.
#[server(prefix = "/do", endpoint = "add_database")]
pub async fn add_database(
    app: String,
    plan: String,
    version: String,
    form_key: String,
) -> Result<(), AppError> {
    use crate::ssr;
    let wanted = control::NewAddon { plan, version: Some(version).filter(|version| !version.is_empty()) };
    let accepted = ssr::control()?.provision(&ssr::actor()?, &app, wanted, Some(form_key)).await?;
    ssr::redirect(&format!("/operations/{}", accepted.operation));
    Ok(())
}

/// `/apps/{app}/addons/new`.
#[component]
pub fn NewDatabase() -> impl IntoView {
    let params = use_params_map();
    let app = move || params.read().get("app").unwrap_or_default();
    let choices = Resource::new_blocking(app, addon_choices);
    view! {
        <Load from=choices let:choices>
            <Chooser choices />
        </Load>
    }
}

#[component]
fn Chooser(choices: Choices) -> impl IntoView {
    let app = choices.app.clone();
    let title = format!("Add PostgreSQL · {app}");
    let way = vec![
        Crumb::link("Apps", "/apps"),
        Crumb::link(app.clone(), format!("/apps/{app}")),
        Crumb::here("Add PostgreSQL"),
    ];
    let rest = if choices.versions.is_empty() {
        Either::Left(view! { <NoVersions /> })
    } else {
        Either::Right(view! { <Order choices /> })
    };
    view! {
        <Title text=title />
        <Breadcrumb way />
        <Strip title="Add PostgreSQL" />
        {rest}
    }
}

#[component]
fn Order(choices: Choices) -> impl IntoView {
    let Choices { app, plans, versions, form_key } = choices;
    let add = ServerAction::<AddDatabase>::new();
    let chosen = chosen_plan(&plans, "plan");
    let (back, hidden) = (format!("/apps/{app}"), app.clone());
    view! {
        <Form action=add id="add">
            <input type="hidden" name="app" value=hidden />
            <input type="hidden" name="form_key" value=form_key />
            <PlanCards id="add-plan" name="plan" plans chosen />
            <VersionChoice versions />
            <Given app />
            <div class="actions">
                <Submit variant=Variant::Primary>"Create database"</Submit>
                <ButtonLink href=back variant=Variant::Quiet>
                    "Back"
                </ButtonLink>
            </div>
        </Form>
    }
}

#[component]
fn VersionChoice(versions: Vec<VersionView>) -> impl IntoView {
    let words = |version: &VersionView| {
        let note = match (version.default, version.below_floor) {
            (true, false) => " (newest safe one)",
            (true, true) => " (newest here, older than known security fixes)",
            (false, true) => " (older than known security fixes)",
            (false, false) => "",
        };
        (version.version.to_string(), format!("PostgreSQL {}{note}", version.version))
    };
    let options = versions.iter().map(words).collect();
    let value = versions.iter().find(|version| version.default).map(|version| version.version.to_string());
    view! {
        <SelectField
            label="Version"
            name="version"
            options
            value=value.unwrap_or_default()
            hint="An app that is new takes the newest. The versions are those installed on this host."
        />
    }
}

/// What the app has when it is done, whatever the plan.
#[component]
fn Given(app: String) -> impl IntoView {
    view! {
        <Panel title="What you get">
            <Facts>
                <Fact name="Server">"A PostgreSQL server of its own: own data directory, port and certificate."</Fact>
                <Fact name="Limits">"Memory, CPU, disk and connections of the plan that you choose above."</Fact>
                <Fact name="Login">"One user and one database, with a password that Paddock makes. TLS is on."</Fact>
                <Fact name=format!("For {app}")>
                    <code>"SCALINGO_POSTGRESQL_URL"</code>
                    " and "
                    <code>"DATABASE_URL"</code>
                    " are set, then its restart hook is called."
                </Fact>
            </Facts>
        </Panel>
    }
}

#[component]
fn NoVersions() -> impl IntoView {
    view! {
        <Empty
            title="No PostgreSQL is installed on this host."
            text="Paddock runs real servers and found none. An operator installs one; this page then offers it."
            command="paddock versions install 18"
        />
    }
}
