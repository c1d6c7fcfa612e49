//! What stands around the pages: the rail with the way to every part (a bar at the bottom on phones), or, for people
//! who are not signed in yet, nothing but the mark.

use crate::{
    enhance::Enhance,
    error::AppError,
    theme::Theme,
    ui::{Glyph, Icon, Load, Mark},
};
use leptos::{prelude::*, server_fn::ServerFn};
use leptos_router::{
    components::{A, Outlet},
    hooks::use_location,
};
use serde::{Deserialize, Serialize};

/// What the rail shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RailView {
    username: String,
    is_operator: bool,
    theme: Theme,
    apps: usize,
    databases: usize,
    running: usize,
}

/// The rail's figures.
#[server(prefix = "/do", endpoint = "read_rail")]
pub async fn read_rail() -> Result<RailView, AppError> {
    use crate::ssr;
    let (control, actor) = (ssr::control()?, ssr::actor()?);
    let apps = control.apps(&actor).await?;
    let running =
        control.operations(&actor, control::OperationFilter { live: true, ..Default::default() }).await?;
    Ok(RailView {
        username: actor.name().to_owned(),
        is_operator: actor.is_operator(),
        theme: ssr::theme(),
        apps: apps.len(),
        databases: apps.iter().map(|app| app.addons.len()).sum(),
        running: running.len(),
    })
}

/// Keeps the look that was chosen, and goes back to the page.
#[server(prefix = "/do", endpoint = "set_theme")]
pub async fn set_theme(theme: String) -> Result<(), AppError> {
    crate::ssr::set_theme(Theme::read(&theme));
    crate::ssr::back();
    Ok(())
}

/// Ends the session.
#[server(prefix = "/do", endpoint = "sign_out")]
pub async fn sign_out() -> Result<(), AppError> {
    crate::ssr::sign_out().await?;
    crate::ssr::redirect("/login");
    Ok(())
}

/// The frame of every page for people who are signed in.
#[component]
pub fn Frame() -> impl IntoView {
    let path = use_location().pathname;
    let rail = Resource::new_blocking(move || path.get(), |_| read_rail());
    view! {
        <a class="skip" href="#main">
            "Skip to the content"
        </a>
        <div class="frame">
            <header class="rail">
                <A href="/apps" attr:class="mark" attr:aria-label="Paddock, your apps">
                    <Mark />
                    <span class="word">"Paddock"</span>
                </A>
                <Load from=rail quiet=true let:figures>
                    <Rail figures />
                </Load>
            </header>
            <main class="main" id="main" tabindex="-1">
                <Outlet />
            </main>
        </div>
        <Enhance />
    }
}

#[component]
fn Rail(figures: RailView) -> impl IntoView {
    let RailView { username, is_operator, theme, apps, databases, running } = figures;
    view! {
        <Finder />
        <nav class="rail-nav" aria-label="Main">
            <A href="/find" attr:class="place-find">
                <Icon glyph=Glyph::Find />
                <span class="word">"Find"</span>
            </A>
            <Place href="/apps" glyph=Glyph::Apps word="Apps" count=apps />
            <Place href="/databases" glyph=Glyph::Database word="Databases" count=databases />
            <Place href="/operations" glyph=Glyph::Operations word="Operations" count=running />
            {is_operator.then(|| view! { <Place href="/audit" glyph=Glyph::Audit word="Audit log" count=0 /> })}
            <A href="/account" attr:class="place-account">
                <Icon glyph=Glyph::Account />
                <span class="word">{username}</span>
            </A>
        </nav>
        <ThemeSwitch theme />
    }
}

/// Leads to what has this name. With scripts, Ctrl-K and ⌘K lead here; where the rail is narrow, a link stands for it.
#[component]
fn Finder() -> impl IntoView {
    view! {
        <form class="finder" method="get" action="/find" role="search">
            <label class="hidden" for="finder">
                "Find an app or a database"
            </label>
            <input
                class="input"
                id="finder"
                type="search"
                name="q"
                placeholder="Find… Ctrl K"
                aria-keyshortcuts="Control+K Meta+K"
                autocomplete="off"
                autocapitalize="none"
                spellcheck="false"
            />
            <button class="finder-go" type="submit" aria-label="Find">
                <Icon glyph=Glyph::Find />
            </button>
        </form>
    }
}

#[component]
fn Place(href: &'static str, glyph: Glyph, word: &'static str, count: usize) -> impl IntoView {
    view! {
        <A href=href>
            <Icon glyph />
            <span class="word">{word}</span>
            <span class="n">{(count > 0).then_some(count)}</span>
        </A>
    }
}

/// Three buttons of one form. It is a plain form on purpose: the server writes the next page in the new look, so
/// nothing flashes.
#[component]
pub fn ThemeSwitch(
    /// The look that is chosen.
    theme: Theme,
) -> impl IntoView {
    let button = |option: Theme| {
        view! {
            <button
                type="submit"
                name="theme"
                value=option.key()
                aria-pressed=if option == theme { "true" } else { "false" }
            >
                {option.word()}
            </button>
        }
    };
    view! {
        <form class="theme-switch" method="post" action=SetTheme::url()>
            <fieldset>
                <legend class="hidden">"Look"</legend>
                {Theme::ALL.map(button).collect_view()}
            </fieldset>
        </form>
    }
}

/// The frame of pages that need no account.
#[component]
pub fn Doorway() -> impl IntoView {
    view! {
        <main class="doorway" id="main">
            <p class="mark">
                <Mark />
                <span class="word">"Paddock"</span>
            </p>
            <Outlet />
        </main>
        <Enhance />
    }
}
