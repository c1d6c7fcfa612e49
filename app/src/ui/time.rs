//! Times: relative within a month, dates beyond; the exact time in the title. "Now" is the server's, handed in, so
//! that server and browser write the same words.

use chrono::{DateTime, Local, TimeDelta, Utc};
use leptos::prelude::*;

/// A time as people read it.
#[component]
pub fn Time(
    /// The time.
    at: DateTime<Utc>,
    /// Now, as the page's data has it; left out, the date and time are written in full.
    #[prop(optional, into)]
    now: Option<DateTime<Utc>>,
) -> impl IntoView {
    let exact = moment(at);
    let words = now.map_or_else(|| exact.clone(), |now| relative(at, now));
    view! {
        <time datetime=at.to_rfc3339() title=exact>
            {words}
        </time>
    }
}

/// The same time where the browser is, beside one that is told in UTC: nothing without scripts, or where both are the same.
#[island]
pub fn LocalTime(
    /// The time.
    at: DateTime<Utc>,
) -> impl IntoView {
    let told = RwSignal::new(String::new());
    // Effects run in the browser only.
    Effect::new(move |_| {
        let local = at.with_timezone(&Local);
        if local.offset().local_minus_utc() != 0 {
            told.set(format!(" ({} where you are)", local.format("%-d %b, %H:%M")));
        }
    });
    view! { <span class="local-time">{move || told.get()}</span> }
}

/// `21 Nov 2026, 14:02 UTC`.
#[must_use]
pub fn moment(at: DateTime<Utc>) -> String {
    at.format("%-d %b %Y, %H:%M UTC").to_string()
}

/// `21 Nov 2026`.
#[must_use]
pub fn date(at: DateTime<Utc>) -> String {
    at.format("%-d %b %Y").to_string()
}

/// "5 minutes ago", "in 3 hours", "yesterday"; a date when it is more than a month away.
#[must_use]
pub fn relative(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let past = now - at;
    let (span, ahead) = if past < TimeDelta::zero() { (-past, true) } else { (past, false) };
    let (minutes, hours, days) = (span.num_minutes(), span.num_hours(), span.num_days());
    let words = match () {
        () if span.num_seconds() < 45 => return if ahead { "in a moment" } else { "just now" }.into(),
        () if minutes < 60 => count(minutes.max(1), "minute"),
        () if hours < 24 => count(hours, "hour"),
        () if days < 31 => count(days, "day"),
        () => return date(at),
    };
    match (ahead, words.as_str()) {
        (false, "1 day") => "yesterday".into(),
        (true, "1 day") => "tomorrow".into(),
        (false, _) => format!("{words} ago"),
        (true, _) => format!("in {words}"),
    }
}

fn count(n: i64, unit: &str) -> String {
    if n == 1 { format!("1 {unit}") } else { format!("{n} {unit}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_naturally() {
        let now: DateTime<Utc> = "2026-11-21T14:02:06Z".parse().unwrap();
        let told = |seconds: i64| relative(now - TimeDelta::seconds(seconds), now);
        let all: Vec<_> = [0, 44, 50, 300, 3600, 7200, 90_000, 200_000, 40 * 86_400].map(told).into();
        let want = [
            "just now",
            "just now",
            "1 minute ago",
            "5 minutes ago",
            "1 hour ago",
            "2 hours ago",
            "yesterday",
            "2 days ago",
            "12 Oct 2026",
        ];
        assert_eq!(all, want);
        assert_eq!(
            (told(-10), told(-300), told(-90_000)),
            ("in a moment".into(), "in 5 minutes".into(), "tomorrow".into())
        );
        assert_eq!(moment(now), "21 Nov 2026, 14:02 UTC");
    }
}
