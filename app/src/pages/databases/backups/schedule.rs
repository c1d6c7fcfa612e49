//! When backups are made by themselves, what is kept of them and where: told, and changed.

use super::{
    acts::{RotateArchiveKey, SetBackupSchedule},
    told::sentence,
};
use crate::ui::{
    Fact, Facts, Field, Form, LocalTime, Panel, RowForm, SelectField, Submit, date, moment, relative,
    the_command,
};
use chrono::{DateTime, Utc};
use leptos::{either::Either, prelude::*};
use types::{AddonId, backup::BackupsView, command::Act};

/// Offered while a zone is typed; every other of the IANA database is taken as well.
const ZONES: [&str; 36] = [
    "UTC",
    "Africa/Cairo",
    "Africa/Johannesburg",
    "Africa/Lagos",
    "Africa/Nairobi",
    "America/Argentina/Buenos_Aires",
    "America/Bogota",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "America/Mexico_City",
    "America/New_York",
    "America/Sao_Paulo",
    "America/Toronto",
    "Asia/Dubai",
    "Asia/Hong_Kong",
    "Asia/Jakarta",
    "Asia/Karachi",
    "Asia/Kolkata",
    "Asia/Seoul",
    "Asia/Shanghai",
    "Asia/Singapore",
    "Asia/Tokyo",
    "Australia/Sydney",
    "Europe/Amsterdam",
    "Europe/Athens",
    "Europe/Berlin",
    "Europe/Brussels",
    "Europe/Istanbul",
    "Europe/London",
    "Europe/Madrid",
    "Europe/Paris",
    "Europe/Rome",
    "Europe/Warsaw",
    "Europe/Zurich",
    "Pacific/Auckland",
];

/// The card.
#[component]
pub fn ScheduleCard(
    /// The database.
    id: AddonId,
    /// Its backups.
    view: BackupsView,
    /// What the form posts to.
    set: ServerAction<SetBackupSchedule>,
    /// What gives coming archives a new key.
    rotate: ServerAction<RotateArchiveKey>,
    /// Now, as the page's data has it.
    now: DateTime<Utc>,
) -> impl IntoView {
    let schedule = view.schedule;
    let told = if schedule.enabled {
        Either::Left(view! {
            <p class="schedule-told">{sentence(&schedule.told)}</p>
            {schedule
                .next_at
                .map(|at| {
                    view! {
                        <p class="hint">
                            "Next " {relative(at, now)} ": " {moment(at)} <LocalTime at />
                        </p>
                    }
                })}
        })
    } else {
        Either::Right(view! { <p class="schedule-told">"No backup is made by itself."</p> })
    };
    let hours = (0..24).map(|hour: u8| (hour.to_string(), format!("{hour:02}:00"))).collect();
    let act = Act::ScheduleBackups { enabled: schedule.enabled, hour_utc: schedule.hour_utc };
    view! {
        <Panel title="Backup schedule">
            <div class="stack">
                <div>{told}</div>
                <Facts>
                    <Fact name="Kept">{view.kept}</Fact>
                    <Fact name="Where">
                        <code>{view.place}</code>
                    </Fact>
                    <Fact name="Encrypted">
                        "with a key of this database’s own"
                        {view.key_since.map(|at| view! { ", since " {date(at)} })}
                    </Fact>
                </Facts>
                <Form action=set id="schedule">
                    <input type="hidden" name="id" value=id.to_string() />
                    <label class="check">
                        <input type="checkbox" name="enabled" value="on" checked=schedule.enabled />
                        " I want to enable scheduled backups"
                    </label>
                    <SelectField label="Hour" name="hour" options=hours value=schedule.hour.to_string() />
                    <Field
                        label="Time zone"
                        name="zone"
                        value=schedule.zone.clone()
                        list="zones"
                        required=true
                        hint="Like Europe/Paris or UTC."
                    />
                    <datalist id="zones">
                        {ZONES.map(|zone| view! { <option value=zone></option> }).collect_view()}
                    </datalist>
                    <div class="actions">
                        <Submit>"Update"</Submit>
                    </div>
                </Form>
                {the_command(id, &act)}
                <div class="actions">
                    <RowForm action=rotate fields=vec![("id", id.to_string())]>
                        "Take a new key"
                    </RowForm>
                </div>
            </div>
        </Panel>
    }
}
