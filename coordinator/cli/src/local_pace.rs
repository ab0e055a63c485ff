//! How fast this machine's executors are: as they were at what ran here before, else by a short measurement.

use std::path::Path;
use std::time::Duration;

use basin_domain::experiment::work::{MachinePace, WorkSeconds};
use basin_worker::{DeviceName, bench};

use super::device::{self, Slots};
use super::output::Output;
use super::pace_file::{MeasuredPace, PaceFile};
use super::prediction::{LocalPace, PaceSource};

/// Less than so many seconds of work, on the machine that work is counted in seconds of, are not worth a measurement.
const WORTH_MEASURING: f64 = 1.0;
/// How long the machine is measured, about.
const BUDGET: Duration = Duration::from_millis(350);

/// The pace of executors of this machine for so much work; none where devices train of which nothing is known.
pub(crate) async fn local_pace(
    state: &Path,
    devices: &[DeviceName],
    slots: Slots,
    work: &WorkSeconds,
    output: Output,
) -> Option<LocalPace> {
    let Slots { executors: number, threads } = slots;
    let is_processor = device::is_processor(devices);
    let kind = match is_processor {
        true => basin_worker::code_path().to_owned(),
        false => devices.iter().map(ToString::to_string).collect::<Vec<_>>().join("+"),
    };
    let executors = slots.name(&kind);
    let (file, remark) = PaceFile::read(state);
    if let Some(remark) = remark {
        output.say(&format!("note: {remark}"));
    }
    let with = |pace: MeasuredPace, source| {
        let executors = executors.clone();
        LocalPace { executors, slots: number, threads, pace, source }
    };
    if let Some(known) = file.of(&executors).filter(|known| known.is_of_runs()) {
        return Some(with(known.clone(), PaceSource::Runs));
    }
    if !is_processor {
        return None;
    }
    if work.total() < WORTH_MEASURING {
        return Some(with(MeasuredPace::new(MachinePace::REFERENCE), PaceSource::Reference));
    }
    let all_threads = number as usize * threads as usize;
    let measured = tokio::task::spawn_blocking(move || bench::measured_pace(all_threads, BUDGET)).await;
    match measured {
        Ok(Ok(machine)) if machine.is_possible() => {
            Some(with(MeasuredPace::new(machine), PaceSource::Measurement))
        }
        // A prediction isn't worth a failure.
        Ok(Ok(machine)) => {
            tracing::warn!(?machine, "the machine's pace makes no sense");
            None
        }
        Ok(Err(error)) => {
            tracing::warn!(%error, "the machine's pace could not be measured");
            None
        }
        Err(error) => {
            tracing::warn!(%error, "the measurement of the machine's pace crashed");
            None
        }
    }
}
