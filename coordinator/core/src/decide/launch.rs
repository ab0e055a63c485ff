//! A sweep arrives.

use std::collections::{BTreeMap, HashMap, HashSet};

use basin_domain::digest::Digest;
use basin_domain::id::TaskId;
use basin_domain::scheduling::SchedulingOptions;
use basin_domain::task::TaskSpec;

use basin_domain::time::Timestamp;

use super::commit::check_recorded;
use super::request::{Decided, Decision, Request};
use crate::Ledger;
use crate::command::{Launch, LaunchCounts, LaunchPart, LaunchTask, Refusal};
use crate::event::{Change, Extended, Launched, LaunchedTask, NewTask, Shape};
use crate::ledger::state::{Entry, SweepIndex, SweepStatus};

/// The name under which a sweep lists tasks that its own read, and that it doesn't list itself.
const INPUTS: &str = "(inputs)";

impl Request for Launch {
    type Reply = LaunchCounts;

    fn decide(self, ledger: &Ledger, now: Timestamp) -> Decision<LaunchCounts> {
        LaunchPart::whole(self).decide(ledger, now)
    }
}

impl Request for LaunchPart {
    type Reply = LaunchCounts;

    fn decide(self, ledger: &Ledger, _: Timestamp) -> Decision<LaunchCounts> {
        let Self { mut launch, from, of, unlisted } = self;
        let limit = ledger.policy().max_tasks;
        let end = from.saturating_add(launch.tasks.len() as u64);
        if of > limit || end > of {
            return Err(Refusal::TooMany {
                what: "tasks of one sweep",
                asked: end.max(of),
                limit: limit.min(of),
            });
        }
        let known = ledger.find_sweep(&launch.sweep);
        let arrived = known.map_or(0, |sweep| own_entries(ledger, sweep).len() as u64);
        let is_whole = known.is_some_and(|sweep| ledger.state.sweep(sweep).is_launched());
        if is_whole && arrived != of {
            return Err(Refusal::LaunchedOtherwise(launch.sweep));
        }
        let missing = Refusal::MissingPart { sweep: launch.sweep.clone(), arrived, from };
        let before = arrived.checked_sub(from).ok_or(missing)?.min(end - from);
        let fresh = launch.tasks.split_off(usize::try_from(before).unwrap_or(usize::MAX));
        if let Some(sweep) = known {
            check_same(ledger, sweep, from, &launch)?;
        }
        let again = std::mem::replace(&mut launch.tasks, fresh);
        let listed: HashMap<TaskId, &LaunchTask> = launch.tasks.iter().map(|task| (task.id, task)).collect();
        check_inputs(ledger, &launch.tasks, &listed)?;
        check_circles(&launch.tasks, &listed)?;
        check_ids(ledger, &launch.tasks)?;

        let unlisted = if end == of { unlisted } else { Vec::new() };
        let part = PartPosition { is_first: from == 0, is_last: end == of };
        let mut changes = match known {
            Some(sweep) if is_whole && end == of => relaunch(ledger, sweep, &launch),
            Some(_) if launch.tasks.is_empty() => Vec::new(),
            Some(_) | None => {
                vec![describe(ledger, known, &launch, &listed, unlisted, part)]
            }
        };
        let mut committed = HashSet::new();
        for commit in launch.committed {
            let task = commit.task;
            match ledger.find_task(&task) {
                Some(task) if ledger.state.task(task).is_committed() => {
                    check_recorded(ledger, task, &commit)?;
                }
                None if !listed.contains_key(&task) => return Err(Refusal::UnknownTask(task)),
                // Whoever prepared the launch has read it before it was withdrawn.
                Some(known) if ledger.state.task(known).withdrawn.contains(&commit.lease) => {}
                Some(_) | None if committed.insert(task) => changes.push(Change::Committed(commit)),
                Some(_) | None => {}
            }
        }
        if end == of && !is_whole && known.is_some() {
            changes.push(Change::Opened(launch.sweep.clone()));
        }
        let mut counts = LaunchCounts::default();
        let ids: HashSet<TaskId> = listed.keys().copied().chain(again.iter().map(|task| task.id)).collect();
        for id in ids.iter().filter(|id| !is_counted(ledger, known, id, from)) {
            match ledger.find_task(id) {
                _ if committed.contains(id) => counts.reused += 1,
                Some(task) if ledger.state.task(task).is_committed() => counts.reused += 1,
                Some(_) => counts.shared += 1,
                None => counts.new += 1,
            }
        }
        Ok(Decided { changes, reply: counts })
    }
}

/// The entries that a sweep's file lists; those of inputs that it doesn't come last.
fn own_entries(ledger: &Ledger, sweep: SweepIndex) -> &[Entry] {
    let sweep = ledger.state.sweep(sweep);
    let is_input = |entry: &&Entry| sweep.experiments[entry.experiment as usize] == INPUTS;
    let inputs = sweep.entries.iter().rev().take_while(is_input).count();
    &sweep.entries[..sweep.entries.len() - inputs]
}

/// Whether a part before lists this task, too.
fn is_counted(ledger: &Ledger, sweep: Option<SweepIndex>, id: &TaskId, from: u64) -> bool {
    let (Some(sweep), Some(task)) = (sweep, ledger.find_task(id)) else { return false };
    let mut entries = ledger.index.links(task).memberships.iter();
    entries.any(|it| it.sweep == sweep && u64::from(it.position) < from)
}

/// Refuses a part that lists other tasks than those that arrived.
fn check_same(ledger: &Ledger, sweep: SweepIndex, from: u64, launch: &Launch) -> Result<(), Refusal> {
    let known = own_entries(ledger, sweep).iter().map(|entry| ledger.state.task(entry.task).id);
    let mut known = known.skip(usize::try_from(from).unwrap_or(usize::MAX));
    match launch.tasks.iter().all(|task| known.next() == Some(task.id)) {
        true => Ok(()),
        false => Err(Refusal::LaunchedOtherwise(launch.sweep.clone())),
    }
}

/// The same sweep again: if it was cancelled, it goes on; what it needs of workers and its quota of them may have
/// changed.
fn relaunch(ledger: &Ledger, sweep: SweepIndex, launch: &Launch) -> Vec<Change> {
    let known = ledger.state.sweep(sweep);
    let mut changes = Vec::new();
    if known.needs != launch.needs {
        changes.push(Change::NeedsChanged { sweep: launch.sweep.clone(), needs: launch.needs.clone() });
    }
    let share = known.share.changed(launch.adjustment);
    if share != known.share {
        changes.push(Change::Adjusted { sweep: launch.sweep.clone(), share });
    }
    if let Some(user) = &launch.user
        && (known.user.is_none() || known.status == SweepStatus::Cancelled)
        && known.user.as_ref() != Some(user)
    {
        changes.push(Change::OwnerChanged { sweep: launch.sweep.clone(), user: user.clone() });
    }
    match known.status {
        SweepStatus::Cancelled => changes.push(Change::Resumed(launch.sweep.clone())),
        SweepStatus::Launching | SweepStatus::Running | SweepStatus::Paused => {}
    }
    changes
}

fn check_inputs(
    ledger: &Ledger,
    tasks: &[LaunchTask],
    listed: &HashMap<TaskId, &LaunchTask>,
) -> Result<(), Refusal> {
    for task in tasks {
        for &input in task.spec.inputs.values() {
            if !listed.contains_key(&input) && ledger.find_task(&input).is_none() {
                return Err(Refusal::MissingInput { task: task.id, input });
            }
        }
    }
    Ok(())
}

/// Refuses circles: takes away tasks without inputs until none is left (Kahn 1962). True ids can't form one, a task's id
/// being a digest of its inputs' ids, but this costs less than the digests, and says more.
fn check_circles(tasks: &[LaunchTask], listed: &HashMap<TaskId, &LaunchTask>) -> Result<(), Refusal> {
    let mut dependents: HashMap<TaskId, Vec<TaskId>> = HashMap::new();
    let mut unmet: BTreeMap<TaskId, usize> = BTreeMap::new();
    for (&id, task) in listed {
        for input in task.spec.inputs.values().filter(|input| listed.contains_key(input)) {
            dependents.entry(*input).or_default().push(id);
            *unmet.entry(id).or_default() += 1;
        }
    }
    let mut free: Vec<TaskId> =
        tasks.iter().map(|task| task.id).filter(|id| !unmet.contains_key(id)).collect();
    while let Some(id) = free.pop() {
        for dependent in dependents.remove(&id).unwrap_or_default() {
            if let Some(count) = unmet.get_mut(&dependent) {
                *count -= 1;
                if *count == 0 {
                    unmet.remove(&dependent);
                    free.push(dependent);
                }
            }
        }
    }
    unmet.keys().next().map_or(Ok(()), |&id| Err(Refusal::Cycle(id)))
}

fn check_ids(ledger: &Ledger, tasks: &[LaunchTask]) -> Result<(), Refusal> {
    let wrong = |task: &&LaunchTask| ledger.find_task(&task.id).is_none() && task.spec.id() != task.id;
    tasks.iter().find(wrong).map_or(Ok(()), |task| Err(Refusal::WrongTaskId(task.id)))
}

/// The position of a part among those of its launch.
#[derive(Debug, Clone, Copy)]
struct PartPosition {
    /// No part comes before it.
    is_first: bool,
    /// No part comes after it.
    is_last: bool,
}

/// The launch, or a part of it, as it is journalled: every shape once, and with the last part every input that the sweep needs
/// and doesn't list.
fn describe(
    ledger: &Ledger,
    known: Option<SweepIndex>,
    launch: &Launch,
    listed: &HashMap<TaskId, &LaunchTask>,
    unlisted: Vec<TaskId>,
    part: PartPosition,
) -> Change {
    let named = known.map_or(&[][..], |sweep| &ledger.state.sweep(sweep).experiments);
    let mut experiments = Experiments::of(named);
    let mut shapes = Shapes::default();
    let mut met = HashSet::with_capacity(launch.tasks.len());
    let mut entries = Vec::with_capacity(launch.tasks.len());
    for task in &launch.tasks {
        let is_new = met.insert(task.id) && ledger.find_task(&task.id).is_none();
        let new = is_new.then(|| NewTask { shape: shapes.number(&task.spec), seed: task.spec.seed });
        entries.push(LaunchedTask { id: task.id, experiment: experiments.number(&task.experiment), new });
    }
    let is_listed = |id: &TaskId| listed.contains_key(id) || is_counted(ledger, known, id, u64::MAX);
    for id in unlisted_inputs(ledger, unlisted, is_listed) {
        entries.push(LaunchedTask { id, experiment: experiments.number(INPUTS), new: None });
    }
    let experiments = experiments.names.split_off(named.len());
    if known.is_some() {
        let sweep = launch.sweep.clone();
        return Change::Extended(Extended { sweep, experiments, shapes: shapes.list, entries });
    }
    let launched = Launched {
        sweep: launch.sweep.clone(),
        user: launch.user.clone(),
        share: SchedulingOptions::default().changed(launch.adjustment),
        experiments,
        shapes: shapes.list,
        entries,
        needs: launch.needs.clone(),
    };
    if part.is_first && part.is_last { Change::Launched(launched) } else { Change::Announced(launched) }
}

/// Of the tasks that a sweep's own read, and those that these read: the ones, not committed yet, that only other sweeps list. It
/// wants them too, so that they run even if the others are cancelled.
fn unlisted_inputs(
    ledger: &Ledger,
    mut look: Vec<TaskId>,
    is_listed: impl Fn(&TaskId) -> bool,
) -> Vec<TaskId> {
    let mut unlisted = Vec::new();
    let mut met = HashSet::new();
    while let Some(id) = look.pop() {
        let Some(task) = ledger.find_task(&id).filter(|_| !is_listed(&id)) else { continue };
        if !ledger.state.task(task).is_committed() && met.insert(id) {
            unlisted.push(id);
            look.extend(ledger.state.shape(task).inputs.values());
        }
    }
    unlisted
}

struct Experiments {
    names: Vec<String>,
    numbers: HashMap<String, u32>,
}

impl Experiments {
    /// Those that have numbers already.
    fn of(named: &[String]) -> Self {
        let numbers = (0..).zip(named).map(|(number, name)| (name.clone(), number)).collect();
        Self { names: named.to_vec(), numbers }
    }

    fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = u32::try_from(self.names.len()).expect("a launch has fewer than 2^32 tasks");
        self.names.push(name.to_owned());
        self.numbers.insert(name.to_owned(), number);
        number
    }
}

#[derive(Default)]
struct Shapes {
    list: Vec<Shape>,
    numbers: HashMap<Digest, u32>,
    last: u32,
}

impl Shapes {
    /// The number of the spec's shape. A point's seeds stand together, so it is mostly the last one, and nothing is hashed.
    fn number(&mut self, spec: &TaskSpec) -> u32 {
        if self.list.get(self.last as usize).is_some_and(|shape| differ_in_seed_alone(&shape.spec, spec)) {
            return self.last;
        }
        let next = u32::try_from(self.list.len()).expect("a launch has fewer than 2^32 tasks");
        let digest = spec.shape();
        self.last = *self.numbers.entry(digest).or_insert(next);
        if self.last == next {
            self.list.push(Shape { digest, spec: spec.clone() });
        }
        self.last
    }
}

fn differ_in_seed_alone(one: &TaskSpec, other: &TaskSpec) -> bool {
    let TaskSpec { experiment, version, seed: _, data, inputs } = one;
    *experiment == other.experiment
        && *version == other.version
        && *data == other.data
        && *inputs == other.inputs
}
