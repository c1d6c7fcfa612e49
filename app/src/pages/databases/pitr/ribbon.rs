//! The window as a ribbon: what can be had, gaps, base backups, restarts, and the chosen moment. Drawn by the server; each
//! part of it is a link that chooses the moment there. The same is said in words beside it, and typed in the form below.

use crate::ui::moment;
use chrono::{DateTime, TimeDelta, Utc};
use leptos::prelude::*;
use types::pitr::{PitrView, place};

/// So many parts can be clicked.
const PARTS: i64 = 84;

/// The ribbon.
#[component]
pub fn Ribbon(
    /// What there is.
    view: PitrView,
    /// The moment that is chosen.
    chosen: Option<DateTime<Utc>>,
) -> impl IntoView {
    let window = view.from.zip(view.to)?;
    let (from, to) = window;
    let gaps = view.gaps.iter().filter_map(|gap| {
        let (begins, ends) = (place(gap.from?, window), place(gap.to?, window));
        Some(view! {
            <rect class="ribbon-gap" x=begins y="14" width=(ends - begins).max(2) height="22">
                <title>"A gap in the archive"</title>
            </rect>
        })
    });
    let gaps = gaps.collect_view();
    let marks = view.marks.iter().map(|mark| {
        let (x, words) = (place(mark.at, window), format!("{}: {}", moment(mark.at), mark.words));
        let (y, height) = if mark.kind == "base" { (14, 22) } else { (8, 34) };
        view! {
            <rect class="ribbon-mark" data-kind=mark.kind.clone() x=x.min(997) y=y width="3" height=height>
                <title>{words}</title>
            </rect>
        }
    });
    let marks = marks.collect_view();
    let chosen = chosen.map(|at| {
        let x = place(at, window);
        view! {
            <g class="ribbon-chosen">
                <line x1=x x2=x y1="2" y2="48"></line>
            </g>
        }
    });
    let step = (to - from) / i32::try_from(PARTS).unwrap_or(1);
    let parts = (0..PARTS).map(|part| {
        let at = from + step * i32::try_from(part).unwrap_or(0) + step / 2;
        let x = part * 1000 / PARTS;
        let href = format!("?at={}#chosen", at.format("%Y-%m-%dT%H:%M:%SZ"));
        view! {
            // For the pointer alone: the form below is the way for everybody.
            <a href=href tabindex="-1">
                <rect class="ribbon-part" x=x y="8" width="12" height="34">
                    <title>{moment(at)}</title>
                </rect>
            </a>
        }
    });
    let parts = parts.collect_view();
    let days = days(from, to).into_iter().map(|day| {
        let x = place(day, window);
        view! {
            <g class="ribbon-day">
                <line x1=x x2=x y1="36" y2="42"></line>
                <text x=x y="56">{day.format("%-d %b").to_string()}</text>
            </g>
        }
    });
    let days = days.collect_view();
    Some(view! {
        <div class="ribbon">
            <svg viewBox="0 0 1000 60" preserveAspectRatio="none" aria-hidden="true" focusable="false">
                <rect class="ribbon-band" x="0" y="14" width="1000" height="22" rx="4"></rect>
                {gaps}
                {marks}
                {days}
                {parts}
                {chosen}
            </svg>
            <div class="ribbon-ends" aria-hidden="true">
                <span>{moment(from)}</span>
                <span>{moment(to)}</span>
            </div>
            <ul class="ribbon-key">
                <li data-kind="base">"Base backup"</li>
                <li data-kind="restart">"Restart, change of plan"</li>
                <li data-kind="restore">"Restore"</li>
                <li data-kind="gap">"Gap"</li>
            </ul>
        </div>
    })
}

/// The midnights within, UTC.
fn days(from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let first = from.date_naive() + TimeDelta::days(1);
    let all = (0..32).map(|day| (first + TimeDelta::days(day)).and_time(chrono::NaiveTime::MIN).and_utc());
    all.take_while(|day| *day < to).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn midnights_are_within() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let all = days(at("2026-11-26T10:00:00Z"), at("2026-11-28T09:00:00Z"));
        assert_eq!(all, [at("2026-11-27T00:00:00Z"), at("2026-11-28T00:00:00Z")]);
        assert!(days(at("2026-11-26T10:00:00Z"), at("2026-11-26T11:00:00Z")).is_empty());
    }
}
