//! pgBackRest on this host: where it is, whether it is new enough, and how it is run.
//!
//! It is looked for anew each time: programs come and go. Older ones do not know the majors that Paddock serves, and are
//! as good as none.

use super::STANZA;
use crate::{
    EngineConfig,
    error::{fatal, retry},
    layout::Layout,
    process::{Exec, Ids, Output, ProcessError},
};
use control::engine::{EngineError, Volume};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// The oldest one that knows PostgreSQL 18.
const OLDEST: (u32, u32) = (2, 60);
/// How long a command may take that copies no server: on a slow disk it waits for each of its files.
const LIMIT: Duration = Duration::from_secs(600);
/// A pgBackRest's own exit statuses (its `src/common/error`).
const LOCKED: i32 = 50;
const NO_SERVER: i32 = 56;

/// A pgBackRest that is new enough.
#[derive(Clone, Debug)]
pub(crate) struct Tool {
    program: PathBuf,
    /// `2.60.0`
    pub(crate) version: String,
}

/// Where it would be run from, not asked for its version.
pub(crate) fn program(config: &EngineConfig) -> Option<PathBuf> {
    if let Some(named) = &config.pgbackrest {
        return Some(named.clone());
    }
    let own = std::iter::once(Layout::new(&config.root).versions()).chain(config.version_dirs.clone());
    let beside = own.map(|dir| dir.join("pgbackrest"));
    let usual = ["/usr/local", "/usr"].map(PathBuf::from);
    let mut all = beside.chain(usual).map(|home| home.join("bin/pgbackrest"));
    // The server calls it from another directory.
    all.find_map(|path| std::fs::canonicalize(path).ok())
}

impl Tool {
    /// The one to use.
    ///
    /// # Errors
    /// There is none, or it is too old, and why.
    pub(crate) async fn find(config: &EngineConfig) -> Result<Self, EngineError> {
        let missing = |why: String| {
            let message = format!(
                "point-in-time recovery is not available on this host: {why}. It needs pgBackRest {}.{} or newer",
                OLDEST.0, OLDEST.1
            );
            fatal(message, anyhow::anyhow!("no pgBackRest"))
        };
        let Some(program) = program(config) else { return Err(missing("pgBackRest is missing".into())) };
        let asked = Exec::new(&program).arg("version").limit(Duration::from_secs(10)).run_ok().await;
        let said = asked.map_err(|error| missing(error.to_string()))?.stdout;
        let version = said.split_whitespace().nth(1).unwrap_or_default();
        match parse(version) {
            Some(found) if found >= OLDEST => Ok(Self { program, version: version.to_owned() }),
            _ => Err(missing(format!("{} is {version:?}", program.display()))),
        }
    }

    /// Describes one of its commands, as the user whose archive it is.
    pub(crate) fn exec(&self, ids: Option<Ids>, conf: &Path, command: &str) -> Exec {
        Exec::new(&self.program)
            .arg(format!("--config={}", conf.display()))
            .args([&format!("--stanza={STANZA}"), command])
            .as_user(ids)
            .confined()
            .limit(LIMIT)
    }
}

fn parse(version: &str) -> Option<(u32, u32)> {
    let mut parts =
        version.split('.').map(|part| part.trim_end_matches(|c: char| !c.is_ascii_digit()).parse());
    Some((parts.next()?.ok()?, parts.next()?.ok()?))
}

/// Runs one of its commands to its end; `what` is for people, `writes` the volume that it fills.
pub(crate) async fn run(what: &str, writes: Volume, exec: Exec) -> Result<Output, EngineError> {
    exec.run_ok().await.map_err(|error| explained(what, writes, error))
}

/// What went wrong, in its own words: `ERROR: [075]: unable to find backup set…`.
fn explained(what: &str, writes: Volume, error: ProcessError) -> EngineError {
    let ProcessError::Failed { output, .. } = &error else {
        return retry(format!("could not {what}"), error);
    };
    let said = format!("{}\n{}", output.stdout, output.stderr);
    if said.contains("No space left on device") || said.contains("Disk quota exceeded") {
        return EngineError::DiskFull { volume: writes, free_bytes: 0 };
    }
    let find =
        |kind: &str| said.lines().find_map(|line| line.split_once(kind)).map(|(_, words)| words.trim());
    // "Unable to find primary": why stands in a warning before it.
    // What it did not expect at all it calls differently, and says much more below.
    let own = find("ERROR: ").or_else(|| find("ASSERT: ")).map(|words| {
        if output.status.code() == Some(NO_SERVER) { find("WARN: ").unwrap_or(words) } else { words }
    });
    let words = own.unwrap_or_else(|| said.trim().lines().last().unwrap_or("it said nothing"));
    let words = words.split_once("]: ").map_or(words, |(_, rest)| rest).to_owned();
    if output.status.code() == Some(LOCKED) {
        return retry(format!("could not {what}: another one is under way"), error);
    }
    retry(format!("could not {what}: {words}"), error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_numbers() {
        assert_eq!(parse("2.60.0"), Some((2, 60)));
        assert_eq!(parse("2.61dev"), Some((2, 61)));
        assert_eq!(parse(""), None);
        assert!(parse("2.45").is_some_and(|old| old < OLDEST));
        assert!(parse("2.100").is_some_and(|new| new > OLDEST));
    }
}
