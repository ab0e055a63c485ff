//! Arguments of the commands that clean up.

use std::path::PathBuf;

use clap::Args;

use super::shared::{Credentials, StoreArguments};

#[derive(Debug, Args)]
pub(crate) struct Forget {
    /// The sweep's id or name, or a beginning of its id that fits one sweep only
    pub(crate) sweep: String,
    /// Nobody works on it any more: forget it also if tasks of it aren't committed and no journal here knows why, or a local run left
    /// it unfinished
    #[arg(long)]
    pub(crate) abandoned: bool,
    /// Let this coordinator do it, in its journal and its store: URL, or URL,URL. Without one it is done here, in the journal of
    /// `--state` if there is one, and in the store
    #[arg(long, value_name = "URL")]
    pub(crate) coordinator: Option<String>,
    #[command(flatten)]
    pub(crate) credentials: Credentials,
    #[command(flatten)]
    pub(crate) store: StoreArguments,
}

#[derive(Debug, Args)]
pub(crate) struct Gc {
    /// Only say what would be freed
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Free versions of data sets, too, that are neither current nor read by a sweep
    #[arg(long)]
    pub(crate) data: bool,
    /// Days for which nobody has used a decoded data set that is freed on this machine
    #[arg(long, default_value_t = 7.0, value_name = "DAYS")]
    pub(crate) older_than: f64,
    /// A worker's folder of decoded data sets on this machine, to look into beside that of `--state`
    #[arg(long, env = "BASIN_CACHE", value_name = "DIR")]
    pub(crate) cache: Option<PathBuf>,
    /// Days for which nothing that was written to the store is freed, since a worker may be writing it; 1 if not given, and 0 for
    /// the store of a `--state` that nobody works on
    #[arg(long, value_name = "DAYS")]
    pub(crate) grace: Option<f64>,
    /// Let this coordinator do it, in its store: URL, or URL,URL. Without one it is done here, beside what the journal of `--state`
    /// knows, if there is one
    #[arg(long, value_name = "URL")]
    pub(crate) coordinator: Option<String>,
    #[command(flatten)]
    pub(crate) credentials: Credentials,
    #[command(flatten)]
    pub(crate) store: StoreArguments,
}
