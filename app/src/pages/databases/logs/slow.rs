//! Statements that took long, with their plans, and the switch that logs them.

use super::Asked;
use crate::{
    error::AppError,
    ui::{Empty, Form, Panel, SelectField, Submit, Time, the_typed_command},
};
use leptos::{either::Either, prelude::*};
use types::{
    AddonId,
    command::TypedForm,
    log::{SLOW_MS, SlowQuery, SlowView},
};

/// Logs statements that take so many milliseconds, or none.
#[server(prefix = "/do", endpoint = "log_slow_queries")]
pub async fn log_slow_queries(id: String, threshold_ms: String) -> Result<(), AppError> {
    use crate::{address, ssr};
    // What is no number breaks the same rule as a number that is none of ours.
    let ms = if threshold_ms == "off" { None } else { Some(threshold_ms.parse().unwrap_or(-1)) };
    ssr::control()?.log_slow_queries(&ssr::actor()?, address::database(&id)?, ms).await?;
    ssr::redirect(&format!("/databases/{id}/logs?view=slow"));
    Ok(())
}

/// The view.
#[component]
pub fn Slow(id: AddonId, shown: Result<SlowView, AppError>, asked: Asked) -> impl IntoView {
    match shown {
        Err(error) => Either::Left(view! {
            <section class="panel">
                <Empty title="The slow queries cannot be read just now." text=error.0.message />
            </section>
        }),
        Ok(shown) => {
            let newest = asked.order.as_deref() == Some("newest");
            Either::Right(view! {
                <Switch id threshold_ms=shown.threshold_ms needs_restart=shown.needs_restart />
                <Queries id shown newest />
            })
        }
    }
}

#[component]
fn Switch(id: AddonId, threshold_ms: Option<u32>, needs_restart: bool) -> impl IntoView {
    let set = ServerAction::<LogSlowQueries>::new();
    let mut options = vec![("off".to_owned(), "Off".to_owned())];
    options.extend(SLOW_MS.map(|ms| (ms.to_string(), words(ms))));
    let value = threshold_ms.map_or_else(|| "off".to_owned(), |ms| ms.to_string());
    let chosen = value.clone();
    let command = the_typed_command(id, TypedForm::LogSlowQueries, move |_| Some(chosen.clone()));
    let restart = needs_restart.then(|| {
        view! {
            <p class="notice-line">
                "The server was started before it could log slow queries: restart it once, under "
                <a href=format!("/databases/{id}/settings")>"Settings"</a> "."
            </p>
        }
    });
    view! {
        <Panel title="Slow-query log">
            <div class="stack">
                {restart}
                <Form action=set id="slow" inline=true>
                    <input type="hidden" name="id" value=id.to_string() />
                    <SelectField
                        label="Log statements that take"
                        name="threshold_ms"
                        hint="With their text and plan, at once and without a restart. Passwords in them are masked here; the file on the server holds the text as it came."
                        options
                        value
                    />
                    <Submit>"Save"</Submit>
                    {command}
                </Form>
            </div>
        </Panel>
    }
}

fn words(ms: u32) -> String {
    if ms < 1000 { format!("{ms} ms or longer") } else { format!("{} s or longer", ms / 1000) }
}

#[component]
fn Queries(id: AddonId, shown: SlowView, newest: bool) -> impl IntoView {
    let SlowView { queries, left_out, threshold_ms, now, .. } = shown;
    if queries.is_empty() {
        let text = match threshold_ms {
            Some(ms) => format!("No statement in the newest part of the log took {}.", words(ms)),
            None => "Slow queries are not logged. Choose a threshold above.".into(),
        };
        return Either::Left(view! {
            <section class="panel">
                <Empty title="No slow queries." text />
            </section>
        });
    }
    let page = format!("/databases/{id}/logs?view=slow");
    let current = |this: bool| (this == newest).then_some("true");
    let more = (left_out > 0).then(
        || view! { <p class="hint">{format!("{left_out} more are in the newest part of the log.")}</p> },
    );
    let one = |query: SlowQuery| {
        let at = query.at.map(|at| view! { <Time at now=now /> });
        view! {
            <li class="slow">
                <p class="slow-head">
                    <b>{took(query.ms)}</b>
                    <span class="mono">{query.who}</span>
                    {at}
                </p>
                <pre class="slow-query" tabindex="0"><code>{query.query}</code></pre>
                <details class="fold">
                    <summary>"Plan"</summary>
                    <pre class="slow-plan" tabindex="0"><code>{query.plan}</code></pre>
                </details>
            </li>
        }
    };
    Either::Right(view! {
        <nav class="segments" aria-label="Order">
            <a href=page.clone() aria-current=current(false)>"Slowest first"</a>
            <a href=format!("{page}&order=newest") aria-current=current(true)>"Newest first"</a>
        </nav>
        <ol class="slow-list panel" aria-label="Slow queries">
            {queries.into_iter().map(one).collect_view()}
        </ol>
        {more}
    })
}

/// A duration as people read it: `512 ms`, `1.5 s`.
fn took(ms: f64) -> String {
    if ms < 1000.0 { format!("{ms:.0} ms") } else { format!("{:.1} s", ms / 1000.0) }
}

#[cfg(test)]
mod tests {
    #[test]
    fn durations_read_naturally() {
        assert_eq!([100.2, 999.0, 1500.0].map(super::took), ["100 ms", "999 ms", "1.5 s"]);
        assert_eq!([100, 5000].map(super::words), ["100 ms or longer", "5 s or longer"]);
    }
}
