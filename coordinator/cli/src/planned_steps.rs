//! The training steps by which a machine's cores are divided: those of the heaviest and of the lightest network of a plan, and which of
//! them the steps of each task are like.

use std::collections::HashSet;

use basin_coordinator::launch::PreparedSweep;
use basin_core::forecast::OpenTask;
use basin_domain::experiment::Experiment;
use basin_domain::experiment::work::{NetworkWork, Work};
use basin_domain::task::Task;
use basin_worker::bench::TrainingStep;

use super::prediction::PlannedWork;

/// A step that takes longer than so many seconds of the reference machine is measured on fewer examples.
const LONGEST_STEP: f64 = 0.05;
/// But on no fewer than these: kernels cut a batch into so many pieces.
const FEWEST_EXAMPLES: u64 = 16;
/// Examples that an evaluation takes at a time.
const EVALUATED: f64 = 512.0;

/// A training step with its name in the file of paces.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NamedStep {
    pub(crate) name: String,
    pub(crate) step: TrainingStep,
}

/// A task that is to be done, in seconds of a thread of the reference machine.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PlannedTask {
    pub(crate) open: OpenTask,
    /// The place of the step that its own are like; none where nothing of it is shared between threads.
    pub(crate) step: Option<usize>,
}

/// The steps to measure of a plan, and what is to be done.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct PlannedSteps {
    /// None, one, or two: the heaviest, and the lightest.
    pub(crate) steps: Vec<NamedStep>,
    pub(crate) tasks: Vec<PlannedTask>,
    /// The bytes that the largest task is counted to need, where that is known.
    pub(crate) memory: Option<u64>,
}

/// A pass of a task over some examples.
struct TaskPass {
    /// The seconds that it takes a thread of the reference machine.
    seconds: f64,
    /// The step, if the task trains.
    step: Option<NamedStep>,
}

impl PlannedSteps {
    /// Those of all tasks that are to be done and whose time is known.
    pub(crate) fn of(planned: &PlannedWork<'_>, prepared: &PreparedSweep) -> Self {
        let (mut open, mut met) = (Vec::new(), HashSet::new());
        let mut heaviest: Option<(f64, NamedStep)> = None;
        let mut lightest: Option<(f64, NamedStep)> = None;
        let mut memory: Option<u64> = None;
        let mut last: Option<(&Task, Option<f64>)> = None;
        for (task, work) in planned.open() {
            let Work::Seconds(work) = work else { continue };
            if !met.insert(task.id) {
                continue;
            }
            // Tasks that differ in their seed alone follow each other.
            let seconds = match last {
                Some((other, seconds)) if is_alike(other, task) => seconds,
                Some(_) | None => {
                    memory = memory.max(memory_of(task, prepared));
                    let pass = pass_of(task, prepared);
                    if let Some(TaskPass { seconds, step: Some(step) }) = &pass {
                        if heaviest.as_ref().is_none_or(|(most, _)| seconds > most) {
                            heaviest = Some((*seconds, step.clone()));
                        }
                        if lightest.as_ref().is_none_or(|(least, _)| seconds < least) {
                            lightest = Some((*seconds, step.clone()));
                        }
                    }
                    pass.map(|pass| pass.seconds)
                }
            };
            last = Some((task, seconds));
            let inputs = task.spec.inputs.values().copied().collect();
            open.push((OpenTask { id: task.id, seconds: work.total(), inputs }, seconds));
        }
        let mut chosen: Vec<(f64, NamedStep)> = heaviest.into_iter().chain(lightest).collect();
        chosen.dedup_by(|one, other| one.1.name == other.1.name);
        let nearest = |seconds: f64| {
            let distance = |at: &usize| (seconds / chosen[*at].0).ln().abs();
            (0..chosen.len()).min_by(|one, other| distance(one).total_cmp(&distance(other)))
        };
        let tasks = open
            .into_iter()
            .map(|(open, seconds)| PlannedTask { open, step: seconds.and_then(nearest) })
            .collect();
        Self { tasks, memory, steps: chosen.into_iter().map(|(_, step)| step).collect() }
    }
}

fn is_alike(one: &Task, other: &Task) -> bool {
    one.spec.experiment == other.spec.experiment && one.spec.data == other.spec.data
}

fn memory_of(task: &Task, prepared: &PreparedSweep) -> Option<u64> {
    let contents = task.spec.contents(|dataset| prepared.stored_contents(dataset));
    task.spec.experiment.executor_memory(contents.as_ref(), 1)
}

/// A task's pass; none where the threads of an executor share none of its work, or nobody knows its network.
fn pass_of(task: &Task, prepared: &PreparedSweep) -> Option<TaskPass> {
    let experiment = &task.spec.experiment;
    let batch = match experiment {
        Experiment::Classify(it) => Some(u64::from(it.batch_size)),
        Experiment::Regress(it) => Some(u64::from(it.batch_size)),
        Experiment::FitFunction(it) => {
            let points = it.sampled().count();
            Some(it.batch_size.map_or(points, u64::from).min(points))
        }
        Experiment::Interpolate(_) | Experiment::Surface(_) => None,
        Experiment::CriticalPoint(_) | Experiment::Command(_) | Experiment::Custom(_) => return None,
    };
    let contents = task.spec.contents(|dataset| prepared.stored_contents(dataset));
    let graph = experiment.graph(contents.as_ref()).ok()??;
    let network = NetworkWork::of(&graph);
    let Some((batch, training)) = batch.zip(experiment.training()) else {
        return Some(TaskPass { seconds: network.evaluation(EVALUATED).total(), step: None });
    };
    let (batch, optimizer) = (batch.max(1), training.optimizer);
    let seconds = network.step(batch as f64, &optimizer).total();
    let most = (LONGEST_STEP * batch as f64 / seconds) as u64;
    let examples = batch.min(most.max(FEWEST_EXAMPLES));
    let (parameters, products, rule) = (graph.parameter_count(), graph.products(), optimizer.rule.name());
    let name = format!("{parameters} parameters, {products} products, {examples} examples, {rule}");
    let step = TrainingStep { graph, optimizer, examples: examples as usize };
    Some(TaskPass { seconds, step: Some(NamedStep { name, step }) })
}

#[cfg(test)]
mod tests {
    use basin_coordinator::launch;
    use basin_domain::sweep::Source;
    use basin_storage::Store;

    use super::*;

    const SWEEP: &str = r#"
name = "divided"
data = { name = "shapes", train_limit = 400, test_limit = 100 }

[[experiment]]
id = "images"
kind = "classify"
seeds = 2
batch_size = 64
epochs = 3
learning_rate = 1e-3
grid = { model.conv = [[4], [16, 32], [64, 64]] }
model = { dense = [16] }

[[experiment]]
id = "line"
kind = "interpolate"
seeds = 1
from = { experiment = "images", model.conv = [4] }
to = { experiment = "images", model.conv = [4] }
ratios = { start = 0.0, stop = 1.0, count = 3 }

[[experiment]]
id = "points"
kind = "critical-point"
function = "sin"
interval = [-3.0, 3.0]
points = 16
hidden = [2]
epochs = 10
learning_rate = 1e-2
"#;

    async fn steps(text: &str) -> PlannedSteps {
        let (file, text) = ("divided.toml".to_owned(), text.to_owned());
        let source = Source { file, text, profile: None, overrides: Vec::new(), kinds: Vec::new() };
        let store = Store::open("memory://divided").unwrap();
        let prepared = launch::prepare(&store, &source, 1_000).await.unwrap();
        PlannedSteps::of(&PlannedWork::of(&prepared), &prepared)
    }

    #[tokio::test]
    async fn the_heaviest_and_the_lightest_network_are_measured_and_each_task_is_like_one_of_them() {
        let PlannedSteps { steps, tasks, memory } = steps(SWEEP).await;
        let [heaviest, lightest] = steps.as_slice() else { panic!("{steps:?}") };
        assert!(heaviest.step.graph.parameter_count() > lightest.step.graph.parameter_count());
        assert_eq!(lightest.step.examples, 64);
        assert!(heaviest.name.ends_with(" examples, adam"), "{}", heaviest.name);
        // Of the images' six tasks the middle network is nearer to one of the two.
        let of = |step: Option<usize>| tasks.iter().filter(|task| task.step == step).count();
        assert!(of(Some(0)) >= 2 && of(Some(1)) >= 3, "{tasks:?}");
        assert_eq!(of(None), 1, "a search has no steps that threads share");
        assert!(tasks.iter().all(|task| task.open.seconds > 0.0) && memory > Some(1 << 20));
        assert!(tasks.iter().any(|task| task.open.inputs.len() == 2), "the line waits for its ends");
    }

    #[tokio::test]
    async fn a_plan_of_one_network_has_one_step_and_one_of_searches_none() {
        let only = |id: &str| {
            let of_others =
                SWEEP.split("[[experiment]]").skip(1).filter(|it| !it.contains(&format!("id = \"{id}\"")));
            of_others
                .fold(SWEEP.to_owned(), |text, other| text.replace(&format!("[[experiment]]{other}"), ""))
        };
        let images = only("images").replace("[[4], [16, 32], [64, 64]]", "[[4]]");
        let found = steps(&images).await;
        assert_eq!((found.steps.len(), found.tasks.len()), (1, 2));
        assert!(found.tasks.iter().all(|task| task.step == Some(0)));
        // It has no data.
        let points = only("points").replace("\ndata = ", "\n# ");
        let found = steps(&points).await;
        assert!(found.steps.is_empty() && found.tasks.len() == 1);
    }
}
