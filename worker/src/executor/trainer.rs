//! What the tasks of an executor are trained with.

use std::path::Path;

use basin_domain::experiment::Command;
use basin_domain::task::TaskSpec;
use basin_experiments::accelerator::{Accelerator, DeviceName};
use basin_experiments::kind::Kinds;
use basin_experiments::{ExperimentError, Run};
use basin_proto::executor::Start;

use crate::command::{AllowedCommands, CommandRun, Place};

/// What the tasks of an executor are trained with.
pub(super) struct Trainer {
    /// The kinds of the program beside Basin's own.
    pub(super) kinds: Kinds,
    device: String,
    /// The device, opened, if it isn't the processor.
    pub(super) accelerator: Option<Accelerator>,
    commands: AllowedCommands,
}

impl Trainer {
    /// A trainer on this device, with these programs and these kinds.
    ///
    /// # Errors
    /// If the device can't be used.
    pub(super) fn open(
        device: DeviceName,
        commands: AllowedCommands,
        kinds: Kinds,
    ) -> Result<Self, ExperimentError> {
        Ok(Self { kinds, device: device.to_string(), accelerator: device.open()?, commands })
    }

    /// Starts a program, from nothing or from a checkpoint, on as many threads as this one may use.
    pub(super) fn start_program(
        &self,
        spec: &TaskSpec,
        command: &Command,
        start: &Start,
        checkpoint: Option<&[u8]>,
    ) -> Result<Box<dyn Run>, ExperimentError> {
        let place = Place {
            scratch: Path::new(&start.scratch),
            inputs: &start.inputs,
            device: &self.device,
            threads: rayon::current_num_threads(),
            traceparent: start.traceparent.as_deref(),
        };
        let run = CommandRun::start(spec, command, &self.commands, &place, checkpoint)?;
        Ok(Box::new(run))
    }
}
