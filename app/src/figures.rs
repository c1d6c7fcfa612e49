//! The figures of a database, once a second: server-sent events replace those that the page was made with.
//!
//! It reads and shows nothing itself. Without it a page shows what was true when it was made.

use crate::stream::{self, Heard};
use leptos::prelude::*;
use types::view::Figures;

/// Figures that follow their database.
#[derive(Clone, Copy)]
pub struct Fresh {
    /// The newest; `None` while the database does not run.
    pub figures: RwSignal<Option<Figures>>,
    /// The stream is interrupted and will be tried again.
    pub broken: RwSignal<bool>,
    /// Somebody wants to look at them in peace.
    pub held: RwSignal<bool>,
}

/// Follows the figures of the database `id`, beginning with those that the page has.
#[must_use]
pub fn watch(id: String, first: Option<Figures>) -> Fresh {
    let fresh =
        Fresh { figures: RwSignal::new(first), broken: RwSignal::new(false), held: RwSignal::new(false) };
    // Effects run in the browser only.
    Effect::new(move |_| {
        stream::open(
            format!("/events/databases/{id}"),
            &["figures", "down"],
            fresh.broken,
            move |name, text| {
                let newest = match name {
                    "down" => None,
                    _ => match serde_json::from_str(text) {
                        Ok(figures) => Some(figures),
                        Err(_) => return Heard::More,
                    },
                };
                if !fresh.held.get_untracked() {
                    fresh.figures.set(newest);
                }
                Heard::More
            },
        );
    });
    fresh
}
