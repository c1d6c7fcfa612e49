//! The server: joins the rooms into one executable.
//!
//! Reads the configuration, starts the store, the core and the engine, and opens the doors (dashboard and HTTP API).
//! It holds no rule of the product: a door gets the actor, parses, calls one method of the core and answers. Start at
//! [`boot`] (what is started, in which order), then [`web::router`] (what lies behind what).

#![recursion_limit = "256"]

pub mod api;
pub mod archives;
pub mod boot;
pub mod cli;
pub mod config;
pub mod hooks;
pub mod secrets;
pub mod telemetry;
pub mod versions;
pub mod web;
