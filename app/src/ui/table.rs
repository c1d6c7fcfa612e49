//! Tables: real ones, with a caption. On phones each row becomes a card whose cells carry their column's name.

use leptos::prelude::*;

/// A column's head.
#[derive(Clone, Debug)]
pub struct Column {
    name: &'static str,
    class: Option<&'static str>,
}

impl Column {
    /// Words.
    #[must_use]
    pub const fn text(name: &'static str) -> Self {
        Self { name, class: None }
    }

    /// Figures, aligned to the right.
    #[must_use]
    pub const fn num(name: &'static str) -> Self {
        Self { name, class: Some("num") }
    }

    /// Buttons: the head is there for people who do not see the column.
    #[must_use]
    pub const fn actions(name: &'static str) -> Self {
        Self { name, class: Some("acts") }
    }
}

/// A table. `children` are its rows (`<tr>`), or its `<tbody>`s when `grouped`.
#[component]
pub fn Table(
    /// What the table lists; shown to people who do not see the heading above it.
    #[prop(into)]
    caption: String,
    /// The heads, in order.
    columns: Vec<Column>,
    /// The children are `<tbody>`s.
    #[prop(optional)]
    grouped: bool,
    /// Rows.
    children: Children,
) -> impl IntoView {
    let head = |column: Column| {
        let words = match column.class {
            Some("acts") => view! { <span class="hidden">{column.name}</span> }.into_any(),
            _ => column.name.into_any(),
        };
        view! {
            <th scope="col" class=column.class>
                {words}
            </th>
        }
    };
    let heads = columns.into_iter().map(head).collect_view();
    let body = if grouped { children().into_any() } else { view! { <tbody>{children()}</tbody> }.into_any() };
    view! {
        <div class="table-scroll">
            <table>
                <caption class="hidden">{caption}</caption>
                <thead>
                    <tr>{heads}</tr>
                </thead>
                {body}
            </table>
        </div>
    }
}

/// A cell that knows its column's name, for the cards on phones.
#[component]
pub fn Td(
    /// The column's name.
    label: &'static str,
    /// `num`, `mono`, `acts`, `subtle`.
    #[prop(optional, into)]
    class: Option<String>,
    /// The value.
    children: Children,
) -> impl IntoView {
    view! {
        <td data-label=label class=class>
            {children()}
        </td>
    }
}
