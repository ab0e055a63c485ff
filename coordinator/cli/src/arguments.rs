//! The command line as it is typed. What it means is decided in the commands' own files.

mod results;
mod training;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::adjust::{Adjust, Quota};
use super::serve::arguments::Serve;
use super::slurm::arguments::Slurm;
use super::token_file::TokenFile;

#[cfg(feature = "worker")]
pub(crate) use self::results::Replay;
pub(crate) use self::results::{Collect, Data, Repair, Report, Verify};
pub(crate) use self::training::Kernels;
#[cfg(feature = "worker")]
pub(crate) use self::training::{Bench, Devices, Executor, Witness, Worker};

/// Training-dynamics sweeps: split, trained on many machines, committed once, drawn.
#[derive(Debug, Parser)]
#[command(name = "basin", version, max_term_width = 100, propagate_version = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Results as JSON on standard output
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// More of what is going on, on standard error; twice for every decision
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a sweep on this machine: embedded coordinator, local workers, files as store, report
    Run(Run),
    /// Show what would run; change nothing
    Plan(Plan),
    /// Be the coordinator of a cluster
    Serve(Serve),
    /// Be a worker
    #[cfg(feature = "worker")]
    Worker(Worker),
    /// Workers on a Slurm cluster
    #[command(subcommand)]
    Slurm(Slurm),
    /// Submit a sweep to a coordinator; durable before it returns
    Launch(Launch),
    /// List the sweeps of a coordinator
    List(Remote),
    /// Show how a sweep is doing
    Status(SweepArguments),
    /// Follow a sweep until it ends
    Watch(SweepArguments),
    /// Say why a task waits, failed or was retried
    Why(TaskArguments),
    /// Change a sweep's priority, or how many slots it may take at once
    Adjust(Adjust),
    /// Grant no new leases for a sweep
    Pause(SweepArguments),
    /// Undo `pause`
    Resume(SweepArguments),
    /// End a sweep; what is committed stays
    Cancel(SweepArguments),
    /// Give failed tasks a new budget of attempts
    Retry(Retry),
    /// List the workers of a coordinator
    Workers(Remote),
    /// Let a worker checkpoint, give its leases back, and leave
    Drain(Drain),
    /// Copy a sweep's results and report out of the store; needs no coordinator
    Collect(Collect),
    /// Aggregate and draw again from the store alone
    Report(Report),
    /// Prove from the store alone that every task is committed exactly once and every artifact is whole
    Verify(Verify),
    /// Train a committed task again, from nothing, and compare every bit with its commit
    #[cfg(feature = "worker")]
    Replay(Replay),
    /// Withdraw what is damaged of a sweep, in the store and in the journal, so that it runs again
    Repair(Repair),
    /// Data sets
    #[command(subcommand)]
    Data(Data),
    /// Who may call a coordinator
    #[command(subcommand)]
    Token(Token),
    /// Measure
    #[cfg(feature = "worker")]
    #[command(subcommand)]
    Bench(Bench),
    /// Check store, clock, threads and data, and say how to mend each
    Doctor(Doctor),
    /// Train tasks for an agent, over standard input and output
    #[cfg(feature = "worker")]
    #[command(hide = true)]
    Executor(Executor),
    /// Tell the coordinator when the worker at the other end of the standard input has died
    #[cfg(feature = "worker")]
    #[command(hide = true)]
    Witness(Witness),
}

/// Where local state lies.
#[derive(Debug, Clone, Args)]
pub(crate) struct Local {
    /// The folder of local state: store, journal, decoded data sets
    #[arg(long, env = "BASIN_STATE", default_value = "basin-state", value_name = "DIR")]
    pub(crate) state: PathBuf,
}

/// A sweep file with what the command line adds to it.
#[derive(Debug, Clone, Args)]
pub(crate) struct SweepFile {
    /// The sweep file
    #[arg(value_name = "SWEEP.toml")]
    pub(crate) file: PathBuf,
    /// Apply `[profile.P]` of the sweep file
    #[arg(long, value_name = "P")]
    pub(crate) profile: Option<String>,
    /// Override a parameter: `epochs=3`, `experiment.deep.epochs=3`, `data.name=cifar10`
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) overrides: Vec<String>,
    /// The most tasks that a sweep may have
    #[arg(long, env = "BASIN_MAX_TASKS", default_value_t = 100_000, value_name = "N")]
    pub(crate) max_tasks: u64,
}

/// A store.
#[derive(Debug, Clone, Args)]
pub(crate) struct StoreArguments {
    /// The store: a folder, `s3://BUCKET/PREFIX`, `gs://…`, `az://…`, `file:///…`, `memory://NAME`; `STATE/store` if not
    /// given. What the network ones need beside their address comes from the usual variables (AWS_ENDPOINT_URL, …)
    #[arg(long, env = "BASIN_STORE", value_name = "URL")]
    pub(crate) store: Option<String>,
    #[command(flatten)]
    pub(crate) local: Local,
}

impl StoreArguments {
    /// The store's name.
    pub(crate) fn url(&self) -> String {
        self.store.clone().unwrap_or_else(|| self.local.state.join("store").to_string_lossy().into_owned())
    }
}

/// A coordinator.
#[derive(Debug, Clone, Args)]
pub(crate) struct Remote {
    /// The coordinator, or several that stand in for each other: URL,URL
    #[arg(long, env = "BASIN_COORDINATOR", default_value = "http://127.0.0.1:7470", value_name = "URL")]
    pub(crate) coordinator: String,
    #[command(flatten)]
    pub(crate) credentials: Credentials,
}

/// Whom to trust, and what to show a coordinator.
#[derive(Debug, Clone, Args)]
pub(crate) struct Credentials {
    #[command(flatten)]
    pub(crate) token: TokenFile,
    /// The authorities (PEM) that may sign the coordinator's certificate; those of the system if not given
    #[arg(long, env = "BASIN_TLS_CA", value_name = "FILE")]
    pub(crate) tls_ca: Option<PathBuf>,
    /// A certificate (PEM) to show to a coordinator that wants to see one
    #[arg(long, env = "BASIN_TLS_CERT", value_name = "FILE")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// The key (PEM) of `--tls-cert`
    #[arg(long, env = "BASIN_TLS_KEY", value_name = "FILE")]
    pub(crate) tls_key: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct SweepArguments {
    /// The sweep's id or name, or a beginning of its id that fits one sweep only
    pub(crate) sweep: String,
    #[command(flatten)]
    pub(crate) remote: Remote,
}

#[derive(Debug, Args)]
pub(crate) struct TaskArguments {
    /// The task's id, or a beginning of it that fits one task only
    pub(crate) task: String,
    #[command(flatten)]
    pub(crate) remote: Remote,
}

#[derive(Debug, Args)]
pub(crate) struct Retry {
    #[command(flatten)]
    pub(crate) sweep: SweepArguments,
    /// Retry the failed tasks
    #[arg(long, required = true)]
    pub(crate) failed: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Drain {
    /// The worker's id, or a beginning of it that fits one worker only
    pub(crate) worker: String,
    #[command(flatten)]
    pub(crate) remote: Remote,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) sweep: SweepFile,
    /// The folder for the report; `basin-out/<sweep id>` if not given
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Clear the folder if it holds the results of another sweep: of what Basin wrote, nothing else
    #[arg(long)]
    pub(crate) replace: bool,
    #[cfg(feature = "worker")]
    #[command(flatten)]
    pub(crate) devices: Devices,
    /// Executors; as many as there are cores, if there is work for so many, or one a device
    #[arg(long, env = "BASIN_WORKERS", value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) workers: Option<u32>,
    /// Threads of each executor, each of which trains a task; if not given, the cores shared out among them, or as many as a pack has
    /// tasks where a device trains
    #[arg(long, env = "BASIN_THREADS", value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) threads: Option<u32>,
    /// Seconds between two checkpoints of a running task; 0 for none but at leaving
    #[arg(long, env = "BASIN_CHECKPOINT_EVERY", default_value_t = 30.0, value_name = "SECONDS")]
    pub(crate) checkpoint_every: f64,
    #[cfg(feature = "worker")]
    /// Seconds after which an executor that shows no progress with a task is killed and the attempt charged; more where its steps
    /// take long, ten times the longest so far; 0 for never
    #[arg(long, env = "BASIN_PROGRESS_TIMEOUT", default_value_t = basin_worker::agent::PROGRESS_TIMEOUT.as_secs_f64(), value_name = "SECONDS")]
    pub(crate) progress_timeout: f64,
    #[command(flatten)]
    pub(crate) kernels: Kernels,
    #[command(flatten)]
    pub(crate) store: StoreArguments,
}

#[derive(Debug, Args)]
pub(crate) struct Plan {
    #[command(flatten)]
    pub(crate) sweep: SweepFile,
    #[command(flatten)]
    pub(crate) store: StoreArguments,
}

/// Where tokens are kept.
#[derive(Debug, Clone, Args)]
pub(crate) struct TokensArguments {
    /// The coordinator's file of tokens
    #[arg(long, env = "BASIN_TOKENS", value_name = "FILE")]
    pub(crate) tokens: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Make a token and print it, once: only its hash is kept
    Create {
        /// What its owner may do
        #[arg(long, value_parser = ["viewer", "worker", "admin"])]
        role: String,
        /// Who it is for
        #[arg(long, value_name = "NAME")]
        name: String,
        /// Refuse it after so many days
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u64).range(1..=36_500))]
        expires: Option<u64>,
        #[command(flatten)]
        at: TokensArguments,
    },
    /// List the tokens
    List {
        #[command(flatten)]
        at: TokensArguments,
    },
    /// Refuse a token from now on
    Revoke {
        /// Its id, or its name if only one token has it
        token: String,
        #[command(flatten)]
        at: TokensArguments,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Launch {
    #[command(flatten)]
    pub(crate) sweep: SweepFile,
    #[command(flatten)]
    pub(crate) quota: Quota,
    #[command(flatten)]
    pub(crate) remote: Remote,
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    #[command(flatten)]
    pub(crate) store: StoreArguments,
    /// A coordinator to look for, too
    #[arg(long, env = "BASIN_COORDINATOR", value_name = "URL")]
    pub(crate) coordinator: Option<String>,
    #[command(flatten)]
    pub(crate) credentials: Credentials,
}
