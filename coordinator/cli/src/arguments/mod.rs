//! The command line as it is typed. What it means is decided in the commands' own files.

mod board;
mod clean_up;
mod cluster;
mod data;
mod examples;
mod import;
mod rebuild;
mod results;
mod serve;
mod shared;
mod slurm;
mod sweeps;
mod training;

use clap::{Parser, Subcommand, ValueEnum};

pub(crate) use self::board::Board;
pub(crate) use self::clean_up::{Forget, Gc};
pub(crate) use self::cluster::{Completions, Doctor, Drain, Man, Token};
pub(crate) use self::data::Data;
#[cfg(feature = "worker")]
pub(crate) use self::data::{DataReading, ShowData, ShownExamples, ShownSplit};
pub(crate) use self::examples::typed_command;
pub(crate) use self::import::{Import, ImportedFile};
pub(crate) use self::rebuild::Rebuild;
#[cfg(feature = "worker")]
pub(crate) use self::results::Replay;
pub(crate) use self::results::{AnswerFormat, Collect, Export, Format, Query, Repair, Report, Verify};
pub(crate) use self::serve::Serve;
pub(crate) use self::shared::{
    Credentials, Logs, Profile, Remote, StoreArguments, SweepArguments, SweepFile, Viewed, ViewedSweep,
    ViewedTask, Watch,
};
pub(crate) use self::slurm::{Down, JobArguments, Slurm, Up};
pub(crate) use self::sweeps::{Adjust, Beginning, Init, Launch, Plan, Quota, Retry, Run};
#[cfg(feature = "worker")]
pub(crate) use self::training::{
    AllowedCommand, Bench, Executor, Kernels, MeasuredRows, Supervisor, Witness, Worker,
};

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
    /// How the log is written, on standard error
    #[arg(
        long,
        global = true,
        value_enum,
        env = "BASIN_LOG_FORMAT",
        default_value = "text",
        value_name = "FORMAT"
    )]
    pub(crate) log_format: LogFormat,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people
    Text,
    /// For programs that collect logs: an object on each line
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a sweep on this machine: embedded coordinator, local workers, files as store, report
    Run(Run),
    /// Write a sweep file to begin with
    Init(Init),
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
    /// List the sweeps of a coordinator, or of a local run
    List(Viewed),
    /// Show how a sweep is doing
    Status(ViewedSweep),
    /// Look on at sweeps, tasks, workers and losses, and steer; a line now and then where there is no terminal
    Watch(Watch),
    /// Show sweeps, tasks, workers and results in a browser, as they are at the moment
    Board(Board),
    /// Say why a task waits, failed or was retried
    Why(ViewedTask),
    /// Print what is said of a task, while it is worked on and afterwards
    Logs(Logs),
    /// Show where the time of a task went: its wait, its data, its training, its probes, its way into the store
    Profile(Profile),
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
    Workers(Viewed),
    /// Let a worker checkpoint, give its leases back, and leave
    Drain(Drain),
    /// Copy a sweep's results and report out of the store; needs no coordinator
    Collect(Collect),
    /// Aggregate and draw again from the store alone
    Report(Report),
    /// Write a sweep's runs as TensorBoard, MLflow, Weights & Biases or a table reads them
    Export(Export),
    /// Ask in SQL about a sweep's results, series and provenance, from the store alone
    Query(Query),
    /// Make a sweep file of what another program sweeps over
    #[command(subcommand)]
    Import(Import),
    /// Prove from the store alone that every task is committed exactly once and every artifact is whole
    Verify(Verify),
    /// Train a committed task again, from nothing, and compare every bit with its commit
    #[cfg(feature = "worker")]
    Replay(Replay),
    /// Withdraw what is damaged of a sweep, in the store and in the journal, so that it runs again
    Repair(Repair),
    /// Make a coordinator's journal anew from what the store holds, after the one before was lost
    Rebuild(Rebuild),
    /// Take a sweep that is over out of the journal and out of the store; its results stay until `gc`
    Forget(Forget),
    /// Free what no sweep needs: results, old attempts, caches, what killed processes left
    Gc(Gc),
    /// Data sets
    #[command(subcommand)]
    Data(Data),
    /// Print the declarations of the kinds that this program has beside Basin's own; as JSON for `--kinds`
    Kinds,
    /// Who may call a coordinator
    #[command(subcommand)]
    Token(Token),
    /// Measure
    #[cfg(feature = "worker")]
    #[command(subcommand)]
    Bench(Bench),
    /// Check store, clock, threads and data, and say how to mend each
    Doctor(Doctor),
    /// Print what a shell needs to complete commands
    Completions(Completions),
    /// Write the manual's pages into a folder
    Man(Man),
    /// Train tasks for an agent, over standard input and output
    #[cfg(feature = "worker")]
    #[command(hide = true)]
    Executor(Executor),
    /// Run a program, and end it with the executor at the other end of the standard input
    #[cfg(feature = "worker")]
    #[command(hide = true)]
    Supervisor(Supervisor),
    /// Tell the coordinator when the worker at the other end of the standard input has died
    #[cfg(feature = "worker")]
    #[command(hide = true)]
    Witness(Witness),
}
