//! Checks of claims that nothing can decide, whatever is measured: they have too few runs.

use std::collections::BTreeSet;

use super::duplicate_runs::selects;
use super::error::LocatedError;
use super::location::Location;
use super::plan::SweepPlan;
use super::problems::Problems;
use crate::claim::{Check, Selection};
use crate::id::TaskId;

/// What is worth knowing of a plan's claims; `locations` says where the checks of each stand.
pub(super) fn notes(plan: &SweepPlan, locations: &[Vec<Location>]) -> Problems {
    let mut notes = Problems::default();
    for (claim, locations) in plan.claims.iter().zip(locations) {
        for (check, at) in claim.checks.iter().zip(locations) {
            for selection in check.selections() {
                if let Some(note) = note(plan, check, selection, *at) {
                    notes.add(note);
                }
            }
        }
    }
    notes
}

fn note(plan: &SweepPlan, check: &Check, selection: &Selection, at: Location) -> Option<LocatedError> {
    let tasks = plan.tasks.iter().filter(|task| selects(selection, task));
    let mut runs: BTreeSet<TaskId> = BTreeSet::new();
    let mut points: BTreeSet<String> = BTreeSet::new();
    // Points that are the same run are one piece of evidence.
    for task in tasks {
        if runs.insert(task.id) && matches!(check, Check::Correlation { .. }) {
            let point = serde_json::to_string(&task.point);
            points.insert(point.expect("a point has text keys and finite numbers only"));
        }
    }
    let (runs, points, id) = (runs.len(), points.len(), &selection.experiment);
    let counted =
        |number: usize, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
    let (has, least, hint) = match check {
        Check::Correlation { .. } => {
            let least = Check::FEWEST_PAIRS;
            let more_runs = format!("seeds = {least} in experiment \"{id}\"");
            match points == 1 || points == runs {
                true if runs >= least => return None,
                true if points == 1 => (counted(runs, "run"), counted(least, "run"), more_runs),
                false if points >= least => return None,
                _ => {
                    let hint = format!("more values of what experiment \"{id}\" varies");
                    (counted(points, "point"), counted(least, "point"), hint)
                }
            }
        }
        _ if runs >= Check::FEWEST_RUNS => return None,
        _ => {
            let least = Check::FEWEST_RUNS;
            let hint = format!("seeds = {least} in experiment \"{id}\"");
            (counted(runs, "run"), counted(least, "run"), hint)
        }
    };
    let message = format!(
        "this check has {has} of experiment \"{id}\" and takes {least}: it stays undecided, whatever they measure"
    );
    Some(LocatedError::new(at, message).hint(hint))
}
