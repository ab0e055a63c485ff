//! What a seed draws: a cluster, its sweeps, and what goes wrong when.

use std::fmt;

use basin_domain::failure::FailureKind;

use crate::chance::Chance;
use crate::host::Host;

/// Milliseconds.
pub(crate) type Millis = u64;

/// How long a lease lasts.
pub(crate) const LEASE: Millis = 6_000;
/// Faults begin in this time.
const FAULTS_BEGIN: std::ops::Range<Millis> = 500..28_000;

/// All that a run depends on, but for the program itself.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) cluster: Cluster,
    pub(crate) faults: Vec<Fault>,
}

/// The hosts, and what they work on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cluster {
    /// One, with a journal of its own, or several that share one.
    pub(crate) coordinators: usize,
    pub(crate) workers: usize,
    pub(crate) slots: u32,
    pub(crate) pack: u32,
    pub(crate) sweeps: usize,
    /// The store ignores conditions of writes: every coordinator notices, and commits alone.
    pub(crate) ignores_conditions: bool,
}

/// Something that goes wrong for a while.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault {
    pub(crate) at: Millis,
    pub(crate) lasts: Millis,
    pub(crate) what: Trouble,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Trouble {
    /// A process is killed; it is started again at the fault's end.
    Kill(Host),
    /// A host is lost with all that runs there: nobody hears a word. It is started again at the fault's end.
    Lose(Host),
    /// A worker is told to leave; another is started at the fault's end.
    Leave(Host),
    /// A coordinator is killed in its next write to the journal, which is kept, or not.
    KillInWrite(Host, bool),
    /// The journal's disk is full.
    JournalFull(Host),
    Cut {
        from: Host,
        to: Host,
        both_ways: bool,
    },
    Reset(Host, Host),
    Slow(Host),
    /// The store fails, for one host or all.
    Store(Option<Host>, StoreFault),
    /// A host's time of day is set.
    ClockSet(Host, i64),
    /// What a worker's executors do.
    Executors(Host, FailureKind),
}

/// How the store fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoreFault {
    /// 503: half of the calls aren't done.
    Errors,
    /// 503, or 412 for what has a condition, and the call was done.
    LostAnswers,
    /// 503, and a write is done some seconds later.
    LateWrites,
    Denied,
    /// 507.
    Full,
    Slow,
}

/// Which faults a run may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Faults {
    None,
    All,
    /// Coordinators are killed, and nothing else happens.
    CoordinatorsKilled,
    /// Workers are killed, and writes are late.
    LateWrites,
}

impl Plan {
    pub(crate) fn draw(seed: u64, allowed: Faults) -> Self {
        let mut chance = Chance::new(seed, "plan");
        let cluster = Cluster {
            coordinators: chance.pick(&[1, 1, 2]),
            workers: chance.between(2, 4) as usize,
            slots: chance.between(1, 3) as u32,
            pack: chance.pick(&[1, 3]),
            sweeps: chance.between(1, 3) as usize,
            ignores_conditions: chance.happens(0.1),
        };
        let count = match allowed {
            Faults::None => 0,
            Faults::All => chance.between(2, 9),
            Faults::LateWrites => chance.between(4, 9),
            Faults::CoordinatorsKilled => chance.between(1, 5),
        };
        let mut faults: Vec<Fault> = (0..count).map(|_| Fault::draw(&mut chance, cluster, allowed)).collect();
        faults.sort_by_key(|fault| fault.at);
        Self { seed, cluster, faults }
    }

    /// How it is told.
    pub(crate) fn lines(&self) -> Vec<String> {
        let Cluster { coordinators, workers, slots, pack, sweeps, ignores_conditions } = self.cluster;
        let store = if ignores_conditions { ", a store that ignores conditions" } else { "" };
        let mut lines = vec![format!(
            "seed {}: coordinators {coordinators}, workers {workers} with {slots} slots and packs of {pack}, sweeps {sweeps}{store}",
            self.seed
        )];
        lines.extend(self.faults.iter().map(ToString::to_string));
        lines
    }
}

impl Fault {
    fn draw(chance: &mut Chance, cluster: Cluster, allowed: Faults) -> Self {
        let at = chance.between(FAULTS_BEGIN.start, FAULTS_BEGIN.end);
        let short = chance.between(300, 4_000);
        let long = chance.between(1_000, 18_000);
        let coordinator = Host::Coordinator(chance.between(0, cluster.coordinators as u64) as usize);
        let worker = Host::Worker(chance.between(0, cluster.workers as u64) as usize);
        let lasts = if chance.happens(0.5) { short } else { long };
        let journal = if cluster.coordinators > 1 { Host::Database } else { Host::Store };
        let process = chance.pick(&[worker, coordinator]);
        let far = chance.pick(&[coordinator, coordinator, Host::Store]);
        let kept = chance.happens(0.5);
        let what = match chance.between(0, 24) {
            _ if allowed == Faults::CoordinatorsKilled => Trouble::Kill(coordinator),
            _ if allowed == Faults::LateWrites && kept => Trouble::Store(None, StoreFault::LateWrites),
            _ if allowed == Faults::LateWrites => Trouble::Kill(worker),
            0..=2 => Trouble::Kill(worker),
            3 | 4 => Trouble::Kill(coordinator),
            5 | 6 => Trouble::KillInWrite(coordinator, kept),
            7 => Trouble::Lose(process),
            8 => Trouble::Leave(worker),
            9 => Trouble::JournalFull(coordinator),
            10..=12 => {
                let (from, to) = if chance.happens(0.5) { (worker, far) } else { (far, worker) };
                Trouble::Cut { from, to, both_ways: chance.happens(0.4) }
            }
            13 => Trouble::Cut { from: coordinator, to: journal, both_ways: kept },
            14 => Trouble::Reset(worker, coordinator),
            15 => Trouble::Slow(process),
            16..=18 => {
                let faults = [
                    StoreFault::Errors,
                    StoreFault::LostAnswers,
                    StoreFault::LostAnswers,
                    StoreFault::LateWrites,
                    StoreFault::Denied,
                    StoreFault::Full,
                    StoreFault::Slow,
                ];
                let whose = if chance.happens(0.5) { None } else { Some(process) };
                Trouble::Store(whose, chance.pick(&faults))
            }
            19 => {
                let by = chance.pick(&[5_000, 3_600_000, 86_400_000]);
                Trouble::ClockSet(process, if kept { by } else { -by })
            }
            _ => {
                let kinds = [
                    FailureKind::Crashed,
                    FailureKind::OutOfMemory,
                    FailureKind::Hung,
                    FailureKind::Experiment,
                ];
                Trouble::Executors(worker, chance.pick(&kinds))
            }
        };
        Self { at, lasts, what }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, lasts, what } = self;
        write!(f, "{:8.3} s  ", *at as f64 / 1e3)?;
        let until = format!("for {:.3} s", *lasts as f64 / 1e3);
        match what {
            Trouble::Kill(host) => write!(f, "{host} is killed, and away {until}"),
            Trouble::Lose(host) => write!(f, "the machine of {host} is lost, {until}"),
            Trouble::Leave(host) => write!(f, "{host} is told to leave, and comes again after that {until}"),
            Trouble::KillInWrite(host, true) => {
                write!(f, "{host} is killed when its next write is on disk, {until}")
            }
            Trouble::KillInWrite(host, false) => {
                write!(f, "{host} is killed amid its next write, which is torn, {until}")
            }
            Trouble::JournalFull(host) => write!(f, "the journal's disk of {host} is full {until}"),
            Trouble::Cut { from, to, both_ways: false } => {
                write!(f, "nothing comes from {from} to {to} {until}")
            }
            Trouble::Cut { from, to, both_ways: true } => {
                write!(f, "{from} and {to} are cut off from each other {until}")
            }
            Trouble::Reset(a, b) => write!(f, "the connections of {a} and {b} break"),
            Trouble::Slow(host) => write!(f, "the network of {host} is slow {until}"),
            Trouble::Store(None, fault) => write!(f, "the store fails everybody ({fault:?}) {until}"),
            Trouble::Store(Some(host), fault) => write!(f, "the store fails {host} ({fault:?}) {until}"),
            Trouble::ClockSet(host, by) => write!(f, "the time of day of {host} is set by {} s", by / 1_000),
            Trouble::Executors(host, kind) => write!(f, "the executors of {host} end: {}", kind.as_str()),
        }
    }
}
