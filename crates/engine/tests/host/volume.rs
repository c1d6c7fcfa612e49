//! A volume of its own in place of a directory, until the test is over.
//!
//! Only root may mount. Where root may not either, a test that needs this fails: it would prove nothing.

use super::run;
use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// What is mounted there.
#[derive(Debug)]
pub struct Volume(PathBuf);

impl Volume {
    /// A small one in memory. `None`: this user is not root.
    pub fn small(at: &Path, options: &str) -> Option<Self> {
        Self::mount(at, &["-t", "tmpfs", "-o", options, "none"])
    }

    /// A file system in a file. `None`: this user is not root.
    pub fn image(at: &Path, image: &Path) -> Option<Self> {
        Self::mount(at, &["-t", "ext4", "-o", "loop", image.to_str().unwrap()])
    }

    fn mount(at: &Path, what: &[&str]) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            println!("skipped: only root may mount");
            return None;
        }
        let mounted = run("/bin/mount", &[what, &[at.to_str().unwrap()]].concat());
        assert!(mounted.status.success(), "{}", String::from_utf8_lossy(&mounted.stderr));
        Some(Self(at.to_owned()))
    }

    /// Takes what is left of it.
    pub fn fill(&self) {
        let mut file = fs::File::create(self.filler()).unwrap();
        while file.write_all(&[0; 1 << 16]).is_ok() {}
    }

    /// Takes so much of it.
    pub fn take(&self, bytes: u64) {
        let file = fs::File::create(self.filler()).unwrap();
        rustix::fs::fallocate(file, rustix::fs::FallocateFlags::empty(), 0, bytes).unwrap();
    }

    /// Gives back what was taken.
    pub fn clear(&self) {
        fs::remove_file(self.filler()).unwrap();
    }

    /// What is left of it, bytes.
    pub fn free(&self) -> u64 {
        let stat = rustix::fs::statvfs(&self.0).unwrap();
        stat.f_bavail * stat.f_frsize
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }

    /// Takes it away, when the last one who works there has ended.
    pub fn unmount(self) {
        let begun = Instant::now();
        loop {
            let unmounted = run("/bin/umount", &[self.0.to_str().unwrap()]);
            if unmounted.status.success() {
                break;
            }
            let said = String::from_utf8_lossy(&unmounted.stderr).into_owned();
            assert!(begun.elapsed() < Duration::from_secs(15), "{said}");
            std::thread::sleep(Duration::from_millis(50));
        }
        std::mem::forget(self);
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        run("/bin/umount", &["-l", self.0.to_str().unwrap()]);
    }
}
