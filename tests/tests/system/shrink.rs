//! A plan that breaks a promise, without the faults that it breaks it without.

use crate::plan::Plan;
use crate::run::{Outcome, run};
use crate::world::Flaw;

/// Leaves out one fault after another as long as the same promise is broken, and gives the shortest plan and its run.
pub(crate) fn shrink(plan: Plan, flaw: Option<Flaw>, broken: Outcome) -> (Plan, Outcome) {
    let promise = broken.broken.as_ref().map(|broken| broken.promise);
    let (mut plan, mut shortest) = (plan, broken);
    let mut number = 0;
    while number < plan.faults.len() {
        let mut shorter = plan.clone();
        shorter.faults.remove(number);
        let outcome = run(&shorter, flaw);
        if outcome.broken.as_ref().map(|broken| broken.promise) == promise {
            (plan, shortest) = (shorter, outcome);
            // What was needed beside it may be needed no more.
            number = 0;
        } else {
            number += 1;
        }
    }
    (plan, shortest)
}

/// A broken promise as it is told: what was drawn, what happened, and how to see it again.
pub(crate) fn story(plan: &Plan, outcome: &Outcome, faults_of_seed: usize) -> String {
    let Some(broken) = &outcome.broken else { return "no promise was broken".to_owned() };
    let mut text = format!("broken: {}\n  {}\n\n", broken.promise, broken.what);
    for line in plan.lines() {
        text.push_str(&format!("{line}\n"));
    }
    text.push_str(&format!("\nof {faults_of_seed} faults these are needed; what happened:\n"));
    for line in &outcome.story {
        text.push_str(&format!("{line}\n"));
    }
    text.push_str(&format!("\nhint: BASIN_SYSTEM_SEED={} runs this seed alone\n", plan.seed));
    text
}
