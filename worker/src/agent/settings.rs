//! The settings of a worker.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use basin_domain::id::WorkerId;
use basin_experiments::accelerator::DeviceName;
use basin_proto::dial::Dial;

use super::command_line::CommandLine;
use super::news::NewsListener;
use super::platform::Platform;

/// The largest pack, unless it is set.
pub const LARGEST_PACK: u32 = 64;

/// The shortest silence that counts as a hung executor, unless it is set.
pub const PROGRESS_TIMEOUT: Duration = Duration::from_secs(120);

/// The settings of an agent.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How the coordinator is reached.
    pub dial: Dial,
    /// The store, if it isn't the one that the coordinator names.
    pub store: Option<String>,
    /// This worker's id, unique to this start.
    pub id: WorkerId,
    /// Executors.
    pub slots: u32,
    /// Threads of each executor.
    pub threads: u32,
    /// The devices that executors train on: the first slot on the first, and so on, round and round.
    pub devices: Vec<DeviceName>,
    /// The most tasks of one shape that a lease may have: its lanes. How many are asked for follows from how long tasks take.
    pub pack: u32,
    /// Labels for placement.
    pub labels: BTreeMap<String, String>,
    /// Where decoded data sets are kept between tasks and starts.
    pub data_cache: PathBuf,
    /// Where leases have their scratch folders.
    pub scratch: PathBuf,
    /// Starts a [`witness`](super::witness) of this process's end; none where whoever would hear
    /// of it ends with it.
    pub witness: Option<CommandLine>,
    /// Starts an executor.
    pub executor: CommandLine,
    /// The shortest silence after which an executor that shows no progress with a task is killed; never, if it is zero.
    pub progress_timeout: Duration,
    /// How often a running task's checkpoint goes into the store.
    pub checkpoint_every: Duration,
    /// How long a worker stays without work; for ever if none.
    pub idle_exit: Option<Duration>,
    /// How long this worker may live; it drains before the end.
    pub walltime: Option<Duration>,
    /// How long a drain may take (checkpoints, uploads, releases).
    pub grace: Duration,
    /// Who hears what it does.
    pub listener: NewsListener,
    /// The machine under it.
    pub platform: Arc<dyn Platform>,
}
