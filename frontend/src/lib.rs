//! The wasm entry point. It brings the islands of the page to life, and does nothing else.

// The islands are found by their exported names: linking the room is what keeps them.
use app as _;

/// Called by the page once the wasm is loaded.
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_islands();
}
