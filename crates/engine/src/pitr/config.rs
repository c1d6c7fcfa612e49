//! pgBackRest's settings for one archive, and the two commands that a server runs by itself.
//!
//! PostgreSQL hands those two to a shell, which we cannot change: everything in them is ours and quoted.

use super::{STANZA, place::Archive, tool};
use crate::{EngineConfig, error::fatal};
use control::engine::{EngineError, NodeSpec};
use secrecy::{ExposeSecret as _, SecretString};
use std::path::Path;

/// What one reader or writer of an archive is told.
#[derive(Debug)]
pub(super) struct Told<'a> {
    /// The archive's files.
    pub(super) repo: &'a Path,
    /// Its key.
    pub(super) key: &'a SecretString,
    /// A directory of the one who runs it: locks, log, spool.
    pub(super) own: &'a Path,
    /// The server's data directory.
    pub(super) data: &'a Path,
    /// Directory of its socket, and its port.
    pub(super) socket: (&'a Path, u16),
}

/// The text of `pgbackrest.conf`.
///
/// A storage that hangs is given up after ten seconds, so that a server that is told to stop does stop. What is pushed
/// goes through a process of its own, so that the server's archiver never waits for the storage itself. A file that cannot
/// be read is tried again twice, soon: the storage is a directory, and what is spoilt in it stays so.
pub(super) fn text(told: &Told<'_>) -> Result<String, EngineError> {
    let key = told.key.expose_secret();
    if key.is_empty() || key.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(fatal("the archive's key cannot be used", anyhow::anyhow!("blanks or nothing")));
    }
    let (socket, port) = told.socket;
    let own = told.own.display();
    Ok(format!(
        "# Written by Paddock; changes are lost.\n\
         [global]\n\
         repo1-path={}\nrepo1-cipher-type=aes-256-cbc\nrepo1-cipher-pass={key}\n\
         repo1-bundle=y\nrepo1-block=y\nrepo1-retention-full-type=time\nrepo1-retention-full=9999\nexpire-auto=n\n\
         compress-type=zst\ncompress-level=3\nstart-fast=y\n\
         lock-path={own}/lock\nlog-path={own}/log\nspool-path={own}/spool\n\
         log-level-console=warn\nlog-level-file=warn\nlog-timestamp=n\n\
         io-timeout=10\narchive-timeout=30\njob-retry-interval=2\n\
         [global:archive-push]\narchive-async=y\narchive-timeout=10\n\
         [{STANZA}]\n\
         pg1-path={}\npg1-socket-path={}\npg1-port={port}\npg1-user={}\npg1-database=postgres\n",
        told.repo.display(),
        told.data.display(),
        socket.display(),
        crate::sql::BACKUP,
    ))
}

/// The key in such a text.
pub(super) fn key_of(text: &str) -> Option<SecretString> {
    text.lines().find_map(|line| line.strip_prefix("repo1-cipher-pass=")).map(Into::into)
}

/// The server's `archive_command`, if its log is to be archived. Where that cannot be, it says no, and the server keeps
/// its log.
pub(crate) fn archive_command(config: &EngineConfig, spec: &NodeSpec) -> Option<String> {
    let archive = Archive::of(config, spec.archive?);
    let Some(program) = tool::program(config) else { return Some("/bin/false".into()) };
    Some(format!("{} archive-push \"%p\"", command(&program, &archive.conf())))
}

/// A server's `restore_command`.
pub(super) fn restore_command(program: &Path, conf: &Path) -> String {
    format!("{} archive-get %f \"%p\"", command(program, conf))
}

fn command(program: &Path, conf: &Path) -> String {
    let conf = format!("--config={}", conf.display());
    format!("{} {} --stanza={STANZA}", word(&program.display().to_string()), word(&conf))
}

/// One word for PostgreSQL's shell, in which it reads no placeholder.
fn word(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''").replace('%', "%%"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_stays_a_word() {
        assert_eq!(word("/a b/it's %p"), r"'/a b/it'\''s %%p'");
    }

    #[test]
    fn a_key_cannot_become_a_setting() {
        let path = Path::new("/x");
        let told = |key: &str| {
            let key = SecretString::from(key);
            text(&Told { repo: path, key: &key, own: path, data: path, socket: (path, 1) })
        };
        assert_eq!(key_of(&told("k").unwrap()).unwrap().expose_secret(), "k");
        for bad in ["", "a\nrepo1-path=/", "a b"] {
            assert!(told(bad).is_err());
        }
    }
}
