//! placeholder
#![cfg(feature = "crash-points")]
