//! Metrics over time: collected, stored, thinned and shown; what fails leaves a gap, what is killed loses little.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends there")]

mod collecting;
mod guard;
mod keeping;
mod telling;
mod yard;
