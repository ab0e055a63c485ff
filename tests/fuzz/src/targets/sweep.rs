//! A sweep file with what the command line adds to it: the text, a profile, and overrides, with a zero byte between them.

use basin_domain::digest::Digest;
use basin_domain::sweep::{Datasets, Source, SweepErrors, SweepFile, SweepPlan};
use basin_domain::task::TaskSpec;

/// The most tasks that are expanded.
const MOST_TASKS: u64 = 300;

pub(super) fn read(input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else { return false };
    let mut parts = text.split('\0').map(str::to_owned);
    let source = Source {
        file: "sweep.toml".to_owned(),
        text: parts.next().unwrap_or_default(),
        profile: parts.next().filter(|name| !name.is_empty()),
        overrides: parts.collect(),
        kinds: Vec::new(),
    };
    expands(&source)
}

/// Whether a sweep file is read and expanded; always to the same tasks, which JSON keeps.
pub(super) fn expands(source: &Source) -> bool {
    let Some(plan) = planned(source) else { return false };
    let again = planned(source).expect("what was read once is read again");
    assert_eq!(plan.id, again.id, "the same file is the same sweep");
    assert_eq!(plan.tasks.len(), again.tasks.len());
    for (task, again) in plan.tasks.iter().zip(&again.tasks) {
        assert_eq!(task.id, again.id, "the same file has the same tasks");
        assert_eq!(task.id, task.spec.id(), "a task's id is the digest of its spec");
        let kept: TaskSpec = serde_json::from_str(&task.spec.canonical()).expect("what is written is read");
        assert_eq!(kept.id(), task.id, "a spec is the same behind JSON");
        assert!(!task.name().is_empty(), "a task has a name for people");
    }
    true
}

fn planned(source: &Source) -> Option<SweepPlan> {
    let file = SweepFile::parse(source).map_err(|errors| are_located(&errors)).ok()?;
    let _ = (file.task_count(), file.experiments(), file.needs());
    let digest = |name: &dyn std::fmt::Display| Digest::of(name.to_string().as_bytes());
    let datasets: Datasets = file.datasets().into_iter().map(|name| (name.clone(), digest(&name))).collect();
    let plan = file.expand(&datasets, MOST_TASKS).map_err(|errors| are_located(&errors)).ok()?;
    let _ = plan.duplicate_runs();
    assert!(plan.tasks.len() as u64 <= MOST_TASKS);
    Some(plan)
}

/// Every error names its place.
pub(super) fn are_located(errors: &SweepErrors) {
    for error in errors.iter() {
        assert!(error.line > 0 && !error.file.is_empty(), "{error:?}");
        assert!(!error.message.trim().is_empty(), "{error:?}");
    }
    assert!(!errors.text_within(200).is_empty());
}
