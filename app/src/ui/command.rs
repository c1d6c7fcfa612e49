//! "Show me the command": under a form, the same act as a call of the API, as SQL and with PostgreSQL's own tools. Closed
//! until somebody wants it. Under a form with fields it follows what is typed ([`crate::follow`]).

use super::copy::CodeBlock;
use leptos::prelude::*;
use types::{
    AddonId,
    command::{Act, Command, Sql, SqlBy, Typed, TypedForm, command},
};

/// The act's command; nothing where it cannot be written.
#[must_use]
pub fn the_command(database: AddonId, act: &Act<'_>) -> AnyView {
    command(database, act).map(|command| view! { <Shown command /> }).into_any()
}

/// The commands of several acts in one fold, each below its name; unfolded for who asked for them.
#[must_use]
pub fn the_commands(database: AddonId, acts: Vec<(String, Act<'_>)>, open: bool) -> AnyView {
    let one = |(name, act): (String, Act<'_>)| {
        command(database, &act).map(|command| view! { <h3>{name}</h3> <Parts command /> })
    };
    let shown: Vec<_> = acts.into_iter().filter_map(one).collect();
    if shown.is_empty() {
        return ().into_any();
    }
    view! {
        <details class="fold command" open=open>
            <summary>"Show me the command"</summary>
            <Environment />
            {shown}
        </details>
    }
    .into_any()
}

/// The command of a form as it stands: `value` answers what stands in its fields. It belongs into the form.
#[must_use]
pub fn the_typed_command(
    database: AddonId,
    form: TypedForm,
    value: impl Fn(&str) -> Option<String>,
) -> AnyView {
    let typed = Typed { database, form };
    let follows = serde_json::to_string(&typed).ok();
    typed.command(value).map(|command| view! { <Shown command follows /> }).into_any()
}

#[component]
fn Shown(
    command: Command,
    /// The [`Typed`] that it follows, as JSON.
    #[prop(optional_no_strip)]
    follows: Option<String>,
) -> impl IntoView {
    view! {
        <details class="fold command" data-follows=follows>
            <summary>"Show me the command"</summary>
            <Environment />
            <Parts command />
        </details>
    }
}

#[component]
fn Environment() -> impl IntoView {
    view! {
        <p class="hint">
            "With an API token in " <code>"TOKEN"</code> " and this Paddock’s address in " <code>"PADDOCK_URL"</code> ":"
        </p>
    }
}

/// What it is in each language. The parts carry names, by which a page that follows finds them.
#[component]
fn Parts(command: Command) -> impl IntoView {
    let sql = command.sql.map(|Sql { by, text }| {
        let who = match by {
            SqlBy::User => "In psql:",
            SqlBy::Platform => "As SQL. Only the platform’s own roles may say it; it is what they do:",
        };
        view! {
            <p class="hint">{who}</p>
            <div data-part="sql">
                <CodeBlock text name="the SQL" />
            </div>
        }
    });
    let tools = command.tools.map(|tools| {
        view! {
            <p class="hint">"With PostgreSQL’s own tools:"</p>
            <CodeBlock text=tools name="the command" />
        }
    });
    view! {
        <div data-part="api">
            <CodeBlock text=command.api name="the API call" />
        </div>
        {sql}
        {tools}
    }
}
