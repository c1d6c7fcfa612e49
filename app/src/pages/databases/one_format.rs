//! One format of the connect dialog: the text, and copying, revealing, and the certificate authority's file.

use super::connect::{RevealPassword, copy_connection};
use crate::next;
use crate::ui::{CodeBlock, ErrorSummary, Glyph, Icon, RowForm, problem};
use leptos::{either::Either, prelude::*, task::spawn_local};
use types::{
    ProblemKind,
    connect::{CA_FILE, Format, SslMode},
};

/// The text, and what can be done with it.
#[component]
pub fn OneFormat(
    /// The text.
    format: Format,
    /// What it has the client check.
    sslmode: SslMode,
    /// This format's address.
    back: String,
    /// The database.
    id: String,
    /// It has its password.
    shown: bool,
    /// Shows the password.
    reveal: ServerAction<RevealPassword>,
) -> impl IntoView {
    let fields = vec![("id", id.clone()), ("back", back)];
    let secret = if shown {
        Either::Left(
            view! { <p class="hint" role="status">"The password is shown this once. Load the page again to hide it."</p> },
        )
    } else {
        Either::Right(view! {
            <RowForm action=reveal fields large=true>
                <Icon glyph=Glyph::Eye />
                "Reveal password"
            </RowForm>
        })
    };
    let code = if shown {
        Either::Left(view! { <CodeBlock text=format.text name="with the password" /> })
    } else {
        Either::Right(view! {
            <div class="code">
                <pre tabindex="0">
                    <code>{format.text}</code>
                </pre>
                <CopySecret id format=format.key.to_owned() sslmode=sslmode.word().to_owned() />
            </div>
        })
    };
    let needs_file = sslmode == SslMode::VerifyFull && format.key != "pgpass";
    let file = needs_file.then(|| {
        view! {
            <p class="hint">
                "verify-full needs the certificate authority beside it, saved as " <code>{CA_FILE}</code> "."
            </p>
        }
    });
    view! {
        <ErrorSummary problem=problem(reveal) />
        {code}
        <p class="hint">{format.hint}</p>
        <div class="actions">
            {secret}
            <a class="button" href="/api/ca_certificate" download=CA_FILE rel="external">
                <Icon glyph=Glyph::Download />
                "Download CA"
            </a>
        </div>
        {file}
        <p class="hint">"Copying takes the password along without showing it. Copying and revealing are written to the audit log."</p>
    }
}

/// Copies the text with its password. The secret goes from the answer to the clipboard and is kept nowhere.
#[island]
fn CopySecret(id: String, format: String, sslmode: String) -> impl IntoView {
    let said = RwSignal::new(None::<&'static str>);
    let copy = move |_| {
        let (id, format, sslmode) = (id.clone(), format.clone(), sslmode.clone());
        spawn_local(async move {
            // Browsers keep the clipboard for pages that came encrypted, or from this machine.
            let told = if !window().is_secure_context() {
                "Copying needs HTTPS"
            } else {
                match copy_connection(id, format, sslmode).await {
                    Ok(text) => {
                        drop(window().navigator().clipboard().write_text(&text));
                        "Copied"
                    }
                    Err(error) if error.0.kind == ProblemKind::Unauthenticated => {
                        let at = window().location();
                        let page = at.pathname().unwrap_or_default() + &at.search().unwrap_or_default();
                        drop(at.assign(&next::confirm(&page, None)));
                        "Confirm your password first"
                    }
                    Err(_) => "Not copied",
                }
            };
            let _ = said.try_set(Some(told));
            set_timeout(
                move || {
                    let _ = said.try_set(None);
                },
                std::time::Duration::from_secs(4),
            );
        });
    };
    view! {
        <button type="button" class="button copy-button" data-small=true data-done=move || said.get() == Some("Copied") on:click=copy>
            <Icon glyph=Glyph::Copy />
            "Copy"
            <span class="hidden">" with the password"</span>
        </button>
        <output class="copied" aria-live="polite">
            {said}
        </output>
    }
}
