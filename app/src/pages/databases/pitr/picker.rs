//! Choosing a moment: a day, a time to the second and a time zone; then it is read back in that zone and in UTC, and only
//! then something can be done with it. All of it is in the URL, and works without scripts.

use super::{Chosen, acts::RestoreMoment, zone::HereAndNow};
use crate::ui::{ButtonLink, Panel, RowForm, Submit, Variant, relative, the_command};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use leptos::{either::Either, prelude::*};
use types::{AddonId, command::Act, pitr::PitrView};

/// Ways back that many want.
const AGO: [(i64, &str); 4] = [
    (60, "1 minute ago"),
    (600, "10 minutes ago"),
    (3_600, "1 hour ago"),
    (86_400, "yesterday at this time"),
];

/// The panel.
#[component]
pub fn Picker(
    /// The database.
    id: AddonId,
    /// Its moments.
    view: PitrView,
    /// What the URL says.
    chosen: Chosen,
    /// Restores it.
    restore: ServerAction<RestoreMoment>,
) -> impl IntoView {
    let (from, to, now) = (view.from, view.to, view.now);
    let quick = AGO.into_iter().filter_map(|(seconds, words)| {
        let at = now - TimeDelta::seconds(seconds);
        let href = format!("?at={}#chosen", at.format("%Y-%m-%dT%H:%M:%SZ"));
        (from.is_some_and(|from| at >= from)).then(|| {
            view! {
                <ButtonLink href small=true>{words}</ButtonLink>
            }
        })
    });
    let quick = quick.collect_view();
    let day = |at: DateTime<Utc>| at.format("%Y-%m-%d").to_string();
    let wrong =
        |field: &'static str| chosen.refused.clone().filter(|(at, _)| at == field).map(|(_, why)| why);
    let (date_wrong, time_wrong, zone_wrong) = (wrong("date"), wrong("time"), wrong("zone"));
    let outside = wrong("restore_time");
    let seconds = now.timestamp();
    let untouched = chosen.moment.is_none() && chosen.refused.is_none();
    let read_back = chosen.moment.filter(|_| outside.is_none()).map(|moment| {
        view! { <ReadBack id moment timeline=chosen.timeline local=chosen.local.clone() view=view.clone() restore /> }
    });
    view! {
        <Panel title="Restore to …">
            <div class="stack">
                <div class="actions quick">{quick}</div>
                <form method="get" action="#chosen" class="moment-form" id="moment">
                    <TextLike
                        label="Day"
                        name="date"
                        kind="date"
                        value=chosen.date.clone()
                        wrong=date_wrong
                        least=from.map(day)
                        most=to.map(|to| day(to + TimeDelta::days(1)))
                    />
                    <TextLike label="Time" name="time" kind="time" value=chosen.time.clone() wrong=time_wrong />
                    <TextLike label="Time zone" name="zone" kind="text" value=chosen.zone.clone() wrong=zone_wrong />
                    <div class="actions">
                        <Submit>"Read it back"</Submit>
                    </div>
                    <HereAndNow seconds untouched />
                </form>
                {outside
                    .map(|why| {
                        view! {
                            <p class="field-error" role="alert" id="chosen">
                                {why}
                            </p>
                        }
                    })}
                {read_back}
            </div>
        </Panel>
    }
}

/// A field of a form that only asks.
#[component]
fn TextLike(
    label: &'static str,
    name: &'static str,
    kind: &'static str,
    value: String,
    wrong: Option<String>,
    #[prop(optional_no_strip)] least: Option<String>,
    #[prop(optional_no_strip)] most: Option<String>,
) -> impl IntoView {
    let (id, error) = (format!("moment-{name}"), format!("moment-{name}-error"));
    let (invalid, described) = (wrong.is_some().then_some("true"), wrong.is_some().then(|| error.clone()));
    let step = (kind == "time").then_some("1");
    view! {
        <div class="field" data-invalid=invalid>
            <label for=id.clone()>{label}</label>
            {wrong.map(|why| view! { <p class="field-error" id=error>{why}</p> })}
            <input
                class="input"
                id=id
                name=name
                type=kind
                step=step
                min=least
                max=most
                value=value
                required=true
                autocomplete="off"
                spellcheck="false"
                aria-invalid=invalid
                aria-describedby=described
            />
        </div>
    }
}

#[component]
fn ReadBack(
    id: AddonId,
    moment: DateTime<Utc>,
    timeline: Option<u32>,
    local: String,
    view: PitrView,
    restore: ServerAction<RestoreMoment>,
) -> impl IntoView {
    let utc = moment.format("%Y-%m-%d %H:%M:%S UTC").to_string();
    let both = if local == utc { Either::Left(utc) } else { Either::Right(view! { {local} " = " {utc} }) };
    let takes =
        view.expected_ms.map(|ms| format!("Earlier ones took about {}.", types::operation::duration(ms)));
    let verb = if view.standing.is_some() { "Move it to this moment" } else { "Restore beside it" };
    let mut fields =
        vec![("id", id.to_string()), ("moment", moment.to_rfc3339_opts(SecondsFormat::Micros, true))];
    fields.extend(timeline.map(|timeline| ("timeline", timeline.to_string())));
    view! {
        <div class="read-back" id="chosen" tabindex="-1">
            <p class="read-back-moment">{both}</p>
            <p class="hint">
                "Everything that was committed until then (" {relative(moment, view.now)} ") is in it, and nothing after. " {takes}
            </p>
            <ul class="plain-list">
                <li>"The database works as always: the moment is restored into a server of its own beside it."</li>
                <li>"You look at what is in it, move it back or forth, and then switch to it or discard it."</li>
            </ul>
            <div class="actions">
                <RowForm action=restore fields variant=Variant::Primary large=true>
                    {verb}
                </RowForm>
            </div>
            {the_command(id, &Act::RestoreMoment { moment })}
        </div>
    }
}
