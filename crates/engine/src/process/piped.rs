//! A command whose bytes come and go while it runs: a dump, a restore. Nothing of them is kept here.

use super::{Exec, Group, Output, ProcessError, output::keep_end, output::text, spawn_patiently};
use std::process::Stdio;
use tokio::process::{ChildStdin, ChildStdout};

/// How a piped command ended.
#[derive(Debug)]
pub struct Piped<T> {
    /// What the work beside it came to.
    pub work: T,
    /// How it ended, and the end of what it said on standard error.
    pub output: Output,
}

impl Exec {
    /// Runs it with `work` at the other end of its standard input and output, which end when `work` drops them. When
    /// `work` fails the command is killed; when the command ends early, `work` sees the end of its pipes.
    ///
    /// Dropping the future kills the command and its children.
    ///
    /// # Errors
    /// It could not be started or ran too long: the outer result. What `work` said is the inner one; the exit status is in
    /// the output, and whoever calls looks at both.
    pub async fn piped<T, E>(
        &self,
        work: impl AsyncFnOnce(ChildStdin, ChildStdout) -> Result<T, E>,
    ) -> Result<Result<Piped<T>, E>, ProcessError> {
        let mut command = self.command(false);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = spawn_patiently(&mut command).await.map_err(|source| self.not_started(source))?;
        let group = Group::of(&child);
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(self.not_started(std::io::Error::other("its pipes are missing")));
        };
        let (stderr, mut err) = (child.stderr.take(), Vec::new());
        let together = async {
            let say = async {
                keep_end(stderr, &mut err).await;
                Ok(())
            };
            let worked = tokio::try_join!(work(stdin, stdout), say).map(|(worked, ())| worked);
            match worked {
                Ok(worked) => Ok(child.wait().await.map(|status| (worked, status))),
                Err(refused) => Err(refused),
            }
        };
        match tokio::time::timeout(self.limit, together).await {
            Ok(Ok(Ok((work, status)))) => {
                // It and its output have ended by themselves: its group's number may soon be somebody else's.
                group.forget();
                Ok(Ok(Piped { work, output: Output { status, stdout: String::new(), stderr: text(&err) } }))
            }
            Ok(Ok(Err(source))) => Err(self.not_started(source)),
            Ok(Err(refused)) => {
                drop(group);
                Ok(Err(refused))
            }
            Err(_) => {
                drop(group);
                Err(ProcessError::TooLong { program: self.name(), limit: self.limit, said: text(&err) })
            }
        }
    }
}
