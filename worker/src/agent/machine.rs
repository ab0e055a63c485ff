//! The machine's name and memory.

use basin_experiments::accelerator::{self, DeviceName};

use super::kernel_size::size;
use super::memory_group::MemoryGroup;

/// The machine's name, for people.
pub(super) fn hostname() -> String {
    let read = std::fs::read_to_string("/proc/sys/kernel/hostname")
        .or_else(|_| std::fs::read_to_string("/etc/hostname"));
    let name = read.map(|text| text.trim().to_owned()).unwrap_or_default();
    if name.is_empty() { std::env::var("HOSTNAME").unwrap_or_else(|_| "localhost".to_owned()) } else { name }
}

/// The bytes that each of so many executors may use: of its device, or its share of the machine's memory; 0 if that isn't known.
///
/// The devices of a worker are taken to be alike: the smallest counts.
pub(super) fn memory(devices: &[DeviceName], slots: u32) -> u64 {
    let slots = u64::from(slots.max(1));
    let of_device = |device: &DeviceName| match device {
        DeviceName::Processor | DeviceName::CandleProcessor => of_machine() / slots,
        DeviceName::Cuda(number) => {
            let sharing = slots.div_ceil(devices.len() as u64);
            accelerator::memory(*number) / sharing
        }
    };
    devices.iter().map(of_device).min().unwrap_or_else(|| of_machine() / slots)
}

/// The machine's memory in bytes, or what its control group allows of it; 0 if that isn't known.
pub(super) fn of_machine() -> u64 {
    let installed =
        std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| size(&text, "MemTotal")).unwrap_or(0);
    match MemoryGroup::of(std::process::id()).and_then(|group| group.limit()) {
        Some(allowed) if installed > 0 => allowed.min(installed),
        Some(allowed) => allowed,
        None => installed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_shared_out_among_executors() {
        let whole = memory(&[DeviceName::Processor], 1);
        assert!(whole > 0);
        assert_eq!(memory(&[DeviceName::Processor], 4), whole / 4);
    }

    #[test]
    fn a_worker_of_no_slots_or_devices_has_a_memory_all_the_same_and_the_smallest_share_counts() {
        let whole = of_machine();
        assert_eq!(memory(&[], 0), whole);
        assert_eq!(memory(&[], 2), whole / 2);
        let both = [DeviceName::Processor, DeviceName::CandleProcessor];
        assert_eq!(memory(&both, 3), whole / 3);
        assert!(!hostname().is_empty() && hostname() == hostname().trim());
    }
}
