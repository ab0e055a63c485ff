//! The memory to measure against: how fast this machine goes over numbers, by where they lie.

use std::path::Path;
use std::time::{Duration, Instant};

use rayon::prelude::*;

use crate::vector::{Dispatch, Kernel, Vector};

/// A place where numbers lie from one pass over them to the next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MemoryLevel {
    /// `L1`, `L2`, `L3`, or `memory`.
    pub name: &'static str,
    /// What it holds, of all threads together, in bytes. Main memory holds everything.
    pub capacity: u64,
    /// Bytes that all threads together read and write a second, in 10⁹.
    pub gigabytes_per_s: f64,
}

/// A cache as the system describes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cache {
    bytes: u64,
    /// The cores that share it.
    sharers: u64,
}

const NAMES: [&str; 3] = ["L1", "L2", "L3"];
/// The caches of a common processor, where the system describes none.
const USUAL: [Cache; 3] = [
    Cache { bytes: 32 << 10, sharers: 1 },
    Cache { bytes: 1 << 20, sharers: 1 },
    Cache { bytes: 32 << 20, sharers: 8 },
];
/// The most bytes that a measurement goes over.
const MOST: u64 = 1 << 30;
/// The least time that one measurement takes: the clock and the threads' start are nothing beside it.
const LEAST: Duration = Duration::from_millis(5);

/// The levels of this machine's memory, the fastest first, measured on `threads` threads for about `budget`.
///
/// Measured is y ← y + ax over arrays that fill half of a level, each thread over its own: two numbers read and one written for each
/// element, as most passes of training do (McCalpin 1995, "Memory bandwidth and machine balance in current high performance computers").
/// The figure is the best of a few.
pub fn memory_levels(threads: usize, budget: Duration) -> Vec<MemoryLevel> {
    let threads = threads.max(1) as u64;
    let caches = caches(Path::new("/sys/devices/system/cpu/cpu0/cache"));
    let capacities = caches.map(|cache| cache.bytes * threads.div_ceil(cache.sharers.max(1)));
    let memory = (4 * capacities[2]).min(MOST);
    let share = budget / 4;
    let measured = |bytes: u64| gigabytes_per_s(threads as usize, bytes, share);
    let mut levels: Vec<MemoryLevel> = NAMES
        .into_iter()
        .zip(capacities)
        .map(|(name, capacity)| MemoryLevel {
            name,
            capacity,
            gigabytes_per_s: measured((capacity / 2).min(MOST)),
        })
        .collect();
    levels.push(MemoryLevel { name: "memory", capacity: u64::MAX, gigabytes_per_s: measured(memory) });
    levels
}

/// The data caches that a folder of Linux's sysfs describes; [`USUAL`] where it doesn't.
fn caches(folder: &Path) -> [Cache; 3] {
    let mut found = USUAL;
    for index in 0..8 {
        if let Some((level, cache)) = cache(&folder.join(format!("index{index}")))
            && let Some(slot) = found.get_mut(level.wrapping_sub(1))
        {
            *slot = cache;
        }
    }
    found
}

/// The level of a cache and what it is; nothing for one of instructions, or one that isn't described.
fn cache(folder: &Path) -> Option<(usize, Cache)> {
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).ok();
    if read("type")?.trim() == "Instruction" {
        return None;
    }
    let kib: u64 = read("size")?.trim().strip_suffix('K')?.parse().ok()?;
    let sharers = read("shared_cpu_list").and_then(|list| cores_of(&list)).unwrap_or(1);
    Some((read("level")?.trim().parse().ok()?, Cache { bytes: kib << 10, sharers }))
}

/// The number of cores in a list like `0-3,8`.
fn cores_of(list: &str) -> Option<u64> {
    let mut cores = 0_u64;
    for range in list.trim().split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
        cores += last.checked_sub(first)? + 1;
    }
    Some(cores)
}

/// The rate at which `threads` threads go over so many bytes in all, in 10⁹ bytes a second.
fn gigabytes_per_s(threads: usize, bytes: u64, budget: Duration) -> f64 {
    let length = (bytes as usize / (2 * threads * size_of::<f32>())).max(64);
    let mut arrays: Vec<(Vec<f32>, Vec<f32>)> =
        (0..threads).map(|_| (vec![1.0; length], vec![0.5; length])).collect();
    let mut passes = 1_u32;
    let began = Instant::now();
    let mut best = 0.0_f64;
    loop {
        let start = Instant::now();
        arrays.par_iter_mut().with_max_len(1).for_each(|(y, x)| {
            for _ in 0..passes {
                f32::dispatch(AddScaled { y, x: std::hint::black_box(x) });
            }
        });
        let took = start.elapsed();
        if took >= LEAST {
            let moved = 3.0 * (size_of::<f32>() * length * threads) as f64 * f64::from(passes);
            best = best.max(moved / took.as_secs_f64() / 1e9);
            if began.elapsed() >= budget {
                break;
            }
        } else {
            passes = passes.saturating_mul(2);
        }
    }
    std::hint::black_box(&arrays);
    best
}

/// y ← y + x / 2⁶⁰, which keeps y where it is.
struct AddScaled<'a> {
    y: &'a mut [f32],
    x: &'a [f32],
}

impl Kernel<f32> for AddScaled<'_> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = f32>>(self) {
        const SCALE: f32 = 1.0 / (1_u64 << 60) as f32;
        for (y, x) in self.y.iter_mut().zip(self.x) {
            *y += SCALE * *x;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caches_are_as_the_system_describes_them() {
        let folder = tempfile::tempdir().unwrap();
        let described = [
            ("index0", "1", "Data", "48K", "0"),
            ("index1", "1", "Instruction", "32K", "0"),
            ("index2", "2", "Unified", "2048K", "0-1"),
            ("index3", "3", "Unified", "12288K", "0-3,8"),
            ("index4", "4", "Unified", "1K", "0"),
        ];
        for (index, level, kind, size, cores) in described {
            let cache = folder.path().join(index);
            std::fs::create_dir(&cache).unwrap();
            for (name, text) in [("level", level), ("type", kind), ("size", size), ("shared_cpu_list", cores)]
            {
                std::fs::write(cache.join(name), format!("{text}\n")).unwrap();
            }
        }
        let of = |bytes, sharers| Cache { bytes, sharers };
        assert_eq!(caches(folder.path()), [of(48 << 10, 1), of(2 << 20, 2), of(12 << 20, 5)]);
        assert_eq!(caches(&folder.path().join("nothing")), USUAL);
        assert_eq!(cores_of("3-1"), None);
    }

    #[test]
    fn every_level_holds_more_than_the_one_before_it_and_moves_something() {
        let levels = memory_levels(1, Duration::from_millis(40));
        assert_eq!(levels.len(), 4);
        assert!(levels.windows(2).all(|pair| pair[0].capacity < pair[1].capacity), "{levels:?}");
        assert!(levels.iter().all(|level| level.gigabytes_per_s > 0.0), "{levels:?}");
    }
}
