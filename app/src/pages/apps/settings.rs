//! Settings of an app: its name, its people, its restart hook, its end.

use super::{
    hook::{Hook, SetHook},
    people::{People, PeopleActions},
};
use crate::{
    error::AppError,
    ui::{Field, Form, Load, Notice, Panel, Submit, Variant},
};
use chrono::{DateTime, Utc};
use leptos::prelude::*;
use leptos_meta::Title;
use serde::{Deserialize, Serialize};
use types::view::{AppView, CollaboratorView, HookView, InvitationView};

/// What the page shows. The secrets are there once, after they were made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SettingsPage {
    app: AppView,
    collaborators: Vec<CollaboratorView>,
    invitations: Vec<InvitationView>,
    invitation_link: Option<String>,
    hook: HookView,
    hook_secret: Option<String>,
    notice: Option<String>,
    now: DateTime<Utc>,
}

/// The settings of `app`.
#[server(prefix = "/do", endpoint = "read_app_settings")]
pub async fn read_app_settings(app: String) -> Result<SettingsPage, AppError> {
    use crate::ssr;
    let (control, actor) = (ssr::control()?, ssr::actor()?);
    let view = control.app(&actor, &app).await?;
    // Only who manages the app sees who was invited.
    let invitations = if view.may_manage { control.invitations(&actor, &app).await? } else { Vec::new() };
    Ok(SettingsPage {
        app: view,
        collaborators: control.collaborators(&actor, &app).await?,
        invitations,
        invitation_link: ssr::take_flash("invitation").await,
        hook: control.hook(&actor, &app).await?,
        hook_secret: ssr::take_flash("hook-secret").await,
        notice: ssr::take_flash("notice").await,
        now: ssr::now()?,
    })
}

/// Gives the app another name.
#[server(prefix = "/do", endpoint = "rename_app")]
pub async fn rename_app(app: String, #[server(default)] name: String) -> Result<(), AppError> {
    use crate::ssr;
    let app = ssr::control()?.rename_app(&ssr::actor()?, &app, name.trim()).await?;
    ssr::flash("notice", format!("The app is now called {}.", app.name)).await;
    ssr::redirect(&super::href(&app.name, "settings"));
    Ok(())
}

/// Deletes the app.
#[server(prefix = "/do", endpoint = "delete_app")]
pub async fn delete_app(app: String, #[server(default)] confirm: String) -> Result<(), AppError> {
    use crate::ssr;
    ssr::control()?.delete_app(&ssr::actor()?, &app, confirm.trim()).await?;
    ssr::flash("notice", format!("{app} is deleted.")).await;
    ssr::redirect("/apps");
    Ok(())
}

/// `/apps/{app}/settings`
#[component]
pub fn Settings() -> impl IntoView {
    let app = super::app_name();
    let people = PeopleActions::new();
    let hook = ServerAction::<SetHook>::new();
    let rename = ServerAction::<RenameApp>::new();
    let delete = ServerAction::<DeleteApp>::new();
    let page = Resource::new_blocking(move || app.get(), read_app_settings);
    view! {
        <Load from=page let:page>
            <Title text=format!("Settings of {}", page.app.name) />
            <Notice text=page.notice />
            <div class="stack">
                {page.app.may_manage.then(|| view! { <Rename name=page.app.name.clone() rename /> })}
                <People
                    app=page.app.name.clone()
                    collaborators=page.collaborators
                    invitations=page.invitations
                    link=page.invitation_link
                    may_manage=page.app.may_manage
                    now=page.now
                    actions=people
                />
                <Hook
                    app=page.app.name.clone()
                    hook=page.hook
                    secret=page.hook_secret
                    now=page.now
                    set=hook
                />
                {page.app.may_manage.then(|| view! { <Delete name=page.app.name.clone() delete /> })}
            </div>
        </Load>
    }
}

#[component]
fn Rename(name: String, rename: ServerAction<RenameApp>) -> impl IntoView {
    view! {
        <Panel title="Rename">
            <Form action=rename id="rename" inline=true>
                <input type="hidden" name="app" value=name.clone() />
                <Field
                    label="Name"
                    name="name"
                    hint="Databases keep their names, so URLs stay the same."
                    value=name
                    mono=true
                    required=true
                />
                <Submit>"Rename app"</Submit>
            </Form>
        </Panel>
    }
}

#[component]
fn Delete(name: String, delete: ServerAction<DeleteApp>) -> impl IntoView {
    view! {
        <Panel title="Delete this app" tone="danger">
            <Form action=delete id="delete" inline=true>
                <p class="muted">
                    "The app, its variables and its hook go at once and for good. It must have no database: delete those first; their data is kept for 72 hours."
                </p>
                <input type="hidden" name="app" value=name.clone() />
                <Field label=format!("Type {name} to confirm") name="confirm" mono=true required=true />
                <Submit variant=Variant::Danger>"Delete app"</Submit>
            </Form>
        </Panel>
    }
}
