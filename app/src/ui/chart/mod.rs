//! Charts, drawn whole on the server: lines with their gaps, the scale, times, the plan's limit, numbered marks; a
//! legend with figures; the same figures as a table.
//!
//! A chart is an SVG that is stretched to its place, with strokes and words that are not. It moves nothing by itself:
//! [`Cursor`] adds a cursor to the charts of a page where there are scripts. Geometry and words are pure functions, each
//! kind in its own file.

mod clock;
mod cursor;
mod frame;
mod legend;
mod line;
mod renew;
mod scale;
mod spark;
mod table;
mod words;

pub use cursor::Cursor;
pub use frame::{Frame, spaced};
pub use renew::renew;
pub use spark::{Spark, spark_path};

use frame::percent;
use legend::Legend;
use leptos::{either::Either, prelude::*};
use line::{HEIGHT, WIDTH};
use scale::{LimitLine, Scale};
use table::ChartTable;
use types::metric::{PanelView, SeriesView, Unit};

/// The chart of a panel, its legend and its table.
#[component]
pub fn Chart(
    /// Its series and its limit.
    panel: PanelView,
    /// What it shares with the other charts of the page.
    frame: Frame,
) -> impl IntoView {
    let summary = words::summary(&panel, &frame);
    if panel.series.iter().all(|series| series.all.is_none()) {
        return Either::Left(view! { <p class="chart-none">"Nothing was recorded in this time."</p> });
    }
    let PanelView { panel: which, series, limit } = panel;
    let unit = which.unit();
    let highest = series.iter().filter_map(|series| series.all).map(|all| all.max).fold(0.0, f64::max);
    let line = LimitLine::of(limit.as_ref().map(|(limit, _)| *limit), highest);
    let scale = Scale::of(unit, LimitLine::reach(line, highest));
    let ticks = clock::ticks(frame.from, frame.to);
    let (stepped, top) = (frame.step_s > 10, scale.top);
    Either::Right(view! {
        <figure class="chart">
            <div class="chart-frame">
                <Values scale=scale.clone() unit />
                <div
                    class="chart-plot"
                    role="img"
                    aria-label=summary.clone()
                    data-summary=summary
                    data-name=which.title()
                    data-unit=unit_key(unit)
                    data-top=top
                    data-values=words::packed(&series)
                >
                    <Plot series=series.clone() scale=scale.clone() stepped />
                    <Over ticks=ticks.clone() scale unit limit=line frame=frame.clone() />
                </div>
                <Times ticks />
            </div>
            <figcaption>
                <Legend series=series.clone() unit limit above=matches!(line, Some(LimitLine::Above(_))) />
            </figcaption>
        </figure>
        <ChartTable title=which.title() series unit frame />
    })
}

/// Words of the scale, beside the lines.
#[component]
fn Values(scale: Scale, unit: Unit) -> impl IntoView {
    let word = |tick: &f64| {
        view! {
            <text x="100%" y=percent(1.0 - scale.share(*tick)) dy=".34em">
                {words::tick(unit, *tick)}
            </text>
        }
    };
    view! {
        <svg class="chart-y" aria-hidden="true" focusable="false">
            {scale.ticks.iter().map(word).collect_view()}
        </svg>
    }
}

/// Words of the times, under the lines.
#[component]
fn Times(ticks: Vec<clock::Tick>) -> impl IntoView {
    let word = |tick: clock::Tick| {
        view! {
            <text x=percent(tick.share) y="14">
                {tick.words}
            </text>
        }
    };
    view! {
        <svg class="chart-x" aria-hidden="true" focusable="false">
            {ticks.into_iter().map(word).collect_view()}
        </svg>
    }
}

/// The lines themselves, stretched over the chart.
#[component]
fn Plot(series: Vec<SeriesView>, scale: Scale, stepped: bool) -> impl IntoView {
    let drawn = |(at, series): (usize, &SeriesView)| {
        let (band, lines) =
            (stepped.then(|| line::band(&series.points, &scale)), line::lines(&series.points, &scale));
        let filled = |path: &String| !path.is_empty();
        view! {
            <g class="series" data-series=at + 1>
                {band.filter(filled).map(|d| view! { <path class="band" d=d /> })}
                {Some(lines.line).filter(filled).map(|d| view! { <path class="line" d=d /> })}
                {Some(lines.dots).filter(filled).map(|d| view! { <path class="dots" d=d /> })}
            </g>
        }
    };
    view! {
        <svg
            class="plot"
            viewBox=format!("0 0 {WIDTH} {HEIGHT}")
            preserveAspectRatio="none"
            aria-hidden="true"
            focusable="false"
        >
            {series.iter().enumerate().map(drawn).collect_view()}
        </svg>
    }
}

/// What is not stretched: lines of the scale, the limit, the marks. The cursor is added here.
#[component]
fn Over(
    ticks: Vec<clock::Tick>,
    scale: Scale,
    unit: Unit,
    limit: Option<LimitLine>,
    frame: Frame,
) -> impl IntoView {
    let across = |tick: &f64| {
        let y = percent(1.0 - scale.share(*tick));
        view! { <line class="grid-line" x1="0" x2="100%" y1=y.clone() y2=y.clone() /> }
    };
    let notch = |tick: clock::Tick| {
        let x = percent(tick.share);
        view! { <line class="grid-notch" x1=x.clone() x2=x.clone() y1="98%" y2="100%" /> }
    };
    let limit = limit.map(|line| {
        let share = line.share(&scale);
        let above = matches!(line, LimitLine::Above(_));
        let y = percent(1.0 - share);
        // Above the line, or below it where the signs stand above.
        let away = if share > 0.9 { "13" } else { "-5" };
        view! {
            <line class="limit-line" data-above=above x1="0" x2="100%" y1=y.clone() y2=y.clone() />
            <text class="limit-word" x="100%" y=y.clone() dy=away>
                {above.then_some("↑ ")}
                "limit "
                {words::tell(unit, line.value())}
            </text>
        }
    });
    let sign = |sign: frame::Sign| {
        let x = percent(sign.share);
        view! {
            <g class="sign" data-tone=sign.tone>
                <title>{sign.title}</title>
                <line x1=x.clone() x2=x.clone() y1="0" y2="100%" />
                <text x=x.clone() y="-5">
                    {sign.words}
                </text>
            </g>
        }
    };
    view! {
        <svg class="over" aria-hidden="true" focusable="false">
            {scale.ticks.iter().map(across).collect_view()}
            {ticks.into_iter().map(notch).collect_view()}
            {frame.signs.into_iter().map(sign).collect_view()}
            {limit}
        </svg>
    }
}

/// A unit in an attribute.
const fn unit_key(unit: Unit) -> &'static str {
    match unit {
        Unit::Percent => "percent",
        Unit::Bytes => "bytes",
        Unit::BytesPerSecond => "bytes-per-second",
        Unit::Count => "count",
        Unit::PerSecond => "per-second",
        Unit::Milliseconds => "milliseconds",
        Unit::Seconds => "seconds",
    }
}

/// The unit of an attribute.
fn unit_of(key: &str) -> Option<Unit> {
    let all = [
        Unit::Percent,
        Unit::Bytes,
        Unit::BytesPerSecond,
        Unit::Count,
        Unit::PerSecond,
        Unit::Milliseconds,
        Unit::Seconds,
    ];
    all.into_iter().find(|unit| unit_key(*unit) == key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::metric::Panel;

    #[test]
    fn a_unit_comes_back_from_its_attribute() {
        for panel in Panel::ALL {
            assert_eq!(unit_of(unit_key(panel.unit())), Some(panel.unit()));
        }
    }
}
