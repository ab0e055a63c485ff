//! `--device`: which devices are meant, and who trains on which.

use basin_worker::agent::LARGEST_PACK;
use basin_worker::{DeviceName, devices};

use super::command_error::CommandError;

/// The devices that can be named, as `--help` has them.
pub(super) const DEVICES: &str =
    "`cpu`, `cuda:N`, `cuda` (all of this machine), `auto` (all, or the processor if there is none)";

/// The devices that are meant, one an executor in turn.
///
/// # Errors
/// If there is no such device.
pub(super) fn select(text: &str) -> Result<Vec<DeviceName>, CommandError> {
    let found = devices();
    let all = || (0..found).map(DeviceName::Cuda).collect();
    match text {
        "auto" if found == 0 => Ok(vec![DeviceName::Processor]),
        "auto" => Ok(all()),
        "cuda" if found == 0 => Err(none_found("cuda")),
        "cuda" => Ok(all()),
        _ => {
            let device: DeviceName = text
                .parse()
                .map_err(|error| CommandError::input(error).hint(format!("devices are {DEVICES}")))?;
            match device {
                DeviceName::Cuda(number) if number >= found => Err(none_found(text)),
                DeviceName::Processor | DeviceName::Cuda(_) | DeviceName::CandleProcessor => Ok(vec![device]),
            }
        }
    }
}

fn none_found(wanted: &str) -> CommandError {
    let found = devices();
    let hint = if cfg!(feature = "cuda") {
        format!("this machine has {found} that the CUDA driver knows; `nvidia-smi` lists them")
    } else {
        "this program was built without CUDA: build it with `--features cuda`".to_owned()
    };
    CommandError::input(anyhow::anyhow!("there is no device `{wanted}`")).hint(hint)
}

/// Whether nothing but the processor trains.
pub(super) fn is_processor(devices: &[DeviceName]) -> bool {
    devices.iter().all(|device| *device == DeviceName::Processor)
}

/// How many executors there are, and how many tasks each trains at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slots {
    /// The executors.
    pub(super) executors: u32,
    /// The threads of each.
    pub(super) threads: u32,
}

/// The defaults where the number of executors or threads wasn't said.
#[derive(Debug, Clone, Copy)]
pub(super) struct Defaults {
    /// Executors on the processor.
    pub(super) executors: u32,
    /// The machine's cores, which they share.
    pub(super) cores: u32,
    /// The most tasks of a pack: as many lanes has an executor of a device.
    pub(super) pack: u32,
}

impl Defaults {
    /// Those of a run that has so many tasks to do, on a machine of so many cores: no executor is without a task.
    pub(super) fn of_run(tasks: u64, cores: u32) -> Self {
        let executors = cores.min(u32::try_from(tasks).unwrap_or(u32::MAX)).max(1);
        Self { executors, cores, pack: LARGEST_PACK }
    }
}

impl Slots {
    /// Those that were asked for, and where nothing was said one executor a device, or the cores shared out.
    pub(super) fn on(
        devices: &[DeviceName],
        executors: Option<u32>,
        threads: Option<u32>,
        defaults: Defaults,
    ) -> Self {
        if is_processor(devices) {
            let executors = executors.unwrap_or(defaults.executors);
            let threads = threads.unwrap_or_else(|| (defaults.cores / executors).max(1));
            return Self { executors, threads };
        }
        let each = u32::try_from(devices.len()).unwrap_or(u32::MAX);
        Self { executors: executors.unwrap_or(each), threads: threads.unwrap_or(defaults.pack) }
    }

    /// How they are called in the file of paces, with the device or the instructions that they train with: `avx512 2x1`.
    pub(super) fn name(self, kind: &str) -> String {
        format!("{kind} {}x{}", self.executors, self.threads)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_has_one_executor_with_a_lane_a_task_and_cores_are_shared_out() {
        let slots = |devices: &[DeviceName], executors, threads, on_processor| {
            let defaults = Defaults { executors: on_processor, cores: 8, pack: 64 };
            let slots = Slots::on(devices, executors, threads, defaults);
            (slots.executors, slots.threads)
        };
        assert_eq!(slots(&[DeviceName::Processor], None, None, 4), (4, 2));
        assert_eq!(slots(&[DeviceName::Processor], Some(16), None, 4), (16, 1));
        let two = [DeviceName::Cuda(0), DeviceName::Cuda(1)];
        assert_eq!(slots(&two, None, None, 8), (2, 64));
        assert_eq!(slots(&two, Some(4), Some(10), 8), (4, 10));
    }

    #[test]
    fn help_and_errors_name_the_same_devices() {
        use clap::CommandFactory;
        let mut command = crate::arguments::Arguments::command();
        for name in ["run", "worker"] {
            let help = command.find_subcommand_mut(name).unwrap().render_long_help().to_string();
            let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(help.contains(DEVICES), "{name}: {help}");
        }
    }

    #[test]
    fn a_device_that_is_not_there_is_refused_with_the_way_out() {
        assert_eq!(select("cpu").unwrap(), [DeviceName::Processor]);
        assert_eq!(select("candle-cpu").unwrap(), [DeviceName::CandleProcessor]);
        let text = select("cuda:4096").unwrap_err().text();
        assert!(text.starts_with("error: there is no device `cuda:4096`\nhint: "), "{text}");
        let text = select("gpu").unwrap_err().text();
        assert_eq!(text, format!("error: `gpu` is no device\nhint: devices are {DEVICES}\n"));
    }
}
