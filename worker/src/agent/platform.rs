//! The machine under an agent: its clocks, the way to the store, and its processes.

use std::fmt::Debug;
use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use basin_storage::{StorageError, Store};

use super::boot_clock;
use super::executor_process::Program;
use super::reactor::BootInstant;
use super::started_executor::{StartedExecutor, start};

/// What an agent takes from its machine.
pub trait Platform: Debug + Send + Sync {
    /// The clock that is never set and that goes on while the machine sleeps.
    fn boot_time(&self) -> BootInstant;

    /// The time of day, since the Unix epoch. It may be set at any time.
    fn unix_time(&self) -> Duration;

    /// Opens the store at a URL.
    ///
    /// # Errors
    /// As [`Store::open`].
    fn open_store(&self, url: &str) -> Result<Store, StorageError>;

    /// Starts an executor.
    ///
    /// # Errors
    /// If it can't be started.
    fn start_executor(&self, program: &Program) -> io::Result<StartedExecutor>;

    /// Whether the system tells what the processes of this worker use of it.
    fn tells_usage(&self) -> bool;
}

/// The machine that this process runs on.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemPlatform;

impl Platform for SystemPlatform {
    fn boot_time(&self) -> BootInstant {
        boot_clock::now()
    }

    fn unix_time(&self) -> Duration {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }

    fn open_store(&self, url: &str) -> Result<Store, StorageError> {
        Store::open(url)
    }

    fn start_executor(&self, program: &Program) -> io::Result<StartedExecutor> {
        start(program)
    }

    fn tells_usage(&self) -> bool {
        true
    }
}
