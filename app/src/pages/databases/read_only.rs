//! What stands first on the overview when the disk is nearly full and new transactions are read-only: why, what still
//! works, and the ways out. It decides nothing: the core does, and lifts it by itself.

use super::told::disk_limit;
use crate::{
    error::AppError,
    ui::{ButtonLink, ErrorSummary, RowForm, Variant, moment, problem},
};
use leptos::{either::Either, prelude::*};
use types::{plan::size, view::DatabaseView};

/// Allows writes for a while although the disk is nearly full.
#[server(prefix = "/do", endpoint = "allow_writes")]
pub async fn allow_writes(id: String) -> Result<(), AppError> {
    use crate::{address, ssr};
    ssr::control()?.allow_writes(&ssr::actor()?, address::database(&id)?).await?;
    ssr::redirect(&format!("/databases/{id}"));
    Ok(())
}

/// The warning; nothing while writes are allowed as ever.
#[component]
pub fn ReadOnly(
    /// The database.
    view: DatabaseView,
) -> impl IntoView {
    let allow = ServerAction::<AllowWrites>::new();
    let refused = problem(allow);
    let id = view.addon.id.to_string();
    let until = view.writes_until.filter(|until| *until > view.now);
    let used = view.figures.as_ref().map(|figures| {
        let (used, limit) = (figures.disk_bytes, disk_limit(&view.addon.plan));
        format!("{} of {}", size(used), size(limit))
    });
    let banner = view.read_only.then(|| view! { <Banner id until=until.map(moment) used allow /> });
    view! {
        <ErrorSummary problem=refused />
        {banner}
    }
}

#[component]
fn Banner(
    id: String,
    until: Option<String>,
    used: Option<String>,
    allow: ServerAction<AllowWrites>,
) -> impl IntoView {
    let plan = format!("/databases/{id}/plan");
    let open = until.is_some();
    let used = used.map(|used| format!(" ({used})")).unwrap_or_default();
    let title = match &until {
        Some(until) => format!("Writes are allowed until {until}."),
        None => "New transactions are read-only.".to_owned(),
    };
    let text = match until {
        Some(_) => format!(
            "The disk of the plan is nearly full{used}. Delete what is not needed, or take a larger plan; otherwise \
             new transactions are read-only again after that."
        ),
        None => format!(
            "The disk of the plan is nearly full{used}. Reading works as ever. Writes come back by themselves as \
             soon as there is room."
        ),
    };
    let act = if open {
        Either::Left(())
    } else {
        Either::Right(view! {
            <RowForm action=allow fields=vec![("id", id)] large=true>
                "Allow writes for 15 minutes"
            </RowForm>
        })
    };
    view! {
        <section class="warning" aria-labelledby="read-only">
            <div>
                <h2 id="read-only">{title}</h2>
                <p>{text}</p>
            </div>
            <div class="actions">
                {act} <ButtonLink href=plan variant=Variant::Primary>
                    "Change plan"
                </ButtonLink>
            </div>
        </section>
    }
}
