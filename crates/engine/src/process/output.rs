//! What a command said, and how it failed. Of each stream the end is kept, where the reason for a failure stands.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// How much of each stream is kept.
const KEPT: usize = 64 * 1024;

/// A command that did not end well.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// It could not be started.
    #[error("{program} could not be started: {source}")]
    Start {
        /// Which.
        program: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It ran longer than it may, and was killed with all its children.
    #[error("{program} did not end within {} s", limit.as_secs())]
    TooLong {
        /// Which.
        program: String,
        /// The limit.
        limit: Duration,
        /// What it had said until then.
        said: String,
    },
    /// It ended with a failure.
    #[error("{program} ended with {}: {}", describe(output.status), output.last_line())]
    Failed {
        /// Which.
        program: String,
        /// What it said.
        output: Output,
    },
}

/// What a command said.
#[derive(Clone, Debug)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// The end of its standard output (at most 64 KiB).
    pub stdout: String,
    /// The end of its standard error (at most 64 KiB).
    pub stderr: String,
}

impl Output {
    /// The last lines that it said, standard output first.
    #[must_use]
    pub fn tail(&self, lines: usize) -> Vec<String> {
        let all: Vec<_> =
            self.stdout.lines().chain(self.stderr.lines()).filter(|l| !l.trim().is_empty()).collect();
        all[all.len().saturating_sub(lines)..].iter().map(ToString::to_string).collect()
    }

    fn last_line(&self) -> String {
        self.tail(1).pop().unwrap_or_else(|| "it said nothing".into())
    }
}

/// `exit status 1`, `signal 9`.
#[must_use]
pub fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "an unknown status".into(),
    }
}

/// Reads a stream to its end, and keeps the last part of it.
pub(super) async fn keep_end(stream: Option<impl AsyncRead + Unpin>, kept: &mut Vec<u8>) {
    let Some(mut stream) = stream else { return };
    let mut chunk = [0; 8192];
    // A broken pipe is an end like another: the exit status says what counts.
    while let Ok(n @ 1..) = stream.read(&mut chunk).await {
        kept.extend_from_slice(&chunk[..n]);
        if kept.len() > 2 * KEPT {
            kept.drain(..kept.len() - KEPT);
        }
    }
}

/// Reads what was written to a file in memory. Not from its position: a command that goes on shares that.
pub(super) fn written(file: &File) -> Vec<u8> {
    let read = || -> io::Result<_> {
        let mut bytes = vec![0; usize::try_from(file.metadata()?.len()).unwrap_or(0)];
        file.read_exact_at(&mut bytes, 0).map(|()| bytes)
    };
    // Like a broken pipe: the exit status says what counts.
    read().unwrap_or_default()
}

/// What is kept of a stream.
pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(KEPT)..]).into_owned()
}
