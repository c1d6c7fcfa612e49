//! A database at a glance: one sentence first, then the figures it stands on, what happened, and what comes next.

use super::{
    activity::Happened,
    backups::{BackupsGlance, Glance, backups_glance},
    read_only::ReadOnly,
    tab::tab,
    tiles::Tiles,
};
use crate::ui::{ButtonLink, Dot, Fact, Facts, Panel, State, Time, Variant, date, relative};
use leptos::{either::Either, prelude::*};
use leptos_router::hooks::use_params_map;
use types::{
    AddonId,
    pitr::{Exposure, Ground},
    view::{CheckView, DatabaseView, FeaturesView},
};

/// `/databases/{id}`.
#[component]
pub fn Overview() -> impl IntoView {
    let params = use_params_map();
    let backups = Resource::new_blocking(move || params.read().get("id").unwrap_or_default(), backups_glance);
    tab("", backups, |view, backups| view! { <Living view backups /> })
}

#[component]
fn Living(view: DatabaseView, backups: Option<Glance>) -> impl IntoView {
    let all = format!("/databases/{}/activity", view.addon.id);
    let (rows, now) = (view.activity.clone(), view.now);
    let aside = move || {
        view! {
            <ButtonLink href=all small=true variant=Variant::Quiet>
                "All activity"
            </ButtonLink>
        }
    };
    view! {
        <div class="stack">
            <ReadOnly view=view.clone() />
            <Sentence text=view.sentence.clone() tone=view.tone.clone() checks=view.checks.clone() />
            <Exposed exposure=view.exposure id=view.addon.id />
            <Tiles view=view.clone() />
            <div class="grid g21">
                <Panel title="What happened" flush=true aside>
                    <Happened rows now />
                </Panel>
                <div class="stack">
                    <Server view=view.clone() />
                    <Next view=view.clone() backups />
                </div>
            </div>
            <Features id=view.addon.id features=view.features />
        </div>
    }
}

/// What would be lost, and how long a way back takes.
#[component]
fn Exposed(exposure: Option<Exposure>, id: AddonId) -> impl IntoView {
    exposure.map(|exposure| {
        let archived = exposure.data.is_some_and(|way| way.from == Ground::Archive);
        let page = if archived { "recovery" } else { "backups" };
        let safe = exposure.data.is_some() && exposure.machine.is_some();
        view! {
            <details class="panel sentence exposure">
                <summary class="sentence-line">
                    <Dot tone=if safe { "ok" } else { "warn" } />
                    <span class="sentence-text">{exposure.data_lost()} " " {exposure.machine_lost()}</span>
                    <span class="more">"How so?"</span>
                </summary>
                <p class="exposure-ground">
                    {exposure.ground()} " "
                    <a class="link" href=format!("/databases/{id}/{page}")>
                        "See what there is"
                    </a>
                </p>
            </details>
        }
    })
}

/// What the database feels, and, unfolded, the checks behind it.
#[component]
fn Sentence(text: String, tone: String, checks: Vec<CheckView>) -> impl IntoView {
    if checks.is_empty() {
        return Either::Left(view! {
            <section class="panel sentence" aria-label="State">
                <p class="sentence-line">
                    <Dot tone=tone />
                    <span class="sentence-text">{text}</span>
                </p>
            </section>
        });
    }
    let passed = checks.iter().filter(|check| check.tone == "ok").count();
    let more = match (passed, checks.len()) {
        (n, all) if n == all => format!("{n} checks passed"),
        (n, all) => format!("{n} of {all} checks passed"),
    };
    let check = |check: CheckView| {
        let word = match check.tone.as_str() {
            "ok" => "passed",
            "warn" => "warning",
            "err" => "failed",
            _ => "not checked",
        };
        view! {
            <li>
                <Dot tone=check.tone />
                <span>
                    <b>{check.title}</b>
                    <span class="hidden">" (" {word} ")"</span>
                    " "
                    {check.detail}
                </span>
            </li>
        }
    };
    Either::Right(view! {
        <details class="panel sentence">
            <summary class="sentence-line">
                <Dot tone=tone />
                <span class="sentence-text">{text}</span>
                <span class="more">{more}</span>
            </summary>
            <ul class="checks">{checks.into_iter().map(check).collect_view()}</ul>
        </details>
    })
}

/// Facts that do not move.
#[component]
fn Server(view: DatabaseView) -> impl IntoView {
    let DatabaseView { addon, node, address, running_since, now, .. } = view;
    view! {
        <Panel title="Server">
            <Facts>
                <Fact name="Plan">
                    {addon.plan.display_name} " "
                    <a class="link" href=format!("/databases/{}/plan", addon.id)>
                        "Change plan"
                    </a>
                </Fact>
                <Fact name="Version">"PostgreSQL " {addon.version.to_string()}</Fact>
                <Fact name="Host">{node}</Fact>
                <Fact name="Address">
                    <code>{address}</code>
                </Fact>
                <Fact name="Running since">
                    {match running_since {
                        Some(at) => Either::Left(view! { <Time at now /> }),
                        None => Either::Right("—"),
                    }}
                </Fact>
            </Facts>
        </Panel>
    }
}

/// What is switched on, each with its effect and the way to its switch.
#[component]
fn Features(id: AddonId, features: FeaturesView) -> impl IntoView {
    let feature = move |feature: Feature| {
        let Feature { name, page, on, state, effect } = feature;
        view! {
            <li>
                <a class="link" href=format!("/databases/{id}/{page}")>
                    {name}
                </a>
                <State tone=if on { "ok" } else { "off" } word=state />
                <span class="subtle">{effect}</span>
            </li>
        }
    };
    view! {
        <Panel title="Features" flush=true>
            <ul class="features">{switches(features).into_iter().map(feature).collect_view()}</ul>
        </Panel>
    }
}

/// A switch, as the overview tells of it.
struct Feature {
    name: &'static str,
    /// Where it is switched.
    page: &'static str,
    on: bool,
    state: String,
    effect: &'static str,
}

fn switches(features: FeaturesView) -> [Feature; 4] {
    let FeaturesView { force_tls, everywhere, slow_query_ms, statements } = features;
    let state = |on: bool| if on { "On".to_owned() } else { "Off".to_owned() };
    [
        Feature {
            name: "TLS only",
            page: "network",
            on: force_tls,
            state: state(force_tls),
            effect: "Refuses connections without TLS. No restart.",
        },
        Feature {
            name: "From everywhere",
            page: "network",
            on: everywhere,
            state: state(everywhere),
            effect: "Lets every address try to sign in. No restart.",
        },
        Feature {
            name: "Slow-query log",
            page: "logs?view=slow",
            on: slow_query_ms.is_some(),
            state: slow_query_ms.map_or_else(
                || state(false),
                |ms| format!("On, from {}", types::operation::short(ms.into())),
            ),
            effect: "Logs statements that take long, with their plans. No restart.",
        },
        Feature {
            name: "Query statistics",
            page: "insights",
            on: statements,
            state: state(statements),
            effect: "Counts what each statement costs. No restart.",
        },
    ]
}

/// What will happen, or should.
#[component]
fn Next(view: DatabaseView, backups: Option<Glance>) -> impl IntoView {
    let (now, id) = (view.now, view.addon.id);
    let certificate = view.certificate_until.map(|at| {
        // Near enough to matter, it is told in days, too.
        let soon = Some(relative(at, now)).filter(|words| *words != date(at));
        view! {
            <li>
                "Certificate ends"
                <span class="when">
                    {date(at)} {soon.map(|soon| view! { <span class="subtle soon">{soon}</span> })}
                </span>
            </li>
        }
    });
    let minor = view.newer_minor.map(|version| {
        view! {
            <li>
                <span>
                    "PostgreSQL " <b>{version.to_string()}</b> " is installed here. It fixes faults of "
                    {view.addon.version.to_string()} " and reads the same data."
                </span>
            </li>
        }
    });
    let nothing = certificate.is_none() && minor.is_none() && backups.is_none();
    let backups = backups.map(|glance| view! { <BackupsGlance id glance now /> });
    view! {
        <Panel title="Next" flush=true>
            <ul class="next">
                {minor} {backups} {certificate} {nothing.then(|| view! { <li class="subtle">"Nothing is due."</li> })}
            </ul>
        </Panel>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_says_how_it_stands() {
        let told = |features| switches(features).map(|one| (one.on, one.state));
        assert!(told(FeaturesView::default()).iter().all(|(on, state)| !on && state == "Off"));
        let all =
            FeaturesView { force_tls: true, everywhere: true, slow_query_ms: Some(500), statements: true };
        let words = told(all).map(|(_, state)| state);
        assert_eq!(words, ["On", "On", "On, from 500 ms", "On"]);
    }
}
