//! "Connect": one database in fourteen formats. The password is hidden until somebody reveals it; copying takes it
//! along without showing it. Both are written to the audit log, by the core.
//!
//! The dialog, the format and the check of the certificate are in the address; the password never is.

use super::{layout::DatabasePage, one_format::OneFormat};
use crate::error::AppError;
use crate::ui::{Dialog, Load};
use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_query_map};
use types::{
    connect::{self, Format, Options, SslMode},
    view::ConnectionView,
};

/// How to reach a database; with its password when it was just revealed.
#[server(prefix = "/do", endpoint = "connection")]
pub async fn connection(id: String) -> Result<ConnectionView, AppError> {
    use crate::{address, ssr};
    let (control, actor) = (ssr::control()?, ssr::actor()?);
    let view = control.connection(&actor, address::database(&id)?).await?;
    Ok(ConnectionView { password: ssr::take_flash(&format!("password:{id}")).await, ..view })
}

/// Reveals the password to the next page, once.
#[server(prefix = "/do", endpoint = "reveal_password")]
pub async fn reveal_password(id: String, back: String) -> Result<(), AppError> {
    use crate::{address, ssr};
    let view = ssr::control()?.reveal(&ssr::actor()?, address::database(&id)?).await?;
    ssr::flash(&format!("password:{id}"), view.password.unwrap_or_default()).await;
    ssr::redirect(crate::next::safe(&back));
    Ok(())
}

/// A format with its password, for the clipboard.
#[server(prefix = "/do", endpoint = "copy_connection")]
pub async fn copy_connection(id: String, format: String, sslmode: String) -> Result<String, AppError> {
    use crate::{address, ssr};
    let view = ssr::control()?.reveal(&ssr::actor()?, address::database(&id)?).await?;
    let options = Options { masked: false, sslmode: SslMode::from_word(&sslmode) };
    Ok(connect::format_named(&view, options, &format).map(|format| format.text).unwrap_or_default())
}

/// The connection while the dialog is open, and nothing while it is not.
pub async fn when_open(open: bool, id: String) -> Result<Option<ConnectionView>, AppError> {
    if open { connection(id).await.map(Some) } else { Ok(None) }
}

/// What the address says about the dialog.
#[derive(Clone, Copy)]
struct Chosen {
    path: Memo<String>,
    format: Memo<String>,
    sslmode: Memo<SslMode>,
}

impl Chosen {
    fn of_address() -> Self {
        let (path, query) = (use_location().pathname, use_query_map());
        let word = move |name: &str| query.read().get(name).unwrap_or_default();
        Self {
            path: Memo::new(move |_| path.get()),
            format: Memo::new(move |_| word("format")),
            sslmode: Memo::new(move |_| SslMode::from_word(&word("sslmode"))),
        }
    }

    fn href(self, format: &str, sslmode: SslMode) -> String {
        format!("{}?dialog=connect&format={format}&sslmode={}", self.path.get(), sslmode.word())
    }
}

/// The dialog. It stays open over every page of the database while the address says so.
#[component]
pub fn ConnectDialog(
    /// The page's data.
    page: Resource<Result<DatabasePage, AppError>>,
    /// How to reach the database.
    connection: Resource<Result<Option<ConnectionView>, AppError>>,
    /// Shows the password.
    reveal: ServerAction<RevealPassword>,
) -> impl IntoView {
    let chosen = Chosen::of_address();
    view! {
        <Load from=page quiet=true let:data>
            <Dialog
                title=format!("Connect to {}", data.view.addon.resource_id)
                close=chosen.path.get_untracked()
            >
                <Load from=connection let:found>
                    {found
                        .map(|connection| {
                            let (app, id) = (data.view.addon.app.clone(), data.view.addon.id.to_string());
                            view! { <Formats connection app id chosen reveal /> }
                        })}
                </Load>
            </Dialog>
        </Load>
    }
}

#[component]
fn Formats(
    connection: ConnectionView,
    app: String,
    id: String,
    chosen: Chosen,
    reveal: ServerAction<RevealPassword>,
) -> impl IntoView {
    let shown = connection.password.is_some();
    let user = connection.username.clone();
    let all = Memo::new(move |_| {
        connect::formats(&connection, Options { masked: !shown, sslmode: chosen.sslmode.get() })
    });
    let current = Memo::new(move |_| {
        all.with(|all| chosen.format.with(|key| all.iter().position(|f| f.key == key)).unwrap_or(0))
    });
    let links = move || {
        let link = |(at, format): (usize, &Format)| {
            let href = chosen.href(format.key, chosen.sslmode.get());
            view! {
                <a href=href aria-current=(at == current.get()).then_some("true")>
                    {format.label}
                </a>
            }
        };
        all.with(|all| all.iter().enumerate().map(link).collect_view())
    };
    let id = StoredValue::new(id);
    let one = move || {
        let format = all.with(|all| all.get(current.get()).cloned());
        let sslmode = chosen.sslmode.get();
        format.map(|format| {
            let back = chosen.href(format.key, sslmode);
            view! { <OneFormat format sslmode back id=id.get_value() shown reveal /> }
        })
    };
    view! {
        <div class="vt">
            <nav aria-label="Formats">
                {links}
            </nav>
            <div class="stack">
                <div class="connect-line">
                    "User " <code>{user}</code> <span>"Check of the certificate"</span>
                    <Checks chosen current=Signal::derive(move || all.with(|all| all.get(current.get()).map_or("url", |f| f.key))) />
                </div>
                {one}
                <p class="hint">
                    {app} " has it already as " <code>"SCALINGO_POSTGRESQL_URL"</code> " and " <code>"DATABASE_URL"</code>
                    "."
                </p>
            </div>
        </div>
    }
}

/// What the client checks, as links.
#[component]
fn Checks(chosen: Chosen, current: Signal<&'static str>) -> impl IntoView {
    let link = move |mode: SslMode| {
        view! {
            <a
                href=move || chosen.href(current.get(), mode)

                title=mode.meaning()
                aria-current=move || (chosen.sslmode.get() == mode).then_some("true")
            >
                {mode.word()}
            </a>
        }
    };
    view! { <span class="segments">{SslMode::ALL.map(link).collect_view()}</span> }
}
