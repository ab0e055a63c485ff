//! Arguments of `basin slurm`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::shared::Remote;
use crate::slurm::TimeLimit;

/// Workers on a Slurm cluster
#[derive(Debug, Subcommand)]
pub(crate) enum Slurm {
    /// Submit allocations with workers while tasks wait, and none while none do; goes on until it is interrupted
    Up(Box<Up>),
    /// Let the workers that `up` submitted checkpoint, give their tasks back and leave; take back what is pending
    Down(Down),
}

#[derive(Debug, Args)]
pub(crate) struct Up {
    #[command(flatten)]
    pub(crate) remote: Remote,
    /// The most jobs at a time, pending and running
    #[arg(long, env = "BASIN_SLURM_MAX_WORKERS", value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) max_workers: u32,
    /// The time limit of a job, as Slurm writes it: `90` (minutes), `1:30:00`, `2-00:00:00`
    #[arg(long, env = "BASIN_SLURM_TIME", value_name = "TIME")]
    pub(crate) time: TimeLimit,
    #[command(flatten)]
    pub(crate) job: JobArguments,
    #[command(flatten)]
    pub(crate) worker: JobWorkerArguments,
    /// Waiting tasks for each further job; its executors if not given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) tasks_per_worker: Option<u32>,
    /// Seconds between two looks at the coordinator and at Slurm
    #[arg(long, default_value_t = 15.0, value_name = "SECONDS")]
    pub(crate) interval: f64,
    /// Look once, submit what is missing, and end
    #[arg(long)]
    pub(crate) once: bool,
    /// Print the batch script and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// The job that is asked of Slurm.
#[derive(Debug, Args)]
pub(crate) struct JobArguments {
    /// The jobs' name, by which they are told from others of yours: another for another coordinator or partition
    #[arg(long, env = "BASIN_SLURM_NAME", default_value = "basin", value_name = "NAME")]
    pub(crate) name: String,
    /// The partition; the cluster's own if not given
    #[arg(long, env = "BASIN_SLURM_PARTITION", value_name = "P")]
    pub(crate) partition: Option<String>,
    /// The account that is charged
    #[arg(long, env = "BASIN_SLURM_ACCOUNT", value_name = "A")]
    pub(crate) account: Option<String>,
    /// The quality of service
    #[arg(long, env = "BASIN_SLURM_QOS", value_name = "Q")]
    pub(crate) qos: Option<String>,
    /// Generic resources, `gpu:1`
    #[arg(long, env = "BASIN_SLURM_GRES", value_name = "G")]
    pub(crate) gres: Option<String>,
    /// Features that a node must have
    #[arg(long, value_name = "C")]
    pub(crate) constraint: Option<String>,
    /// Cores of a job; one for each executor if not given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub(crate) cpus: Option<u32>,
    /// Memory of a job, `8G`
    #[arg(long, value_name = "M")]
    pub(crate) mem: Option<String>,
    /// One more option for sbatch, with its value if it has one, `--exclusive`, `--comment=text`; may be given again
    #[arg(long = "sbatch", value_name = "OPTION", allow_hyphen_values = true)]
    pub(crate) more: Vec<String>,
    /// The folder of the jobs' logs, which nodes and this machine share
    #[arg(long, env = "BASIN_SLURM_LOGS", default_value = "basin-slurm", value_name = "DIR")]
    pub(crate) logs: PathBuf,
}

/// The worker that a job runs.
#[derive(Debug, Args)]
pub(crate) struct JobWorkerArguments {
    /// The program as nodes find it; this one's own path if not given
    #[arg(long, env = "BASIN_SLURM_PROGRAM", value_name = "FILE")]
    pub(crate) program: Option<PathBuf>,
    /// A line of shell before the worker starts, `module load cuda`; may be given again
    #[arg(long, value_name = "LINE")]
    pub(crate) setup: Vec<String>,
    /// A file of NAME=VALUE lines that the job's worker takes as they are written: the store's variables. Jobs inherit nothing
    /// else but PATH and HOME
    #[arg(long, env = "BASIN_SLURM_ENV_FILE", value_name = "FILE")]
    pub(crate) env_file: Option<PathBuf>,
    /// The store, if it isn't where the coordinator says
    #[arg(long, env = "BASIN_STORE", value_name = "URL")]
    pub(crate) store: Option<String>,
    /// What to train on: `cpu`, `cuda`, `auto`; `cuda` if not given and `--gres` asks for GPUs
    #[arg(long, env = "BASIN_DEVICE", value_name = "DEVICE")]
    pub(crate) device: Option<String>,
    /// Executors of a job; one, or one a GPU, if not given
    #[arg(long, env = "BASIN_SLOTS", value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) slots: Option<u32>,
    /// A label, for people and for placement
    #[arg(long = "label", value_name = "KEY=VALUE")]
    pub(crate) labels: Vec<String>,
    /// A job ends after this many seconds without work
    #[arg(long, default_value_t = 60.0, value_name = "SECONDS")]
    pub(crate) idle_exit: f64,
    /// Seconds between two checkpoints of a running task
    #[arg(long, env = "BASIN_CHECKPOINT_EVERY", default_value_t = 30.0, value_name = "SECONDS")]
    pub(crate) checkpoint_every: f64,
    /// Seconds that leaving may take; a fifth of the time limit, at most 60, if not given
    #[arg(long, env = "BASIN_GRACE", value_name = "SECONDS")]
    pub(crate) grace: Option<f64>,
    /// The folder of decoded data sets on a node
    #[arg(long, env = "BASIN_CACHE", value_name = "DIR")]
    pub(crate) cache: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Down {
    /// The jobs' name, as `up` was told
    #[arg(long, env = "BASIN_SLURM_NAME", default_value = "basin", value_name = "NAME")]
    pub(crate) name: String,
    /// Don't wait for checkpoints: what was trained since the last one is trained again
    #[arg(long)]
    pub(crate) now: bool,
}
