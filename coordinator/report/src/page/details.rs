//! The experiments that ran, and the runs that aren't averaged.

use std::collections::{BTreeSet, HashMap};

use basin_charts::number;
use basin_domain::id::{ExperimentId, TaskId};
use basin_domain::metrics::Outcome;
use maud::{Markup, html};

use super::settings;
use super::text::text;
use crate::duplicates::{self, PointNames};
use crate::figures::labels::{self, Labels, Setting};
use crate::figures::names;
use crate::runs::{self, Counts, Run, RunState};

/// The most problems that the page lists; the files have all.
const MAX_LISTED: usize = 200;

/// Every run that isn't averaged, with the reason; nothing if every run is.
pub(super) fn problems(runs: &[Run]) -> Option<Markup> {
    let by_task: HashMap<TaskId, &Run> = runs.iter().rev().map(|run| (run.task.id, run)).collect();
    let points = PointNames::of(&runs.iter().collect::<Vec<_>>());
    let problems: Vec<(&Run, String)> =
        runs.iter().filter_map(|run| Some((run, problem(run, &by_task)?))).collect();
    if problems.is_empty() {
        return None;
    }
    Some(html! {
        section class="problems" id="problems" aria-labelledby="problems-title" { "\n"
            h2 id="problems-title" { "Not averaged" } "\n"
            div class="scroll" role="region" tabindex="0" aria-label="Runs that are not averaged" {
                table { "\n"
                    thead {
                        tr {
                            @for heading in ["outcome", "experiment", "parameters"] { th scope="col" { (heading) } }
                            th scope="col" class="number" { "seed" }
                            @for heading in ["task", "why"] { th scope="col" { (heading) } }
                        }
                    } "\n"
                    tbody { "\n"
                        @for (run, why) in problems.iter().take(MAX_LISTED) { (row(run, points.name(run), why)) }
                    } "\n"
                }
            } "\n"
            @if problems.len() > MAX_LISTED {
                p class="note" {
                    "The first " (MAX_LISTED) " of " (number::whole(problems.len() as i64)) "; results.csv has all."
                } "\n"
            }
        } "\n"
    })
}

fn row(run: &Run, point: &str, why: &str) -> Markup {
    let outcome = run.outcome();
    html! {
        tr {
            td { span class={ "outcome " (outcome) } { (outcome) } }
            td { (text(run.task.experiment.as_str())) }
            td { (text(point)) }
            td class="number" { (run.task.spec.seed) }
            td { code title=(run.task.id.to_string()) { (run.task.id.short()) } }
            td class="why" { (text(why)) }
        } "\n"
    }
}

/// Why a run isn't averaged, if it isn't.
fn problem(run: &Run, by_task: &HashMap<TaskId, &Run>) -> Option<String> {
    match &run.state {
        RunState::Committed { commit, .. } => match commit.outcome {
            Outcome::Completed | Outcome::Stopped { .. } => None,
            Outcome::Diverged { iteration } => Some(format!(
                "loss or parameters stopped being finite at iteration {}",
                number::whole(iteration as i64)
            )),
        },
        RunState::Missing => Some(missing(run, by_task)),
        RunState::Failed(Some(failure)) => Some(format!("{}: {}", failure.kind, failure.message)),
        RunState::Failed(None) => Some("it failed".to_owned()),
        RunState::Unreadable { error } => Some(error.clone()),
    }
}

/// Why a run has no result: what it reads has none either, or it is still to come.
fn missing(run: &Run, by_task: &HashMap<TaskId, &Run>) -> String {
    let inputs = run.task.spec.inputs.values();
    let waited_for = inputs.filter_map(|input| by_task.get(input).copied());
    let waited_for = waited_for.filter(|other| other.metrics().is_none());
    let named: Vec<String> = waited_for
        .map(|other| {
            let (id, experiment) = (other.task.id.short(), &other.task.experiment);
            format!("{id} ({experiment}, {})", other.outcome())
        })
        .collect();
    match named.is_empty() {
        true => "no result yet".to_owned(),
        false => format!("it reads the result of {}", named.join(" and ")),
    }
}

/// The experiments: a row each.
pub(super) fn experiments(runs: &[Run]) -> Markup {
    html! {
        div class="scroll" role="region" tabindex="0" aria-label="Experiments" {
            table { "\n"
                thead {
                    tr {
                        @for heading in ["experiment", "kind", "network", "training", "varied"] {
                            th scope="col" { (heading) }
                        }
                        @for heading in ["points", "seeds", "runs"] {
                            th scope="col" class="number" { (heading) }
                        }
                        th scope="col" { "remarks" }
                    }
                } "\n"
                tbody { "\n"
                    @for id in runs::experiments(runs) {
                        (experiment(id, &runs.iter().filter(|run| run.task.experiment == *id).collect::<Vec<_>>()))
                    }
                } "\n"
            }
        } "\n"
    }
}

fn experiment(id: &ExperimentId, runs: &[&Run]) -> Markup {
    let kinds: BTreeSet<&str> = runs.iter().map(|run| run.task.spec.experiment.kind()).collect();
    let seeds: BTreeSet<u64> = runs.iter().map(|run| run.task.spec.seed).collect();
    let tasks: BTreeSet<TaskId> = runs.iter().map(|run| run.task.id).collect();
    let left_out = Counts::of_tasks(runs.iter().copied()).left_out();
    let left_out = Some(left_out).filter(|text| !text.is_empty());
    let is_reproducible = runs.iter().all(|run| run.task.spec.experiment.is_reproducible());
    let promise = (!is_reproducible).then(|| "run again, it may give other bytes".to_owned());
    let remarks: Vec<String> =
        left_out.into_iter().chain(promise).chain(duplicates::sentences(runs)).collect();
    html! {
        tr {
            th scope="row" { (text(id.as_str())) }
            td { (text(&kinds.into_iter().collect::<Vec<_>>().join(", "))) }
            @for words in [settings::networks(runs), settings::training(runs), varied(runs)] {
                td class="words" { (text(&words)) }
            }
            @for count in [PointNames::of(runs).count(), seeds.len(), tasks.len()] {
                td class="number" { (number::whole(count as i64)) }
            }
            td class="words" { (text(&remarks.join("; "))) }
        } "\n"
    }
}

/// The parameters that an experiment varies, with their first values.
pub(super) fn varied(runs: &[&Run]) -> String {
    let parameters: BTreeSet<&String> =
        runs.iter().flat_map(|run| run.task.point.keys()).filter(|name| *name != "seed").collect();
    let mut parts = Vec::new();
    for name in parameters {
        let settings: Vec<Setting> =
            runs.iter().filter_map(|run| run.task.point.get(name)).cloned().map(Some).collect();
        let texts = Labels::of(&settings);
        let mut known = BTreeSet::new();
        let distinct = settings.iter().filter(|setting| known.insert(labels::key(setting)));
        let mut values: Vec<String> = distinct.map(|setting| texts.text(setting)).collect();
        let more = if values.len() > 6 { format!(", … ({} values)", values.len()) } else { String::new() };
        values.truncate(6);
        parts.push(format!("{}: {}{more}", names::parameter(name), values.join(", ")));
    }
    parts.join("; ")
}
