//! "Show me the command": under a form, the same act as a call of the API, as SQL and with PostgreSQL's own tools. Closed until somebody wants it.

use super::copy::CodeBlock;
use leptos::prelude::*;
use types::{
    AddonId,
    command::{Act, Command, command},
};

/// The act's command; nothing where it cannot be written.
#[must_use]
pub fn the_command(database: AddonId, act: &Act<'_>) -> AnyView {
    command(database, act).map(|command| view! { <Shown command /> }).into_any()
}

#[component]
fn Shown(command: Command) -> impl IntoView {
    let sql = command.sql.map(|sql| {
        view! {
            <p class="hint">"In psql:"</p>
            <CodeBlock text=sql name="the SQL" />
        }
    });
    let tools = command.tools.map(|tools| {
        view! {
            <p class="hint">"With PostgreSQL’s own tools:"</p>
            <CodeBlock text=tools name="the command" />
        }
    });
    view! {
        <details class="fold command">
            <summary>"Show me the command"</summary>
            <p class="hint">
                "With an API token in " <code>"TOKEN"</code> " and this Paddock’s address in " <code>"PADDOCK_URL"</code> ":"
            </p>
            <CodeBlock text=command.api name="the API call" />
            {sql}
            {tools}
        </details>
    }
}
