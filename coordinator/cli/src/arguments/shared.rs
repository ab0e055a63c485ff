//! Arguments that several commands share.

use std::path::PathBuf;

use clap::Args;

use crate::token_file::TokenFile;

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
    /// A file with the declarations of kinds that aren't Basin's own, as `--json kinds` of a program that has them prints it; as often
    /// as there are files
    #[arg(long = "kinds", env = "BASIN_KINDS", value_name = "FILE", value_delimiter = ',')]
    pub(crate) kinds: Vec<PathBuf>,
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

/// A coordinator to look at, or what one has left.
#[derive(Debug, Clone, Args)]
pub(crate) struct Viewed {
    /// The coordinator, or several that stand in for each other: URL,URL. If not given: the one that works on the local state, else
    /// http://127.0.0.1:7470 if somebody answers there, else what the local state's last run has left
    #[arg(long, env = "BASIN_COORDINATOR", value_name = "URL")]
    pub(crate) coordinator: Option<String>,
    /// The folder of local state to look at, whoever else answers; `basin-state`, or BASIN_STATE, where no coordinator is given
    #[arg(long, value_name = "DIR", conflicts_with = "coordinator")]
    pub(crate) state: Option<PathBuf>,
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
pub(crate) struct ViewedSweep {
    /// The sweep's id or name, or a beginning of its id that fits one sweep only
    pub(crate) sweep: String,
    #[command(flatten)]
    pub(crate) viewed: Viewed,
}

#[derive(Debug, Args)]
pub(crate) struct Watch {
    /// The sweep's id or name, or a beginning of its id that fits one sweep only; the one that was launched last if not given
    pub(crate) sweep: Option<String>,
    /// Print lines, also at a terminal, and end with the sweep
    #[arg(long)]
    pub(crate) plain: bool,
    #[command(flatten)]
    pub(crate) viewed: Viewed,
}

#[derive(Debug, Args)]
pub(crate) struct ViewedTask {
    /// The task: its id, a beginning of that which fits one task only, or words of its name which do: `batch_size=256 seed 2`
    #[arg(required = true, value_name = "TASK")]
    pub(crate) task: Vec<String>,
    #[command(flatten)]
    pub(crate) viewed: Viewed,
}

#[derive(Debug, Args)]
pub(crate) struct Profile {
    /// The task: its id, a beginning of that which fits one task only, or words of its name which do: `batch_size=256 seed 2`
    #[arg(required = true, value_name = "TASK")]
    pub(crate) task: Vec<String>,
    /// Read what the attempt that counts has left in this store, without a coordinator
    #[arg(long, value_name = "URL", conflicts_with_all = ["coordinator", "state"])]
    pub(crate) from_store: Option<String>,
    #[command(flatten)]
    pub(crate) viewed: Viewed,
}

#[derive(Debug, Args)]
pub(crate) struct Logs {
    /// The task: its id, a beginning of that which fits one task only, or words of its name which do: `batch_size=256 seed 2`
    #[arg(required = true, value_name = "TASK")]
    pub(crate) task: Vec<String>,
    /// Go on with what is said until the task has ended
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Read the log that is left in this store, without a coordinator
    #[arg(long, value_name = "URL", conflicts_with_all = ["coordinator", "state", "follow"])]
    pub(crate) from_store: Option<String>,
    #[command(flatten)]
    pub(crate) viewed: Viewed,
}
