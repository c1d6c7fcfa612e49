//! The page that is open, asked for once more: newer parts of it take the place of older ones. Scroll and focus outside of
//! those parts stay where they are.
//!
//! The browser makes no markup of its own: the nodes that the server made move over as they are.

use leptos::prelude::window;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Document, DomParser, Element, Response, SupportedType};

/// The page as the server has it now; nothing when it leads elsewhere.
///
/// # Errors
/// The browser could not fetch or read it.
pub async fn again() -> Result<Option<Document>, JsValue> {
    let answer: Response =
        JsFuture::from(window().fetch_with_str(&window().location().href()?)).await?.dyn_into()?;
    if !answer.ok() || answer.redirected() {
        return Ok(None);
    }
    let text = JsFuture::from(answer.text()?).await?.as_string().unwrap_or_default();
    DomParser::new()?.parse_from_string(&text, SupportedType::TextHtml).map(Some)
}

/// What is in `new` takes the place of what is in `old`.
pub fn replace(old: &Element, new: &Element) {
    old.set_text_content(None);
    while let Some(node) = new.first_child() {
        if old.append_child(&node).is_err() {
            break;
        }
    }
}
