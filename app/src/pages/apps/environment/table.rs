//! The variables of an app in a table, with what can be done to each.

use super::look::Look;
use crate::{
    error::AppError,
    ui::{ButtonLink, Column, Confirm, Empty, Panel, Pill, RowForm, Table, Td, Variant},
};
use leptos::{either::Either, prelude::*};
use types::view::VariableView;

/// Deletes a variable.
#[server(prefix = "/do", endpoint = "delete_variable")]
pub async fn delete_variable(app: String, id: String) -> Result<(), AppError> {
    use crate::ssr;
    let variable = ssr::id(&id)?;
    ssr::control()?.delete_variable(&ssr::actor()?, &app, variable).await?;
    ssr::flash("notice", "The variable is deleted. The app notices at its next start.").await;
    ssr::redirect(&crate::pages::apps::href(&app, "environment"));
    Ok(())
}

/// The variables, as the look has them.
#[component]
pub fn Variables(
    /// What the address asks for.
    look: Look,
    /// The variables; secrets are hidden already where they should be.
    variables: Vec<VariableView>,
    /// Deletes one.
    delete: ServerAction<DeleteVariable>,
) -> impl IntoView {
    let columns =
        vec![Column::text("Name"), Column::text("Value"), Column::text("Set by"), Column::actions("Actions")];
    let switches = look.clone();
    let empty = variables.is_empty();
    let rows = variables.into_iter().map(|variable| view! { <Row look=look.clone() variable delete /> });
    let rows = rows.collect_view();
    view! {
        <Panel title="Variables" flush=true aside=move || view! { <Switches look=switches /> }>
            {if empty {
                Either::Left(
                    view! {
                        <Empty
                            title="No variables yet."
                            text="Add one below. Databases add their URLs by themselves."
                        />
                    },
                )
            } else {
                Either::Right(
                    view! {
                        <Table caption="Environment variables" columns=columns>
                            {rows}
                        </Table>
                    },
                )
            }}
        </Panel>
    }
}

/// As written or resolved; hidden or shown.
#[component]
fn Switches(look: Look) -> impl IntoView {
    let Look { resolved, reveal, .. } = look;
    let current = |on: bool| on.then_some("true");
    view! {
        <nav class="segments" aria-label="Show values">
            <a href=look.href(false, reveal, "") aria-current=current(!resolved)>
                "As written"
            </a>
            <a href=look.href(true, reveal, "") aria-current=current(resolved)>
                "Resolved"
            </a>
        </nav>
        <ButtonLink href=look.href(resolved, !reveal, "") variant=Variant::Quiet small=true>
            {if reveal { "Hide secrets" } else { "Show secrets" }}
        </ButtonLink>
    }
}

#[component]
fn Row(look: Look, variable: VariableView, delete: ServerAction<DeleteVariable>) -> impl IntoView {
    let VariableView { id, name, value, managed } = variable;
    let which = format!(" {name}");
    let actions = (!managed).then(|| {
        let fields = vec![("app", look.app.clone()), ("id", id.to_string())];
        view! {
            <ButtonLink
                href=look.href(look.resolved, look.reveal, &id.to_string())
                variant=Variant::Quiet
                small=true
            >
                "Change"
                <span class="hidden">{which}</span>
            </ButtonLink>
            <Confirm
                verb="Delete"
                object=name.clone()
                consequence=format!("Delete {name}? Its value is not kept.")
            >
                <RowForm action=delete fields=fields variant=Variant::Danger>
                    "Delete variable"
                </RowForm>
            </Confirm>
        }
    });
    view! {
        <tr>
            <th scope="row" class="mono">
                {name}
            </th>
            <Td label="Value" class="mono value">
                {value}
            </Td>
            <Td label="Set by">
                {if managed {
                    Either::Left(view! { <Pill tone="off" text="the database" /> })
                } else {
                    Either::Right("people")
                }}
            </Td>
            <Td label="Actions" class="acts">
                {actions}
            </Td>
        </tr>
    }
}
