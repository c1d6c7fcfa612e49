//! Commands end in time with all their children, know nothing of our environment and run as whom they should.

use engine::process::{Exec, Ids, ProcessError};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// The shell is only the program under test here: something that forks, waits and talks.
fn script(text: &str) -> Exec {
    Exec::new("/bin/sh").args(["-c", text])
}

/// The same with a child of its own that holds the output open and would live for long. It writes its number to this
/// file first.
fn script_with_child(file: &Path) -> Exec {
    script(&format!("echo begun; sh -c 'echo $$ > {}; exec sleep 600' & wait", file.display()))
}

/// Asks until there is an answer: what happens at once on a quiet machine takes seconds on a busy one.
async fn eventually<T>(ask: impl Fn() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "it never comes");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The number in a file, when it has been written.
fn number(file: &Path) -> Option<u32> {
    fs::read_to_string(file).ok()?.strip_suffix('\n')?.parse().ok()
}

/// Whether a process has ended. Whose it was then may be slow to reap it.
fn has_ended(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with(['Z', 'X']))
}

#[tokio::test]
async fn output_and_status_are_told() {
    let output = script("echo one; echo two >&2; exit 3").run().await.unwrap();
    assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("one\n", "two\n"));
    assert_eq!(output.tail(1), ["two"]);
    let failed = script("echo two >&2; exit 3").run_ok().await.unwrap_err();
    assert_eq!(failed.to_string(), "sh ended with exit status 3: two");
    let absent = Exec::new("/nowhere/postgres").run().await.unwrap_err();
    assert!(matches!(absent, ProcessError::Start { .. }), "{absent}");
}

#[tokio::test]
async fn arguments_are_never_read_by_a_shell() {
    let output = Exec::new("/bin/echo").arg("$(id); `id` > /tmp/x && 'y'").run_ok().await.unwrap();
    assert_eq!(output.stdout, "$(id); `id` > /tmp/x && 'y'\n");
}

#[tokio::test]
async fn who_runs_too_long_dies_with_its_children() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("child");
    // Long enough for both to have begun.
    let error = script_with_child(&file).limit(Duration::from_secs(3)).run().await.unwrap_err();
    assert!(matches!(&error, ProcessError::TooLong { said, .. } if said == "begun\n"), "{error}");
    let child = number(&file).unwrap();
    eventually(|| has_ended(child).then_some(())).await;
}

#[tokio::test]
async fn a_dropped_run_leaves_nobody_behind() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("child");
    let exec = script_with_child(&file);
    let child = tokio::select! {
        ran = exec.run() => panic!("it ended by itself: {ran:?}"),
        child = eventually(|| number(&file)) => child,
    };
    eventually(|| has_ended(child).then_some(())).await;
}

#[tokio::test]
async fn who_must_finish_does_so_and_may_speak_when_nobody_waits() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("done");
    let exec = script(&format!(
        "echo one; echo two >&2; sleep 5; echo three; echo four >&2; echo x > {}",
        file.display()
    ));
    let exec = exec.to_the_end();
    let run = tokio::time::timeout(Duration::from_secs(2), exec.run()).await;
    assert!(run.is_err() && !file.exists());
    // Its words do not end it.
    eventually(|| file.exists().then_some(())).await;
    let output = exec.run().await.unwrap();
    assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("one\nthree\n", "two\nfour\n"));
    let late = exec.limit(Duration::from_secs(2)).run().await.unwrap_err();
    assert!(matches!(&late, ProcessError::TooLong { said, .. } if said == "one\ntwo\n"), "{late}");
}

#[tokio::test]
async fn a_talkative_command_does_not_fill_memory_or_block() {
    let output = script("head -c 3000000 /dev/zero | tr '\\0' x; echo end").run_ok().await.unwrap();
    assert!(output.stdout.len() <= 64 * 1024 && output.stdout.ends_with("xend\n"));
}

#[tokio::test]
async fn the_environment_is_ours_to_choose() {
    let output = Exec::new("/usr/bin/env").env("HOOK", "restart").run_ok().await.unwrap();
    let mut names: Vec<_> =
        output.stdout.lines().filter_map(|l| l.split_once('=')).map(|(name, _)| name).collect();
    names.sort_unstable();
    assert_eq!(names, ["HOOK", "LC_ALL", "PATH", "TZ"]);
}

#[tokio::test]
async fn files_that_a_command_makes_are_private() {
    let dir = tempfile::tempdir().unwrap();
    script("echo x > made").dir(dir.path()).run_ok().await.unwrap();
    let mode = fs::metadata(dir.path().join("made")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn root_can_give_a_command_to_another_user_without_its_own_groups() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let exec = Exec::new("/usr/bin/id").as_user(Some(Ids { uid: 65534, gid: 65534 }));
    let (user, groups) =
        (exec.clone().arg("-u").run_ok().await.unwrap(), exec.arg("-G").run_ok().await.unwrap());
    assert_eq!((user.stdout.as_str(), groups.stdout.as_str()), ("65534\n", "65534\n"));
}

#[tokio::test]
async fn a_server_gets_a_session_of_its_own() {
    let mut log = tempfile::NamedTempFile::new().unwrap();
    // Field 6 of stat is the session: its own number, when it leads one.
    let mut child = script("echo $$ $(cut -d' ' -f6 /proc/$$/stat)").start(log.reopen().unwrap()).unwrap();
    assert!(child.wait().await.unwrap().success());
    let mut said = String::new();
    std::io::Read::read_to_string(log.as_file_mut(), &mut said).unwrap();
    let (own, session) = said.trim().split_once(' ').unwrap();
    assert_eq!(own, session);
}
