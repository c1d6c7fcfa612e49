//! Forms: plain HTML forms that post to server functions.
//!
//! What was refused comes back as the action's value; the form hands it to its fields. The browser's part, where
//! there are scripts, is in [`crate::enhance`].

use super::{ErrorSummary, Submit, Variant};
use crate::error::AppError;
use leptos::{context::Provider, prelude::*, server_fn::ServerFn};
use types::Problem;

/// What a form tells the fields inside it.
#[derive(Clone, Copy)]
pub struct FormScope {
    /// The form's id, the first part of its fields' ids.
    pub id: Option<&'static str>,
    /// What was refused.
    pub problem: Signal<Option<Problem>>,
}

/// What `action` was refused for, if it was.
pub fn problem<S>(action: ServerAction<S>) -> Signal<Option<Problem>>
where
    S: ServerFn<Error = AppError> + Clone + Send + Sync + 'static,
    S::Output: Send + Sync + 'static,
{
    let value = action.value();
    Signal::derive(move || value.with(|value| value.as_ref()?.as_ref().err().map(|error| error.0.clone())))
}

/// A form with a summary of its errors on top.
#[component]
pub fn Form<S>(
    /// What it posts to.
    action: ServerAction<S>,
    /// Its id; wanted as soon as a page has two forms.
    #[prop(optional, into)]
    id: Option<&'static str>,
    /// Fields in a row instead of a column.
    #[prop(optional)]
    inline: bool,
    /// Fields and a [`Submit`].
    children: Children,
) -> impl IntoView
where
    S: ServerFn<Error = AppError> + Clone + Send + Sync + 'static,
    S::Output: Send + Sync + 'static,
{
    let scope = FormScope { id, problem: problem(action) };
    view! {
        <form method="post" action=S::url() id=id class="form" data-inline=inline novalidate=true>
            <Provider value=scope>
                <ErrorSummary problem=scope.problem form=id.map(ToOwned::to_owned) />
                {children()}
            </Provider>
        </form>
    }
}

/// A form without fields to fill: a button and what it is about, for a row of a table or a single act.
#[component]
pub fn RowForm<S>(
    /// What it posts to.
    action: ServerAction<S>,
    /// Hidden fields: name and value.
    fields: Vec<(&'static str, String)>,
    /// How loud the button is.
    #[prop(optional)]
    variant: Variant,
    /// For single acts outside of tables.
    #[prop(optional)]
    large: bool,
    /// The button's words.
    children: Children,
) -> impl IntoView
where
    S: ServerFn<Error = AppError> + Clone + Send + Sync + 'static,
    S::Output: Send + Sync + 'static,
{
    // Only its type counts: it names the server function.
    let _ = action;
    let hidden =
        fields.into_iter().map(|(name, value)| view! { <input type="hidden" name=name value=value /> });
    view! {
        <form method="post" action=S::url() class="row-form">
            {hidden.collect_view()}
            <Submit variant=variant small=!large>
                {children()}
            </Submit>
        </form>
    }
}

/// A second look before something that cannot be taken back easily: the button unfolds the consequence and the
/// button that does it. Works without scripts.
#[component]
pub fn Confirm(
    /// The verb that unfolds it: "Revoke".
    #[prop(into)]
    verb: String,
    /// The object, for people who do not see the row: "Firefox on Linux".
    #[prop(into)]
    object: String,
    /// What will happen.
    #[prop(into)]
    consequence: String,
    /// It is what the panel is for, and no side way of a row.
    #[prop(optional)]
    main: bool,
    /// The form that does it.
    children: Children,
) -> impl IntoView {
    view! {
        <details class="confirm">
            <summary class="button" data-small=!main data-variant=if main { "plain" } else { "quiet" }>
                {verb}
                <span class="hidden">" " {object}</span>
            </summary>
            <div class="confirm-box">
                <p>{consequence}</p>
                {children()}
            </div>
        </details>
    }
}
