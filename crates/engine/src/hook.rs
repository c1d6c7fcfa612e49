//! A local restart hook: a command of the operator's, run with nobody's rights.
//!
//! No shell, no environment but the given one, a time limit that ends its children too. What it prints is not kept:
//! only whether it was content.

use crate::{
    os_user,
    process::{Exec, Ids, ProcessError, describe},
};
use std::time::Duration;

/// The traditional numbers, for a machine without a user `nobody`.
const NOBODY: Ids = Ids { uid: 65534, gid: 65534 };

/// Runs it; answers whether it was taken, and how it ended in words.
pub(crate) async fn run(argv: &[String], env: &[(String, String)], limit: Duration) -> (bool, String) {
    let Some((program, args)) = argv.split_first() else { return (false, "the hook has no command".into()) };
    let whom = os_user::are_root().then(|| os_user::by_name("nobody").unwrap_or(NOBODY));
    let exec = env.iter().fold(Exec::new(program).args(args), |exec, (name, value)| exec.env(name, value));
    match exec.as_user(whom).limit(limit).run().await {
        Ok(output) => (output.status.success(), describe(output.status)),
        Err(ProcessError::TooLong { limit, .. }) => {
            (false, format!("it did not end within {} s", limit.as_secs()))
        }
        Err(error) => (false, error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn sh(script: &str, limit: Duration) -> (bool, String) {
        let argv = ["/bin/sh", "-c", script].map(str::to_owned);
        run(&argv, &[("DATABASE_URL".into(), "x".into())], limit).await
    }

    #[tokio::test]
    async fn a_hook_is_told_by_its_status() {
        let long = Duration::from_secs(10);
        assert_eq!(sh("exit 0", long).await, (true, "exit status 0".into()));
        assert_eq!(sh("exit 3", long).await, (false, "exit status 3".into()));
        assert!(sh("test \"$DATABASE_URL\" = x && test -z \"$HOME\"", long).await.0);
        assert!(!sh("sleep 60 & sleep 60", Duration::from_millis(200)).await.0);
        assert!(!run(&[], &[], long).await.0);
        assert!(!run(&["/no/such/program".into()], &[], long).await.0);
    }

    #[tokio::test]
    async fn a_hook_has_nobody_s_rights() {
        if os_user::are_root() {
            assert!(
                sh("test \"$(id -un)\" = nobody && test ! -r /etc/shadow", Duration::from_secs(10)).await.0
            );
        }
    }
}
