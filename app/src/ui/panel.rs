//! A part of a page with a heading, and lists of facts.

use leptos::prelude::*;

/// A part of a page.
#[component]
pub fn Panel(
    /// Its heading.
    #[prop(into)]
    title: String,
    /// What stands right of the heading: a link, a count.
    #[prop(optional, into)]
    aside: ViewFnOnce,
    /// `danger` for the zone where things get lost.
    #[prop(optional, into)]
    tone: Option<String>,
    /// Leaves the padding to the content: tables, lists.
    #[prop(optional)]
    flush: bool,
    /// The content.
    children: Children,
) -> impl IntoView {
    let id = format!("panel-{}", super::slug(&title));
    view! {
        <section class="panel" aria-labelledby=id.clone() data-tone=tone>
            <header>
                <h2 id=id.clone()>{title}</h2>
                <div class="aside">{aside.run()}</div>
            </header>
            <div class=if flush { "panel-flush" } else { "panel-body" }>{children()}</div>
        </section>
    }
}

/// A list of facts: names on the left, values on the right.
#[component]
pub fn Facts(
    /// [`Fact`]s.
    children: Children,
) -> impl IntoView {
    view! { <dl class="facts">{children()}</dl> }
}

/// One fact.
#[component]
pub fn Fact(
    /// Its name.
    #[prop(into)]
    name: String,
    /// Its value.
    children: Children,
) -> impl IntoView {
    view! {
        <div class="fact">
            <dt>{name}</dt>
            <dd>{children()}</dd>
        </div>
    }
}
