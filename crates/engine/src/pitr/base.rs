//! A base backup of a running server, and how far it is.

use super::{
    info,
    place::Archive,
    seal,
    tool::{self, Tool},
};
use crate::{cgroup::aside, error::fatal};
use control::engine::{
    EngineError, Volume,
    pitr::{BackupKind, BaseBackup, Progress},
};
use std::time::Duration;

/// How long one may take.
const LIMIT: Duration = Duration::from_secs(24 * 3600);
/// How often it is asked how far it is.
const ASK: Duration = Duration::from_secs(2);

/// Makes one, and seals it. Dropping the future ends it; the next of its kind takes it up again.
pub(crate) async fn back_up(
    tool: &Tool,
    archive: &Archive,
    kind: BackupKind,
    progress: Progress<'_>,
) -> Result<BaseBackup, EngineError> {
    let kind = match kind {
        BackupKind::Full => "--type=full",
        BackupKind::Diff => "--type=diff",
        BackupKind::Incr => "--type=incr",
    };
    let exec = tool.exec(archive.ids()?, &archive.conf(), "backup").arg(kind).limit(LIMIT).humble();
    let work = tool::run("make a base backup", Volume::Archive, exec);
    tokio::pin!(work);
    loop {
        tokio::select! {
            biased;
            ended = &mut work => break ended.map(drop)?,
            () = tokio::time::sleep(ASK) => {
                // A list that is just being rewritten cannot be read: the next time, then.
                if let Ok(stanza) = info::stanza(tool, archive).await
                    && let Some((done, all)) = stanza.status.progress()
                {
                    progress(done, all);
                }
            }
        }
    }
    aside::clear();
    seal(archive).await?;
    let mut known = info::know(tool, archive).await?;
    known.lines.backups.pop().ok_or_else(|| {
        fatal("the base backup ended and is not in the archive", anyhow::anyhow!("pgBackRest lists none"))
    })
}
