//! Processes whose calls are slow or fail: strace does that to them, and writes down what it did.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

/// A strace that is attached to processes until it is dropped.
pub struct Trace {
    strace: Child,
    log: tempfile::TempPath,
}

impl Trace {
    /// Does to the calls of these processes what `inject` says, and to those of their children too if it follows them.
    /// `None`: this user is not root, and may not.
    pub fn attach(pids: &[u32], follow: bool, inject: &str) -> Option<Self> {
        Self::attach_to(None, pids, follow, inject)
    }

    /// The same to calls that are about this file alone.
    #[expect(clippy::disallowed_methods, reason = "a test looks at the engine from outside")]
    pub fn attach_to(file: Option<&Path>, pids: &[u32], follow: bool, inject: &str) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            println!("skipped: only root may trace the servers");
            return None;
        }
        let log = tempfile::NamedTempFile::new().unwrap().into_temp_path();
        let mut command = Command::new("strace");
        command.args(follow.then_some("-f")).arg("-o").arg(&log);
        // Only what is changed is looked at: the rest stays quick.
        let calls = inject.split(':').next().unwrap();
        command.args(["-e", &format!("trace={calls}"), "-e", &format!("inject={inject}")]);
        if let Some(file) = file {
            command.arg("-P").arg(file);
        }
        command.args(pids.iter().map(|pid| format!("-p{pid}"))).stderr(Stdio::piped());
        let mut strace = command.spawn().expect("strace, which scripts/setup.sh test installs");
        let mut said = BufReader::new(strace.stderr.take().unwrap()).lines();
        let mut left: Vec<_> = pids.iter().map(ToString::to_string).collect();
        let mut attached = false;
        while !left.is_empty() {
            let line = said.next().expect("a word about each").unwrap();
            // A short one may have ended since it was looked for, or be about to: then nobody may trace it any more.
            attached |= line.contains("attached");
            let gone = ["No such process", "Operation not permitted"].iter().any(|said| line.contains(said));
            assert!(line.contains("attached") || gone, "{line}");
            left.retain(|pid| !line.split(|c: char| !c.is_ascii_digit()).any(|word| word == pid));
        }
        assert!(attached, "none of them can be traced");
        // It says more, and must not wait for a reader.
        std::thread::spawn(move || said.count());
        Some(Self { strace, log })
    }

    /// Calls that something was done to.
    pub fn fired(&self, what: &str) -> usize {
        fs::read_to_string(&self.log).unwrap().matches(what).count()
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        super::kill(self.strace.id(), rustix::process::Signal::TERM);
        let _ = self.strace.wait();
    }
}
