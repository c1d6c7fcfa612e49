//! The two ways to restore a backup: beside the database, which nobody notices, or in its place.

use super::acts::{RestoreBeside, RestoreInPlace};
use crate::ui::{Field, Form, Panel, SelectField, Submit, Variant, the_command};
use leptos::{either::Either, prelude::*};
use types::{AddonId, Plan, backup::BackupView, command::Act, view::AddonView};

/// Both, side by side.
#[component]
pub fn Restore(
    /// The database whose page this is.
    addon: AddonView,
    /// What is restored.
    backup: BackupView,
    /// The plans that a new database can have.
    plans: Vec<Plan>,
    /// Restores it into a new database.
    beside: ServerAction<RestoreBeside>,
    /// Restores it in the place of the data.
    in_place: ServerAction<RestoreInPlace>,
) -> impl IntoView {
    let command = the_command(addon.id, &Act::RestoreBackup { backup: backup.id });
    let refuted = !backup.good();
    let (id, name, of) = (addon.id, addon.resource_id.clone(), backup.id.to_string());
    let place = if refuted {
        Either::Left(view! {
            <p>
                "This backup was tried and does not restore as it should, so it does not take the place of anything. Restore it beside the database to look at what is in it."
            </p>
        })
    } else {
        Either::Right(view! { <InPlace id name backup=of action=in_place /> {command} })
    };
    view! {
        <div class="grid g2 restore" id="restore">
            <Panel title="Restore beside it, as a new database">
                <Beside backup=backup.id.to_string() name=addon.resource_id plan=addon.plan plans action=beside />
            </Panel>
            <Panel title="Restore in place" tone="danger">
                <div class="stack">{place}</div>
            </Panel>
        </div>
    }
}

#[component]
fn Beside(
    backup: String,
    name: String,
    plan: Plan,
    plans: Vec<Plan>,
    action: ServerAction<RestoreBeside>,
) -> impl IntoView {
    let option = |plan: Plan| {
        let words = format!("{}: {} of memory, {} of disk", plan.display_name, plan.memory(), plan.disk());
        (plan.name, words)
    };
    view! {
        <Form action id="beside">
            <ul class="plain-list">
                <li>{name} " stays as it is, and so do its URL and its variables."</li>
                <li>"The new database has a URL of its own, the same version and what the backup holds."</li>
                <li>"Look around in it, take what you need, delete it when you are done."</li>
            </ul>
            <input type="hidden" name="backup" value=backup />
            <SelectField
                label="Plan of the new database"
                name="plan"
                options=plans.into_iter().map(option).collect()
                value=plan.name
            />
            <div class="actions">
                <Submit variant=Variant::Primary>"Restore beside it"</Submit>
            </div>
        </Form>
    }
}

#[component]
fn InPlace(id: AddonId, name: String, backup: String, action: ServerAction<RestoreInPlace>) -> impl IntoView {
    view! {
        <Form action id="in-place">
            <ul class="plain-list">
                <li>"A safety backup of what is there now is made first."</li>
                <li>{name.clone()} " works as always until the switch; then connections are closed for a moment."</li>
                <li>"URL, users and passwords stay the same."</li>
                <li>"What is there now waits for 3 days: one button brings it back."</li>
                <li>"What is written between the safety backup and the switch is only in what waits."</li>
            </ul>
            <input type="hidden" name="id" value=id.to_string() />
            <input type="hidden" name="backup" value=backup />
            <Field label=format!("Type {name} to confirm") name="name" required=true mono=true />
            <div class="actions">
                <Submit variant=Variant::Danger>"Restore in place"</Submit>
            </div>
        </Form>
    }
}
