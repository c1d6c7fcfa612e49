//! What went wrong with a form, above it: each wrong field is a link to the field.

use leptos::prelude::*;
use types::Problem;

/// The summary of a refusal; nothing while there is none. Where there are scripts it takes the focus.
#[component]
pub fn ErrorSummary(
    /// What was refused, and why.
    #[prop(into)]
    problem: Signal<Option<Problem>>,
    /// The form's id: fields are named `{form}-{field}`.
    #[prop(default = None)]
    form: Option<String>,
) -> impl IntoView {
    let form = StoredValue::new(form);
    move || {
        problem.get().map(|problem| {
            let list = form.with_value(|form| links(form.as_deref(), &problem));
            let conflict = problem.operation.map(|id| {
                view! {
                    <p>
                        <a href=format!("/operations/{id}")>"Follow the running operation"</a>
                    </p>
                }
            });
            let alone = list.is_none();
            view! {
                <div class="error-summary" role="alert" tabindex="-1">
                    <p class="error-title">
                        {if alone { problem.message } else { "Nothing was changed yet.".to_owned() }}
                    </p>
                    {list}
                    {conflict}
                </div>
            }
        })
    }
}

/// The wrong fields as links, if the refusal is about fields.
fn links(form: Option<&str>, problem: &Problem) -> Option<impl IntoView + use<>> {
    let link = |error: &types::FieldError| {
        let id = super::field::id(form, &error.field);
        view! {
            <li>
                <a href=format!("#{id}")>
                    {error.message.clone()}
                </a>
            </li>
        }
    };
    let items = problem.fields.iter().map(link).collect_view();
    (!problem.fields.is_empty()).then(|| view! { <ul>{items}</ul> })
}
