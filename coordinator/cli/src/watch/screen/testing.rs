//! A screen as it may be, for tests.

use basin_coordinator::client::TaskTable;
use basin_proto::v1;
use basin_proto::v1::TaskState;
use ratatui::layout::Rect;

use super::news::News;
use super::state::State;

/// How far a sweep of some tasks is.
pub(super) fn reply(sweep: &str, states: &[TaskState]) -> v1::GetSweepReply {
    let of = |wanted: &[TaskState]| states.iter().filter(|state| wanted.contains(state)).count() as u64;
    let counts = v1::Counts {
        queued: of(&[TaskState::Queued]),
        running: of(&[TaskState::Running]),
        committed: of(&[TaskState::Completed, TaskState::Diverged]),
        diverged: of(&[TaskState::Diverged]),
        failed: of(&[TaskState::Failed]),
        ..v1::Counts::default()
    };
    let experiment = v1::ExperimentCounts { experiment: "batch-sizes".to_owned(), counts: Some(counts) };
    let sweep = v1::SweepSummary {
        sweep_id: sweep.to_owned(),
        state_code: v1::SweepState::Running.into(),
        launched_unix_ms: 2_000,
        counts: Some(counts),
        experiments: vec![experiment],
        ..v1::SweepSummary::default()
    };
    v1::GetSweepReply { sweep: Some(sweep), ..v1::GetSweepReply::default() }
}

/// The tasks of a sweep.
pub(super) fn table(states: &[TaskState]) -> TaskTable {
    let task = |number: usize| v1::ListedTask {
        task_id: format!("{number:08x}{}", "0".repeat(56)),
        experiment: "batch-sizes".to_owned(),
        name: format!("batch-sizes batch_size={} seed {}", 32 << (number % 4), number / 4),
    };
    TaskTable { tasks: (0..states.len()).map(task).collect(), states: states.to_vec() }
}

/// A worker that has work.
pub(super) fn worker(id: &str) -> v1::WorkerSummary {
    v1::WorkerSummary {
        worker_id: id.to_owned(),
        worker: Some(v1::WorkerDescription { slots: 2, ..v1::WorkerDescription::default() }),
        seen_ms_ago: Some(500),
        leases: 2,
        usage: Some(v1::WorkerUsage {
            cpu_cores: Some(1.5),
            cores: 8,
            memory: Some(4 << 30),
            memory_limit: 16 << 30,
        }),
        examples_per_second: Some(51_200.0),
        ..v1::WorkerSummary::default()
    }
}

/// A task that trains, with a curve that falls.
pub(super) fn live(task: &v1::ListedTask, steps: u64) -> v1::LiveTask {
    let iterations: Vec<u64> = (1..=steps).map(|step| step * 10).collect();
    let losses: Vec<f64> = iterations.iter().map(|step| 2.0 / (*step as f64).sqrt()).collect();
    let progress = v1::Progress {
        iteration: steps * 10,
        iterations: 1_000,
        epoch: 3,
        epochs: 30,
        loss: losses.last().copied(),
        ..v1::Progress::default()
    };
    v1::LiveTask {
        task_id: task.task_id.clone(),
        worker_id: "node-1".to_owned(),
        attempt: 1,
        progress: Some(progress),
        curve: Some(v1::LossCurve { iterations, losses }),
        series: Vec::new(),
    }
}

/// A task that trains and records two series.
pub(super) fn recording(task: &v1::ListedTask) -> v1::LiveTask {
    let recorded = |name: &str, last: f64| v1::SeriesCurve {
        name: name.to_owned(),
        axis: v1::SeriesAxis::Epoch.into(),
        x: (0..=30).map(f64::from).collect(),
        values: (0..=30).map(|epoch| last * f64::from(epoch) / 30.0).collect(),
    };
    let series = vec![recorded("test_accuracy", 0.75), recorded("gradient_norm", 4.0)];
    v1::LiveTask { series, ..live(task, 60) }
}

/// A sweep that has been looked at for a while: some of its twelve tasks are done, three train, one failed.
pub(super) fn study(width: u16, height: u16) -> State {
    use TaskState::{Completed, Diverged, Failed, Queued, Running};
    let states = |done: &[TaskState]| [done, &[Running, Running, Running, Failed], &[Queued; 4]].concat();
    let before = reply("homework-3cb9871aee", &states(&[Queued; 4]));
    let mut state = State::new(Rect::new(0, 0, width, height), Some(before));
    let states = states(&[Completed, Completed, Diverged, Completed]);
    let mut sweep = reply("homework-3cb9871aee", &states);
    let forecast = v1::Forecast { done_share: 0.54, seconds_left: Some(9.0), ..v1::Forecast::default() };
    sweep.forecast = Some(forecast);
    let mut older = sweep.sweep.clone().unwrap_or_default();
    older.sweep_id = "depth-study-77ab01c2d4".to_owned();
    older.launched_unix_ms = 1_000;
    older.state_code = v1::SweepState::Paused.into();
    state.hear(News::Sweeps(vec![older, sweep.sweep.clone().unwrap_or_default()]));
    state.hear(News::Sweep(Box::new(sweep)));
    let table = table(&states);
    let live = table.tasks[4..7].iter().zip([60, 40, 20]).map(|(task, steps)| live(task, steps)).collect();
    let log = v1::GetTaskLogReply {
        task_id: table.tasks[4].task_id.clone(),
        name: table.tasks[4].name.clone(),
        state_code: Running.into(),
        attempt: 1,
        worker_id: "node-1".to_owned(),
        lines: (1..=30)
            .map(|line| format!("2026-11-29T08:00:{line:02}Z  INFO trained epoch={line}"))
            .collect(),
        is_live: true,
        ..v1::GetTaskLogReply::default()
    };
    state.hear(News::Tasks { sweep: "homework-3cb9871aee".to_owned(), table });
    state.hear(News::Workers(vec![worker("node-1"), worker("node-2")]));
    state.hear(News::Live(live));
    state.hear(News::Log(log));
    state.hear(News::Answered { is_left: false });
    state
}
