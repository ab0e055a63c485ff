//! Arguments about results.

use std::path::PathBuf;

use basin_domain::id::SweepId;
use basin_report::ExportFormat;
use clap::{Args, ValueEnum};

use super::shared::{Credentials, StoreArguments};
#[cfg(feature = "worker")]
use super::training::Kernels;

#[derive(Debug, Args)]
pub(crate) struct Collect {
    /// The sweep's id or name, or a beginning of its id that fits one sweep only
    pub(crate) sweep: String,
    /// The folder that results and report go to
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Clear the folder if it holds the results of another sweep: of what Basin wrote, nothing else
    #[arg(long)]
    pub(crate) replace: bool,
    #[command(flatten)]
    pub(crate) store: StoreArguments,
}

/// The folder for what is made of a sweep's results.
#[derive(Debug, Args)]
pub(crate) struct ResultsFolder {
    /// The folder that it goes to; `basin-out/<sweep id>` if not given
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Clear the folder if it holds the results of another sweep: of what Basin wrote, nothing else
    #[arg(long)]
    pub(crate) replace: bool,
}

impl ResultsFolder {
    /// The folder for this sweep.
    pub(crate) fn of(&self, sweep: &SweepId) -> PathBuf {
        self.out.clone().unwrap_or_else(|| PathBuf::from("basin-out").join(sweep.as_str()))
    }
}

#[derive(Debug, Args)]
pub(crate) struct Report {
    /// The sweep's id or name, or a beginning of its id that fits one sweep only
    pub(crate) sweep: String,
    #[command(flatten)]
    pub(crate) folder: ResultsFolder,
    #[command(flatten)]
    pub(crate) store: StoreArguments,
}

/// The form of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Event files: a folder a run, with its parameters and scalars
    Tensorboard,
    /// A folder of MLflow's file store
    Mlflow,
    /// Runs of Weights & Biases as they lie where there is no network, for `wandb sync`
    WandbOffline,
    /// Tables as plain CSV
    Csv,
}

impl From<Format> for ExportFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Tensorboard => Self::Tensorboard,
            Format::Mlflow => Self::Mlflow,
            Format::WandbOffline => Self::WandbOffline,
            Format::Csv => Self::Csv,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// The program that is to read it
    #[arg(value_enum)]
    pub(crate) format: Format,
    /// The sweep's id or name, or a beginning of its id that fits one sweep only
    pub(crate) sweep: String,
    #[command(flatten)]
    pub(crate) folder: ResultsFolder,
    #[command(flatten)]
    pub(crate) store: StoreArguments,
}

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AnswerFormat {
    /// Aligned columns, for people
    Table,
    /// CSV, the names of the columns first
    Csv,
    /// An array with an object for each row
    Json,
    /// An object for each row, each on a line
    Jsonl,
    /// Parquet; into a file
    Parquet,
}

#[derive(Debug, Args)]
pub(crate) struct Query {
    /// The sweep's id or name, or a beginning of its id that fits one sweep only
    pub(crate) sweep: String,
    /// The question, a `select` over the tables `results`, `series` and `provenance`; `-` reads it from standard input. If not
    /// given, what can be asked is listed
    #[arg(value_name = "SQL", conflicts_with = "file")]
    pub(crate) sql: Option<String>,
    /// Read the question from this file
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// The form of the answer; by the ending of `--out`, or else a table, if not given
    #[arg(long, value_enum)]
    pub(crate) format: Option<AnswerFormat>,
    /// Write the answer to this file, in the place of one that is there
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) store: StoreArguments,
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The sweep's id or name, or a beginning of its id that fits one sweep only
    pub(crate) sweep: String,
    #[command(flatten)]
    pub(crate) store: StoreArguments,
}

#[cfg(feature = "worker")]
#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// The task: its id, a beginning of that which fits one task only, or words of its name which do: `batch_size=256 seed 2`
    #[arg(required = true, value_name = "TASK")]
    pub(crate) task: Vec<String>,
    /// Threads to train with; as many as there are cores if not given. Results don't depend on it
    #[arg(long, env = "BASIN_THREADS", value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) threads: Option<u32>,
    #[command(flatten)]
    pub(crate) kernels: Kernels,
    #[command(flatten)]
    pub(crate) store: StoreArguments,
}

#[derive(Debug, Args)]
pub(crate) struct Repair {
    /// The sweep's id, or a beginning of it that fits one sweep only
    pub(crate) sweep: String,
    /// Only say what is damaged
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Let this coordinator do it, over its store and in its journal: URL, or URL,URL. Without one it is done here, in the journal
    /// of `--state` if that knows the sweep, else in the store alone
    #[arg(long, value_name = "URL")]
    pub(crate) coordinator: Option<String>,
    #[command(flatten)]
    pub(crate) credentials: Credentials,
    #[command(flatten)]
    pub(crate) store: StoreArguments,
}
