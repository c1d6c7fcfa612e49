//! The pages. A page file reads from top to bottom: its doors (server functions), its component, its pieces.

pub mod account;
pub mod addons;
pub mod apps;
pub mod audit;
pub mod databases;
pub mod find;
pub mod invitation;
pub mod login;
pub mod operations;
pub mod setup;
