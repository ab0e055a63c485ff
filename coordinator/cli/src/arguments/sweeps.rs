//! Arguments of the commands that run, launch and steer sweeps.

use std::num::NonZeroU32;
use std::path::PathBuf;

use basin_domain::scheduling::SlotLimit;
use clap::Args;

use super::shared::{Remote, StoreArguments, SweepArguments, SweepFile};
#[cfg(feature = "worker")]
use super::training::Commands;
use super::training::LocalExecutors;

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
    #[command(flatten)]
    pub(crate) executors: LocalExecutors,
    #[cfg(feature = "worker")]
    #[command(flatten)]
    pub(crate) commands: Commands,
    /// Seconds between two checkpoints of a running task; 0 for none but at leaving
    #[arg(long, env = "BASIN_CHECKPOINT_EVERY", default_value_t = 30.0, value_name = "SECONDS")]
    pub(crate) checkpoint_every: f64,
    #[cfg(feature = "worker")]
    /// Seconds after which an executor that shows no progress with a task is killed and the attempt charged; more where its steps
    /// take long, ten times the longest so far; 0 for never
    #[arg(long, env = "BASIN_PROGRESS_TIMEOUT", default_value_t = basin_worker::agent::PROGRESS_TIMEOUT.as_secs_f64(), value_name = "SECONDS")]
    pub(crate) progress_timeout: f64,
    /// Show the board in browsers on this address, of this machine; a port that the system chooses if not given
    #[arg(long, env = "BASIN_BOARD", value_name = "ADDRESS")]
    pub(crate) board: Option<std::net::SocketAddr>,
    /// Show no board, whatever else is said
    #[arg(long)]
    pub(crate) no_board: bool,
    #[command(flatten)]
    pub(crate) store: StoreArguments,
}

/// The sweep file to begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Beginning {
    /// A small study, with figures and a claim
    Study,
    /// The homework: ten experiments on how networks learn
    Homework,
    /// One experiment and nothing else
    Blank,
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The sweep's name; the file is NAME.toml
    #[arg(default_value = "study")]
    pub(crate) name: String,
    /// What it begins with
    #[arg(long, value_enum, default_value = "study")]
    pub(crate) from: Beginning,
}

#[derive(Debug, Args)]
pub(crate) struct Plan {
    #[command(flatten)]
    pub(crate) sweep: SweepFile,
    #[command(flatten)]
    pub(crate) executors: LocalExecutors,
    #[command(flatten)]
    pub(crate) store: StoreArguments,
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

/// A sweep's quota of the workers; what isn't given stays as it is.
#[derive(Debug, Clone, Args)]
pub(crate) struct Quota {
    /// Tasks of sweeps of a higher priority are given out first; 0 until one is given
    #[arg(long, value_name = "N")]
    pub(crate) priority: Option<i32>,
    /// The most slots of workers that the sweep's tasks take at once, or `none`
    #[arg(long, value_name = "N", value_parser = slot_limit)]
    pub(crate) max_slots: Option<SlotLimit>,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("change").required(true).multiple(true).args(["priority", "max_slots"]))]
pub(crate) struct Adjust {
    #[command(flatten)]
    pub(crate) sweep: SweepArguments,
    #[command(flatten)]
    pub(crate) quota: Quota,
}

#[derive(Debug, Args)]
pub(crate) struct Retry {
    #[command(flatten)]
    pub(crate) sweep: SweepArguments,
    /// Retry the failed tasks
    #[arg(long, required = true)]
    pub(crate) failed: bool,
}

fn slot_limit(text: &str) -> Result<SlotLimit, String> {
    match text {
        "none" => Ok(SlotLimit::None),
        "0" => Err("to give it none for a while, use `basin pause`".to_owned()),
        number => number
            .parse::<NonZeroU32>()
            .map(SlotLimit::AtMost)
            .map_err(|_| "a number of slots or `none` is expected".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_a_number_or_none() {
        assert_eq!(slot_limit("none"), Ok(SlotLimit::None));
        assert_eq!(slot_limit("3"), Ok(SlotLimit::AtMost(NonZeroU32::new(3).unwrap())));
        for wrong in ["", "-1", "many", "4294967296"] {
            assert!(slot_limit(wrong).unwrap_err().contains("expected"), "{wrong}");
        }
        assert!(slot_limit("0").unwrap_err().contains("basin pause"));
    }
}
