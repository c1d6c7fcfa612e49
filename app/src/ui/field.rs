//! Fields of forms: a label, a hint, the error beside the input, and the words that tie them together for people
//! who do not see them. A field inside a [`super::Form`] finds its own error there, by its name.

use super::form::FormScope;
use leptos::prelude::*;

/// The id of a field: `{form}-{name}`, so that two forms of a page may use the same name.
pub(crate) fn id(form: Option<&str>, name: &str) -> String {
    form.map_or_else(|| name.to_owned(), |form| format!("{form}-{name}"))
}

/// What stands around an input, and the attributes that the input needs.
#[derive(Clone, Copy)]
struct Around {
    id: StoredValue<String>,
    error: Signal<Option<String>>,
    hinted: bool,
}

impl Around {
    fn new(name: &str, hint: Option<&str>) -> Self {
        let scope = use_context::<FormScope>();
        let id = id(scope.as_ref().and_then(|s| s.id), name);
        let name = name.to_owned();
        let error = Signal::derive(move || {
            let find = |p: &types::Problem| p.field(&name).map(ToOwned::to_owned);
            scope.and_then(|s| s.problem.with(|p| p.as_ref().and_then(find)))
        });
        Self { id: StoredValue::new(id), error, hinted: hint.is_some() }
    }

    fn id(self) -> String {
        self.id.get_value()
    }

    fn described_by(self) -> Option<String> {
        let (id, wrong) = (self.id(), self.error.with(Option::is_some));
        match (self.hinted, wrong) {
            (false, false) => None,
            (true, false) => Some(format!("{id}-hint")),
            (false, true) => Some(format!("{id}-error")),
            (true, true) => Some(format!("{id}-hint {id}-error")),
        }
    }

    fn invalid(self) -> Option<&'static str> {
        self.error.with(Option::is_some).then_some("true")
    }

    fn view(self, label: String, hint: Option<String>, input: impl IntoView + 'static) -> impl IntoView {
        view! {
            <div class="field" data-invalid=move || self.invalid()>
                <label for=self.id()>{label}</label>
                {hint.map(|hint| view! { <p class="hint" id=format!("{}-hint", self.id())>{hint}</p> })}
                <p class="field-error" id=format!("{}-error", self.id()) hidden=move || self.invalid().is_none()>
                    {move || self.error.get()}
                </p>
                {input}
            </div>
        }
    }
}

/// One line of text.
#[component]
pub fn Field(
    /// What it asks for.
    #[prop(into)]
    label: String,
    /// The server function's argument.
    #[prop(into)]
    name: String,
    /// A sentence about the rule or the consequence.
    #[prop(optional, into)]
    hint: Option<String>,
    /// `text`, `email`, `password`, `url`.
    #[prop(default = "text")]
    kind: &'static str,
    /// What stands there already.
    #[prop(optional, into)]
    value: Option<String>,
    /// The token for password managers: `username`, `current-password`, `off`.
    #[prop(default = "off")]
    autocomplete: &'static str,
    /// It must be filled in.
    #[prop(optional)]
    required: bool,
    /// For names and addresses that are typed letter by letter.
    #[prop(optional)]
    mono: bool,
    /// The id of a list of values that are offered while somebody types.
    #[prop(optional, into)]
    list: Option<&'static str>,
) -> impl IntoView {
    let around = Around::new(&name, hint.as_deref());
    let input = view! {
        <input
            class=if mono { "input mono" } else { "input" }
            id=around.id()
            name=name
            type=kind
            list=list
            value=value
            autocomplete=autocomplete
            autocapitalize="none"
            spellcheck="false"
            required=required
            aria-describedby=move || around.described_by()
            aria-invalid=move || around.invalid()
        />
    };
    around.view(label, hint, input)
}

/// Several lines of text.
#[component]
pub fn TextArea(
    /// What it asks for.
    #[prop(into)]
    label: String,
    /// The server function's argument.
    #[prop(into)]
    name: String,
    /// A sentence about the rule or the consequence.
    #[prop(optional, into)]
    hint: Option<String>,
    /// What stands there already.
    #[prop(optional, into)]
    value: Option<String>,
    /// Height in lines.
    #[prop(default = 3)]
    rows: u16,
    /// It holds no secret: what was typed survives a refusal.
    #[prop(optional)]
    keeps: bool,
    /// It must be filled in.
    #[prop(optional)]
    required: bool,
) -> impl IntoView {
    let around = Around::new(&name, hint.as_deref());
    let input = view! {
        <textarea
            class="input mono"
            id=around.id()
            name=name
            rows=rows
            spellcheck="false"
            autocapitalize="none"
            required=required
            data-keeps=keeps.then_some("")
            aria-describedby=move || around.described_by()
            aria-invalid=move || around.invalid()
        >
            {value}
        </textarea>
    };
    around.view(label, hint, input)
}

/// A choice of one.
#[component]
pub fn SelectField(
    /// What it asks for.
    #[prop(into)]
    label: String,
    /// The server function's argument.
    #[prop(into)]
    name: String,
    /// A sentence about the choice.
    #[prop(optional, into)]
    hint: Option<String>,
    /// Value and words of each choice.
    options: Vec<(String, String)>,
    /// The value that is chosen already.
    #[prop(optional, into)]
    value: Option<String>,
) -> impl IntoView {
    let around = Around::new(&name, hint.as_deref());
    let option = |(key, words): (String, String)| {
        let selected = value.as_ref() == Some(&key);
        view! {
            <option value=key selected=selected>
                {words}
            </option>
        }
    };
    let options = options.into_iter().map(option).collect_view();
    let input = view! {
        <select
            class="input"
            id=around.id()
            name=name
            aria-describedby=move || around.described_by()
            aria-invalid=move || around.invalid()
        >
            {options}
        </select>
    };
    around.view(label, hint, input)
}
