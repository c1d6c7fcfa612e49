//! For tests: a fake engine and a fake vault with failpoints, a clock turned by hand, a throw-away store, and the program that checks
//! what must always hold.
//!
//! Only ever a dev-dependency. The fake keeps to the engine's contract (calls look first and may be repeated), so that
//! what passes here fails elsewhere only for reasons of real PostgreSQL. Every fault counts how often it fired: a
//! test asserts that, else it might have tested nothing.

mod clock;
mod dumps;
mod engine;
mod fault;
mod house;
mod invariant;
mod pitr;
mod port;
mod reach;
mod sessions;
mod store;
mod users;
mod vault;

pub use clock::TestClock;
pub use dumps::Data;
pub use engine::{FakeEngine, HookRun, Node};
pub use fault::{Fault, Fired, Method};
pub use house::{House, Posted, Postman, person};
pub use invariant::broken;
pub use pitr::{FakeArchive, FakeRestore};
pub use sessions::Talk;
pub use store::TestStore;
pub use vault::{FakeVault, VaultMethod};
