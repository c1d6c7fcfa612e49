//! The settings of the core, as plain values with safe defaults.
//!
//! Where they come from (a file, the environment) is the server's business; nothing here reads either.

use crate::crypto::password::Cost;
use chrono::TimeDelta;
use types::Plan;

/// The settings of the core.
#[derive(Clone, Debug)]
pub struct Config {
    /// What may be ordered, in the order of the page.
    pub plans: Vec<Plan>,
    /// Where people reach the dashboard, without a slash at the end: links in invitations start with it.
    pub public_url: String,
    /// How long a deleted database waits in the trash and can be brought back.
    pub trash_for: TimeDelta,
    /// How long a port rests after its database is gone: a stale URL must not reach somebody else's database.
    pub port_rest: TimeDelta,
    /// How long the old login of a database stays after its app was told of the new one; five times as long where the app
    /// has no hook.
    pub password_overlap: TimeDelta,
    /// How many databases an app may have, those in the trash left out.
    pub max_addons_per_app: u16,
    /// Restart hooks may call addresses of private networks and of this host itself. Apps of a self-hosted Paddock
    /// live there; switch it off where strangers have accounts. Link-local addresses (where clouds answer with
    /// credentials) are never called.
    pub hooks_reach_private_networks: bool,
    /// A browser session ends after this long without a request. Pages that follow something live ask all the time.
    pub session_idle: TimeDelta,
    /// A browser session ends after this long, used or not.
    pub session_absolute: TimeDelta,
    /// What is grave wants the password again when the sign-in is older.
    pub session_fresh: TimeDelta,
    /// How many sign-ins one address may try in a minute.
    pub sign_ins_per_minute: u32,
    /// How much work hashing an account's password is.
    pub password_cost: Cost,
    /// How long an invitation's link works.
    pub invitation_for: TimeDelta,
    /// How long a bearer token works that was exchanged for an API token.
    pub bearer_for: TimeDelta,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            plans: Plan::defaults(),
            public_url: "http://localhost:3000".into(),
            trash_for: TimeDelta::hours(72),
            port_rest: TimeDelta::days(30),
            password_overlap: TimeDelta::minutes(1),
            max_addons_per_app: 20,
            hooks_reach_private_networks: true,
            session_idle: TimeDelta::minutes(30),
            session_absolute: TimeDelta::hours(12),
            session_fresh: TimeDelta::minutes(15),
            sign_ins_per_minute: 10,
            password_cost: Cost::default(),
            invitation_for: TimeDelta::days(7),
            bearer_for: TimeDelta::hours(1),
        }
    }
}
