//! The machine that is measured beside what runs on it.

use std::time::Duration;

use basin_worker::bench::{Machine, MemoryLevel};

/// How long it is measured.
pub(super) const MACHINE_BUDGET: Duration = Duration::from_secs(4);

/// The rates of its memory in short.
pub(super) fn memory(machine: &Machine) -> String {
    let level = |level: &MemoryLevel| format!("{} {:.0}", level.name, level.gigabytes_per_s);
    format!("{} GB/s", machine.levels.iter().map(level).collect::<Vec<_>>().join(", "))
}
