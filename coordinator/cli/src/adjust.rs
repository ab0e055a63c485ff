//! `basin adjust`: which sweeps come first, and how many slots of workers each may take.

use std::num::NonZeroU32;

use basin_domain::scheduling::{SchedulingChange, SlotLimit};
use clap::Args;

use super::arguments::SweepArguments;
use super::command_error::CommandResult;
use super::launch::call_failed;
use super::output::Output;
use super::status::{describe, summary_value};
use basin_coordinator::client::Client;

/// A sweep's quota of the workers; what isn't given stays as it is.
#[derive(Debug, Clone, Args)]
pub(crate) struct Quota {
    /// Tasks of sweeps of a higher priority are given out first; 0 until one is given
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) priority: Option<i32>,
    /// The most slots of workers that the sweep's tasks take at once, or `none`
    #[arg(long, value_name = "N", value_parser = slot_limit, allow_negative_numbers = true)]
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

impl From<Quota> for SchedulingChange {
    fn from(Quota { priority, max_slots }: Quota) -> Self {
        Self { priority, max_slots }
    }
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

/// Changes a sweep's quota and says how it stands now.
pub(super) async fn adjust(arguments: Adjust, output: Output) -> CommandResult {
    let client = Client::new(&arguments.sweep.remote.dial()?).map_err(call_failed)?;
    let adjusted = client.adjust(&arguments.sweep.sweep, arguments.quota.into()).await;
    let summary = adjusted.map_err(call_failed)?;
    output.result(&summary_value(&summary), &describe(&summary))
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
