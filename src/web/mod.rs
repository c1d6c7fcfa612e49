//! The HTTP door: one origin for the dashboard, the HTTP API and the built files.
//!
//! Start at [`router`], which says what lies behind what; [`serve`] is the accept loop. Nothing here decides what
//! somebody may do.

pub mod address;
pub mod assets;
pub mod csp;
pub mod csrf;
pub mod download;
pub mod events;
pub mod figures;
pub mod headers;
pub mod leptos;
pub mod limits;
pub mod log;
pub mod logs;
pub mod metrics;
pub mod patience;
pub mod prometheus;
pub mod router;
pub mod serve;
pub mod session;
pub mod session_store;
