//! The server's doors as clients meet them: the whole router, a real store, a fake engine.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a fixture that cannot be made ends its test")]

mod actions;
mod addons;
mod apps;
mod authorisation;
mod backups;
mod confirm;
mod database_users;
mod databases;
mod features;
mod firewall;
mod headers;
mod house;
mod live;
mod logs;
mod metrics;
mod openapi;
mod pitr;
mod plans;
mod read_only;
mod sessions;
mod sockets;
mod store_full;
mod tokens;
mod variables;
