//! The browser's own time zone in the form, where nobody has chosen a moment yet. Without scripts it says UTC, which is
//! right, too.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::HtmlInputElement;

/// Fills day, time and zone as the browser's clock has them.
#[island]
pub fn HereAndNow(
    /// The moment that stands in the form, seconds since 1970.
    seconds: i64,
    /// Nobody has chosen yet.
    untouched: bool,
) -> impl IntoView {
    // Effects run in the browser only.
    Effect::new(move |_| {
        if !untouched {
            return;
        }
        let Some(zone) = zone() else { return };
        let Some(at) = chrono::DateTime::from_timestamp(seconds, 0) else { return };
        let local = at.with_timezone(&chrono::Local);
        for (name, value) in [
            ("date", local.format("%Y-%m-%d").to_string()),
            ("time", local.format("%H:%M:%S").to_string()),
            ("zone", zone),
        ] {
            let found = document().get_element_by_id(&format!("moment-{name}"));
            if let Some(input) = found.and_then(|input| input.dyn_into::<HtmlInputElement>().ok()) {
                input.set_value(&value);
            }
        }
    });
}

/// `Europe/Paris`
fn zone() -> Option<String> {
    let options = web_sys::js_sys::Intl::DateTimeFormat::new(
        &web_sys::js_sys::Array::new(),
        &web_sys::js_sys::Object::new(),
    )
    .resolved_options();
    web_sys::js_sys::Reflect::get(&options, &"timeZone".into()).ok()?.as_string()
}
