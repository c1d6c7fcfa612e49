//! One OS user per cluster, so that a broken-into server can read nothing of its neighbours.
//!
//! Only when Paddock runs as root; otherwise every server runs as Paddock's own user and the answer is `None`.
//! Numbers come from a reserved range. A number is given again only when no identity file names it, no process runs
//! under it, and the system knows no such user. A user whose comment does not name the cluster is never removed.

use crate::{
    error::retry,
    process::{Exec, Ids, ProcessError},
};
use control::engine::EngineError;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, ops::RangeInclusive, time::Duration};
use uuid::Uuid;

/// A cluster's OS user; its group has the same name and number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OsUser {
    /// `paddock-64000`
    pub name: String,
    /// User.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

impl OsUser {
    /// For [`Exec::as_user`].
    #[must_use]
    pub fn ids(&self) -> Ids {
        Ids { uid: self.uid, gid: self.gid }
    }

    /// The user that number `n` of the range gets.
    #[must_use]
    pub fn numbered(n: u32) -> Self {
        Self { name: format!("paddock-{n}"), uid: n, gid: n }
    }
}

/// Does this process have the right to make users at all?
#[must_use]
pub fn are_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The first number of the range that nobody has: no identity file (`named`), no user or group of the system, no
/// process.
pub(crate) fn free_number(range: &RangeInclusive<u32>, named: &BTreeSet<u32>) -> Result<u32, EngineError> {
    let known: BTreeSet<u32> = ["/etc/passwd", "/etc/group"].into_iter().flat_map(numbers).collect();
    let running = crate::procs::users();
    let free = range.clone().find(|n| !named.contains(n) && !known.contains(n) && !running.contains(n));
    free.ok_or_else(|| {
        let all = format!("all OS users from {} to {} are taken", range.start(), range.end());
        retry(all, anyhow::anyhow!("the reserved range is used up"))
    })
}

fn numbers(path: &str) -> Vec<u32> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().filter_map(|line| line.split(':').nth(2)?.parse().ok()).collect()
}

/// One line of the user table: number and comment.
fn known(name: &str) -> Option<(u32, u32, String)> {
    let text = std::fs::read_to_string("/etc/passwd").ok()?;
    let fields: Vec<_> =
        text.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|f| f[0] == name)?;
    Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?, (*fields.get(4)?).to_owned()))
}

/// Number and group of a user of the system.
pub(crate) fn by_name(name: &str) -> Option<Ids> {
    known(name).map(|(uid, gid, _)| Ids { uid, gid })
}

/// The name of a user of the system.
pub(crate) fn name_of(uid: u32) -> Option<String> {
    let text = std::fs::read_to_string("/etc/passwd").ok()?;
    let uid = uid.to_string();
    text.lines()
        .find(|line| line.split(':').nth(2) == Some(&uid))
        .map(|l| l.split(':').next().unwrap_or(l).into())
}

fn comment(cluster: Uuid) -> String {
    format!("Paddock cluster {cluster}")
}

/// Makes the user and its group; fine when they exist for this very cluster.
pub(crate) async fn make(user: &OsUser, cluster: Uuid) -> Result<(), EngineError> {
    match known(&user.name) {
        Some((uid, gid, text)) if (uid, gid) == (user.uid, user.gid) && text == comment(cluster) => {
            return Ok(());
        }
        Some(_) => {
            return Err(EngineError::Foreign(format!("the OS user {} belongs to somebody else", user.name)));
        }
        None => {}
    }
    let (uid, gid) = (user.uid.to_string(), user.gid.to_string());
    tool(&["groupadd", "--gid", &gid, &user.name], GROUP_EXISTS).await?;
    // `--system`: no home, no mail, no ageing, no range of subordinate ids.
    let args = ["--system", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin"];
    let comment = comment(cluster);
    let who = ["--uid", &uid, "--gid", &gid, "--comment", &comment, &user.name];
    tool(&[&["useradd"], &args[..], &who[..]].concat(), None).await
}

/// Removes the user and its group if they are this cluster's; a user that is not there is fine.
pub(crate) async fn remove(user: &OsUser, cluster: Uuid) -> Result<(), EngineError> {
    wait_for_tools(user).await?;
    match known(&user.name) {
        Some((uid, _, text)) if uid == user.uid && text == comment(cluster) => {}
        Some(_) => return Ok(()),
        None => return tool(&["groupdel", &user.name], NO_GROUP).await,
    }
    crate::procs::kill_all("processes of a removed user", |seen| seen.uid == user.uid).await?;
    tool(&["userdel", &user.name], NO_USER).await?;
    tool(&["groupdel", &user.name], NO_GROUP).await
}

/// The tools run to their end, also when the Paddock that began them is killed: what is judged before that may be made
/// after it, and stay.
async fn wait_for_tools(user: &OsUser) -> Result<(), EngineError> {
    let works = |pid| {
        let words = crate::procs::words(pid);
        let [tool, .., name] = words.as_slice() else { return false };
        (tool.ends_with("/useradd") || tool.ends_with("/groupadd")) && *name == user.name
    };
    for _ in 0..TOOL_ENDS {
        if !crate::procs::all().any(works) {
            return Ok(());
        }
        tokio::time::sleep(LOOK).await;
    }
    Err(retry(
        format!("the OS user {} is still being made", user.name),
        anyhow::anyhow!("a tool does not end"),
    ))
}

/// Between two looks at a tool, and how many there are: 30 s.
const LOOK: Duration = Duration::from_millis(50);
const TOOL_ENDS: u32 = 600;

const GROUP_EXISTS: Option<i32> = Some(9);
const NO_USER: Option<i32> = Some(6);
const NO_GROUP: Option<i32> = Some(6);
/// The user table is locked by somebody else.
const LOCKED: [i32; 2] = [1, 10];

/// Runs one of the user tools; `fine` is an exit status that means "already so". All tools lock one file: when
/// another program holds it, wait for it.
async fn tool(argv: &[&str], fine: Option<i32>) -> Result<(), EngineError> {
    let mut tries = 0;
    loop {
        let exec =
            Exec::new(format!("/usr/sbin/{}", argv[0])).args(&argv[1..]).limit(Duration::from_secs(30));
        // Killed in the middle it would leave the lock of the user table behind.
        let exec = exec.to_the_end();
        let output = match exec.run_ok().await {
            Ok(_) => return Ok(()),
            Err(ProcessError::Failed { output, .. }) if fine.is_some() && output.status.code() == fine => {
                return Ok(());
            }
            Err(ProcessError::Failed { output, .. }) if tries < 50 && is_locked(&output) => output,
            Err(error) => return Err(retry(format!("could not run {}", argv[0]), error)),
        };
        tracing::debug!(tool = argv[0], said = %output.stderr, "the user table is locked, waiting");
        tries += 1;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn is_locked(output: &crate::process::Output) -> bool {
    output.status.code().is_some_and(|code| LOCKED.contains(&code)) && output.stderr.contains("lock")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_free_only_when_nobody_names_it() {
        let named = BTreeSet::from([64990, 64991]);
        assert_eq!(free_number(&(64990..=64999), &named).unwrap(), 64992);
        assert!(free_number(&(64990..=64991), &named).is_err());
        // Root is known to every system.
        assert!(free_number(&(0..=0), &BTreeSet::new()).is_err());
    }

    #[test]
    fn the_system_s_users_are_found() {
        assert_eq!(name_of(0).as_deref(), Some("root"));
        assert_eq!(by_name("root"), Some(Ids { uid: 0, gid: 0 }));
        assert_eq!(by_name("no-such-user"), None);
    }
}
