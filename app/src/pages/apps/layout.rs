//! What the pages of one app share: its name, and the tabs.

use crate::{
    error::AppError,
    ui::{Breadcrumb, ButtonLink, Crumb, Load, Strip, Tab, Tabs, Variant},
};
use leptos::prelude::*;
use leptos_router::components::Outlet;
use types::view::AppView;

/// The app.
#[server(prefix = "/do", endpoint = "read_app")]
pub async fn read_app(app: String) -> Result<AppView, AppError> {
    use crate::ssr;
    Ok(ssr::control()?.app(&ssr::actor()?, &app).await?)
}

/// Head and tabs of an app; the page below says so when there is no such app.
#[component]
pub fn AppLayout() -> impl IntoView {
    let name = super::app_name();
    let head = Resource::new_blocking(move || name.get(), read_app);
    view! {
        <Load from=head quiet=true let:app>
            <Head app />
        </Load>
        <Outlet />
    }
}

#[component]
fn Head(app: AppView) -> impl IntoView {
    let href = |page: &str| super::href(&app.name, page);
    let tabs = vec![
        Tab::new("Resources", href("")),
        Tab::new("Environment", href("environment")),
        Tab::new("Activity", href("activity")),
        Tab::new("Settings", href("settings")),
    ];
    let add = href("addons/new");
    let name = app.name.clone();
    let actions = move || {
        view! {
            <ButtonLink href=add variant=Variant::Primary>
                "Add a database"
            </ButtonLink>
        }
    };
    view! {
        <Breadcrumb way=vec![Crumb::link("Apps", "/apps"), Crumb::here(name.clone())] />
        <Strip title=name.clone() actions=actions />
        <Tabs label=name tabs=tabs />
    }
}
