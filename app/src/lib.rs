//! The dashboard: pages, house components and the server functions behind them.
//!
//! Built twice: with `ssr` into the server, with `hydrate` into the wasm. Pages are made on the server and work without
//! the wasm; only islands (`#[island]`: what moves by itself) are in it. This
//! room holds no rule and no SQL: a server function gets the actor, calls one method of the control plane and
//! redirects. Start at [`routes`], then [`ui`] (the parts pages are made of) and [`error`].

#![recursion_limit = "256"]

#[cfg(feature = "ssr")]
mod address;
mod enhance;
pub mod error;
mod figures;
mod follow;
mod frame;
mod live;
#[cfg(feature = "ssr")]
mod mask;
mod next;
mod page;
mod pages;
mod routes;
#[cfg(feature = "ssr")]
pub mod shell;
#[cfg(feature = "ssr")]
pub mod ssr;
mod stream;
pub mod theme;
mod ui;

/// What the browser has in place of the server's side: answers that were decided on the server stay decided.
#[cfg(not(feature = "ssr"))]
mod ssr {
    /// Only the server's answer has a status.
    pub const fn set_status(_code: u16) {}
}

pub use routes::App;
