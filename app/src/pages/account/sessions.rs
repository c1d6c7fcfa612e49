//! Where somebody is signed in, and signing out there.

use crate::{
    error::AppError,
    ui::{Column, ErrorSummary, Panel, Pill, RowForm, Table, Td, Time, Variant, problem},
};
use chrono::{DateTime, Utc};
use leptos::{either::Either, prelude::*};
use types::view::SessionView;

/// Ends one session.
#[server(prefix = "/do", endpoint = "revoke_session")]
pub async fn revoke_session(id: String) -> Result<(), AppError> {
    use crate::ssr;
    let session = ssr::id(&id)?;
    ssr::control()?.revoke_session(&ssr::actor()?, session).await?;
    ssr::flash("notice", "That browser is signed out.").await;
    ssr::redirect("/account");
    Ok(())
}

/// The sessions of the account.
#[component]
pub fn Sessions(
    /// The sessions.
    sessions: Vec<SessionView>,
    /// Now, as the page's data has it.
    now: DateTime<Utc>,
    /// Ends one.
    revoke: ServerAction<RevokeSession>,
) -> impl IntoView {
    let columns = vec![
        Column::text("Browser"),
        Column::text("Address"),
        Column::text("Signed in"),
        Column::text("Last seen"),
        Column::actions("Actions"),
    ];
    let row = move |session: SessionView| view! { <SessionRow session now revoke /> };
    view! {
        <Panel title="Where you are signed in" flush=true>
            <ErrorSummary problem=problem(revoke) />
            <Table caption="Sessions" columns=columns>
                {sessions.into_iter().map(row).collect_view()}
            </Table>
        </Panel>
    }
}

#[component]
fn SessionRow(
    session: SessionView,
    now: DateTime<Utc>,
    revoke: ServerAction<RevokeSession>,
) -> impl IntoView {
    let SessionView { id, device, ip, created_at, seen_at, current } = session;
    let which = format!(" {device}");
    let end = if current {
        Either::Left(view! { <Pill tone="ok" text="this one" /> })
    } else {
        Either::Right(view! {
            <RowForm action=revoke fields=vec![("id", id.to_string())] variant=Variant::Quiet>
                "Sign out"
                <span class="hidden">{which}</span>
            </RowForm>
        })
    };
    view! {
        <tr>
            <th scope="row">{device}</th>
            <Td label="Address" class="mono">
                {ip}
            </Td>
            <Td label="Signed in" class="subtle">
                <Time at=created_at now=now />
            </Td>
            <Td label="Last seen" class="subtle">
                <Time at=seen_at now=now />
            </Td>
            <Td label="Actions" class="acts">
                {end}
            </Td>
        </tr>
    }
}
