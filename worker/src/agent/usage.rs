//! What this worker's processes use of the machine: the agent's, its executors', and those that these have started, as Linux tells it in
//! `/proc`. Elsewhere it isn't known. It is for people who look on; nothing is decided by it.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use basin_domain::worker::WorkerUsage;
use tokio_util::task::AbortOnDropHandle;

use super::kernel_size::size;
use super::machine;

/// How often it is looked, each time for a few milliseconds: about as often as a busy worker calls its coordinator.
const EVERY: Duration = Duration::from_secs(3);

/// The usage as it was seen last; it is looked at again and again for as long as this lives.
pub(super) struct UsageWatch {
    latest: Arc<Mutex<Option<WorkerUsage>>>,
    _looking: AbortOnDropHandle<()>,
}

impl UsageWatch {
    /// Begins to look at this process and those that come from it; within a runtime.
    pub(super) fn start() -> Self {
        let latest = Arc::new(Mutex::new(None));
        let looking = tokio::spawn(look_forever(Arc::clone(&latest)));
        Self { latest, _looking: AbortOnDropHandle::new(looking) }
    }

    /// The usage; none before the first look.
    pub(super) fn latest(&self) -> Option<WorkerUsage> {
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn look_forever(latest: Arc<Mutex<Option<WorkerUsage>>>) {
    let mut meter = UsageMeter::new(std::process::id(), PathBuf::from("/proc"));
    loop {
        let looked = tokio::task::spawn_blocking(move || {
            let usage = meter.look(Instant::now());
            (meter, usage)
        });
        let Ok((same, usage)) = looked.await else { return };
        meter = same;
        *latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(usage);
        tokio::time::sleep(EVERY).await;
    }
}

/// Measures what a process and those that come from it use.
#[derive(Debug)]
struct UsageMeter {
    process: u32,
    /// Where the system tells of processes.
    processes: PathBuf,
    ticks_per_second: f64,
    cores: u32,
    memory_limit: u64,
    /// When it was last looked, and the processor time so far.
    before: Option<(Instant, u64)>,
}

impl UsageMeter {
    fn new(process: u32, processes: PathBuf) -> Self {
        let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
        Self {
            process,
            processes,
            ticks_per_second: rustix::param::clock_ticks_per_second() as f64,
            cores: u32::try_from(cores).unwrap_or(u32::MAX),
            memory_limit: machine::of_machine(),
            before: None,
        }
    }

    fn look(&mut self, now: Instant) -> WorkerUsage {
        let all = read_all(&self.processes);
        let tree = family(self.process, &all);
        let ticks = tree.iter().map(|process| process.ticks).fold(0, u64::saturating_add);
        let now = (!tree.is_empty()).then_some((now, ticks));
        let before = std::mem::replace(&mut self.before, now);
        let cpu_cores = now.zip(before).and_then(|(now, before)| self.cores_between(before, now));
        WorkerUsage {
            cpu_cores,
            cores: self.cores,
            memory: self.memory(&tree),
            memory_limit: self.memory_limit,
        }
    }

    /// How many cores were kept busy on average; none if no time has passed.
    fn cores_between(&self, before: (Instant, u64), now: (Instant, u64)) -> Option<f64> {
        let passed = now.0.saturating_duration_since(before.0).as_secs_f64() * self.ticks_per_second;
        // What a process used whose parent ended before it is lost.
        (passed > 0.0).then(|| now.1.saturating_sub(before.1) as f64 / passed)
    }

    /// The bytes that processes have in memory. Files that executors have mapped, as data sets are, lie there once for all of them.
    fn memory(&self, tree: &[&Process]) -> Option<u64> {
        let resident = tree.iter().filter_map(|process| {
            let status = self.processes.join(process.id.to_string()).join("status");
            Resident::parse(&fs::read_to_string(status).ok()?)
        });
        let add = |all: Resident, of: Resident| Resident {
            own: all.own.saturating_add(of.own),
            files: all.files.max(of.files),
        };
        resident.reduce(add).map(|all| all.own.saturating_add(all.files))
    }
}

/// A process, as the system tells of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Process {
    id: u32,
    parent: u32,
    /// The processor time of it and of its children that have ended, in the system's ticks.
    ticks: u64,
}

impl Process {
    /// From the text of `/proc/PID/stat` (proc_pid_stat(5)). A program's name stands in parentheses there, and may hold some itself.
    fn parse(stat: &str) -> Option<Self> {
        let (id, _) = stat.split_once(' ')?;
        let (_, behind_name) = stat.rsplit_once(')')?;
        // From the third on: the state, the parent, …
        let mut fields = behind_name.split_ascii_whitespace();
        let parent = fields.nth(1)?.parse().ok()?;
        // The 14th to the 17th: in programs and in the system, its own and its children's.
        let add = |sum: u64, ticks: &str| sum.checked_add(ticks.parse().ok()?);
        let ticks = fields.skip(9).take(4).try_fold(0, add)?;
        Some(Self { id: id.parse().ok()?, parent, ticks })
    }
}

/// All processes that the system tells of; none where it doesn't.
fn read_all(folder: &Path) -> Vec<Process> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let read = |entry: fs::DirEntry| {
        let name = entry.file_name();
        name.to_str()?.parse::<u32>().ok()?;
        let stat = fs::read(entry.path().join("stat")).ok()?;
        Process::parse(&String::from_utf8_lossy(&stat))
    };
    entries.flatten().filter_map(read).collect()
}

/// A process with its children, their children, and so on; none if it isn't there.
fn family(root: u32, all: &[Process]) -> Vec<&Process> {
    let mut children: HashMap<u32, Vec<&Process>> = HashMap::new();
    for process in all.iter().filter(|process| process.id != root) {
        children.entry(process.parent).or_default().push(process);
    }
    let mut found: Vec<&Process> = all.iter().filter(|process| process.id == root).collect();
    let mut next = 0;
    while let Some(id) = found.get(next).map(|process| process.id) {
        found.extend(children.remove(&id).unwrap_or_default());
        next += 1;
    }
    found
}

/// The memory of a process, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Resident {
    /// What it has for itself, or shares as memory.
    own: u64,
    /// Pages of files, which others may have mapped, too.
    files: u64,
}

impl Resident {
    /// From the text of `/proc/PID/status` (proc_pid_status(5)); none of a process that has ended. Kernels before 4.5 say all of it in one
    /// number.
    fn parse(status: &str) -> Option<Self> {
        match (size(status, "RssAnon"), size(status, "RssFile")) {
            (Some(anonymous), Some(files)) => {
                let shared = size(status, "RssShmem").unwrap_or(0);
                Some(Self { own: anonymous.saturating_add(shared), files })
            }
            (_, _) => Some(Self { own: size(status, "VmRSS")?, files: 0 }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// A folder like `/proc`, of processes with their parents, processor times, and memory of their own and of files, in KiB.
    fn write(folder: &Path, processes: &[(u32, u32, [u64; 4], u64, u64)]) {
        for (id, parent, [user, system, of_children, for_children], own, files) in processes {
            let of = folder.join(id.to_string());
            fs::create_dir_all(&of).unwrap();
            let times = format!("{user} {system} {of_children} {for_children}");
            let stat =
                format!("{id} (a) b (c) S {parent} 1 1 0 -1 4194560 1 2 3 4 {times} 20 0 9 0 77 1 1\n");
            fs::write(of.join("stat"), stat).unwrap();
            let status = format!("Name:\ta\nRssAnon:\t{own} kB\nRssFile:\t{files} kB\nRssShmem:\t0 kB\n");
            fs::write(of.join("status"), status).unwrap();
        }
    }

    fn meter(folder: &Path) -> UsageMeter {
        UsageMeter { ticks_per_second: 100.0, ..UsageMeter::new(10, folder.to_path_buf()) }
    }

    #[test]
    fn all_that_comes_from_the_agent_is_counted_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("self")).unwrap();
        let agent = (10, 1, [5, 5, 0, 0], 100, 40);
        let stranger = (11, 1, [900, 0, 0, 0], 5_000, 0);
        write(folder.path(), &[agent, stranger, (12, 10, [10, 0, 0, 0], 200, 900), (7, 12, [0; 4], 50, 30)]);
        let mut meter = meter(folder.path());
        let began = Instant::now();
        let first = meter.look(began);
        assert_eq!(first.cpu_cores, None);
        assert_eq!(first.memory, Some((100 + 200 + 50 + 900) << 10), "a file is there once");
        assert!(first.cores > 0 && first.memory_limit > 0);
        write(
            folder.path(),
            &[(12, 10, [240, 20, 0, 0], 200, 900), (7, 12, [40, 0, 0, 0], 50, 30), stranger],
        );
        assert_eq!(meter.look(began + 2 * SECOND).cpu_cores, Some(1.45));
    }

    #[test]
    fn what_a_child_used_counts_once_it_has_ended_and_one_that_is_lost_is_no_negative_usage() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &[(10, 1, [0; 4], 1, 1), (12, 10, [100, 0, 0, 0], 1, 1)]);
        let mut meter = meter(folder.path());
        let began = Instant::now();
        meter.look(began);
        fs::remove_dir_all(folder.path().join("12")).unwrap();
        write(folder.path(), &[(10, 1, [0, 0, 180, 20], 1, 1)]);
        assert_eq!(meter.look(began + SECOND).cpu_cores, Some(1.0));
        assert_eq!(meter.look(began + SECOND).cpu_cores, None, "no time has passed");
        write(folder.path(), &[(10, 1, [0; 4], 1, 1)]);
        assert_eq!(meter.look(began + 2 * SECOND).cpu_cores, Some(0.0));
    }

    #[test]
    fn a_system_that_tells_nothing_or_nonsense_is_no_usage() {
        let folder = tempfile::tempdir().unwrap();
        let mut nowhere = meter(&folder.path().join("nowhere"));
        let usage = nowhere.look(Instant::now());
        assert_eq!((usage.cpu_cores, usage.memory), (None, None));
        for stat in ["", "10", "10 (a", "10 (a) S", "10 (a) S 1 2 3", "x (a) S 1", ") 10 ("] {
            assert!(Process::parse(stat).is_none_or(|process| process.ticks == 0), "{stat}");
        }
        let most = u64::MAX;
        let overflowing = format!("10 (a) S 1 1 1 0 -1 0 1 2 3 4 {most} {most} 0 0");
        assert_eq!(Process::parse(&overflowing), None);
        assert_eq!(Resident::parse("Name:\ta\nState:\tZ (zombie)\n"), None);
        assert_eq!(Resident::parse("VmRSS:\t12 kB\n"), Some(Resident { own: 12 << 10, files: 0 }));
    }

    #[test]
    fn processes_that_are_each_others_parents_end_no_look() {
        let process = |id, parent| Process { id, parent, ticks: 0 };
        let all = [process(1, 3), process(2, 1), process(3, 2)];
        assert_eq!(family(1, &all).len(), 3);
        assert_eq!(family(9, &all), Vec::<&Process>::new());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_has_memory_and_uses_a_core_while_it_computes() {
        let mut meter = UsageMeter::new(std::process::id(), PathBuf::from("/proc"));
        let began = Instant::now();
        let memory = meter.look(began).memory.unwrap();
        assert!(memory > 1 << 20 && memory < meter.memory_limit, "{memory}");
        while began.elapsed() < Duration::from_millis(200) {
            std::hint::black_box(memory);
        }
        let used = meter.look(Instant::now()).cpu_cores.unwrap();
        assert!(used > 0.0 && used < 2.0 * f64::from(meter.cores) + 2.0, "{used}");
    }

    #[tokio::test]
    async fn the_latest_look_is_there_soon_after_the_start() {
        let watch = UsageWatch::start();
        for _ in 0..500 {
            if watch.latest().is_some_and(|usage| usage.cores > 0) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("nobody looked");
    }
}
