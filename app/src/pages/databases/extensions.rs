//! Extensions of a database: those that are made, those that can be, and those that nobody can make here.

use super::layout::ThisDatabase;
use crate::{
    error::AppError,
    ui::{
        Column, Confirm, Empty, ErrorSummary, Load, Notice, Panel, Pill, RowForm, Table, Td, Variant,
        problem, the_commands,
    },
};
use leptos::{either::Either, prelude::*};
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
use serde::{Deserialize, Serialize};
use types::{command::Act, extension::Extension};

/// What the page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExtensionsPage {
    all: Vec<Extension>,
    notice: Option<String>,
}

/// What the server has, and what of it the database has.
#[server(prefix = "/do", endpoint = "extensions")]
pub async fn extensions(id: String) -> Result<ExtensionsPage, AppError> {
    use crate::{address, ssr};
    let all = ssr::control()?.extensions(&ssr::actor()?, address::database(&id)?).await?;
    Ok(ExtensionsPage { all, notice: ssr::take_flash("notice").await })
}

/// Makes one.
#[server(prefix = "/do", endpoint = "create_extension")]
pub async fn create_extension(id: String, name: String) -> Result<(), AppError> {
    use crate::{address, ssr};
    let (control, actor) = (ssr::control()?, ssr::actor()?);
    let version = control.create_extension(&actor, address::database(&id)?, &name).await?;
    ssr::flash("notice", format!("{name} {version} is enabled.")).await;
    ssr::redirect(&format!("/databases/{id}/extensions"));
    Ok(())
}

/// Drops one.
#[server(prefix = "/do", endpoint = "drop_extension")]
pub async fn drop_extension(id: String, name: String) -> Result<(), AppError> {
    use crate::{address, ssr};
    ssr::control()?.drop_extension(&ssr::actor()?, address::database(&id)?, &name).await?;
    ssr::flash("notice", format!("{name} is disabled.")).await;
    ssr::redirect(&format!("/databases/{id}/extensions"));
    Ok(())
}

/// What the rows' buttons post to.
#[derive(Clone, Copy)]
struct Acts {
    create: ServerAction<CreateExtension>,
    remove: ServerAction<DropExtension>,
}

/// `/databases/{id}/extensions`.
#[component]
pub fn Extensions() -> impl IntoView {
    let params = use_params_map();
    let ThisDatabase(page) = ThisDatabase::expect();
    let id = move || params.read().get("id").unwrap_or_default();
    let found = Resource::new_blocking(id, extensions);
    let acts = Acts { create: ServerAction::new(), remove: ServerAction::new() };
    view! {
        <Load from=page quiet=true let:data>
            <Title text=format!("Extensions · {}", data.view.addon.resource_id) />
        </Load>
        <Load from=found let:found>
            <div class="stack">
                <Notice text=found.notice />
                <ErrorSummary problem=problem(acts.create) />
                <ErrorSummary problem=problem(acts.remove) />
                <Sorted id=id() all=found.all acts />
            </div>
        </Load>
    }
}

/// The three kinds.
#[component]
fn Sorted(id: String, all: Vec<Extension>, acts: Acts) -> impl IntoView {
    let (made, rest): (Vec<_>, Vec<_>) = all.into_iter().partition(|extension| extension.version.is_some());
    let (offered, others): (Vec<_>, Vec<_>) = rest.into_iter().partition(|extension| extension.offered);
    let gone = made
        .iter()
        .filter(|one| !one.built_in)
        .map(|one| (format!("Disable {}", one.name), Act::DropExtension { name: &one.name }));
    let come =
        offered.iter().map(|one| (format!("Enable {}", one.name), Act::CreateExtension { name: &one.name }));
    let commands: [Option<AnyView>; 2] = [gone.collect::<Vec<_>>(), come.collect()]
        .map(|acts| id.parse().ok().filter(|_| !acts.is_empty()).map(|id| the_commands(id, acts, false)));
    let [disabling, enabling] = commands;
    let restart = match offered.iter().filter(|one| one.needs_restart).count() {
        0 => "None needs a restart.",
        _ => "Some take effect after a restart; it is said beside them.",
    };
    let rest = id.clone();
    let names = others.iter().map(|one| one.name.as_str()).collect::<Vec<_>>().join(", ");
    view! {
        <Panel title="Enabled" flush=true>
            <List caption="Enabled extensions" id extensions=made acts />
            {disabling.map(|commands| view! { <div class="panel-foot">{commands}</div> })}
        </Panel>
        <Panel title="Available" flush=true>
            <List caption="Available extensions" id=rest extensions=offered acts />
            <div class="panel-foot">
                <p class="hint">
                    "From " <code>"psql"</code> " it is the same: " <code>"CREATE EXTENSION IF NOT EXISTS …"</code>
                    " works for all of these, for every read-write user. " {restart}
                </p>
                {enabling}
            </div>
        </Panel>
        {(!names.is_empty())
            .then(|| {
                view! {
                    <Panel title="Not offered">
                        <p class="hint">
                            "These are on the host and need a superuser, which nobody is here, or a library that is not loaded here: "
                            {names} "."
                        </p>
                    </Panel>
                }
            })}
    }
}

#[component]
fn List(caption: &'static str, id: String, extensions: Vec<Extension>, acts: Acts) -> impl IntoView {
    if extensions.is_empty() {
        return Either::Left(view! { <Empty title="None." text="This server has no others to enable." /> });
    }
    let columns = vec![
        Column::text("Extension"),
        Column::text("Version"),
        Column::text("What it does"),
        Column::actions("Actions"),
    ];
    let row = move |extension: Extension| view! { <Row id=id.clone() extension acts /> };
    Either::Right(view! {
        <Table caption columns>
            {extensions.into_iter().map(row).collect_view()}
        </Table>
    })
}

#[component]
fn Row(id: String, extension: Extension, acts: Acts) -> impl IntoView {
    let Extension {
        name,
        comment,
        default_version,
        version,
        schema,
        built_in,
        dependents,
        needs_restart,
        ..
    } = extension;
    let restart =
        needs_restart.then(|| view! { " " <Pill tone="warn" text="takes effect after a restart" /> });
    let (fields, object) = (vec![("id", id), ("name", name.clone())], name.clone());
    let act = match (&version, built_in) {
        (_, true) => view! { <span class="subtle">"always there"</span> }.into_any(),
        (None, _) => view! {
            <RowForm action=acts.create fields>
                "Enable"
                <span class="hidden">" " {object}</span>
            </RowForm>
        }
        .into_any(),
        (Some(_), _) if dependents.is_empty() => view! {
            <Confirm
                verb="Disable"
                object=name.clone()
                consequence=format!("Disable {name}? Nothing depends on it. Its functions and types go.")
            >
                <RowForm action=acts.remove fields variant=Variant::Danger>
                    "Disable now"
                </RowForm>
            </Confirm>
        }
        .into_any(),
        (Some(_), _) => view! { <span class="subtle">"in use"</span> }.into_any(),
    };
    let where_to = schema.map(|schema| view! { <span class="aside">{schema}</span> });
    let used = (!dependents.is_empty()).then(|| {
        view! {
            <details class="fold">
                <summary>"Used by " {dependents.len()}</summary>
                <p class="hint">{dependents.join(", ")}</p>
            </details>
        }
    });
    view! {
        <tr>
            <th scope="row">
                <span class="mono">{name.clone()}</span>
                " "
                {where_to}
            </th>
            <Td label="Version" class="mono">
                {version.unwrap_or(default_version)}
            </Td>
            <Td label="What it does">{comment} {restart} {used}</Td>
            <Td label="Actions" class="acts">
                {act}
            </Td>
        </tr>
    }
}
