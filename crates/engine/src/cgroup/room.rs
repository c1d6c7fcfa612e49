//! Paddock's own group, found once, and the groups of databases below it: made, found again, removed.

use super::{Group, Limits, field, find, find::Mount, prefix, v1};
use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::OnceLock,
    time::Duration,
};
use types::NodeId;
use uuid::Uuid;

/// Where Paddock itself is on v2, which allows processes in leaves only. The name is in `docs/paddock.service`, too.
const LEAF: &str = "paddock-control";

/// How often and how long it is waited for a process that is ending: 3 s in all, which it may take on a busy machine.
/// When nobody is left nobody waits.
const LOOKS: u32 = 300;
const LOOK: Duration = Duration::from_millis(10);

/// The place where groups are made.
#[derive(Debug)]
pub(crate) struct Room {
    mounts: Vec<Mount>,
    /// Directories in which a group can really be made.
    own: Option<Group>,
    why_not: Option<String>,
}

/// A server was ended by the kernel for want of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OutOfMemory {
    /// Processes that were ended in its group.
    pub(crate) kills: u64,
    /// The group's limit, bytes.
    pub(crate) limit: Option<u64>,
}

/// This process's room. Found at the first call: to be made before the first server is started, as v2 lets no
/// process stay beside groups with limits.
pub(crate) fn room() -> &'static Room {
    static ROOM: OnceLock<Room> = OnceLock::new();
    ROOM.get_or_init(|| {
        let room = Room::find();
        match &room.why_not {
            Some(why_not) => tracing::warn!(why_not, "some limits of plans are advisory on this host"),
            None => tracing::info!("the kernel holds the limits of plans"),
        }
        room
    })
}

impl Room {
    /// Why not every limit is held by the kernel, for people.
    pub(crate) fn why_not(&self) -> Option<&str> {
        self.why_not.as_deref()
    }

    /// Paddock's own group, below which groups can be made.
    pub(super) fn own(&self) -> Option<&Group> {
        self.own.as_ref()
    }

    fn find() -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let mounts = find::mounts(&read("/proc/self/mountinfo"));
        let own = read("/proc/self/cgroup");
        let dirs = v1::Dirs::of(&mounts, &own);
        let (own, why_not) = match find::dir(&mounts, &own, None) {
            _ if !dirs.all().is_empty() => writable(&dirs),
            Some(dir) => below_v2(&dir),
            None => (None, Some("this host shows Paddock no control groups".into())),
        };
        Self { mounts, own, why_not }
    }

    /// Makes a fresh group with these limits and opens its doors; `None` when there can be none. What could not be set shows
    /// when it is read.
    pub(crate) async fn make(&self, id: NodeId, limits: &Limits) -> Option<Vec<File>> {
        let start = Uuid::new_v4().simple().to_string();
        let name = format!("{}{}", prefix(id), &start[..8]);
        let make = |parent: &Path| {
            let dir = parent.join(&name);
            match fs::create_dir(&dir) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    tracing::warn!(%error, dir = %dir.display(), "cannot make a control group");
                    None
                }
                _ => Some(dir),
            }
        };
        let group = match self.own.as_ref()? {
            Group::V1(own) => Group::V1(own.map(make)),
            Group::V2(own) => Group::V2(make(own)?),
        };
        for failed in group.limit(limits).await {
            tracing::debug!(database = %id, failed, "a limit cannot be set");
        }
        match group.doors() {
            Ok(doors) => Some(doors),
            Err(error) => {
                tracing::warn!(%error, database = %id, "a server cannot enter its control group");
                None
            }
        }
    }

    /// The group of a running server; `None` when it is in none that was made for this database.
    pub(crate) fn of(&self, pid: u32, id: NodeId) -> Option<Group> {
        let cgroup = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
        let ours = |dir: &Path| {
            let name = dir.file_name()?.to_str()?;
            name.starts_with(&prefix(id)).then(|| dir.to_owned())
        };
        let dirs = v1::Dirs::of(&self.mounts, &cgroup).map(ours);
        if !dirs.all().is_empty() {
            return Some(Group::V1(dirs));
        }
        find::dir(&self.mounts, &cgroup, None).as_deref().and_then(ours).map(Group::V2)
    }

    /// The doors of a running server's group, for what works for it; none where it has none.
    pub(crate) fn doors_of(&self, pid: u32, id: NodeId) -> Vec<File> {
        self.of(pid, id).and_then(|group| group.doors().ok()).unwrap_or_default()
    }

    /// What the last group of a dead server tells, while it is still there.
    pub(crate) fn last_words(&self, id: NodeId) -> Option<OutOfMemory> {
        let told = self.left(id).into_iter().filter_map(|dir| {
            let kills = field(&dir, "memory.oom_control", "oom_kill");
            let kills =
                kills.or_else(|| field(&dir, "memory.events", "oom_kill")).filter(|kills| *kills > 0)?;
            let limit = ["memory.limit_in_bytes", "memory.max"].iter().find_map(|f| super::number(&dir, f));
            Some(OutOfMemory { kills, limit })
        });
        told.max_by_key(|told| told.kills)
    }

    /// Removes the groups of a database in which nobody is any more. A process that is ending leaves its group as one of
    /// its last acts, when nothing else is seen of it: it is waited for, for some seconds at most.
    pub(crate) async fn clear(&self, id: NodeId) {
        for _ in 0..LOOKS {
            let left = self.left(id);
            left.iter().for_each(|dir| super::remove(dir));
            if left.iter().all(|dir| !dir.exists()) {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Directories of a database's groups.
    fn left(&self, id: NodeId) -> Vec<PathBuf> {
        let prefix = prefix(id);
        let parents = self.own.as_ref().map(Group::dirs).unwrap_or_default();
        let entries = parents.into_iter().flat_map(|dir| fs::read_dir(dir).into_iter().flatten().flatten());
        let ours = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix));
        ours.map(|entry| entry.path()).collect()
    }
}

/// Where a group can really be made: tried, because rights, read-only mounts and namespaces all decide.
fn writable(dirs: &v1::Dirs) -> (Option<Group>, Option<String>) {
    let mut refused: Option<io::Error> = None;
    let able = dirs.map(|dir| match probe(dir) {
        Ok(()) => Some(dir.to_owned()),
        Err(error) => {
            refused.get_or_insert(error);
            None
        }
    });
    let missing: Vec<_> = [("memory", &able.memory), ("CPU", &able.cpu), ("processes", &able.pids)]
        .into_iter()
        .filter(|(_, dir)| dir.is_none())
        .map(|(name, _)| name)
        .collect();
    let why_not = (!missing.is_empty()).then(|| why(&missing, refused.as_ref()));
    ((!able.all().is_empty()).then_some(Group::V1(able)), why_not)
}

fn why(missing: &[&str], refused: Option<&io::Error>) -> String {
    let missing = missing.join(", ");
    match refused {
        Some(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            format!("Paddock may not make control groups on this host ({missing})")
        }
        Some(error) => format!("Paddock cannot make control groups on this host ({missing}): {error}"),
        None => format!("this host has no control groups for {missing}"),
    }
}

fn probe(parent: &Path) -> io::Result<()> {
    let dir = parent.join(format!("paddock-probe-{}", Uuid::new_v4().simple()));
    fs::create_dir(&dir)?;
    fs::remove_dir(&dir)
}

/// v2: Paddock leaves the group in which the others will be, and hands its controllers down.
fn below_v2(own: &Path) -> (Option<Group>, Option<String>) {
    let already = own.file_name().is_some_and(|name| name == LEAF);
    let parent = if already { own.parent().unwrap_or(own) } else { own };
    // systemd puts a service that it starts again into this very group, and the kernel refuses that while groups with
    // limits are in it: the service could never be started again while databases run.
    let service = parent.extension().is_some_and(|extension| extension == "service");
    if service && !already {
        let why_not = format!("its unit has no DelegateSubgroup={LEAF}, or systemd is older than 254");
        return (None, Some(why_not));
    }
    if let Err(error) = probe(parent).and_then(|()| if already { Ok(()) } else { enter_leaf(parent) }) {
        return (None, Some(why(&["memory", "CPU", "processes"], Some(&error))));
    }
    for controller in ["memory", "cpu", "pids", "io"] {
        // One by one: a controller that is not there would refuse them all.
        if let Err(error) = super::put(parent, "cgroup.subtree_control", format_args!("+{controller}")) {
            tracing::debug!(%error, controller, "a controller cannot be handed down");
        }
    }
    let handed = fs::read_to_string(parent.join("cgroup.subtree_control")).unwrap_or_default();
    let has = |name: &str| handed.split_whitespace().any(|one| one == name);
    let missing: Vec<_> = [("memory", "memory"), ("cpu", "CPU"), ("pids", "processes")]
        .into_iter()
        .filter(|(name, _)| !has(name))
        .map(|(_, word)| word)
        .collect();
    let why_not = (!missing.is_empty()).then(|| {
        format!(
            "Paddock's own control group may not hand down {}: see Delegate= in its unit",
            missing.join(", ")
        )
    });
    (Some(Group::V2(parent.to_owned())), why_not)
}

fn enter_leaf(parent: &Path) -> io::Result<()> {
    let leaf = parent.join(LEAF);
    match fs::create_dir(&leaf) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    super::put(&leaf, "cgroup.procs", std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_without_a_leaf_is_left_as_it_is() {
        let temp = tempfile::tempdir().unwrap();
        let own = temp.path().join("paddock.service");
        fs::create_dir(&own).unwrap();
        let (group, why_not) = below_v2(&own);
        assert_eq!(group, None);
        assert!(why_not.unwrap().contains("DelegateSubgroup"));
        assert_eq!(fs::read_dir(&own).unwrap().count(), 0);
    }

    #[test]
    fn controllers_are_handed_down_from_the_leaf_s_parent() {
        let temp = tempfile::tempdir().unwrap();
        let (own, leaf) =
            (temp.path().join("paddock.service"), temp.path().join("paddock.service/paddock-control"));
        fs::create_dir_all(&leaf).unwrap();
        fs::write(own.join("cgroup.subtree_control"), "").unwrap();
        // A plain file keeps the last word only, where the kernel would keep all.
        let (group, why_not) = below_v2(&leaf);
        assert_eq!(group, Some(Group::V2(own.clone())));
        assert_eq!(fs::read_to_string(own.join("cgroup.subtree_control")).unwrap(), "+io");
        assert!(why_not.unwrap().contains("memory, CPU, processes"));
        assert_eq!(fs::read_dir(&leaf).unwrap().count(), 0, "nobody is moved who is there already");
    }

    #[tokio::test]
    async fn a_group_is_made_found_and_removed_by_its_name_alone() {
        let temp = tempfile::tempdir().unwrap();
        let room = Room { mounts: Vec::new(), own: Some(Group::V2(temp.path().into())), why_not: None };
        let (ours, other) = (NodeId::new(Uuid::new_v4()), NodeId::new(Uuid::new_v4()));
        for id in [ours, other] {
            let dir = temp.path().join(format!("{}1", prefix(id)));
            fs::create_dir(&dir).unwrap();
        }
        assert_eq!(room.last_words(ours), None);
        let dir = &room.left(ours)[0];
        fs::write(dir.join("memory.events"), "oom 1\noom_kill 2\n").unwrap();
        fs::write(dir.join("memory.max"), "268435456\n").unwrap();
        assert_eq!(room.last_words(ours), Some(OutOfMemory { kills: 2, limit: Some(256 << 20) }));
        assert_eq!(room.last_words(other), None);
        let waits = tokio::time::timeout(3 * LOOK, room.clear(ours)).await;
        assert!(waits.is_err() && room.left(ours).len() == 1, "not empty here: it is waited for, and stays");
        room.clear(other).await;
        assert_eq!(room.left(other).len(), 0);
        // Whoever was in it leaves while it is cleared.
        let leaves = async {
            tokio::time::sleep(2 * LOOK).await;
            fs::remove_file(dir.join("memory.events")).unwrap();
            fs::remove_file(dir.join("memory.max")).unwrap();
        };
        tokio::join!(room.clear(ours), leaves);
        assert_eq!(room.left(ours).len(), 0);
    }
}
