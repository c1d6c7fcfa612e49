//! Point-in-time recovery with pgBackRest: archives of write-ahead log and base backups, and restores beside.
//!
//! **Who runs what.** Every pgBackRest runs as the operating system user of the server that it works for, never as
//! root: what somebody who broke into that server plants in its directories (links, information files) is followed
//! with no more rights than he has already. He can push rubbish, and spoil what is not sealed yet. To destroy the past
//! he is not able: what has arrived is *sealed* every minute and after every base backup ([mod@seal]). It then belongs to
//! root, in directories where only the owner of a file may remove or replace it. What expires is unsealed by Paddock, by
//! its own reckoning, for the moment of its removal. Two files pgBackRest must rewrite (`backup.info`, `archive.info`);
//! copies of them, which hold the keys of the backups, lie where he cannot reach them. Without root all is one user,
//! and nothing of this holds.
//!
//! **Who reads what.** An archive is encrypted. Its directory lets nobody pass but its server; while a restore from it
//! runs, everybody may pass and read what is sealed, since the restored server has another user. The key lies in a
//! file that the server's user may read: he needs it to push. It never stands in arguments.
//!
//! **Continuity.** `archive_mode` is on in every server from its first start, as it cannot change without a restart; where
//! nothing is archived the command is `/bin/true`, so nothing piles up. That is safe because an archive is only believed
//! from its first base backup on, and each hole after that is looked for ([mod@info]) and refused ([mod@plan]).

mod base;
mod config;
mod expire;
mod info;
mod peek;
mod place;
mod plan;
mod recover;
mod restore;
mod seal;
mod state;
mod tool;

pub(crate) use base::back_up;
pub(crate) use config::archive_command;
pub(crate) use expire::expire;
pub(crate) use info::read as timelines;
pub(crate) use peek::peek;
pub(crate) use place::{Archive, owners};
pub(crate) use recover::{Restoring, overrides};
pub(crate) use restore::{
    Restore, discard, finish, finished, gone, outgrown, recovery, remove_archive, restore, start_failed,
};
pub(crate) use seal::seal;
pub(crate) use state::{enable, now_archived, state};
pub(crate) use tool::Tool;

/// The one name that every archive has inside.
pub(crate) const STANZA: &str = "main";
