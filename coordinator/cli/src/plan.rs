//! `basin plan`: what would run, without changing anything.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use basin_domain::data;
use basin_domain::digest::Digest;
use basin_domain::id::TaskId;
use basin_domain::sweep::{SweepNote, WrittenNeeds};
use basin_domain::task::Task;
use basin_storage::{Commit, Store};
#[cfg(feature = "worker")]
use basin_worker::{DeviceName, agent};
use serde_json::json;

use super::arguments::Plan;
use super::command_error::{CommandError, CommandResult};
#[cfg(feature = "worker")]
use super::core_division;
#[cfg(feature = "worker")]
use super::device::{Defaults, Slots};
use super::failures::{no_store, unprepared};
use super::kinds::ProgramKinds;
use super::networks::{self, NetworkSize};
use super::output::{Output, span, table};
use super::planned_memory::PlannedMemory;
use super::prediction::{LocalPace, PlannedWork};
use super::schedules::PlannedSchedules;
use super::{claim_forecasts, duplicate_runs, notes, source};
#[cfg(feature = "worker")]
use super::{
    device,
    local_pace::local_pace,
    unmet_needs,
    worker::{cores, force_code_path},
};
use crate::hints;
use basin_coordinator::launch::{self, PreparedSweep};

/// Commits whose manifests are read to predict times that parameters don't tell, at most: one of each shape is enough.
const SAMPLES: usize = 200;

#[derive(Default)]
struct PlanRow {
    new: u64,
    reused: u64,
    blocked: u64,
    /// Tasks in whose commit's place something damaged is.
    damaged: u64,
}

impl PlanRow {
    /// Tasks that will run.
    const fn todo(&self) -> u64 {
        self.new + self.blocked
    }
}

/// Plans and prints.
pub(super) async fn plan(arguments: Plan, kinds: &ProgramKinds, output: Output) -> CommandResult {
    let source = source::read(&arguments.sweep, kinds, "plan")?;
    let url = arguments.store.url();
    // A store that isn't there yet has nothing: that is no error of a plan, and no reason to make it.
    let store = match Store::open_existing(&url) {
        Err(_) if arguments.store.store.is_none() => Store::open("memory://plan"),
        opened => opened,
    };
    let store = store.map_err(|error| no_store(error, &url))?;
    let prepared = launch::prepare(&store, &source, arguments.sweep.max_tasks)
        .await
        .map_err(|error| unprepared(error, "plan", &source))?;
    let plan = &prepared.plan;
    let runs: Vec<&Task> = plan.runs().collect();
    let same = plan.duplicate_runs();
    let mut rows: BTreeMap<String, PlanRow> = BTreeMap::new();
    let mut order = Vec::new();
    for task in &runs {
        let name = task.experiment.to_string();
        let row = rows.entry(name.clone()).or_insert_with(|| {
            order.push(name);
            PlanRow::default()
        });
        if prepared.committed.contains_key(&task.id) {
            row.reused += 1;
            continue;
        }
        if prepared.damaged.contains_key(&task.id) {
            row.damaged += 1;
            continue;
        }
        if task.spec.inputs.values().all(|input| prepared.committed.contains_key(input)) {
            row.new += 1;
        } else {
            row.blocked += 1;
        }
    }
    let to_do: u64 = rows.values().map(|row| row.todo() + row.damaged).sum();
    let planned = PlannedWork::of(&prepared);
    let (here, local) = executors_here(&arguments, &prepared, &planned, to_do, output).await?;
    let experiments: BTreeSet<_> = runs.iter().map(|task| &task.experiment).collect();
    let untold: BTreeSet<_> =
        experiments.into_iter().filter(|it| local.is_none() || planned.is_unknown(it)).collect();
    let untold: Vec<&Task> = runs.iter().copied().filter(|task| untold.contains(&task.experiment)).collect();
    let measured = measured_seconds(&store, &untold, &prepared.committed).await;
    let prediction = planned.predict(local.as_ref(), &measured);
    let cells = |name: &String| {
        let row = &rows[name];
        let todo = row.todo();
        let time = match prediction.of_experiment(name, todo) {
            _ if todo == 0 => "nothing to do".to_owned(),
            None => "not known: nothing like it has run here".to_owned(),
            Some(seconds) => format!("about {} of one executor", span(seconds)),
        };
        let counts = [todo + row.reused + row.damaged, row.new, row.reused, row.blocked, row.damaged]
            .map(|count| count.to_string());
        [name.clone()].into_iter().chain(counts).chain([time]).collect::<Vec<_>>()
    };
    let lines: Vec<_> = order.iter().map(cells).collect();
    let header = ["experiment", "tasks", "new", "reused", "blocked", "damaged", "time"];
    let imported = prepared.datasets.iter().filter(|(it, _)| data::made_digest(it).is_none());
    let imported: String = imported.map(|(it, digest)| format!("data: {it}, {}\n", digest.short())).collect();
    let mut text = format!("{}\n{imported}{}", plan.id, table(&header, &lines));
    if let Some(line) = prediction.text() {
        text.push_str(&format!("{line}\n"));
    }
    let networks = networks::sizes(&prepared);
    text.push_str(&networks::text(&networks));
    let memory = PlannedMemory::of(&store, &prepared).await;
    let share = executor_share(&arguments, here);
    text.push_str(&memory.text(share, |name| rows.get(name).is_some_and(|row| row.todo() > 0)));
    let commands: BTreeSet<_> = runs
        .iter()
        .filter_map(|task| Some((task.experiment.as_str(), task.spec.experiment.command()?.as_str())))
        .collect();
    for (experiment, command) in &commands {
        text.push_str(&format!(
            "\n{experiment} runs the command {command}: on workers started with `--allow-command {command}=PATH`, and \
             without a promise on its bytes"
        ));
    }
    let customs: BTreeSet<_> = runs
        .iter()
        .filter_map(|task| {
            let custom = task.spec.experiment.custom()?;
            Some((task.experiment.as_str(), custom.name.as_str(), custom.version))
        })
        .collect();
    for (experiment, kind, version) in &customs {
        text.push_str(&format!(
            "\n{experiment} is of version {version} of the kind {kind}: on workers whose program has it"
        ));
    }
    for same in &same {
        text.push_str(&format!("\n{}", duplicate_runs::sentence(same, plan)));
    }
    let claims = claim_forecasts::of(&store, &prepared).await;
    text.push_str(&claim_forecasts::text(&claims));
    let schedules = PlannedSchedules::of(&prepared);
    text.push_str(&schedules.text());
    let mut notes = plan.notes.clone();
    let has_to_do = |needs: &&WrittenNeeds| {
        rows.get(needs.experiment.as_str()).is_some_and(|row| row.todo() + row.damaged > 0)
    };
    notes.extend(unmet_here(&arguments, prepared.needs.iter().filter(has_to_do), here, kinds));
    if !notes.is_empty() {
        text = format!("{}\n{}", text.trim_end(), notes::text(&notes));
    }
    let datasets: BTreeMap<_, _> =
        prepared.datasets.iter().map(|(it, digest)| (it.to_string(), digest.to_string())).collect();
    let experiments: Vec<_> = order
        .iter()
        .map(|name| {
            let row = &rows[name];
            let seconds = prediction.of_experiment(name, row.todo());
            json!({ "experiment": name, "new": row.new, "reused": row.reused, "blocked": row.blocked, "damaged": row.damaged,
                "predicted_seconds": seconds })
        })
        .collect();
    let value = json!({ "sweep": plan.id.to_string(), "tasks": runs.len(), "points": plan.tasks.len(), "datasets": datasets,
            "commands": commands.iter().map(|(experiment, command)| json!({ "experiment": experiment, "command": command })).collect::<Vec<_>>(),
            "kinds": customs.iter().map(|(experiment, kind, version)| json!({ "experiment": experiment, "kind": kind, "version": version })).collect::<Vec<_>>(),
            "experiments": experiments, "predicted": prediction.json(), "networks": networks.iter().map(NetworkSize::json).collect::<Vec<_>>(), "memory": memory.json(), "schedules": schedules.json(), "schedules_left_out": schedules.left_out(),
            "claims": claims, "notes": notes::value(&notes), "same_runs": same.iter().map(|same| duplicate_runs::json(same, plan)).collect::<Vec<_>>() });
    output.result(&value, &text)?;
    match prepared.damaged.len() {
        0 => Ok(()),
        damaged => {
            Err(CommandError::input(anyhow::anyhow!("{damaged} tasks have something damaged in the store"))
                .hint(hints::damaged_results(&plan.id)))
        }
    }
}

/// The executors that `basin run` would have on this machine.
#[cfg(feature = "worker")]
type ExecutorsHere = Slots;
/// This program trains nothing.
#[cfg(not(feature = "worker"))]
type ExecutorsHere = ();

/// What of these `basin run` couldn't do on this machine, with these executors.
#[cfg(feature = "worker")]
fn unmet_here<'a>(
    arguments: &Plan,
    needs: impl Iterator<Item = &'a WrittenNeeds>,
    Slots { executors, threads }: ExecutorsHere,
    kinds: &ProgramKinds,
) -> Vec<SweepNote> {
    // A machine whose devices can't be told has none.
    let devices = device::select(&arguments.executors.devices.device).unwrap_or_default();
    let executor = agent::description_of(&devices, executors, threads, kinds.labels().collect());
    unmet_needs::by_executor(needs, &executor)
}

/// This program trains nothing.
#[cfg(not(feature = "worker"))]
fn unmet_here<'a>(
    _: &Plan,
    _: impl Iterator<Item = &'a WrittenNeeds>,
    (): ExecutorsHere,
    _: &ProgramKinds,
) -> Vec<SweepNote> {
    Vec::new()
}

/// The bytes that each of the executors that `basin run` would have here may use, where they train on processors and that is known.
#[cfg(feature = "worker")]
fn executor_share(arguments: &Plan, Slots { executors, threads }: ExecutorsHere) -> Option<u64> {
    let devices = device::select(&arguments.executors.devices.device).unwrap_or_default();
    let executor = agent::description_of(&devices, executors, threads, BTreeMap::new());
    (executor.device == "cpu" && executor.memory > 0).then_some(executor.memory)
}

/// This program trains nothing.
#[cfg(not(feature = "worker"))]
const fn executor_share(_: &Plan, (): ExecutorsHere) -> Option<u64> {
    None
}

/// The executors that `basin run` would have here for so many tasks, and their pace, as far as it is known.
#[cfg(feature = "worker")]
async fn executors_here(
    arguments: &Plan,
    prepared: &PreparedSweep,
    planned: &PlannedWork<'_>,
    to_do: u64,
    output: Output,
) -> Result<(ExecutorsHere, Option<LocalPace>), CommandError> {
    force_code_path(&arguments.executors.kernels)?;
    let executors = &arguments.executors;
    let usual = |devices: &[DeviceName]| {
        Slots::on(devices, executors.workers, executors.threads, Defaults::of_run(to_do, cores()))
    };
    // It may be meant for another machine.
    let Ok(devices) = device::select(&executors.devices.device) else { return Ok((usual(&[]), None)) };
    let (state, mut slots) = (&arguments.store.local.state, usual(&devices));
    if executors.are_open() && device::is_processor(&devices) {
        let executor_of = |Slots { executors, threads }: Slots| {
            agent::description_of(&devices, executors, threads, BTreeMap::new())
        };
        let chosen =
            core_division::for_sweep(state, slots, cores(), planned, prepared, executor_of, output).await;
        slots = chosen.slots;
    }
    Ok((slots, local_pace(state, &devices, slots, &planned.total(), output).await))
}

/// This program trains nothing.
#[cfg(not(feature = "worker"))]
async fn executors_here(
    _: &Plan,
    _: &PreparedSweep,
    _: &PlannedWork<'_>,
    _: u64,
    _: Output,
) -> Result<(ExecutorsHere, Option<LocalPace>), CommandError> {
    Ok(((), None))
}

/// How long committed tasks of each shape took, from one sample of each.
async fn measured_seconds(
    store: &Store,
    tasks: &[&Task],
    committed: &HashMap<TaskId, Commit>,
) -> HashMap<Digest, f64> {
    let mut seconds = HashMap::new();
    for task in tasks {
        let Some(commit) = committed.get(&task.id) else { continue };
        let shape = task.spec.shape();
        if seconds.contains_key(&shape) || seconds.len() >= SAMPLES {
            continue;
        }
        match store.read_manifest(commit).await {
            Ok(manifest) => {
                let at = &manifest.provenance;
                seconds.insert(shape, at.finished_unix_ms.saturating_sub(at.started_unix_ms) as f64 / 1e3);
            }
            // Each further one would be waited for as long; a prediction isn't worth it.
            Err(error) if error.outage().is_some() => break,
            Err(_) => {}
        }
    }
    seconds
}
