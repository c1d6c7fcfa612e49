//! Buttons do something, links go somewhere; both may look like a button. The label is a verb.

use leptos::prelude::*;

/// How loud a button is. One primary button per page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Variant {
    /// An ordinary one.
    #[default]
    Plain,
    /// What most people came for.
    Primary,
    /// Something is lost by it.
    Danger,
    /// Beside a louder one.
    Quiet,
}

impl Variant {
    /// As the stylesheet knows it.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Primary => "primary",
            Self::Danger => "danger",
            Self::Quiet => "quiet",
        }
    }
}

/// Sends the form around it. While the answer is awaited a second click does nothing.
#[component]
pub fn Submit(
    /// How loud it is.
    #[prop(optional)]
    variant: Variant,
    /// For rows of tables.
    #[prop(optional)]
    small: bool,
    /// Sent with the form when it has several buttons.
    #[prop(optional, into)]
    name: Option<String>,
    /// The value that goes with `name`.
    #[prop(optional, into)]
    value: Option<String>,
    /// A verb and its object.
    children: Children,
) -> impl IntoView {
    view! {
        <button
            type="submit"
            class="button"
            data-variant=variant.key()
            data-small=small
            name=name
            value=value
        >
            {children()}
        </button>
    }
}

/// A link to a page that looks like a button.
#[component]
pub fn ButtonLink(
    /// Where to.
    #[prop(into)]
    href: String,
    /// How loud it is.
    #[prop(optional)]
    variant: Variant,
    /// For rows of tables and heads of panels.
    #[prop(optional)]
    small: bool,
    /// A verb and its object.
    children: Children,
) -> impl IntoView {
    view! {
        <a href=href class="button" data-variant=variant.key() data-small=small>
            {children()}
        </a>
    }
}
