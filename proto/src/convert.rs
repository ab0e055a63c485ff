//! Conversions between wire and domain. From the wire they check and name the field that they refuse.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use basin_domain::custom_kind::KindDeclaration;
use basin_domain::failure::{Failure, ReleaseReason};
use basin_domain::id::{Attempt, LeaseId, TaskId};
use basin_domain::loss_curve::LossPoint;
use basin_domain::outage::{Outage, OutageKind, OutageWait};
use basin_domain::placement::Requirements;
use basin_domain::scheduling::{SchedulingChange, SlotLimit};
use basin_domain::sweep::Source;
use basin_domain::task::{LeasedTask, TaskSpec};
use basin_domain::worker::{
    MOST_CORES, MOST_MEMORY, Progress, WorkerDescription, WorkerUsage, is_example_rate,
};

use crate::codes::Coded;
use crate::v1;

/// A message that can't be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("field `{field}`: {why}")]
pub struct InvalidField {
    /// The field.
    pub field: &'static str,
    /// The defect.
    pub why: String,
}

impl InvalidField {
    fn new(field: &'static str, why: impl std::fmt::Display) -> Self {
        Self { field, why: format!("{why}") }
    }
}

impl From<InvalidField> for tonic::Status {
    fn from(invalid: InvalidField) -> Self {
        Self::invalid_argument(invalid.to_string())
    }
}

/// The longest text of a worker's description, in bytes.
const DESCRIPTION_LIMIT: usize = 256;
/// The most labels that a worker may have.
const LABEL_LIMIT: usize = 64;

/// Parses an id or digest.
///
/// # Errors
/// Names `field` if the text isn't one.
pub fn parse<T: FromStr>(field: &'static str, text: &str) -> Result<T, InvalidField>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error| InvalidField::new(field, error))
}

/// A message that must be there.
///
/// # Errors
/// Names `field` if it isn't.
pub fn required<T>(field: &'static str, message: Option<T>) -> Result<T, InvalidField> {
    message.ok_or_else(|| InvalidField::new(field, "is missing"))
}

impl From<&WorkerDescription> for v1::WorkerDescription {
    fn from(worker: &WorkerDescription) -> Self {
        Self {
            host: worker.host.clone(),
            device: worker.device.clone(),
            memory: worker.memory,
            slots: worker.slots,
            threads: worker.threads,
            version: worker.version.clone(),
            code_path: worker.code_path.clone(),
            labels: worker.labels.clone().into_iter().collect(),
        }
    }
}

impl TryFrom<v1::WorkerDescription> for WorkerDescription {
    type Error = InvalidField;

    fn try_from(wire: v1::WorkerDescription) -> Result<Self, InvalidField> {
        let texts = [&wire.host, &wire.device, &wire.version, &wire.code_path];
        if texts
            .into_iter()
            .chain(wire.labels.iter().flat_map(|(k, v)| [k, v]))
            .any(|t| t.len() > DESCRIPTION_LIMIT)
        {
            return Err(InvalidField::new(
                "worker",
                format!("a text is longer than {DESCRIPTION_LIMIT} bytes"),
            ));
        }
        if wire.labels.len() > LABEL_LIMIT {
            return Err(InvalidField::new("worker.labels", format!("more than {LABEL_LIMIT}")));
        }
        Ok(Self {
            host: wire.host,
            device: wire.device,
            memory: wire.memory,
            slots: wire.slots,
            threads: wire.threads,
            version: wire.version,
            code_path: wire.code_path,
            labels: wire.labels.into_iter().collect::<BTreeMap<_, _>>(),
        })
    }
}

impl From<&[LossPoint]> for v1::LossCurve {
    fn from(points: &[LossPoint]) -> Self {
        Self {
            iterations: points.iter().map(|point| point.iteration).collect(),
            losses: points.iter().map(|point| point.loss).collect(),
        }
    }
}

impl v1::LossCurve {
    /// Its points; what has no pair is left out.
    pub fn points(&self) -> impl Iterator<Item = LossPoint> + '_ {
        let pairs = self.iterations.iter().zip(&self.losses);
        pairs.map(|(&iteration, &loss)| LossPoint { iteration, loss })
    }
}

impl From<Progress> for v1::Progress {
    fn from(progress: Progress) -> Self {
        let Progress {
            iteration,
            iterations,
            epoch,
            epochs,
            loss,
            step_seconds,
            silent_ms,
            is_held,
            done_share,
            examples_per_second,
        } = progress;
        Self {
            iteration,
            iterations,
            epoch,
            epochs,
            loss,
            step_seconds,
            silent_ms,
            is_held,
            done_share,
            examples_per_second,
        }
    }
}

impl From<v1::Progress> for Progress {
    fn from(wire: v1::Progress) -> Self {
        let v1::Progress {
            iteration,
            iterations,
            epoch,
            epochs,
            loss,
            step_seconds,
            silent_ms,
            is_held,
            done_share,
            examples_per_second,
        } = wire;
        Self {
            iteration,
            iterations,
            epoch,
            epochs,
            loss,
            step_seconds,
            silent_ms,
            is_held,
            done_share,
            examples_per_second: examples_per_second.filter(is_example_rate),
        }
    }
}

impl From<WorkerUsage> for v1::WorkerUsage {
    fn from(usage: WorkerUsage) -> Self {
        let WorkerUsage { cpu_cores, cores, memory, memory_limit } = usage;
        Self { cpu_cores, cores, memory, memory_limit }
    }
}

/// What no machine has, a number that is none among it, isn't known.
impl From<v1::WorkerUsage> for WorkerUsage {
    fn from(wire: v1::WorkerUsage) -> Self {
        let v1::WorkerUsage { cpu_cores, cores, memory, memory_limit } = wire;
        Self {
            cpu_cores: cpu_cores.filter(|cores| (0.0..=f64::from(MOST_CORES)).contains(cores)),
            cores: if cores <= MOST_CORES { cores } else { 0 },
            memory: memory.filter(|bytes| *bytes <= MOST_MEMORY),
            memory_limit: if memory_limit <= MOST_MEMORY { memory_limit } else { 0 },
        }
    }
}

impl From<&OutageWait> for v1::Waiting {
    fn from(waiting: &OutageWait) -> Self {
        Self {
            kind: waiting.outage.kind.as_str().to_owned(),
            kind_code: v1::OutageKind::from(waiting.outage.kind).into(),
            message: waiting.outage.message.clone(),
            results: waiting.results,
            lasting_ms: u64::try_from(waiting.lasting.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

impl From<v1::Waiting> for OutageWait {
    fn from(wire: v1::Waiting) -> Self {
        let v1::Waiting { kind, message, results, lasting_ms, kind_code } = wire;
        // A kind that is new to this version is an outage all the same: its words say it.
        let kind = v1::OutageKind::domain(kind_code, &kind).unwrap_or(OutageKind::Unreachable);
        Self { outage: Outage::new(kind, message), results, lasting: Duration::from_millis(lasting_ms) }
    }
}

/// The failure of this code, or of this word where a peer says no code.
///
/// # Errors
/// If `kind` is no known cause.
pub fn failure(code: i32, kind: &str, message: String) -> Result<Failure, InvalidField> {
    let kind = v1::FailureKind::domain(code, kind)
        .ok_or_else(|| InvalidField::new("kind", format!("`{kind}` is no cause of failure")))?;
    Ok(Failure::new(kind, message))
}

/// The report of a failed attempt.
pub fn fail_request(lease: &LeaseId, task: &TaskId, failure: Failure) -> v1::FailRequest {
    let kind = v1::FailureKind::from(failure.kind);
    v1::FailRequest {
        lease_id: lease.to_string(),
        task_id: task.to_string(),
        kind: kind.word().to_owned(),
        message: failure.message,
        kind_code: kind.into(),
    }
}

/// The reason of this code, or of this word where a peer says no code.
///
/// # Errors
/// If it is no known reason.
pub fn release_reason(code: i32, word: &str) -> Result<ReleaseReason, InvalidField> {
    v1::ReleaseReason::domain(code, word)
        .ok_or_else(|| InvalidField::new("reason", format!("`{word}` is no reason of release")))
}

/// The report of a task that is given back.
pub fn release_request(lease: &LeaseId, task: &TaskId, reason: ReleaseReason) -> v1::ReleaseRequest {
    let reason = v1::ReleaseReason::from(reason);
    v1::ReleaseRequest {
        lease_id: lease.to_string(),
        task_id: task.to_string(),
        reason: reason.word().to_owned(),
        reason_code: reason.into(),
    }
}

impl From<&Requirements> for v1::Requirements {
    fn from(requirements: &Requirements) -> Self {
        let Requirements { device, memory, labels } = requirements.clone();
        Self { device, memory, labels: labels.into_iter().collect() }
    }
}

impl From<v1::Requirements> for Requirements {
    fn from(wire: v1::Requirements) -> Self {
        let v1::Requirements { device, memory, labels } = wire;
        Self { device, memory, labels: labels.into_iter().collect() }
    }
}

/// A task's spec from its canonical JSON; the digest must be the id.
///
/// # Errors
/// If the JSON is no spec, or another's.
pub fn task_spec(id: TaskId, json: &str) -> Result<TaskSpec, InvalidField> {
    let spec: TaskSpec = serde_json::from_str(json).map_err(|error| InvalidField::new("spec_json", error))?;
    if spec.id() != id {
        return Err(InvalidField::new("spec_json", format!("its digest is {}, not {id}", spec.id())));
    }
    Ok(spec)
}

impl From<&LeasedTask> for v1::LeasedTask {
    fn from(task: &LeasedTask) -> Self {
        let LeasedTask { id, attempt, spec } = task;
        let (task_id, spec_json) = (id.to_string(), spec.canonical());
        Self { task_id, attempt: attempt.0, spec_json, ..Self::default() }
    }
}

impl TryFrom<v1::LeasedTask> for LeasedTask {
    type Error = InvalidField;

    fn try_from(wire: v1::LeasedTask) -> Result<Self, InvalidField> {
        let id = parse("task_id", &wire.task_id)?;
        Ok(Self { id, attempt: Attempt(wire.attempt), spec: task_spec(id, &wire.spec_json)? })
    }
}

impl From<&Source> for v1::LaunchRequest {
    fn from(source: &Source) -> Self {
        Self {
            file: source.file.clone(),
            text: source.text.clone(),
            profile: source.profile.clone(),
            overrides: source.overrides.clone(),
            max_tasks: None,
            adjustment: None,
            kinds: source.kinds.iter().map(declaration_json).collect(),
        }
    }
}

impl From<SchedulingChange> for v1::Adjustment {
    fn from(adjustment: SchedulingChange) -> Self {
        let slots = |limit| match limit {
            SlotLimit::None => 0,
            SlotLimit::AtMost(slots) => slots.get(),
        };
        Self { priority: adjustment.priority, max_slots: adjustment.max_slots.map(slots) }
    }
}

impl From<v1::Adjustment> for SchedulingChange {
    fn from(wire: v1::Adjustment) -> Self {
        let limit = |slots| NonZeroU32::new(slots).map_or(SlotLimit::None, SlotLimit::AtMost);
        Self { priority: wire.priority, max_slots: wire.max_slots.map(limit) }
    }
}

fn declaration_json(kind: &KindDeclaration) -> String {
    serde_json::to_string(kind).expect("a declaration has text keys and finite numbers only")
}

impl TryFrom<v1::LaunchRequest> for Source {
    type Error = serde_json::Error;

    fn try_from(wire: v1::LaunchRequest) -> Result<Self, serde_json::Error> {
        let v1::LaunchRequest { file, text, profile, overrides, kinds, max_tasks: _, adjustment: _ } = wire;
        let kinds = kinds.iter().map(|json| serde_json::from_str(json)).collect::<Result<_, _>>()?;
        Ok(Self { file, text, profile, overrides, kinds })
    }
}

#[cfg(test)]
mod tests {
    use basin_domain::experiment::{Experiment, FitFunction, Function, TrainingSettings, TrainingTime};
    use basin_domain::failure::FailureKind;
    use basin_domain::optimizer::Optimizer;
    use proptest::prelude::*;

    use super::*;

    fn spec() -> TaskSpec {
        let experiment = Experiment::FitFunction(FitFunction {
            function: Function::Sin,
            hidden: vec![32, 64],
            model: None,
            interval: (-3.0, 3.0),
            points: 128,
            layout: Default::default(),
            seeds: Default::default(),
            batch_size: None,
            budget: TrainingTime::Epochs(10),
            loss: Default::default(),
            training: TrainingSettings::of(Optimizer::adam(1e-3)),
        });
        TaskSpec { version: experiment.version(), experiment, seed: 3, data: None, inputs: BTreeMap::new() }
    }

    #[test]
    fn a_leased_task_survives_the_wire() {
        let spec = spec();
        let task = LeasedTask { id: spec.id(), attempt: Attempt(2), spec };
        assert_eq!(LeasedTask::try_from(v1::LeasedTask::from(&task)), Ok(task));
    }

    #[test]
    fn a_spec_under_another_tasks_id_is_refused() {
        let mut other = spec();
        other.seed = 4;
        let refused = task_spec(spec().id(), &other.canonical()).unwrap_err();
        assert_eq!(refused.field, "spec_json");
    }

    #[test]
    fn every_cause_survives_the_wire() {
        for kind in FailureKind::ALL {
            assert_eq!(failure(0, kind.as_str(), "m".into()), Ok(Failure::new(kind, "m")));
        }
        assert!(failure(0, "weather", String::new()).is_err());
    }

    #[test]
    fn an_outage_survives_the_wire_and_one_of_a_later_version_is_one_too() {
        for kind in OutageKind::ALL {
            let outage = Outage::new(kind, "m");
            let waiting = OutageWait { outage, results: 2, lasting: Duration::from_millis(1_500) };
            assert_eq!(OutageWait::from(v1::Waiting::from(&waiting)), waiting);
        }
        let later = v1::Waiting { kind: "flood".into(), message: "water".into(), ..Default::default() };
        assert_eq!(OutageWait::from(later).outage, Outage::new(OutageKind::Unreachable, "water"));
    }

    #[test]
    fn what_no_machine_uses_is_not_known_and_what_one_uses_survives_the_wire() {
        let usage =
            WorkerUsage { cpu_cores: Some(3.5), cores: 8, memory: Some(1 << 30), memory_limit: 1 << 34 };
        assert_eq!(WorkerUsage::from(v1::WorkerUsage::from(usage)), usage);
        for cpu_cores in [f64::NAN, f64::INFINITY, -0.5, 1e300] {
            let wire = v1::WorkerUsage { cpu_cores: Some(cpu_cores), ..usage.into() };
            assert_eq!(WorkerUsage::from(wire), WorkerUsage { cpu_cores: None, ..usage }, "{cpu_cores}");
        }
        let absurd = v1::WorkerUsage {
            cpu_cores: None,
            cores: u32::MAX,
            memory: Some(u64::MAX),
            memory_limit: u64::MAX,
        };
        assert_eq!(WorkerUsage::from(absurd), WorkerUsage::default());
    }

    #[test]
    fn a_rate_that_no_training_has_is_not_known() {
        let rate = |examples_per_second| {
            let wire = v1::Progress { examples_per_second, ..v1::Progress::default() };
            Progress::from(wire).examples_per_second
        };
        assert_eq!(rate(Some(51_200.0)), Some(51_200.0));
        for absurd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 1e30] {
            assert_eq!(rate(Some(absurd)), None, "{absurd}");
        }
    }

    #[test]
    fn a_description_without_measure_is_refused() {
        let mut wire = v1::WorkerDescription::from(&WorkerDescription::default());
        wire.host = "h".repeat(1_000);
        assert_eq!(WorkerDescription::try_from(wire).unwrap_err().field, "worker");
    }

    proptest! {
        #[test]
        fn no_text_panics_the_conversions(text in ".{0,200}", kind in "[a-z-]{0,20}") {
            let _ = task_spec(spec().id(), &text);
            let _ = failure(0, &kind, text.clone());
            let _ = release_reason(0, &kind);
            let _ = parse::<TaskId>("task_id", &text);
        }
    }
}
