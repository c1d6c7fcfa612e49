//! The figures of this very second above the charts of a short range, and newer charts every few of them; a switch
//! holds all of it still.

use crate::{
    figures::{Fresh, watch},
    ui::{Dot, chart::renew},
};
use leptos::{prelude::*, task::spawn_local};
use std::time::Duration;
use types::{metric::Unit, plan::size, view::Figures};

/// The figures that the strip shows, in order.
const NAMES: [&str; 5] = ["CPU", "Memory", "Connections", "On disk", "Processes"];

fn tell(at: usize, figures: Option<&Figures>) -> String {
    let Some(figures) = figures else { return "—".into() };
    match at {
        0 => figures.container.cpu_percent.map_or_else(|| "—".into(), |now| Unit::Percent.tell(now)),
        1 => size(figures.container.memory_bytes),
        2 => format!("{} of {}", figures.connections, figures.max_connections),
        3 => size(figures.disk_bytes),
        _ => figures.container.processes.to_string(),
    }
}

/// The strip.
#[island]
pub fn Now(
    /// The add-on's id.
    id: String,
    /// As the page was made.
    first: Option<Figures>,
    /// After how many seconds the charts are drawn anew.
    every_s: u32,
) -> impl IntoView {
    let Fresh { figures, broken, held } = watch(id, first);
    // Effects run in the browser only.
    Effect::new(move |_| {
        let draw = move || {
            // Nobody looks, or somebody looks in peace.
            if !held.get_untracked() && !document().hidden() {
                spawn_local(renew());
            }
        };
        if let Ok(timer) = set_interval_with_handle(draw, Duration::from_secs(every_s.into())) {
            on_cleanup(move || timer.clear());
        }
    });
    let row = |(at, name): (usize, &'static str)| {
        let value = Memo::new(move |_| figures.with(|figures| tell(at, figures.as_ref())));
        view! {
            <div>
                <dt>{name}</dt>
                <dd>{value}</dd>
            </div>
        }
    };
    let state = Memo::new(move |_| match (held.get(), broken.get(), figures.with(Option::is_none)) {
        (true, ..) => ("off", "Held"),
        (_, true, _) => ("warn", "Retrying"),
        (.., true) => ("off", "Not running"),
        _ => ("ok", "Live"),
    });
    let tone = Signal::derive(move || state.get().0.to_owned());
    view! {
        <section class="panel now" aria-label="Now">
            <dl>{NAMES.into_iter().enumerate().map(row).collect_view()}</dl>
            <p class="now-state">
                <Dot tone />
                <span>{move || state.get().1}</span>
                <button
                    type="button"
                    class="button now-hold"
                    data-small=true
                    aria-pressed=move || if held.get() { "true" } else { "false" }
                    on:click=move |_| held.update(|held| *held = !*held)
                >
                    "Pause"
                </button>
            </p>
        </section>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_has_its_words() {
        let figures =
            Figures { connections: 2, max_connections: 30, disk_bytes: 61 << 20, ..Figures::default() };
        let told: Vec<_> = (0..NAMES.len()).map(|at| tell(at, Some(&figures))).collect();
        assert_eq!(told, ["—", "0 bytes", "2 of 30", "61 MB", "0"]);
        assert_eq!(tell(0, None), "—");
    }
}
