//! The legend of a chart: each series with the look of its line, and what it is now, at least, on average, at most.
//!
//! The first column is the cursor's: while there is one, it shows the values at its time. All columns keep their width.

use super::words::{tell, tell_or_dash};
use leptos::prelude::*;
use types::metric::{SeriesView, Unit};

/// The legend.
#[component]
pub fn Legend(
    /// The series, in order.
    series: Vec<SeriesView>,
    /// What their values count.
    unit: Unit,
    /// The plan's limit and its words.
    limit: Option<(f64, String)>,
    /// The limit is far above what was seen: its line is the upper edge.
    above: bool,
) -> impl IntoView {
    let row = |(at, series): (usize, SeriesView)| {
        let SeriesView { metric, now, all, .. } = series;
        view! {
            <tr>
                <th scope="row">
                    <Swatch series=at + 1 />
                    {metric.title()}
                </th>
                <td class="at">{tell_or_dash(unit, now)}</td>
                <td>{tell_or_dash(unit, all.map(|all| all.min))}</td>
                <td>{tell_or_dash(unit, all.map(|all| all.avg))}</td>
                <td>{tell_or_dash(unit, all.map(|all| all.max))}</td>
            </tr>
        }
    };
    let limit = limit.map(|(value, words)| {
        let note = if above { " It is far above: the line at the upper edge stands for it." } else { "" };
        let words = if words.is_empty() { tell(unit, value) } else { words };
        view! {
            <p class="legend-limit">
                <Swatch series=0 /> "Limit of the plan, " {words} "." {note}
            </p>
        }
    });
    view! {
        <table class="legend">
            <caption class="hidden">"Figures of this chart"</caption>
            <thead>
                <tr>
                    <th scope="col">
                        <span class="hidden">"Series"</span>
                    </th>
                    <th scope="col" class="at-head">
                        "Now"
                    </th>
                    <th scope="col">"Least"</th>
                    <th scope="col">"Mean"</th>
                    <th scope="col">"Most"</th>
                </tr>
            </thead>
            <tbody>{series.into_iter().enumerate().map(row).collect_view()}</tbody>
        </table>
        {limit}
    }
}

/// The look of a line: colour and dashes; 0 is the limit.
#[component]
fn Swatch(series: usize) -> impl IntoView {
    view! {
        <svg class="swatch" width="20" height="8" viewBox="0 0 20 8" aria-hidden="true" focusable="false">
            <g class="series" data-series=series>
                <path class="line" d="M0 4H20" />
            </g>
        </svg>
    }
}
