//! What a user may really do, object by object, as PostgreSQL answers it, and the button that closes gaps.

use super::addon;
use crate::{
    error::AppError,
    ui::{CodeBlock, Column, Empty, Panel, Pill, RowForm, Table, Td, Variant, the_command},
};
use leptos::{either::Either, prelude::*};
use types::{
    command::Act,
    rights::{ObjectRights, RightsView},
};

/// Gives everybody the rights that they should have.
#[server(prefix = "/do", endpoint = "mend_database_rights")]
pub async fn mend_rights(id: String, name: String) -> Result<(), AppError> {
    use crate::{address, ssr};
    let left = ssr::control()?.mend_database_rights(&ssr::actor()?, address::database(&id)?, &name).await?;
    let words = match left {
        0 => "The gaps are closed: everything belongs to the owner, and all users have their rights."
            .to_owned(),
        left => format!(
            "{left} objects still have gaps: they belong to somebody else, or their owner keeps them so."
        ),
    };
    ssr::flash("notice", words).await;
    ssr::redirect(&format!("/databases/{id}/users/{name}"));
    Ok(())
}

/// The table.
#[component]
pub fn Rights(
    /// The database.
    id: String,
    /// Whose rights, and which.
    rights: RightsView,
    /// Closes gaps.
    mend: ServerAction<MendRights>,
) -> impl IntoView {
    let RightsView { database, user, read_only, objects, total, gaps, beyond, sql } = rights;
    let sentence = match gaps {
        0 => "No gaps: it may do with everything what it should.".to_owned(),
        1 => "One object has a gap: something was made under another user’s own name, or rights were given or taken away.".into(),
        n => format!("{n} objects have gaps: they were made under another user’s own name, or rights were given or taken away."),
    };
    let more_than_reading = match beyond {
        0 => None,
        1 => {
            Some("With one of them it may do more than reading: closing the gaps takes that away.".to_owned())
        }
        n => Some(format!("With {n} of them it may do more than reading: closing the gaps takes that away.")),
    };
    let command = addon(&id).filter(|_| gaps > 0).map(|id| {
        let act = Act::MendRights { database: &database, name: &user, read_only };
        view! { <div class="panel-foot">{the_command(id, &act)}</div> }
    });
    let close = (gaps > 0).then(|| {
        view! {
            <RowForm action=mend fields=vec![("id", id), ("name", user)] variant=Variant::Primary large=true>
                "Close the gaps"
            </RowForm>
        }
    });
    let shown = objects.len();
    let more =
        (shown < total).then(|| format!("{shown} of {total} objects are shown, those with gaps first."));
    let columns =
        vec![Column::text("Object"), Column::text("Owner"), Column::text("May"), Column::text("Missing")];
    let row = move |object: ObjectRights| view! { <Object object read_only /> };
    let table = if objects.is_empty() {
        Either::Left(
            view! { <Empty title="Nothing here yet." text="Tables appear here as soon as there are some." /> },
        )
    } else {
        Either::Right(view! {
            <Table caption="Effective rights" columns>
                {objects.into_iter().map(row).collect_view()}
            </Table>
        })
    };
    view! {
        <Panel title="Effective rights" flush=true>
            <div class="act-row">
                <p>{sentence} {more_than_reading.map(|told| format!(" {told}"))}</p>
                {close}
            </div>
            {command}
            {table}
            {more.map(|more| view! { <div class="panel-foot"><p class="hint">{more}</p></div> })}
            <details class="fold command panel-foot">
                <summary>"What it was given, as SQL"</summary>
                <CodeBlock text=sql name="the grants" />
            </details>
        </Panel>
    }
}

#[component]
fn Object(object: ObjectRights, read_only: bool) -> impl IntoView {
    let missing = object.missing(read_only).join(", ").to_lowercase();
    let beyond = object.beyond(read_only).join(", ").to_lowercase();
    let closed = object.closed.join(", ");
    let name = match object.schema.is_empty() {
        true => object.name.clone(),
        false => format!("{}.{}", object.schema, object.name),
    };
    let may = match object.allowed.is_empty() {
        true => "nothing".to_owned(),
        false => object.allowed.join(", ").to_lowercase(),
    };
    view! {
        <tr>
            <th scope="row">
                <span class="mono">{name}</span>
                " "
                <span class="aside">{object.kind.word()}</span>
            </th>
            <Td label="Owner" class="mono">
                {object.owner}
            </Td>
            <Td label="May">
                {may}
                {(!beyond.is_empty())
                    .then(|| view! { " " <Pill tone="warn" text=format!("more than reading: {beyond}") /> })}
                {(!closed.is_empty())
                    .then(|| view! { <p class="hint">{format!("calls {closed}, which it may not call")}</p> })}
            </Td>
            <Td label="Missing">
                {if missing.is_empty() {
                    Either::Left("–")
                } else {
                    Either::Right(view! { <Pill tone="warn" text=missing /> })
                }}
            </Td>
        </tr>
    }
}
