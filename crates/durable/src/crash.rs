//! Named places where a test kills the process for real: SIGKILL, no destructors, no flushing.
//!
//! With the feature `crash-points`, `PADDOCK_CRASH_AT="name#k"` kills at the k-th time that `name` is reached, and
//! `PADDOCK_CRASH_LIST=<file>` appends the name of each point reached, so that a test can walk them all. Without the
//! feature nothing of this is compiled in.

use std::fmt::Display;

/// A place where a test may kill the process.
#[cfg(not(feature = "crash-points"))]
#[inline(always)]
pub fn crash_point(_name: impl Display) {}

/// A place where a test may kill the process.
#[cfg(feature = "crash-points")]
pub fn crash_point(name: impl Display) {
    armed::reach(&name.to_string());
}

/// A place where a test may kill the process: `crash_point!("provision.after_initdb")`. Takes format arguments too,
/// which cost nothing without the feature.
#[macro_export]
macro_rules! crash_point {
    ($($name:tt)+) => {
        $crate::crash_point(::core::format_args!($($name)+))
    };
}

#[cfg(feature = "crash-points")]
mod armed {
    use std::collections::HashMap;
    use std::io::Write as _;
    use std::sync::{LazyLock, Mutex, PoisonError};

    static REACHED: LazyLock<Mutex<HashMap<String, u32>>> = LazyLock::new(Mutex::default);
    static FATAL: LazyLock<Option<(String, u32)>> = LazyLock::new(|| {
        let at = std::env::var("PADDOCK_CRASH_AT").ok()?;
        match at.rsplit_once('#') {
            Some((name, k)) => Some((name.to_owned(), k.parse().unwrap_or(1))),
            None => Some((at, 1)),
        }
    });

    pub(super) fn reach(name: &str) {
        let mut reached = REACHED.lock().unwrap_or_else(PoisonError::into_inner);
        let times = reached.entry(name.to_owned()).or_default();
        *times += 1;
        if let Ok(list) = std::env::var("PADDOCK_CRASH_LIST") {
            note(&list, name);
        }
        if FATAL.as_ref().is_some_and(|(fatal, k)| fatal == name && k == times) {
            die();
        }
    }

    fn note(list: &str, name: &str) {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(list);
        // One write per line: lines of several processes do not mix.
        if let Err(error) = file.and_then(|mut file| file.write_all(format!("{name}\n").as_bytes())) {
            tracing::warn!(%error, list, "Could not note a crash point");
        }
    }

    fn die() -> ! {
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        std::process::abort()
    }
}

#[cfg(all(test, feature = "crash-points"))]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;

    /// Reaches a point three times; run by the test below as a process of its own.
    #[test]
    fn victim() {
        for _ in 0..3 {
            crate::crash_point!("test.{}", "point");
        }
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the test needs a process that it can lose")]
    fn a_crash_point_kills_the_process_at_the_given_time() {
        let run = |at: &str, list: &std::path::Path| {
            let exe = std::env::current_exe().unwrap();
            let mut victim = std::process::Command::new(exe);
            victim.args(["--exact", "crash::tests::victim"]);
            victim.env("PADDOCK_CRASH_AT", at).env("PADDOCK_CRASH_LIST", list);
            let signal = victim.output().unwrap().status.signal();
            let reached = std::fs::read_to_string(list).unwrap().lines().count();
            std::fs::remove_file(list).unwrap();
            (signal, reached)
        };
        let list = std::env::temp_dir().join(format!("paddock-crash-list-{}", std::process::id()));
        assert_eq!(run("test.point#2", &list), (Some(9), 2));
        assert_eq!(run("test.point#4", &list), (None, 3));
        assert_eq!(run("another#1", &list), (None, 3));
    }
}
