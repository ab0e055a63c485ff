//! The agent: holds leases, keeps them alive, works on their tasks, and gives them up in time.
//!
//! Its decisions are made in [`reactor`], and those of a task that trains in [`training`], which do nothing themselves; the driver calls the coordinator, runs executors and the store's
//! calls, and tells the reactor what came of it.

pub mod attempt;
mod attempt_context;
mod attempt_traces;
mod boot_clock;
mod cache;
mod checkpoints;
mod clock;
mod command_line;
mod commit;
mod coordinator;
mod driver;
mod environment;
mod error;
mod executor_end;
mod executor_process;
mod executor_times;
pub(crate) mod fuzzing;
mod kernel_size;
mod lease_handle;
mod machine;
mod memory_group;
mod news;
mod outage_retry;
mod outage_waits;
mod platform;
mod predicted_memory;
mod preparation;
pub mod reactor;
mod report;
mod run_trace;
mod settings;
mod slot;
mod started_executor;
mod storage_failure;
mod task_logs;
#[cfg(test)]
mod testing;
pub mod training;
mod usage;
mod wire;
pub mod witness;

use std::collections::BTreeMap;
use std::time::Duration;

use basin_domain::worker::WorkerDescription;
use basin_experiments::accelerator::DeviceName;
use basin_storage::{CommitMode, Store};
use tokio_util::sync::CancellationToken;

pub use self::command_line::CommandLine;
use self::coordinator::Coordinator;
use self::driver::Driver;
pub use self::error::AgentError;
pub use self::executor_process::Program;
pub use self::news::{News, NewsListener};
pub use self::platform::{Platform, SystemPlatform};
pub use self::reactor::{AttemptOutcome, ExitReason};
pub use self::settings::{LARGEST_PACK, PROGRESS_TIMEOUT, Settings};
pub use self::started_executor::{ExecutorChild, FromPipe, LogWaits, StartedExecutor, ToPipe};
use self::witness::Witness;

/// How long a worker waits for its coordinator at the start.
const STARTUP_TIMEOUT: Duration = Duration::from_secs(60);

/// The description of this machine as a worker.
pub fn description(settings: &Settings) -> WorkerDescription {
    description_of(&settings.devices, settings.slots, settings.threads, settings.labels.clone())
}

/// The description of this machine as a worker with so many executors, of so many threads each.
pub fn description_of(
    devices: &[DeviceName],
    slots: u32,
    threads: u32,
    labels: BTreeMap<String, String>,
) -> WorkerDescription {
    WorkerDescription {
        host: machine::hostname(),
        device: devices.first().map_or("cpu", |device| device.kind()).to_owned(),
        memory: machine::memory(devices, slots),
        slots,
        threads,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        code_path: basin_experiments::code_path().to_owned(),
        labels,
    }
}

/// Works until `shutdown` is cancelled, the coordinator says so, or there is nothing to do for long enough.
///
/// # Errors
/// If the coordinator can't be reached at the start, or refuses this worker then or later, or if the store or the folders can't be used.
pub async fn run(settings: Settings, shutdown: CancellationToken) -> Result<ExitReason, AgentError> {
    let description = description(&settings);
    let mut coordinator = Coordinator::new(&settings.dial)?;
    let hello = tokio::select! {
        hello = coordinator.hello(settings.id.as_str(), &description, STARTUP_TIMEOUT, &settings.listener) => hello?,
        () = shutdown.cancelled() => return Ok(ExitReason::Drained),
    };
    let commits = if hello.asks_to_commit { CommitMode::Serialised } else { CommitMode::Conditional };
    let url = settings.store.clone().unwrap_or(hello.store_url);
    let store = open_store(settings.platform.as_ref(), url).await?;
    for folder in [&settings.scratch, &settings.data_cache] {
        std::fs::create_dir_all(folder)
            .map_err(|source| AgentError::Folder { path: folder.clone(), source })?;
    }
    let witness = settings.witness.as_ref().and_then(|how| Witness::start(how, &settings.id));
    tracing::info!(worker = %settings.id, coordinator = %coordinator.address(), "worker joined");
    settings.listener.tell(News::Joined { address: coordinator.address() });
    let exit = Driver::new(&settings, description, coordinator, store, commits).run(&shutdown).await?;
    if let Some(witness) = witness {
        witness.dismiss().await;
    }
    Ok(exit)
}

/// Opens the store, and looks whether it can be used before any task is charged for it. One that is down is waited for.
async fn open_store(platform: &dyn Platform, url: String) -> Result<Store, AgentError> {
    let opened = async {
        let store = platform.open_store(&url)?;
        match store.check_reachable().await {
            Err(error) if error.is_transient() => tracing::warn!(%error, "the store does not answer yet"),
            reached => reached?,
        }
        Ok(store)
    };
    opened.await.map_err(|source| AgentError::Store { url: url.clone(), source })
}
