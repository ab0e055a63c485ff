//! The memory control group of a process (Linux's cgroups, of both versions): what it allows, and whom the kernel killed in it.

use std::path::{Path, PathBuf};

use super::kernel_size::size;

/// Where the kernel keeps control groups.
const ROOT: &str = "/sys/fs/cgroup";
/// A limit above this is none: the first version writes the largest multiple of a page.
const NO_LIMIT: u64 = 1 << 60;

/// A process' group, with those above it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MemoryGroup {
    /// The group's own folder first; the last is the topmost that can be seen.
    folders: Vec<PathBuf>,
    /// The name of the file with the limit.
    limit_file: &'static str,
    /// The name of the file with a line `oom_kill`.
    events_file: &'static str,
}

impl MemoryGroup {
    /// That of a process; none where the system has no such groups, or the process is gone.
    pub(super) fn of(process: u32) -> Option<Self> {
        Self::read(&std::fs::read_to_string(format!("/proc/{process}/cgroup")).ok()?, Path::new(ROOT))
    }

    /// From the lines `hierarchy:controllers:path` of a process, with the groups below `root`.
    fn read(lines: &str, root: &Path) -> Option<Self> {
        let path_of = |wanted: &dyn Fn(&str) -> bool| {
            lines.lines().find_map(|line| {
                let (_, line) = line.split_once(':')?;
                let (controllers, path) = line.split_once(':')?;
                wanted(controllers).then_some(path.trim_start_matches('/'))
            })
        };
        // A process in a namespace of its own sees a path that isn't below the mounted root: the root is its group then.
        let below = |top: PathBuf, path: &str| {
            let own = top.join(path);
            let own = if own.is_dir() { own } else { top.clone() };
            own.ancestors().take_while(|folder| folder.starts_with(&top)).map(Path::to_path_buf).collect()
        };
        if let Some(path) = path_of(&|controllers| controllers.split(',').any(|one| one == "memory")) {
            let folders = below(root.join("memory"), path);
            return Some(Self {
                folders,
                limit_file: "memory.limit_in_bytes",
                events_file: "memory.oom_control",
            });
        }
        let folders = below(root.to_path_buf(), path_of(&str::is_empty)?);
        Some(Self { folders, limit_file: "memory.max", events_file: "memory.events" })
    }

    /// The bytes that all of its processes together may have; none if nothing limits them.
    pub(super) fn limit(&self) -> Option<u64> {
        let limits = self.folders.iter().filter_map(|folder| {
            let text = std::fs::read_to_string(folder.join(self.limit_file)).ok()?;
            text.trim().parse::<u64>().ok().filter(|limit| *limit < NO_LIMIT)
        });
        limits.min()
    }

    /// How many of its processes the kernel has killed for want of memory; none if it doesn't say.
    fn kills(&self) -> Option<u64> {
        counter(&std::fs::read_to_string(self.folders.first()?.join(self.events_file)).ok()?)
    }
}

/// How many processes the kernel had killed for want of memory, when it was asked last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MemoryKills {
    group: Option<MemoryGroup>,
    kills: Option<u64>,
}

impl MemoryKills {
    /// Those so far in the group of a process; in all of the machine where groups don't count them.
    pub(super) fn so_far(process: u32) -> Self {
        let group = MemoryGroup::of(process);
        let kills = count(group.as_ref());
        Self { group, kills }
    }

    /// Whether one more was killed since.
    pub(super) fn has_grown(&self) -> bool {
        match (self.kills, count(self.group.as_ref())) {
            (Some(before), Some(now)) => now > before,
            _ => false,
        }
    }

    /// What the group allows.
    pub(super) fn limit(&self) -> Option<u64> {
        self.group.as_ref().and_then(MemoryGroup::limit)
    }
}

fn count(group: Option<&MemoryGroup>) -> Option<u64> {
    let machine = || counter(&std::fs::read_to_string("/proc/vmstat").ok()?);
    group.and_then(MemoryGroup::kills).or_else(machine)
}

/// The number of a line `oom_kill N`.
fn counter(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
}

/// The most memory that a process has had at one time, in bytes; none if it is gone.
pub(super) fn peak_memory(process: u32) -> Option<u64> {
    size(&std::fs::read_to_string(format!("/proc/{process}/status")).ok()?, "VmHWM")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_of(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let file = root.path().join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
        root
    }

    #[test]
    fn the_smallest_limit_of_a_group_and_those_above_it_holds_in_the_second_version() {
        let root = folder_of(&[
            ("memory.events", "oom_kill 9\n"),
            ("job/memory.max", "2048\n"),
            ("job/task/memory.max", "max\n"),
            ("job/task/memory.events", "low 0\noom 4\noom_kill 3\noom_group_kill 0\n"),
        ]);
        let group = MemoryGroup::read("0::/job/task\n", root.path()).unwrap();
        assert_eq!((group.limit(), group.kills()), (Some(2048), Some(3)));
        let namespaced = MemoryGroup::read("0::/../elsewhere\n", root.path()).unwrap();
        assert_eq!((namespaced.limit(), namespaced.kills()), (None, Some(9)));
    }

    #[test]
    fn the_first_version_has_a_hierarchy_of_its_own_for_memory() {
        let root = folder_of(&[
            ("memory/memory.limit_in_bytes", "9223372036854771712\n"),
            ("memory/job/memory.limit_in_bytes", "4096\n"),
            ("memory/job/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"),
        ]);
        let lines = "5:devices:/\n4:memory:/job\n1:cpu,cpuacct:/\n0::/\n";
        let group = MemoryGroup::read(lines, root.path()).unwrap();
        assert_eq!((group.limit(), group.kills()), (Some(4096), Some(2)));
    }

    #[test]
    fn a_system_without_groups_has_none_and_a_kill_is_told_by_the_count() {
        assert_eq!(MemoryGroup::read("", Path::new("/nowhere")), None);
        let root = folder_of(&[("memory.events", "oom_kill 1\n")]);
        let group = MemoryGroup::read("0::/\n", root.path());
        let kills = MemoryKills { kills: count(group.as_ref()), group };
        assert!(!kills.has_grown());
        std::fs::write(root.path().join("memory.events"), "oom_kill 2\n").unwrap();
        assert!(kills.has_grown());
    }

    #[test]
    fn a_process_that_is_there_has_had_memory() {
        assert!(peak_memory(std::process::id()).unwrap() > 1 << 16);
        assert_eq!(peak_memory(u32::MAX), None);
    }
}
