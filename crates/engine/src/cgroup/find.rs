//! Where groups are: from the texts of `/proc/self/mountinfo` and `/proc/<pid>/cgroup` to directories. Pure.

use std::path::{Component, Path, PathBuf};

/// A mounted hierarchy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mount {
    /// Where it is mounted.
    pub(super) point: PathBuf,
    /// Which of its groups is seen there: not `/` in some containers.
    root: PathBuf,
    /// v1's controllers; none: it is v2.
    controllers: Vec<String>,
}

/// The hierarchies in `/proc/self/mountinfo` (proc(5)).
pub(super) fn mounts(mountinfo: &str) -> Vec<Mount> {
    let parse = |line: &str| {
        let (mount, how) = line.split_once(" - ")?;
        let (mut mount, mut how) = (mount.split(' ').skip(3), how.split(' '));
        let (root, point) = (mount.next()?, mount.next()?);
        let controllers = match how.next()? {
            "cgroup2" => Vec::new(),
            "cgroup" => how.next_back()?.split(',').map(str::to_owned).collect(),
            _ => return None,
        };
        Some(Mount { point: point.into(), root: root.into(), controllers })
    };
    mountinfo.lines().filter_map(parse).collect()
}

/// The directory of a process in the hierarchy of `controller`, v2's for `None`; `cgroup` is its `/proc/<pid>/cgroup`.
pub(super) fn dir(mounts: &[Mount], cgroup: &str, controller: Option<&str>) -> Option<PathBuf> {
    let group = cgroup.lines().find_map(|line| {
        let (number, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        let found = match controller {
            Some(wanted) => controllers.split(',').any(|one| one == wanted),
            None => number == "0" && controllers.is_empty(),
        };
        found.then(|| Path::new(path))
    })?;
    // Outside of what this process may see: `/../x`.
    if group.components().any(|part| part == Component::ParentDir) {
        return None;
    }
    mounts.iter().filter(|mount| mount.is_of(controller)).find_map(|mount| {
        let below = group.strip_prefix(&mount.root).ok()?;
        Some(mount.point.join(below))
    })
}

impl Mount {
    fn is_of(&self, controller: Option<&str>) -> bool {
        match controller {
            Some(wanted) => self.controllers.iter().any(|one| one == wanted),
            None => self.controllers.is_empty(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID: &str = "\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:7 - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
";

    #[test]
    fn each_controller_has_its_directory() {
        let mounts = mounts(HYBRID);
        let own = "4:memory:/service/x\n1:cpu,cpuacct:/\n0::/init\n";
        let at = |controller| dir(&mounts, own, controller).map(|dir| dir.display().to_string());
        assert_eq!(at(Some("memory")).as_deref(), Some("/sys/fs/cgroup/memory/service/x"));
        assert_eq!(at(Some("cpu")).as_deref(), Some("/sys/fs/cgroup/cpu,cpuacct/"));
        assert_eq!(at(Some("cpuacct")), at(Some("cpu")));
        assert_eq!(at(Some("pids")), None);
        assert_eq!(at(None).as_deref(), Some("/sys/fs/cgroup/unified/init"));
    }

    #[test]
    fn a_container_sees_a_part_of_the_tree() {
        let mounts = mounts("32 31 0:29 /docker/ab /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n");
        let at = |text| dir(&mounts, text, Some("memory"));
        assert_eq!(at("4:memory:/docker/ab/x").unwrap(), Path::new("/sys/fs/cgroup/memory/x"));
        assert_eq!(at("4:memory:/other"), None);
        assert_eq!(at("4:memory:/../other"), None);
        assert_eq!(at("nonsense"), None);
    }
}
