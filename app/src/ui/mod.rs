//! The house components: leaves with plain-value props that pages are made of.
//!
//! A component's CSS is in `style/components/<same name>.css`. They hold no data and call nothing; forms get their
//! action from the page. None writes a `style` attribute: the content security policy refuses those.

mod badge;
mod breadcrumb;
mod button;
pub mod chart;
mod command;
mod copy;
mod dialog;
mod empty;
mod error_summary;
mod field;
mod form;
pub mod icon;
mod load;
mod menu;
mod meter;
mod panel;
mod secret;
mod state;
mod strip;
mod table;
mod tabs;
mod time;
mod timeline;

pub use badge::{Badge, Pill};
pub use breadcrumb::{Breadcrumb, Crumb};
pub use button::{ButtonLink, Submit, Variant};
pub use command::{the_command, the_commands, the_typed_command};
pub use copy::CodeBlock;
pub use dialog::Dialog;
pub use empty::Empty;
pub use error_summary::ErrorSummary;
pub use field::{Field, SelectField, TextArea};
pub use form::{Confirm, Form, FormScope, RowForm, problem};
pub use icon::{Glyph, Icon, Mark};
pub use load::{Load, Notice, PageNotFound};
pub use menu::{Menu, MenuLink};
pub use meter::{Meter, Progress};
pub use panel::{Fact, Facts, Panel};
pub use secret::OnceSecret;
pub use state::{Dot, State};
pub use strip::Strip;
pub use table::{Column, Table, Td};
pub use tabs::{Tab, Tabs};
pub use time::{LocalTime, Time, date, moment, relative};
pub use timeline::Timeline;

/// `text` as an id: lower-case letters and digits, the rest hyphens. Ids are made from what people read, so server
/// and browser agree on them.
#[must_use]
pub fn slug(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            out.push(c.to_ascii_lowercase());
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
    }
    out.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    #[test]
    fn slugs_are_plain() {
        assert_eq!(super::slug("What happened, 24 h"), "what-happened-24-h");
        assert_eq!(super::slug("…"), "");
    }
}
