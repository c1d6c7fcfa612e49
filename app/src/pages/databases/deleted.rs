//! A deleted database: until when it can come back, and the button that brings it back.

use crate::error::AppError;
use crate::ui::{ErrorSummary, Panel, RowForm, Variant, moment, problem, relative};
use chrono::{DateTime, Utc};
use leptos::prelude::*;
use types::view::AddonView;

/// Brings a deleted database back, and leads to the operation that does it.
#[server(prefix = "/do", endpoint = "restore_database")]
pub async fn restore_database(id: String) -> Result<(), AppError> {
    use crate::{address, ssr};
    let accepted = ssr::control()?.restore_addon(&ssr::actor()?, address::database(&id)?).await?;
    ssr::redirect(&format!("/operations/{}", accepted.operation));
    Ok(())
}

/// In place of the overview.
#[component]
pub fn DeletedDatabase(
    /// What was deleted.
    addon: AddonView,
    /// Now, as the page's data has it.
    now: DateTime<Utc>,
) -> impl IntoView {
    let restore = ServerAction::<RestoreDatabase>::new();
    let when = addon.deleted_at.map(|at| relative(at, now)).unwrap_or_default();
    let undo = addon.purge_at.filter(|until| *until > now).map(|until| {
        view! {
            <p>
                "Its data waits in the trash. Bringing it back starts the server on the same address, with the same "
                "password, and sets the app's variables again."
            </p>
            <div class="actions">
                <RowForm
                    action=restore
                    fields=vec![("id", addon.id.to_string())]
                    variant=Variant::Primary
                    large=true
                >
                    {format!("Undo until {}", moment(until))}
                </RowForm>
            </div>
        }
    });
    let gone =
        undo.is_none().then(|| view! { <p>"Its time in the trash is over. The data is gone for good."</p> });
    view! {
        <ErrorSummary problem=problem(restore) />
        <Panel title="Deleted">
            <div class="stack">
                <p>{format!("{} was deleted {when}.", addon.resource_id)}</p>
                {undo}
                {gone}
            </div>
        </Panel>
    }
}
