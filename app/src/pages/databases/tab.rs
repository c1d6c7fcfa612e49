//! What the tabs of a database have in common: the database's data beside their own, the title, and what is left to see of
//! a deleted one. What a tab shows is the tab's.

use super::{deleted::DeletedDatabase, layout::ThisDatabase};
use crate::{
    error::AppError,
    ui::{ButtonLink, Empty, Load, Variant},
};
use leptos::{either::Either, prelude::*};
use leptos_meta::Title;
use serde::{Deserialize, Serialize};
use types::view::{AddonView, DatabaseView};

/// A tab of a living database under its title; of a deleted one, the way to bring it back. `name` is empty for the first
/// tab.
pub fn tab<T, F, V>(name: &'static str, own: Resource<Result<T, AppError>>, living: F) -> impl IntoView
where
    T: Clone + Send + Sync + Serialize + for<'de> Deserialize<'de> + 'static,
    F: Fn(DatabaseView, T) -> V + Clone + Send + Sync + 'static,
    V: IntoView + 'static,
{
    let whole = move |view: DatabaseView, own: T| {
        let database = view.addon.resource_id.clone();
        let title = if name.is_empty() { database } else { format!("{name} · {database}") };
        let shown = if view.addon.deleted_at.is_some() {
            Either::Left(view! { <DeletedDatabase addon=view.addon now=view.now /> })
        } else {
            Either::Right(living(view, own))
        };
        view! {
            <Title text=title />
            {shown}
        }
    };
    // A problem with the database is the layout's to show, and it is the tab's own problem as well.
    view! { <Beside own quiet=true show=whole /> }
}

/// A tab's own data and the database's.
#[component]
pub fn Beside<T, F, V>(
    /// The tab's own.
    own: Resource<Result<T, AppError>>,
    /// Shows nothing in place of a problem with the tab's own data.
    #[prop(optional)]
    quiet: bool,
    /// The view of both.
    show: F,
) -> impl IntoView
where
    T: Clone + Send + Sync + Serialize + for<'de> Deserialize<'de> + 'static,
    F: Fn(DatabaseView, T) -> V + Clone + Send + Sync + 'static,
    V: IntoView + 'static,
{
    let ThisDatabase(database) = ThisDatabase::expect();
    let both = move |view: DatabaseView| {
        let show = show.clone();
        view! {
            <Load from=own quiet let:own>
                {show(view.clone(), own)}
            </Load>
        }
    };
    view! {
        <Load from=database quiet=true let:data>
            {both(data.view)}
        </Load>
    }
}

/// The plan of this database does not have what the tab shows.
#[component]
pub fn NotOffered(
    /// The database.
    addon: AddonView,
    /// What is missing: "backups".
    what: &'static str,
    /// What it is good for.
    text: &'static str,
) -> impl IntoView {
    let title = format!("The plan {} has no {what}.", addon.plan.display_name);
    let href = format!("/databases/{}/plan", addon.id);
    view! {
        <section class="panel">
            <Empty title text>
                <ButtonLink href variant=Variant::Primary>
                    "Change plan"
                </ButtonLink>
            </Empty>
        </section>
    }
}
