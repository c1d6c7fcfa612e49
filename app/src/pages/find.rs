//! Apps and databases by name: what the field of the frame leads to. The words are in the address.

use crate::{
    error::AppError,
    ui::{Column, Empty, Field, Load, State, Strip, Submit, Table, Td},
};
use leptos::{either::Either, prelude::*};
use leptos_meta::Title;
use leptos_router::{components::A, hooks::use_query_map};
use types::search::Found;

/// What fits, among what the person may see.
#[server(prefix = "/do", endpoint = "find")]
pub async fn find(text: String) -> Result<Vec<Found>, AppError> {
    use crate::ssr;
    Ok(ssr::control()?.search(&ssr::actor()?, &text).await?)
}

/// `/find?q=…`
#[component]
pub fn Find() -> impl IntoView {
    let query = use_query_map();
    let text = Memo::new(move |_| query.read().get("q").unwrap_or_default());
    let found = Resource::new_blocking(move || text.get(), find);
    view! {
        <Title text="Find" />
        <Strip title="Find" />
        <div class="stack">
            <form method="get" action="/find" class="form" data-inline=true role="search">
                <Field label="Name or id" name="q" kind="search" value=text.get_untracked() />
                <Submit>"Find"</Submit>
            </form>
            <Load from=found let:found>
                <Rows found asked=!text.get_untracked().trim().is_empty() />
            </Load>
        </div>
    }
}

#[component]
fn Rows(found: Vec<Found>, asked: bool) -> impl IntoView {
    if found.is_empty() {
        let (title, text) = match asked {
            true => ("Nothing fits.", "A part of the name is enough, in small letters or large."),
            false => ("What are you looking for?", "Write a part of the name of an app or a database."),
        };
        return Either::Left(view! { <Empty title text /> });
    }
    let columns =
        vec![Column::text("Name"), Column::text("Kind"), Column::text("App"), Column::text("State")];
    Either::Right(view! {
        <section class="panel">
            <Table caption="What fits, the nearest first" columns>
                {found.into_iter().map(|found| view! { <Row found /> }).collect_view()}
            </Table>
        </section>
    })
}

#[component]
fn Row(found: Found) -> impl IntoView {
    match found {
        Found::App(name) => Either::Left(view! {
            <tr>
                <Td label="Name">
                    <A href=super::apps::href(&name, "")>{name}</A>
                </Td>
                <Td label="Kind">"App"</Td>
                <Td label="App">"—"</Td>
                <Td label="State">"—"</Td>
            </tr>
        }),
        Found::Database(addon) => {
            let addon = *addon;
            let status = addon.database_status;
            Either::Right(view! {
                <tr>
                    <Td label="Name">
                        <A href=format!("/databases/{}", addon.id)>{addon.resource_id}</A>
                    </Td>
                    <Td label="Kind">"Database"</Td>
                    <Td label="App">
                        <A href=super::apps::href(&addon.app, "")>{addon.app}</A>
                    </Td>
                    <Td label="State">
                        <State tone=status.tone() word=status.word() />
                    </Td>
                </tr>
            })
        }
    }
}
