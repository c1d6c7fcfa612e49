//! The figures of a chart as a table, folded: for people who do not see the chart, and for those who want the figures.

use super::{
    frame::Frame,
    words::{rows, tell_or_dash},
};
use leptos::prelude::*;
use types::metric::{SeriesView, Unit};

/// The table of a chart.
#[component]
pub fn ChartTable(
    /// The chart's title.
    title: &'static str,
    /// Its series.
    series: Vec<SeriesView>,
    /// What their values count.
    unit: Unit,
    /// Its times.
    frame: Frame,
) -> impl IntoView {
    let (shown, all) = rows(&series);
    let step = types::operation::duration(u64::from(frame.step_s) * 1000);
    let note = if shown.len() == all {
        format!("Means of {step} each, newest first.")
    } else {
        format!("Means of {step} each, newest first: {} of {all}. The CSV has all of them.", shown.len())
    };
    let heads =
        series.iter().map(|series| view! { <th scope="col">{series.metric.title()}</th> }).collect_view();
    let row = |at: &usize| {
        let cell = |series: &SeriesView| {
            let value = series.points.get(*at).copied().flatten().map(|point| point.avg);
            view! { <td>{tell_or_dash(unit, value)}</td> }
        };
        view! {
            <tr data-step=*at>
                <th scope="row">{frame.name(*at)}</th>
                {series.iter().map(cell).collect_view()}
            </tr>
        }
    };
    view! {
        <details class="fold chart-table">
            <summary>
                "Table" <span class="hidden">" of " {title}</span>
            </summary>
            <p class="hint">{note}</p>
            <div class="chart-table-scroll" tabindex="0" role="region" aria-label=format!("Figures: {title}")>
                <table class="figures">
                    <caption class="hidden">{title} ", times in UTC"</caption>
                    <thead>
                        <tr>
                            <th scope="col">"UTC"</th>
                            {heads}
                        </tr>
                    </thead>
                    <tbody>{shown.iter().map(row).collect_view()}</tbody>
                </table>
            </div>
        </details>
    }
}
