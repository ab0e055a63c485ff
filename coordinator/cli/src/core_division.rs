//! How a machine's cores are spent: on as many networks at once as there are cores, a thread each, or on fewer with several threads. Which
//! is faster depends on the networks and the machine, so it is measured, in a fraction of a second. No result depends on it.

use std::path::Path;
use std::time::Duration;

use basin_coordinator::launch::PreparedSweep;
use basin_core::forecast::{OpenTask, makespan};
use basin_domain::worker::WorkerDescription;
use basin_worker::bench::{self, CoreDivision, TrainingStep};

use super::device::Slots;
use super::output::{Output, counted};
use super::pace_file::PaceFile;
use super::planned_steps::{NamedStep, PlannedSteps, PlannedTask};
use super::prediction::PlannedWork;
use super::unmet_needs;

/// Less than so many seconds of work, on the machine that work is counted in seconds of, are not worth a measurement.
const WORTH_CHOOSING: f64 = 30.0;
/// How long is measured, about.
const BUDGET: Duration = Duration::from_millis(500);
/// A division is taken in place of the usual one if it takes at most this share of the time: anything nearer is noise.
const CLEARLY_LESS: f64 = 0.95;
/// With more tasks than this a slot none of them is long against all.
const MANY_TASKS: usize = 64;
/// A worker, which doesn't know what it will train, has no executor with less memory than this.
const LEAST_MEMORY: u64 = 1 << 30;

/// The executors that were chosen.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ChosenSlots {
    pub(crate) slots: Slots,
    /// Whether an executor takes one task at a time, so that all of its threads train it.
    pub(crate) is_one_by_one: bool,
    /// What was measured for it.
    measured: MeasuredSteps,
}

/// Seconds of steps, with their names and their executors' in the file of paces.
#[derive(Debug, Clone, PartialEq, Default)]
struct MeasuredSteps(Vec<(String, String, f64)>);

impl ChosenSlots {
    /// Those that were asked for, or the usual ones: nothing was measured.
    pub(crate) fn usual(slots: Slots) -> Self {
        Self { slots, is_one_by_one: false, measured: MeasuredSteps::default() }
    }

    /// Keeps what was measured in a folder, for the next choice.
    pub(crate) fn keep(&self, folder: &Path) {
        self.measured.keep(folder);
    }
}

/// Chooses the executors of a sweep on this machine's processor: the `usual` ones, or fewer of them with more threads each. `executor_of`
/// describes an executor of some slots.
pub(crate) async fn for_sweep(
    state: &Path,
    usual: Slots,
    cores: u32,
    planned: &PlannedWork<'_>,
    prepared: &PreparedSweep,
    executor_of: impl Fn(Slots) -> WorkerDescription,
    output: Output,
) -> ChosenSlots {
    if cores < 2 || planned.total().total() < WORTH_CHOOSING {
        return ChosenSlots::usual(usual);
    }
    let PlannedSteps { steps, tasks, memory } = PlannedSteps::of(planned, prepared);
    let is_possible = |slots: &Slots| {
        let executor = executor_of(*slots);
        let is_open = |name: &str| planned.open().any(|(task, _)| task.experiment.as_str() == name);
        let needs = prepared.needs.iter().filter(|needs| is_open(needs.experiment.as_str()));
        let has_memory = executor.memory == 0 || memory.is_none_or(|memory| memory <= executor.memory);
        has_memory && unmet_needs::by_executor(needs, &executor).is_empty()
    };
    let divisions: Vec<Slots> =
        divisions(usual, usual.executors, cores).into_iter().filter(is_possible).collect();
    if steps.is_empty() || divisions.len() < 2 || divisions[0] != usual {
        return ChosenSlots::usual(usual);
    }
    let Some((seconds, measured)) = step_seconds(state, &steps, &divisions).await else {
        return ChosenSlots::usual(usual);
    };
    let times: Vec<f64> =
        (0..divisions.len()).map(|at| seconds_under(at, divisions[at], &tasks, &seconds)).collect();
    let chosen = clearly_least(&times);
    output.say(&sentence(&divisions, &times, chosen, "this sweep", "`--workers` and `--threads`"));
    ChosenSlots { slots: divisions[chosen], is_one_by_one: chosen > 0, measured }
}

/// Chooses the executors of a worker on a processor, by a small and a large network: one for all cores, which trains tasks of a pack side by
/// side, or more of them if these are faster where every task is alone. `memory` are the bytes of them all, 0 if that isn't known.
pub(crate) async fn for_worker(cache: &Path, cores: u32, memory: u64, output: Output) -> Slots {
    let usual = Slots { executors: 1, threads: cores };
    let room = if memory == 0 { u64::from(cores) } else { memory / LEAST_MEMORY };
    let most = u32::try_from(room).unwrap_or(u32::MAX).min(cores);
    let divisions = divisions(usual, most, cores);
    let steps = bench::representative_steps().unwrap_or_default();
    let named = |step: TrainingStep| {
        let name = format!("{} parameters, representative", step.graph.parameter_count());
        NamedStep { name, step }
    };
    let steps: Vec<NamedStep> = steps.into_iter().map(named).collect();
    if divisions.len() < 2 || steps.is_empty() {
        return usual;
    }
    let Some((seconds, measured)) = step_seconds(cache, &steps, &divisions).await else { return usual };
    if let Err(error) = std::fs::create_dir_all(cache) {
        tracing::debug!(%error, "there is no folder for what was measured");
    } else {
        measured.keep(cache);
    }
    let times: Vec<f64> =
        (0..divisions.len()).map(|at| seconds_of_endless_work(at, &divisions, &seconds)).collect();
    let chosen = clearly_least(&times);
    let of = "a small and a large network";
    output.say(&sentence(&divisions, &times, chosen, of, "`--slots` and `--threads`"));
    divisions[chosen]
}

/// The divisions to choose from, the usual one first: at most so many executors, half of them, and so on, down to one, which share the
/// cores.
fn divisions(usual: Slots, most: u32, cores: u32) -> Vec<Slots> {
    let halved = |executors: &u32| (*executors > 1).then_some(executors / 2);
    let of = |executors: u32| Slots { executors, threads: (cores / executors).max(1) };
    let all = std::iter::successors(Some(most.max(1)), halved).map(of);
    std::iter::once(usual).chain(all.filter(|slots| *slots != usual)).collect()
}

/// The seconds of these steps under these divisions, `[step][division]`: those that are known in a folder, or measured ones, which are to be
/// kept there.
async fn step_seconds(
    folder: &Path,
    steps: &[NamedStep],
    divisions: &[Slots],
) -> Option<(Vec<Vec<f64>>, MeasuredSteps)> {
    let names: Vec<String> = divisions.iter().map(|slots| slots.name(basin_worker::code_path())).collect();
    // Whoever needs its paces says what is wrong with the file.
    let (file, _) = PaceFile::read(folder);
    let known_of = |step: &NamedStep| -> Option<Vec<f64>> {
        names.iter().map(|executors| file.step_seconds(&step.name, executors)).collect()
    };
    if let Some(known) = steps.iter().map(known_of).collect::<Option<Vec<_>>>() {
        return Some((known, MeasuredSteps::default()));
    }
    let to_measure: Vec<TrainingStep> = steps.iter().map(|step| step.step.clone()).collect();
    let division =
        |slots: &Slots| CoreDivision { networks: slots.executors as usize, threads: slots.threads as usize };
    let cores: Vec<CoreDivision> = divisions.iter().map(division).collect();
    let measured =
        tokio::task::spawn_blocking(move || bench::step_seconds(&to_measure, &cores, BUDGET)).await;
    let seconds = match measured {
        Ok(Ok(seconds)) => seconds,
        // A choice isn't worth a failure.
        Ok(Err(error)) => {
            tracing::warn!(%error, "it could not be measured how to divide the cores");
            return None;
        }
        Err(error) => {
            tracing::warn!(%error, "the measurement of how to divide the cores crashed");
            return None;
        }
    };
    if !seconds.iter().flatten().all(|seconds| seconds.is_finite() && *seconds > 0.0) {
        tracing::warn!(?seconds, "the seconds of training steps make no sense");
        return None;
    }
    let of_step = |(step, seconds): (&NamedStep, &Vec<f64>)| {
        let named = names.iter().zip(seconds);
        named.map(|(executors, seconds)| (step.name.clone(), executors.clone(), *seconds)).collect::<Vec<_>>()
    };
    let all = steps.iter().zip(&seconds).flat_map(of_step).collect();
    Some((seconds, MeasuredSteps(all)))
}

impl MeasuredSteps {
    fn keep(&self, folder: &Path) {
        if self.0.is_empty() {
            return;
        }
        let (mut file, _) = PaceFile::read(folder);
        for (step, executors, seconds) in &self.0 {
            file.keep_step(step, executors, *seconds);
        }
        if let Err(error) = file.write(folder) {
            tracing::warn!(%error, folder = %folder.display(), "what was measured could not be kept");
        }
    }
}

/// The seconds until all tasks are done under the division at a place.
fn seconds_under(at: usize, division: Slots, tasks: &[PlannedTask], seconds: &[Vec<f64>]) -> f64 {
    let factor = |task: &PlannedTask| task.step.map_or(1.0, |step| seconds[step][at] / seconds[step][0]);
    let under =
        |task: &PlannedTask| OpenTask { seconds: task.open.seconds * factor(task), ..task.open.clone() };
    let open: Vec<OpenTask> = tasks.iter().map(under).collect();
    makespan(&open, division.executors).max(longest_first(&open, division.executors))
}

/// The seconds until the last slot is done, if each that is free begins the longest task that is left, whatever that waits for; 0 of many
/// tasks.
fn longest_first(tasks: &[OpenTask], slots: u32) -> f64 {
    let slots = slots.max(1) as usize;
    if tasks.len() > MANY_TASKS * slots {
        return 0.0;
    }
    let mut seconds: Vec<f64> = tasks.iter().map(|task| task.seconds).collect();
    seconds.sort_by(|one, other| other.total_cmp(one));
    let mut ends = vec![0.0_f64; slots];
    for task in seconds {
        if let Some(first) = ends.iter_mut().min_by(|one, other| one.total_cmp(other)) {
            *first += task;
        }
    }
    ends.into_iter().fold(0.0, f64::max)
}

/// How long as much work of each step takes under the division at a place, against the first.
fn seconds_of_endless_work(at: usize, divisions: &[Slots], seconds: &[Vec<f64>]) -> f64 {
    let each = |at: usize, step: &[f64]| step[at] / f64::from(divisions[at].executors);
    seconds.iter().map(|step| each(at, step) / each(0, step)).sum()
}

/// The place of the least time; the first unless another is clearly less.
fn clearly_least(times: &[f64]) -> usize {
    let least = (0..times.len()).min_by(|one, other| times[*one].total_cmp(&times[*other])).unwrap_or(0);
    if times[least] < CLEARLY_LESS * times[0] { least } else { 0 }
}

/// `2 executors of 1 thread: measured 1.31 times as fast for this sweep as 1 executor of 2 threads (…)`.
fn sentence(divisions: &[Slots], times: &[f64], chosen: usize, of: &str, flags: &str) -> String {
    let words = |Slots { executors, threads }: Slots| {
        let executors = counted(executors.into(), "executor", "executors");
        format!("{executors} of {}", counted(threads.into(), "thread", "threads"))
    };
    let others = (0..times.len()).filter(|at| *at != chosen);
    let next = others.min_by(|one, other| times[*one].total_cmp(&times[*other])).unwrap_or(chosen);
    let ratio = times[next] / times[chosen];
    let how = if ratio < 1.0 / CLEARLY_LESS { "about".to_owned() } else { format!("{ratio:.2} times") };
    let (chosen, next) = (words(divisions[chosen]), words(divisions[next]));
    format!("{chosen}: measured {how} as fast for {of} as {next} ({flags} choose)")
}

#[cfg(test)]
mod tests {
    use basin_domain::digest::Digest;
    use basin_domain::id::TaskId;

    use super::*;

    const fn slots(executors: u32, threads: u32) -> Slots {
        Slots { executors, threads }
    }

    fn tasks(seconds: &[f64], step: Option<usize>) -> Vec<PlannedTask> {
        let task = |(number, seconds): (usize, &f64)| PlannedTask {
            open: OpenTask {
                id: TaskId(Digest::of(&number.to_le_bytes())),
                seconds: *seconds,
                inputs: Vec::new(),
            },
            step,
        };
        seconds.iter().enumerate().map(task).collect()
    }

    const TWO_CORES: [Slots; 2] = [slots(2, 1), slots(1, 2)];

    fn chosen(tasks: &[PlannedTask], seconds: &[Vec<f64>]) -> Slots {
        let times: Vec<f64> = (0..2).map(|at| seconds_under(at, TWO_CORES[at], tasks, seconds)).collect();
        TWO_CORES[clearly_least(&times)]
    }

    #[test]
    fn divisions_are_halved_from_the_most_executors_to_one_and_the_usual_one_is_first() {
        assert_eq!(divisions(slots(2, 1), 2, 2), TWO_CORES);
        assert_eq!(divisions(slots(1, 2), 2, 2), [slots(1, 2), slots(2, 1)]);
        let eight = [slots(8, 1), slots(4, 2), slots(2, 4), slots(1, 8)];
        assert_eq!(divisions(slots(8, 1), 8, 8), eight);
        assert_eq!(divisions(slots(3, 2), 3, 8), [slots(3, 2), slots(1, 8)]);
        assert_eq!(divisions(slots(1, 4), 0, 4), [slots(1, 4)], "there is no memory for more");
    }

    #[test]
    fn many_tasks_are_divided_as_their_steps_are_faster() {
        let many = tasks(&[10.0; 20], Some(0));
        // A network on both threads takes less than half of the time of one of two side by side.
        assert_eq!(chosen(&many, &[vec![0.010, 0.004]]), slots(1, 2));
        assert_eq!(chosen(&many, &[vec![0.010, 0.006]]), slots(2, 1));
        // Nearly as fast is no reason to do what is unusual.
        assert_eq!(chosen(&many, &[vec![0.010, 0.0049]]), slots(2, 1));
    }

    #[test]
    fn each_task_counts_by_the_step_that_its_own_are_like() {
        let mut both = tasks(&[100.0; 4], Some(0));
        both.extend(tasks(&[1.0; 4], Some(1)));
        let (heavy, light) = (vec![0.1, 0.04], vec![0.001, 0.001]);
        assert_eq!(chosen(&both, &[heavy.clone(), light.clone()]), slots(1, 2));
        let mut both = tasks(&[1.0; 4], Some(0));
        both.extend(tasks(&[100.0; 4], Some(1)));
        assert_eq!(chosen(&both, &[heavy.clone(), light]), slots(2, 1));
        // Threads share nothing of a search.
        assert_eq!(chosen(&tasks(&[100.0; 4], None), &[heavy]), slots(2, 1));
    }

    #[test]
    fn a_slot_that_would_stand_idle_at_the_end_counts() {
        // Three tasks on two slots take two rounds; one after the other on both threads they take three halves of that, and a little.
        let seconds = [vec![1.0, 0.55]];
        assert_eq!(chosen(&tasks(&[60.0; 3], Some(0)), &seconds), slots(1, 2));
        assert_eq!(chosen(&tasks(&[60.0; 4], Some(0)), &seconds), slots(2, 1));
        assert_eq!(longest_first(&[], 2), 0.0);
        let open: Vec<OpenTask> =
            tasks(&[3.0, 1.0, 2.0, 2.0], None).into_iter().map(|task| task.open).collect();
        assert_eq!(longest_first(&open, 2), 4.0);
    }

    #[test]
    fn a_worker_is_chosen_for_by_what_all_of_its_executors_do() {
        let divisions = [slots(1, 4), slots(4, 1), slots(2, 2)];
        let seconds = [vec![0.004, 0.008, 0.006], vec![0.10, 0.38, 0.19]];
        let time = |at| seconds_of_endless_work(at, &divisions, &seconds);
        assert_eq!(time(0), 2.0);
        // The small network: half of the time four times at once; the large one hardly gains.
        assert!((time(1) - (0.5 + 0.95)).abs() < 1e-12 && (time(2) - (0.75 + 0.95)).abs() < 1e-12);
        assert_eq!(clearly_least(&[time(0), time(1), time(2)]), 1);
    }

    #[test]
    fn the_choice_is_said_with_what_it_gains() {
        let said = |times: &[f64], chosen| sentence(&TWO_CORES, times, chosen, "this sweep", "`--workers`");
        assert_eq!(
            said(&[10.0, 13.1], 0),
            "2 executors of 1 thread: measured 1.31 times as fast for this sweep as 1 executor of 2 threads \
             (`--workers` choose)"
        );
        assert_eq!(
            said(&[10.0, 8.0], 1),
            "1 executor of 2 threads: measured 1.25 times as fast for this sweep as 2 executors of 1 thread \
             (`--workers` choose)"
        );
        assert!(said(&[10.0, 9.8], 0).contains(": measured about as fast for this sweep as "));
    }

    #[test]
    fn what_was_measured_is_kept_and_not_measured_again() {
        let folder = tempfile::tempdir().unwrap();
        let [usual, other] = TWO_CORES.map(|slots| slots.name(basin_worker::code_path()));
        let measured = MeasuredSteps(vec![("step".to_owned(), usual, 0.25), ("step".to_owned(), other, 0.5)]);
        ChosenSlots { measured, ..ChosenSlots::usual(TWO_CORES[0]) }.keep(folder.path());
        let mut steps = bench::representative_steps().unwrap();
        let step = NamedStep { name: "step".to_owned(), step: steps.remove(0) };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let known = runtime.block_on(step_seconds(folder.path(), &[step], &TWO_CORES)).unwrap();
        assert_eq!(known, (vec![vec![0.25, 0.5]], MeasuredSteps::default()));
        ChosenSlots::usual(TWO_CORES[0]).keep(&folder.path().join("nowhere"));
        assert!(!folder.path().join("nowhere").exists(), "nothing was to be kept");
    }
}
