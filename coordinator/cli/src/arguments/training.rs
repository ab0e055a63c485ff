//! Arguments about training: devices, instructions, workers, measurements.

#[cfg(feature = "worker")]
use std::path::PathBuf;

#[cfg(feature = "worker")]
use basin_domain::id::{CommandName, InvalidId};
use clap::Args;
#[cfg(feature = "worker")]
use clap::Subcommand;
#[cfg(feature = "worker")]
use clap::builder::TypedValueParser;

#[cfg(feature = "worker")]
use super::shared::Remote;

/// The instructions that training uses.
#[derive(Debug, Clone, Args)]
pub(crate) struct Kernels {
    /// Instructions to train with; the fastest of this machine if not given. Results are the same with all of them: this is to
    /// measure how fast they are
    #[arg(long, env = "BASIN_CODE_PATH", value_name = "PATH", value_parser = ["avx512", "avx2", "portable"])]
    pub(crate) code_path: Option<String>,
}

/// Where tasks train.
#[cfg(feature = "worker")]
#[derive(Debug, Clone, Args)]
pub(crate) struct Devices {
    /// What to train on: `cpu`, `cuda:N`, `cuda` (all of this machine), `auto` (all, or the processor if there is none). Only the
    /// processor gives the same bytes always
    #[arg(long, env = "BASIN_DEVICE", default_value = "auto", value_name = "DEVICE")]
    pub(crate) device: String,
}

/// The executors that a sweep has on this machine.
#[derive(Debug, Clone, Args)]
pub(crate) struct LocalExecutors {
    #[cfg(feature = "worker")]
    #[command(flatten)]
    pub(crate) devices: Devices,
    /// Executors; as many as there are cores, if there is work for so many, or one a device. If neither they nor `--threads` are given,
    /// and there is much to do, it is measured whether fewer of them, with more threads each, are faster
    #[arg(long, env = "BASIN_WORKERS", value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) workers: Option<u32>,
    /// Threads of each executor, each of which trains a task; if not given, the cores shared out among them, or as many as a pack has
    /// tasks where a device trains
    #[arg(long, env = "BASIN_THREADS", value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) threads: Option<u32>,
    #[command(flatten)]
    pub(crate) kernels: Kernels,
}

#[cfg(feature = "worker")]
impl LocalExecutors {
    /// Whether nobody said how many there are, nor of how many threads.
    pub(crate) const fn are_open(&self) -> bool {
        self.workers.is_none() && self.threads.is_none()
    }
}

/// The programs that tasks may run.
#[cfg(feature = "worker")]
#[derive(Debug, Clone, Args)]
pub(crate) struct Commands {
    /// Let tasks of kind `command` run this program, under this name; as often as there are programs. A sweep names NAME alone, and
    /// no other program is ever run for it
    #[arg(
        long = "allow-command",
        env = "BASIN_ALLOW_COMMAND",
        value_name = "NAME=PATH",
        value_delimiter = ','
    )]
    pub(crate) allowed: Vec<AllowedCommand>,
}

/// A program that tasks may run, as it is typed.
#[cfg(feature = "worker")]
#[derive(Debug, Clone)]
pub(crate) struct AllowedCommand {
    pub(crate) name: CommandName,
    pub(crate) program: PathBuf,
}

#[cfg(feature = "worker")]
impl std::str::FromStr for AllowedCommand {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, program) = text.split_once('=').ok_or("a command is given as NAME=PATH")?;
        let name = name.parse().map_err(|error: InvalidId| error.to_string())?;
        if program.is_empty() {
            return Err("a command is given as NAME=PATH".to_owned());
        }
        Ok(Self { name, program: PathBuf::from(program) })
    }
}

/// An executor.
#[cfg(feature = "worker")]
#[derive(Debug, Clone, Args)]
pub(crate) struct Executor {
    /// A program that tasks may run
    #[arg(long = "allow-command", value_name = "NAME=PATH")]
    pub(crate) allowed: Vec<AllowedCommand>,
    /// The device that it trains on
    #[arg(long, default_value = "cpu")]
    pub(crate) device: String,
    #[command(flatten)]
    pub(crate) kernels: Kernels,
}

/// The supervisor of a command's program.
#[cfg(feature = "worker")]
#[derive(Debug, Clone, Args)]
pub(crate) struct Supervisor {
    /// The program
    pub(crate) program: PathBuf,
}

/// A worker's witness.
#[cfg(feature = "worker")]
#[derive(Debug, Clone, Args)]
pub(crate) struct Witness {
    /// The worker's id
    #[arg(long)]
    pub(crate) worker: String,
    #[command(flatten)]
    pub(crate) remote: Remote,
}

#[cfg(feature = "worker")]
#[derive(Debug, Args)]
pub(crate) struct Worker {
    #[command(flatten)]
    pub(crate) remote: Remote,
    /// The store, if it isn't where the coordinator says
    #[arg(long, env = "BASIN_STORE", value_name = "URL")]
    pub(crate) store: Option<String>,
    #[command(flatten)]
    pub(crate) devices: Devices,
    /// Executors; one, or one a device, if not given. On a processor, if `--threads` isn't given either, it is measured whether more of
    /// them, with fewer threads each, are faster
    #[arg(long, env = "BASIN_SLOTS", value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) slots: Option<u32>,
    /// Threads of each executor, each of which trains a task; if not given, the cores shared out among the slots, or as many as a
    /// pack has tasks where a device trains
    #[arg(long, env = "BASIN_THREADS", value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) threads: Option<u32>,
    #[command(flatten)]
    pub(crate) kernels: Kernels,
    /// The most tasks that are leased together, to train side by side in one executor; they differ in their seed alone. As
    /// many are asked for as last about two seconds, or as there are threads
    #[arg(long, env = "BASIN_PACK", default_value_t = basin_worker::agent::LARGEST_PACK, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) pack: u32,
    /// A label, for people and for placement
    #[arg(long = "label", value_name = "KEY=VALUE")]
    pub(crate) labels: Vec<String>,
    #[command(flatten)]
    pub(crate) commands: Commands,
    /// Leave in time before this many seconds are over; in a Slurm job the job's own time if not given
    #[arg(long, env = "BASIN_WALLTIME", value_name = "SECONDS")]
    pub(crate) walltime: Option<f64>,
    /// Leave after this many seconds without work
    #[arg(long, env = "BASIN_IDLE_EXIT", value_name = "SECONDS")]
    pub(crate) idle_exit: Option<f64>,
    /// Seconds between two checkpoints of a running task; 0 for none but at leaving
    #[arg(long, env = "BASIN_CHECKPOINT_EVERY", default_value_t = 30.0, value_name = "SECONDS")]
    pub(crate) checkpoint_every: f64,
    /// Seconds after which an executor that shows no progress with a task is killed and the attempt charged; more where its steps
    /// take long, ten times the longest so far; 0 for never
    #[arg(long, env = "BASIN_PROGRESS_TIMEOUT", default_value_t = basin_worker::agent::PROGRESS_TIMEOUT.as_secs_f64(), value_name = "SECONDS")]
    pub(crate) progress_timeout: f64,
    /// Seconds that leaving may take
    #[arg(long, env = "BASIN_GRACE", default_value_t = 25.0, value_name = "SECONDS")]
    pub(crate) grace: f64,
    /// The folder of decoded data sets, kept between starts
    #[arg(long, env = "BASIN_CACHE", value_name = "DIR")]
    pub(crate) cache: Option<PathBuf>,
    /// A file of NAME=VALUE lines, variables to start with, taken as they are written: no shell reads them
    #[arg(long, env = "BASIN_ENV_FILE", value_name = "FILE")]
    pub(crate) env_file: Option<PathBuf>,
}

#[cfg(feature = "worker")]
fn thread_count() -> impl TypedValueParser<Value = usize> {
    clap::value_parser!(u16).range(1..=1024).map(usize::from)
}

#[cfg(feature = "worker")]
#[derive(Debug, Subcommand)]
pub(crate) enum Bench {
    /// Images and model-steps a second, in rows as PyTorch's script prints them
    Train {
        /// Threads
        #[arg(long, default_value_t = 2, value_name = "N", value_parser = thread_count())]
        threads: usize,
        /// Seconds of each window; the best of `--windows` counts
        #[arg(long, default_value_t = 0.7)]
        seconds: f64,
        /// Windows for each row
        #[arg(long, default_value_t = 9)]
        windows: u32,
        /// PyTorch's JSON, whose ratios are shown beside
        #[arg(long, value_name = "FILE")]
        compare: Option<PathBuf>,
        #[command(flatten)]
        kernels: Kernels,
    },
    /// Where the time of training steps goes: forward, loss, backward, the gradient's norm, the optimiser's pass over the parameters
    Step {
        /// Threads
        #[arg(long, default_value_t = 2, value_name = "N", value_parser = thread_count())]
        threads: usize,
        /// The optimiser
        #[arg(long, default_value = "adam", value_name = "NAME", value_parser = ["adam", "sgd"])]
        optimizer: String,
        /// Bound the gradient's norm
        #[arg(long)]
        clip_norm: bool,
        #[command(flatten)]
        rows: MeasuredRows,
    },
    /// Evaluations and probes against training steps of the same networks, as shares of a large matrix product's peak
    Probes {
        /// Threads
        #[arg(long, default_value_t = 2, value_name = "N", value_parser = thread_count())]
        threads: usize,
        #[command(flatten)]
        rows: MeasuredRows,
    },
}

/// How each row of a benchmark is measured.
#[cfg(feature = "worker")]
#[derive(Debug, Args)]
pub(crate) struct MeasuredRows {
    /// Seconds of each window; the best of `--windows` counts
    #[arg(long, default_value_t = 0.5)]
    pub(crate) seconds: f64,
    /// Windows for each row
    #[arg(long, default_value_t = 3)]
    pub(crate) windows: u32,
    #[command(flatten)]
    pub(crate) kernels: Kernels,
}
