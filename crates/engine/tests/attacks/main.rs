//! What people with a login try against the platform, and that it is refused: every installed major, as a user that
//! reads and writes and as one that only reads. The canary shows that no session of the platform ran their code.
//!
//! The numbers are those of the project's list of attacks. Those against dumps (A29 to A32) are in `tests/dumps`.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on ends there")]

#[cfg(test)]
#[path = "../host/mod.rs"]
mod host;
#[path = "../dumps/kit.rs"]
mod kit;
mod neighbours;
mod places;
mod refused;
mod traps;
mod users;

use control::engine::{Administer as _, NodeSpec, logs::Logs as _};

/// Makes it run, with a user that reads and writes and one that only reads.
#[cfg(test)]
async fn with_users(host: &host::Host, spec: &NodeSpec) {
    host.up(spec).await;
    for (name, read_only) in [("analyst_1", false), ("reader_1", true)] {
        assert!(host.engine.create_user(spec, name, read_only, &host::verifier()).await.unwrap(), "{name}");
    }
}

/// All that a server wrote into its log.
#[cfg(test)]
async fn whole_log(host: &host::Host, spec: &NodeSpec) -> Vec<types::log::LogRecord> {
    host.engine.log_end(spec.id, 64 << 20).await.unwrap().records
}
