//! A sweep arrives.

use std::collections::{BTreeMap, HashMap, HashSet};

use basin_domain::digest::Digest;
use basin_domain::id::TaskId;
use basin_domain::share::Share;
use basin_domain::task::TaskSpec;

use super::{Decision, settle};
use crate::Ledger;
use crate::command::{Launch, LaunchTask, Refusal, Reply};
use crate::event::{Change, Launched, LaunchedTask, NewTask, Shape};
use crate::ledger::state::{Status, SweepIndex};

/// The name under which a sweep lists tasks that its own read, and that it doesn't list itself.
const INPUTS: &str = "(inputs)";

pub(super) fn launch(ledger: &Ledger, launch: Launch) -> Decision {
    let asked = launch.tasks.len() as u64;
    if asked > ledger.policy().max_tasks {
        return Err(Refusal::TooMany { what: "tasks of one sweep", asked, limit: ledger.policy().max_tasks });
    }
    let listed: HashMap<TaskId, &LaunchTask> = launch.tasks.iter().map(|task| (task.id, task)).collect();
    let known = ledger.find_sweep(&launch.sweep);
    let mut changes = match known {
        Some(sweep) => relaunch(ledger, sweep, &launch)?,
        None => {
            check_inputs(ledger, &launch.tasks, &listed)?;
            check_circles(&launch.tasks, &listed)?;
            check_ids(ledger, &launch.tasks)?;
            vec![Change::Launched(describe(ledger, &launch, &listed))]
        }
    };

    let mut committed = HashSet::new();
    for commit in launch.committed {
        let task = commit.task;
        match ledger.find_task(&task) {
            Some(task) if ledger.state.task(task).is_committed() => {
                settle::check_recorded(ledger, task, &commit)?;
            }
            None if !listed.contains_key(&task) => return Err(Refusal::UnknownTask(task)),
            // Whoever prepared the launch has read it before it was withdrawn.
            Some(known) if ledger.state.task(known).withdrawn.contains(&commit.lease) => {}
            Some(_) | None if committed.insert(task) => changes.push(Change::Committed(commit)),
            Some(_) | None => {}
        }
    }
    let (mut new, mut reused, mut shared) = (0, 0, 0);
    for id in listed.keys() {
        match ledger.find_task(id) {
            _ if committed.contains(id) => reused += 1,
            Some(task) if ledger.state.task(task).is_committed() => reused += 1,
            Some(_) => shared += 1,
            None => new += 1,
        }
    }
    Ok((changes, Reply::Launched { new, reused, shared }))
}

/// The same sweep again: if it was cancelled, it goes on; what it needs of workers and its claim on them may have
/// changed.
fn relaunch(ledger: &Ledger, sweep: SweepIndex, launch: &Launch) -> Result<Vec<Change>, Refusal> {
    let known = ledger.state.sweep(sweep);
    let own = known.entries.iter().filter(|entry| known.experiments[entry.experiment as usize] != INPUTS);
    let same = own.map(|entry| ledger.state.task(entry.task).id).eq(launch.tasks.iter().map(|task| task.id));
    if !same {
        return Err(Refusal::LaunchedOtherwise(launch.sweep.clone()));
    }
    let mut changes = Vec::new();
    if known.needs != launch.needs {
        changes.push(Change::Placed { sweep: launch.sweep.clone(), needs: launch.needs.clone() });
    }
    let share = known.share.adjusted(launch.adjustment);
    if share != known.share {
        changes.push(Change::Adjusted { sweep: launch.sweep.clone(), share });
    }
    if let Some(user) = &launch.user
        && (known.user.is_none() || known.status == Status::Cancelled)
        && known.user.as_ref() != Some(user)
    {
        changes.push(Change::Owned { sweep: launch.sweep.clone(), user: user.clone() });
    }
    match known.status {
        Status::Cancelled => changes.push(Change::Resumed(launch.sweep.clone())),
        Status::Running | Status::Paused => {}
    }
    Ok(changes)
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

/// The launch as it is journalled: every shape once, and every input that the sweep needs and doesn't list.
fn describe(ledger: &Ledger, launch: &Launch, listed: &HashMap<TaskId, &LaunchTask>) -> Launched {
    let mut experiments = Experiments::default();
    let mut shapes = Shapes::default();
    let mut met = HashSet::with_capacity(launch.tasks.len());
    let mut entries = Vec::with_capacity(launch.tasks.len());
    for task in &launch.tasks {
        let is_new = met.insert(task.id) && ledger.find_task(&task.id).is_none();
        let new = is_new.then(|| NewTask { shape: shapes.number(&task.spec), seed: task.spec.seed });
        entries.push(LaunchedTask { id: task.id, experiment: experiments.number(&task.experiment), new });
    }
    for id in unlisted_inputs(ledger, &launch.tasks, listed) {
        entries.push(LaunchedTask { id, experiment: experiments.number(INPUTS), new: None });
    }
    Launched {
        sweep: launch.sweep.clone(),
        user: launch.user.clone(),
        share: Share::default().adjusted(launch.adjustment),
        experiments: experiments.names,
        shapes: shapes.list,
        entries,
        needs: launch.needs.clone(),
    }
}

/// The tasks, not committed yet, that the sweep's own need and that only other sweeps list: it wants them too, so that they
/// run even if the others are cancelled.
fn unlisted_inputs(
    ledger: &Ledger,
    tasks: &[LaunchTask],
    listed: &HashMap<TaskId, &LaunchTask>,
) -> Vec<TaskId> {
    let mut unlisted = Vec::new();
    let mut met = HashSet::new();
    let mut look: Vec<TaskId> = tasks.iter().flat_map(|task| task.spec.inputs.values().copied()).collect();
    while let Some(id) = look.pop() {
        let Some(task) = ledger.find_task(&id).filter(|_| !listed.contains_key(&id)) else { continue };
        if !ledger.state.task(task).is_committed() && met.insert(id) {
            unlisted.push(id);
            look.extend(ledger.state.shape(task).inputs.values());
        }
    }
    unlisted
}

#[derive(Default)]
struct Experiments {
    names: Vec<String>,
    numbers: HashMap<String, u32>,
}

impl Experiments {
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
