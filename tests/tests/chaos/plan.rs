//! A run's plan: the cluster, and what goes wrong when. All of it follows from the seed and from what this machine has.

use std::fmt;
use std::time::Duration;

use basin_domain::random::Stream;
use basin_tests::{Fault as StoreFault, Passage};

use crate::fault::{Block, Disk, Fault, Target, Way, Who};
use crate::machine::Machine;
use crate::sweeps;

/// Faults begin within so many milliseconds of the launch.
const SPAN: u64 = 7_000;

/// Where the journal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JournalKind {
    File,
    /// In PostgreSQL, of two coordinators.
    Database,
}

/// What the store is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoreKind {
    Folder,
    /// An S3 server of the tests' own.
    Bucket,
    Radosgw,
}

/// A cluster before anything goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Setup {
    /// The place in [`sweeps::SWEEPS`].
    pub(crate) sweep: usize,
    pub(crate) workers: usize,
    pub(crate) journal: JournalKind,
    pub(crate) store: StoreKind,
    /// The coordinator alone commits.
    pub(crate) is_serialised: bool,
    /// Of a lease, in seconds.
    pub(crate) lease: u64,
    /// Processes reach each other by ways that can be cut.
    pub(crate) has_links: bool,
    pub(crate) has_small_disks: bool,
    /// Each process has a clock that can be set.
    pub(crate) has_own_clocks: bool,
}

/// A fault and its time, since the launch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct PlannedFault {
    pub(crate) begins: Duration,
    pub(crate) ends: Duration,
    pub(crate) fault: Fault,
}

/// All that is planned.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) setup: Setup,
    /// In the order of their beginning.
    pub(crate) faults: Vec<PlannedFault>,
}

impl Setup {
    pub(crate) const fn coordinators(&self) -> usize {
        match self.journal {
            JournalKind::File => 1,
            JournalKind::Database => 2,
        }
    }

    /// All ways that can be cut.
    pub(crate) fn ways(&self) -> Vec<Way> {
        if !self.has_links {
            return Vec::new();
        }
        let workers = || (0..self.workers).map(Who::Worker);
        let coordinators = || (0..self.coordinators()).map(Who::Coordinator);
        let mut ways: Vec<Way> = match self.journal {
            JournalKind::File => (0..self.workers)
                .map(|worker| Way::Coordinator { worker: Some(worker), coordinator: 0 })
                .collect(),
            // A standby names the leader's one address to everybody.
            JournalKind::Database => (0..self.coordinators())
                .map(|coordinator| Way::Coordinator { worker: None, coordinator })
                .chain((0..self.coordinators()).map(Way::Database))
                .collect(),
        };
        if self.store != StoreKind::Folder {
            ways.extend(workers().chain(coordinators()).map(Way::Store));
        }
        ways
    }
}

impl fmt::Display for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let journal = match self.journal {
            JournalKind::File => "one coordinator, journal in a file",
            JournalKind::Database => "two coordinators, journal in PostgreSQL",
        };
        let store = match (self.store, self.is_serialised) {
            (StoreKind::Folder, _) => "store in a folder",
            (StoreKind::Bucket, false) => "store in S3",
            (StoreKind::Bucket, true) => "store in S3 without conditions",
            (StoreKind::Radosgw, _) => "store in radosgw",
        };
        let Self { sweep, workers, lease, .. } = self;
        write!(f, "sweep {sweep}, {workers} workers, leases of {lease} s, {journal}, {store}")?;
        for (has, what) in [
            (self.has_links, "ways to cut"),
            (self.has_small_disks, "small disks"),
            (self.has_own_clocks, "clocks to set"),
        ] {
            if has {
                write!(f, ", {what}")?;
            }
        }
        Ok(())
    }
}

impl Plan {
    /// The plan of a seed.
    pub(crate) fn of(seed: u64, machine: &Machine) -> Self {
        let mut chance = Chance(Stream::new(seed, "chaos"));
        let setup = chance.setup(machine);
        let mut faults: Vec<PlannedFault> = Vec::new();
        let count = 4 + chance.below(6);
        for _ in 0..20 * count {
            let begins = Duration::from_millis(chance.below(SPAN));
            let lasts = Duration::from_millis(match chance.below(4) {
                // Longer than a lease.
                0 => 1_200 * setup.lease + chance.below(2_000),
                _ => 200 + chance.below(2_000),
            });
            let Some(fault) = chance.fault(&setup) else { continue };
            let planned = PlannedFault { begins, ends: begins + lasts, fault };
            if !faults.iter().any(|other| other.hinders(&planned)) {
                faults.push(planned);
            }
            if faults.len() as u64 == count {
                break;
            }
        }
        faults.sort_by_key(|fault| fault.begins);
        Self { seed, setup, faults }
    }
}

impl PlannedFault {
    /// Whether both are of one thing at one time, or a journal is damaged a second time.
    fn hinders(&self, other: &Self) -> bool {
        let overlap = self.begins <= other.ends && other.begins <= self.ends;
        let (target, of_other) = (self.fault.target(), other.fault.target());
        (target == of_other && target != Target::Blocks && overlap)
            || (self.fault.takes_history() && other.fault.takes_history())
    }
}

struct Chance(Stream);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0.below(bound)
    }

    fn place(&mut self, count: usize) -> usize {
        self.below(count as u64) as usize
    }

    fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.place(items.len())]
    }

    fn happens(&mut self, probability: f64) -> bool {
        self.0.uniform() < probability
    }

    fn setup(&mut self, machine: &Machine) -> Setup {
        let journal = match self.happens(0.35) && machine.database.is_some() {
            true => JournalKind::Database,
            false => JournalKind::File,
        };
        let store = match self.below(10) {
            0..=4 => StoreKind::Folder,
            5..=6 if machine.has_radosgw => StoreKind::Radosgw,
            _ => StoreKind::Bucket,
        };
        Setup {
            sweep: self.place(sweeps::SWEEPS.len()),
            workers: 2 + self.place(2),
            journal,
            store,
            is_serialised: self.happens(0.25) && store == StoreKind::Bucket,
            lease: 2 + self.below(2),
            has_links: self.happens(0.65),
            has_small_disks: self.happens(0.5) && machine.has_small_disks,
            has_own_clocks: self.happens(0.4) && machine.faketime.is_some(),
        }
    }

    /// One fault, or none if the draw was of a kind that this cluster can't have.
    fn fault(&mut self, setup: &Setup) -> Option<Fault> {
        let worker = self.place(setup.workers);
        let coordinator = self.place(setup.coordinators());
        let place = self.0.uniform();
        Some(match self.below(26) {
            0 | 1 => Fault::KillWorker(worker),
            2 => Fault::KillMachine(worker),
            3 | 4 => Fault::KillExecutor(worker),
            5 | 6 => Fault::StopWorker(worker),
            7 => Fault::StopExecutor(worker),
            8 => Fault::Preempt(worker),
            9 | 10 => Fault::KillCoordinator(coordinator),
            11 => Fault::StopCoordinator(coordinator),
            12..=15 => self.cut(setup)?,
            16 | 17 => self.store_fault(setup)?,
            18 => match setup.store {
                StoreKind::Folder if setup.has_small_disks => Fault::ReadOnly,
                StoreKind::Folder => return None,
                StoreKind::Bucket | StoreKind::Radosgw => Fault::KillStore,
            },
            19 | 20 => self.full_disk(setup, worker)?,
            21 if setup.has_own_clocks => {
                let who = self.pick(&[Who::Worker(worker), Who::Coordinator(coordinator)]);
                Fault::StepClock(who, self.pick(&[-86_400, -3_600, -5, 5, 3_600, 86_400]))
            }
            21 => return None,
            22 if setup.journal == JournalKind::File => match self.happens(0.6) {
                true => Fault::CutJournal { place },
                false => Fault::DamageJournal { place },
            },
            22 => return None,
            23 => Fault::Damage(self.pick(&[Block::Cached(worker), Block::Staged(worker)]), place),
            24 if setup.store != StoreKind::Radosgw => Fault::Damage(Block::Checkpoint, place),
            25 if setup.store != StoreKind::Radosgw => Fault::Damage(Block::Committed, place),
            _ => return None,
        })
    }

    fn cut(&mut self, setup: &Setup) -> Option<Fault> {
        let ways = setup.ways();
        if ways.is_empty() {
            return None;
        }
        let way = self.pick(&ways);
        let passage = self.pick(&[
            Passage::Refused,
            Passage::Silent,
            Passage::SilentThere,
            Passage::SilentBack,
            Passage::BrokenBack,
            Passage::Slow(16 << 10),
        ]);
        Some(Fault::Cut(way, passage))
    }

    fn store_fault(&mut self, setup: &Setup) -> Option<Fault> {
        let answer = self.pick(&[
            StoreFault::All(503, "ServiceUnavailable"),
            StoreFault::All(403, "AccessDenied"),
            StoreFault::Writes(507, "InsufficientStorage"),
            StoreFault::AfterWrites(500, "InternalError"),
            StoreFault::AfterWrites(503, "SlowDown"),
            StoreFault::Hang,
        ]);
        (setup.store == StoreKind::Bucket).then_some(Fault::StoreAnswers(answer))
    }

    fn full_disk(&mut self, setup: &Setup, worker: usize) -> Option<Fault> {
        let disk = self.pick(&[Disk::Store, Disk::Scratch(worker), Disk::Journal]);
        let is_there = match disk {
            Disk::Store => setup.store == StoreKind::Folder,
            Disk::Scratch(_) => true,
            Disk::Journal => setup.journal == JournalKind::File,
        };
        (setup.has_small_disks && is_there).then_some(Fault::FillDisk(disk))
    }
}
