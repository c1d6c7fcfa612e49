//! How much of something is used, and how far something is. Both say it in words, too.

use leptos::prelude::*;

/// A thin bar: the share of `of` that is `value`. Decorative beside its figure, which the page writes.
#[component]
pub fn Meter(
    /// What is used.
    #[prop(into)]
    value: Signal<f64>,
    /// What there is.
    #[prop(into)]
    of: Signal<f64>,
    /// What it measures.
    #[prop(into)]
    label: String,
) -> impl IntoView {
    let share = move || share(value.get(), of.get());
    view! {
        <svg class="meter" role="img" aria-label=move || format!("{label}: {:.0} %", share())>
            <rect class="meter-all" width="100%" height="100%" rx="2" />
            <rect
                class="meter-used"
                width=move || format!("{:.1}%", share())
                height="100%"
                rx="2"
                data-tone=move || tone(share())
            />
        </svg>
    }
}

/// How far an operation is, 0–100.
#[component]
pub fn Progress(
    /// Per cent.
    #[prop(into)]
    percent: Signal<u8>,
    /// What is in progress.
    #[prop(into)]
    label: String,
) -> impl IntoView {
    view! { <progress class="progress" max="100" value=move || percent.get() aria-label=label></progress> }
}

/// Per cent, between 0 and 100; 0 of nothing.
fn share(value: f64, of: f64) -> f64 {
    if of > 0.0 { (value / of * 100.0).clamp(0.0, 100.0) } else { 0.0 }
}

/// The look of a share: nearly full warns, full alarms.
fn tone(share: f64) -> &'static str {
    match share {
        s if s >= 95.0 => "err",
        s if s >= 80.0 => "warn",
        _ => "ok",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_stays_in_its_bar() {
        assert_eq!(share(5.0, 10.0).to_string(), "50");
        assert_eq!(share(20.0, 10.0).to_string(), "100");
        assert_eq!(share(1.0, 0.0).to_string(), "0");
        assert_eq!((tone(41.0), tone(80.0), tone(95.0)), ("ok", "warn", "err"));
    }
}
