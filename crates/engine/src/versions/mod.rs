//! PostgreSQL servers on this host: which are there, which are offered, how one more is installed.
//!
//! [`catalogue`] looks at directories, [`floor`] decides what is offered, [`mod@install`] adds a server. Nothing here
//! touches a database's data, and nothing upgrades a server in place: every minor has a directory of its own.

pub mod catalogue;
pub mod elf;
mod fetch;
pub mod floor;
pub mod install;
pub mod pins;
mod unpack;

pub use catalogue::{Broken, Catalogue, DISTRIBUTION_DIR, Installed, Source};
pub use floor::{Floors, default_version, offered};
pub use install::{InstallError, install, install_wheel};
