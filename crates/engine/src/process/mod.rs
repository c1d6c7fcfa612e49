//! The one place that builds commands.
//!
//! A command here is a program and its arguments, never a line for a shell. The environment is a small fixed set,
//! files that the child makes are private (umask 077), standard input is empty, and it has a time limit. It can
//! run as another OS user. Refused: a shell, a search of the caller's `PATH` for our own tools (they are named by
//! path), a run without end.
//!
//! Two ways to run: [`Exec::run`] waits and captures; [`Exec::start`] starts a server in a session of its own, which
//! outlives us.

mod confine;
mod output;
mod piped;

use crate::cgroup;
pub use output::{Output, ProcessError, describe};
use output::{keep_end, text, written};
pub use piped::Piped;
use rustix::fs::{MemfdFlags, Mode, memfd_create};
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process_group, setrlimit};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::process::{Child, Command};

/// `PATH` of every child that does not inherit ours.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// How far work that nobody waits for steps back, of 19.
pub(crate) const HUMBLE: i32 = 10;

/// An OS user to run as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ids {
    /// User.
    pub uid: u32,
    /// Group; it will be the only one.
    pub gid: u32,
}

/// A command that is being described.
#[derive(Clone, Debug)]
pub struct Exec {
    program: PathBuf,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    inherit: bool,
    dir: Option<PathBuf>,
    ids: Option<Ids>,
    limit: Duration,
    finishes: bool,
    humble: bool,
    doors: Arc<[OwnedFd]>,
    heap: Option<u64>,
    confined: bool,
}

impl Exec {
    /// A program, named by its path.
    #[must_use]
    pub fn new(program: impl AsRef<Path>) -> Self {
        Self {
            program: program.as_ref().to_owned(),
            args: Vec::new(),
            env: Vec::new(),
            inherit: false,
            dir: None,
            ids: None,
            limit: Duration::from_secs(60),
            finishes: false,
            humble: false,
            doors: Arc::default(),
            heap: None,
            confined: false,
        }
    }

    /// One more argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// More arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(|a| a.as_ref().to_owned()));
        self
    }

    /// A variable of its environment.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Takes our environment over, without our own settings: for the machine's own tools (its package client has its
    /// proxy and mirror there). Nothing that serves users runs so.
    #[must_use]
    pub fn inherit_env(mut self) -> Self {
        self.inherit = true;
        self
    }

    /// Where it runs; `/` when not said.
    #[must_use]
    pub fn dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.dir = Some(dir.as_ref().to_owned());
        self
    }

    /// As whom it runs. `None`: as ourselves. Needs root; supplementary groups are dropped.
    #[must_use]
    pub fn as_user(mut self, ids: Option<Ids>) -> Self {
        self.ids = ids;
        self
    }

    /// Works on what users brought: it gets no more rights by any program, and, as another user, temporary files of its own
    /// (see [`confine`]).
    #[must_use]
    pub fn confined(mut self) -> Self {
        self.confined = true;
        self
    }

    /// How long [`Exec::run`] lets it run; 60 s when not said.
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Lets it finish even when nobody waits any more: for tools that hold a lock of the system's while they run, and
    /// would leave it behind.
    #[must_use]
    pub fn to_the_end(mut self) -> Self {
        self.finishes = true;
        self
    }

    /// Lets everything else go first, where there is not enough processor for all.
    #[must_use]
    pub fn humble(mut self) -> Self {
        self.humble = true;
        self.enter(cgroup::aside::door())
    }

    /// Control groups that it enters itself before it becomes the program, so that all that it ever takes counts
    /// there: their doors, open for writing. One that refuses is left out; the kernel knows where it is.
    #[must_use]
    pub fn enter(mut self, doors: impl IntoIterator<Item = File>) -> Self {
        self.doors = doors.into_iter().map(OwnedFd::from).collect();
        self
    }

    /// Bytes of memory of its own that it and each of its children may ask for (`RLIMIT_DATA`, getrlimit(2)). They may raise
    /// it again.
    #[must_use]
    pub fn heap(mut self, bytes: u64) -> Self {
        self.heap = Some(bytes);
        self
    }

    /// Runs it to its end and answers what it said, whatever the exit status.
    ///
    /// Dropping the future kills the command and its children, unless [`Exec::to_the_end`] was said.
    ///
    /// # Errors
    /// It could not be started, or ran too long.
    pub async fn run(&self) -> Result<Output, ProcessError> {
        if self.finishes {
            return self.run_to_the_end().await;
        }
        let mut command = self.command(false);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = spawn_patiently(&mut command).await.map_err(|source| self.not_started(source))?;
        let group = Group::of(&child);
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let work =
            async { tokio::join!(child.wait(), keep_end(stdout, &mut out), keep_end(stderr, &mut err)).0 };
        let ended = tokio::time::timeout(self.limit, work).await;
        let status = match ended {
            Ok(Ok(status)) => status,
            Ok(Err(source)) => return Err(self.not_started(source)),
            Err(_) => {
                drop(group);
                let said = format!("{}{}", text(&out), text(&err));
                return Err(ProcessError::TooLong { program: self.name(), limit: self.limit, said });
            }
        };
        // It and its output have ended by themselves: its group's number may soon be somebody else's.
        group.forget();
        Ok(Output { status, stdout: text(&out), stderr: text(&err) })
    }

    /// What it says goes to memory that lives as long as it does. A pipe would end with us, and the next word (the user
    /// tools warn about much) would then end it in the middle, by SIGPIPE.
    async fn run_to_the_end(&self) -> Result<Output, ProcessError> {
        let said = || -> io::Result<_> {
            let memory = File::from(memfd_create("said", MemfdFlags::CLOEXEC)?);
            Ok((memory.try_clone()?, memory))
        };
        let pair = said().and_then(|out| Ok((out, said()?)));
        let ((stdout, out), (stderr, err)) = pair.map_err(|source| self.not_started(source))?;
        let mut command = self.command(false);
        command.stdout(stdout).stderr(stderr).kill_on_drop(false);
        let mut child = spawn_patiently(&mut command).await.map_err(|source| self.not_started(source))?;
        let ended = tokio::time::timeout(self.limit, child.wait()).await;
        let (out, err) = (written(&out), written(&err));
        match ended {
            Ok(Ok(status)) => Ok(Output { status, stdout: text(&out), stderr: text(&err) }),
            Ok(Err(source)) => Err(self.not_started(source)),
            Err(_) => {
                let said = format!("{}{}", text(&out), text(&err));
                Err(ProcessError::TooLong { program: self.name(), limit: self.limit, said })
            }
        }
    }

    /// As [`Exec::run`], but a failure status is an error.
    ///
    /// # Errors
    /// It could not be started, ran too long or failed.
    pub async fn run_ok(&self) -> Result<Output, ProcessError> {
        let output = self.run().await?;
        if output.status.success() {
            return Ok(output);
        }
        Err(ProcessError::Failed { program: self.name(), output })
    }

    /// Starts it in a session of its own, with both streams going to `log`; it outlives us. Keep the child to reap it.
    ///
    /// # Errors
    /// It could not be started.
    pub fn start(&self, log: File) -> Result<Child, ProcessError> {
        let second = log.try_clone().map_err(|source| self.not_started(source))?;
        let mut command = self.command(true);
        command.stdout(log).stderr(second).kill_on_drop(false);
        command.spawn().map_err(|source| self.not_started(source))
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one place that builds commands")]
    fn command(&self, own_session: bool) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(&self.args)
            .stdin(Stdio::null())
            .current_dir(self.dir.as_deref().unwrap_or(Path::new("/")));
        command.env_clear();
        if self.inherit {
            command.envs(std::env::vars_os().filter(|(name, _)| !is_ours(name)));
        } else {
            command.env("PATH", PATH).env("LC_ALL", "C.UTF-8").env("TZ", "UTC");
        }
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        let confined = self.confined.then(|| (self.ids, !self.needs_temporary()));
        if let (Some(Ids { uid, gid }), None) = (self.ids, confined) {
            // The standard library also drops all supplementary groups, as we are root.
            command.gid(gid).uid(uid);
        }
        if !own_session {
            command.process_group(0);
        }
        prepare(&mut command, (own_session, self.humble), self.heap, confined, Arc::clone(&self.doors));
        command
    }

    /// Whether it is told of anything below `/tmp`.
    fn needs_temporary(&self) -> bool {
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned()).into_os_string();
        let places = [self.program.as_path()].into_iter().chain(self.dir.as_deref()).map(real);
        let words = self.args.iter().chain(self.env.iter().map(|(_, value)| value)).cloned();
        confine::is_needed(places.chain(words).collect::<Vec<_>>().iter().map(OsString::as_os_str))
    }

    fn name(&self) -> String {
        self.program.file_name().unwrap_or(self.program.as_os_str()).to_string_lossy().into_owned()
    }

    fn not_started(&self, source: io::Error) -> ProcessError {
        ProcessError::Start { program: self.name(), source }
    }
}

/// A program that was written a moment ago may still be open for writing in a child that another thread forked and
/// that has not reached its exec: it is busy for some milliseconds.
async fn spawn_patiently(command: &mut Command) -> io::Result<Child> {
    for _ in 0..20 {
        match command.spawn() {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            other => return other,
        }
    }
    command.spawn()
}

/// Our own settings hold secrets (key, store): no child reads them.
fn is_ours(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b"PADDOCK_") || name == "DATABASE_URL"
}

#[expect(
    unsafe_code,
    reason = "umask, session and control group belong to the child: they can only be set between fork and exec"
)]
fn prepare(
    command: &mut Command,
    (own_session, humble): (bool, bool),
    heap: Option<u64>,
    confined: Option<(Option<Ids>, bool)>,
    doors: Arc<[OwnedFd]>,
) {
    let in_child = move || {
        for door in doors.iter() {
            // 0 is whoever writes. A limit that cannot be had is no reason not to run.
            let _ = rustix::io::write(door, b"0");
        }
        if let Some((ids, hide)) = confined {
            confine::enter(ids, hide)?;
        }
        rustix::process::umask(Mode::RWXG | Mode::RWXO);
        if humble {
            // Refused or not, it runs.
            let _ = rustix::process::nice(HUMBLE);
        }
        if let Some(bytes) = heap {
            let maximum = getrlimit(Resource::Data).maximum;
            let _ = setrlimit(
                Resource::Data,
                Rlimit { current: Some(bytes.min(maximum.unwrap_or(bytes))), maximum },
            );
        }
        if own_session {
            rustix::process::setsid()?;
        }
        Ok(())
    };
    // SAFETY: after fork only async-signal-safe functions may run: write(2), umask(2), nice(2), setrlimit(2), setsid(2) and the bare
    // system calls of `confine` are, and the closure neither allocates nor locks.
    unsafe { command.pre_exec(in_child) };
}

/// Kills a whole process group when dropped: a command's children (initdb starts postgres) shall not outlive it.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        Self(child.id().and_then(|pid| Pid::from_raw(pid.cast_signed())))
    }

    fn forget(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = self.0 {
            // Nobody is left: that is what is wanted.
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}
