//! Data that a page waits for, and what the page says when it does not come.

use crate::{error::AppError, ssr};
use leptos::{either::Either, prelude::*};
use leptos_meta::Title;
use leptos_router::components::A;
use serde::{Deserialize, Serialize};
use types::{Problem, ProblemKind};

/// Shows `children` with the data, or the problem in its place.
///
/// `<Load from=page let:data>…</Load>`; `from` is a `Resource::new_blocking`, so the server's first answer is whole.
#[component]
pub fn Load<T, F, V>(
    /// Where the data comes from.
    from: Resource<Result<T, AppError>>,
    /// Shows nothing in place of a problem: another part of the page shows it.
    #[prop(optional)]
    quiet: bool,
    /// The view of the data.
    children: F,
) -> impl IntoView
where
    T: Clone + Send + Sync + Serialize + for<'de> Deserialize<'de> + 'static,
    F: Fn(T) -> V + Clone + Send + Sync + 'static,
    V: IntoView + 'static,
{
    let show = move || {
        let children = children.clone();
        Suspend::new(async move {
            match from.await {
                Ok(data) => Either::Left(children(data)),
                Err(error) => Either::Right((!quiet).then(|| view! { <ProblemView problem=error.0 /> })),
            }
        })
    };
    view! { <Transition fallback=|| ()>{show}</Transition> }
}

/// A page's worth of "this cannot be shown": what happened, and where to go.
#[component]
pub fn ProblemView(
    /// What happened.
    problem: Problem,
) -> impl IntoView {
    let title = match problem.kind {
        ProblemKind::NotFound => "Not found",
        ProblemKind::Unauthenticated => "Signed out",
        ProblemKind::Forbidden => "Not yours to see",
        ProblemKind::Unavailable => "Not available just now",
        _ => "This page cannot be shown",
    };
    let (href, words) = match problem.kind {
        ProblemKind::Unauthenticated => ("/login", "Sign in"),
        _ => ("/apps", "Go to your apps"),
    };
    view! {
        <Title text=title />
        <section class="problem">
            <h1>{title}</h1>
            <p>{problem.message}</p>
            <p>
                <A href=href attr:class="link">
                    {words}
                </A>
            </p>
        </section>
    }
}

/// No page has this address.
#[component]
pub fn PageNotFound() -> impl IntoView {
    ssr::set_status(404);
    let problem =
        Problem::new(ProblemKind::NotFound, "No page has this address. It may have been renamed or deleted.");
    view! { <ProblemView problem=problem /> }
}

/// A result of what somebody just did, told on the page that shows it.
#[component]
pub fn Notice(
    /// The sentence; nothing is shown without one.
    #[prop(into)]
    text: Option<String>,
) -> impl IntoView {
    view! {
        <div class="notice-place" role="status">
            {text
                .map(|text| {
                    view! {
                        <p class="notice" data-tone="ok">
                            {text}
                        </p>
                    }
                })}
        </div>
    }
}
