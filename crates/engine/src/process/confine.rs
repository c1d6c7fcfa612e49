//! What is taken from a program that works on users' data before it begins: the way to more rights, and other people's
//! temporary files.
//!
//! Whoever breaks into a server finds `/tmp` and `/var/tmp` empty, small and its own (mount_namespaces(7)), and no program
//! that runs as somebody else gives it more rights (`PR_SET_NO_NEW_PRIVS`, prctl(2)). A kernel or a container that refuses
//! the former is no reason not to run. Where our own files lie below `/tmp` it stays as it is.

use super::Ids;
use rustix::{
    io,
    mount::{MountFlags, MountPropagationFlags, mount, mount_change},
    thread::{
        Gid, Uid, UnshareFlags, set_no_new_privs, set_thread_groups, set_thread_res_gid, set_thread_res_uid,
        unshare_unsafe,
    },
};
use std::ffi::{CStr, OsStr};

const TEMPORARY: [&CStr; 2] = [c"/tmp", c"/var/tmp"];
/// Bytes and files of each; they count against the memory of whose control group writes them.
const ROOM: &CStr = c"size=16m,nr_inodes=1k,mode=1777";

/// Whether any of these words names something below one of the places that would be hidden.
pub(super) fn is_needed<'a>(words: impl IntoIterator<Item = &'a OsStr>) -> bool {
    words.into_iter().any(|word| word.as_encoded_bytes().windows(5).any(|part| part == b"/tmp/"))
}

/// Becomes that user if there is one, with less than it would have. Runs between fork and exec: system calls only, no memory is asked for.
///
/// # Errors
/// It cannot become that user.
pub(super) fn enter(ids: Option<Ids>, hide: bool) -> io::Result<()> {
    if let Some(Ids { uid, gid }) = ids {
        if hide {
            // Refused without CAP_SYS_ADMIN.
            let _ = hide_temporary();
        }
        let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
        set_thread_groups(&[])?;
        set_thread_res_gid(gid, gid, gid)?;
        set_thread_res_uid(uid, uid, uid)?;
    }
    set_no_new_privs(true)
}

#[expect(
    unsafe_code,
    reason = "a view of the file systems of one's own can only be had between fork and exec"
)]
fn hide_temporary() -> io::Result<()> {
    // SAFETY: the child has one thread, and shares no descriptor table or memory by this flag.
    unsafe { unshare_unsafe(UnshareFlags::NEWNS) }?;
    // What is mounted later on this machine is seen in there, and nothing the other way.
    mount_change(c"/", MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC)?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    TEMPORARY.into_iter().try_for_each(|place| mount(c"tmpfs", place, c"tmpfs", flags, ROOM))
}
