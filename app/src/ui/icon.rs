//! Icons, drawn here: 24-unit grid, one stroke, decorative. The words stand beside them.

use leptos::prelude::*;

/// The icons that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glyph {
    /// Four tiles.
    Apps,
    /// A cylinder.
    Database,
    /// A clock that runs backwards.
    Operations,
    /// A lens.
    Find,
    /// A page with lines.
    Audit,
    /// A person.
    Account,
    /// Two chain links.
    Link,
    /// Two sheets.
    Copy,
    /// An arrow into a tray.
    Download,
    /// An eye.
    Eye,
}

impl Glyph {
    const fn path(self) -> &'static str {
        match self {
            Self::Apps => "M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM14 14h6v6h-6z",
            Self::Database => {
                "M4 5c0-1.7 3.6-3 8-3s8 1.3 8 3-3.6 3-8 3-8-1.3-8-3v14c0 1.7 3.6 3 8 3s8-1.3 8-3V5M4 12c0 1.7 3.6 3 8 3s8-1.3 8-3"
            }
            Self::Operations => "M4 12a8 8 0 1 0 2.4-5.7M4 4v4h4M12 8v4l3 2",
            Self::Find => "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14M16 16l5 5",
            Self::Audit => "M6 3h12v18H6zM9 8h6M9 12h6M9 16h4",
            Self::Account => "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8M4 21c1-4 4-6 8-6s7 2 8 6",
            Self::Link => {
                "M10 14a5 5 0 0 0 7 0l3-3a5 5 0 0 0-7-7l-1.5 1.5M14 10a5 5 0 0 0-7 0l-3 3a5 5 0 0 0 7 7l1.5-1.5"
            }
            Self::Copy => "M9 9h11v11H9zM5 15H4V4h11v1",
            Self::Download => "M12 4v11M7 11l5 5 5-5M4 20h16",
            Self::Eye => {
                "M2 12c3-5 6-7 10-7s7 2 10 7c-3 5-6 7-10 7s-7-2-10-7M12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6"
            }
        }
    }
}

/// An icon of 16 pixels.
#[component]
pub fn Icon(
    /// Which one.
    glyph: Glyph,
) -> impl IntoView {
    view! {
        <svg class="icon" width="16" height="16" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
            <path d=glyph.path() />
        </svg>
    }
}

/// The mark of the product: a fence.
#[component]
pub fn Mark() -> impl IntoView {
    view! {
        <svg class="mark-icon" width="22" height="22" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
            <path d="M4 20V6M20 20V6M4 10h16M4 15h16M12 20V4" />
        </svg>
    }
}
