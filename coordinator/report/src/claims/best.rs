//! Whether a point of an experiment has the best mean of a measure.

use std::collections::{BTreeMap, BTreeSet};

use basin_domain::claim::{Best, Selection};

use super::check_result::{CheckResult, SampleSummary, formatted};
use super::pair;
use super::sample::{Sample, measure};
use super::verdict::Verdict;
use crate::duplicates;
use crate::exclusions::Exclusions;
use crate::runs::{Computation, Run};
use crate::selection::is_selected;
use crate::statistics::{ConfidenceInterval, Difference, LEVEL};

/// A point: runs that differ in their seed only.
struct Candidate<'a> {
    /// Its parameters, for people.
    label: String,
    /// Its runs; the measure is turned so that more is better.
    sample: Sample<'a, f64>,
    /// Whether the selection means it.
    is_selected: bool,
}

/// The differences between the selected point and each other one. It holds if each difference is above 0 with its own 95 %
/// interval: being better than all is an intersection of claims, each of which may err so often (Berger 1982,
/// "Multiparameter hypothesis testing and acceptance sampling"). It doesn't if one is below 0 with an interval at
/// 1 − 5 %/k for k others (Bonferroni): being worse than any is a union, where chances add up.
///
/// It can't hold if a run of any point has no value, or if another point has runs that are those of the selected one: no
/// run is better than itself. It can fail to hold by a point of which neither is so. Points that are the same runs are one.
pub(super) fn decide(runs: &[Run], of: &Selection, y: &str, best: Best) -> CheckResult {
    let sign = match best {
        Best::Lowest => -1.0,
        Best::Highest => 1.0,
    };
    let points = points(runs, of, y, sign);
    let what = format!("mean of {y}, {} of all points", best.as_str());
    let (candidate, others): (Vec<&Candidate<'_>>, Vec<&Candidate<'_>>) =
        points.iter().partition(|point| point.is_selected);
    let left_out = left_out(&candidate, &others);
    let [candidate] = candidate[..] else {
        let why = format!("the selection means {} points, not one", candidate.len());
        let result = CheckResult::undecided(what, why).over_samples(&[SampleSummary::default()]);
        return CheckResult { left_out, ..result };
    };
    let (same, others): (Vec<&Candidate<'_>>, Vec<&Candidate<'_>>) =
        others.into_iter().partition(|other| pair::in_common(&candidate.sample, &other.sample).is_some());
    let others = distinct(others);
    let n = candidate.sample.n();
    let rests = |result: CheckResult| {
        let result = result.over_samples(&[SampleSummary { n, ..SampleSummary::default() }]);
        CheckResult { left_out: left_out.clone(), ..result }
    };
    let rivals: Vec<(&Candidate<'_>, Difference)> = others
        .iter()
        .filter_map(|other| Some((*other, pair::compare(&candidate.sample, &other.sample, LEVEL)?)))
        .collect();
    // The best of the others, the first of equal ones.
    let nearest =
        rivals.iter().reduce(|near, rival| if rival.1.estimate < near.1.estimate { rival } else { near });
    let undecidable = undecidable(candidate, &same, &others);
    let Some((nearest, found)) = nearest else {
        let why = if n == 0 { "the point has no value" } else { "no other point has a value" };
        return rests(CheckResult::undecided(what, undecidable.unwrap_or_else(|| why.to_owned())));
    };
    let rank = 1 + rivals.iter().filter(|(_, found)| found.estimate < 0.0).count();
    let first = if rank == 1 { candidate } else { *nearest };
    let mean = |point: &Candidate<'_>| formatted(sign * point.sample.mean().unwrap_or(f64::NAN));
    let measured = format!(
        "{what}: {} is {} with rank {rank} of {}; best is {} with {}; less the best other, {}: {}",
        candidate.label,
        mean(candidate),
        rivals.len() + 1,
        first.label,
        mean(first),
        nearest.label,
        formatted(sign * found.estimate),
    );
    let turned = |interval: ConfidenceInterval| if sign > 0.0 { interval } else { interval.negated() };
    let result = |found: &Difference, verdict: Verdict| {
        rests(CheckResult::new(measured.clone(), sign * found.estimate, found.interval.map(turned), |_| {
            verdict
        }))
    };
    let all_level = 1.0 - (1.0 - LEVEL) / others.len() as f64;
    let is_whole = |point: &Candidate<'_>| !point.sample.has_gaps();
    let better =
        rivals.iter().filter(|(other, _)| is_whole(candidate) && is_whole(other)).filter_map(|(other, _)| {
            let found = pair::compare(&candidate.sample, &other.sample, all_level)?;
            found.interval.filter(|interval| interval.high < 0.0).map(|_| (*other, found))
        });
    // Of those that are better beyond doubt, the one that is better by most; the first of equal ones.
    let best = better.reduce(|best, rival| if rival.1.estimate < best.1.estimate { rival } else { best });
    if let Some((other, found)) = best {
        let result = result(&found, Verdict::DoesntHold);
        let measured = format!(
            "{}; {} is better with its interval at {} %",
            result.measured,
            other.label,
            formatted(100.0 * all_level)
        );
        return CheckResult { measured, ..result };
    }
    if let Some(why) = undecidable {
        return CheckResult { why, ..result(found, Verdict::Undecided) };
    }
    let is_beaten = |other: &Difference| other.interval.is_some_and(|interval| interval.low > 0.0);
    if rivals.iter().all(|(_, found)| is_beaten(found)) {
        return result(found, Verdict::Holds);
    }
    let result = result(found, Verdict::Undecided);
    let small = rivals.iter().filter(|(_, found)| found.interval.is_none()).count();
    let open = rivals.iter().filter(|(_, found)| found.interval.is_some() && !is_beaten(found)).count();
    let why = match (result.interval, small) {
        (None, _) if n < super::check_result::MIN_RUNS => result.why,
        (_, 0) => format!("not told apart from {open} of {} other points", others.len()),
        _ => format!("not told apart from {open} of {} other points; too few runs at {small}", others.len(),),
    };
    CheckResult { why, ..result }
}

/// Why the point can't be the best of all, whatever the values are: it, or another one, has runs without a value, or
/// another one is the same runs.
fn undecidable(
    candidate: &Candidate<'_>,
    same: &[&Candidate<'_>],
    others: &[&Candidate<'_>],
) -> Option<String> {
    let shared = same.iter().filter_map(|other| pair::in_common(&candidate.sample, &other.sample));
    if let Some(shared) = shared.reduce(|all, one| format!("{all}; {one}")) {
        return Some(shared);
    }
    let mut gaps = Exclusions::default();
    for point in [candidate].iter().chain(others) {
        gaps.merge(&point.sample.basis().left_out.undefined());
    }
    let points = [candidate].iter().chain(others).filter(|point| point.sample.has_gaps()).count();
    let (without, have) = (gaps.count(), if gaps.count() == 1 { "run has" } else { "runs have" });
    let at = if points == 1 { "1 point".to_owned() } else { format!("{points} points") };
    (without > 0).then(|| format!("{without} {have} no value, at {at}: {}", gaps.words()))
}

/// The points that aren't the same runs as one before.
fn distinct<'p, 'a>(points: Vec<&'p Candidate<'a>>) -> Vec<&'p Candidate<'a>> {
    let mut known: BTreeSet<BTreeSet<Computation>> = BTreeSet::new();
    points.into_iter().filter(|point| known.insert(point.sample.computations())).collect()
}

/// The points of the selection's experiment, in plan order.
fn points<'a>(runs: &'a [Run], of: &Selection, y: &str, sign: f64) -> Vec<Candidate<'a>> {
    let selected: Vec<&Run> = runs.iter().filter(|run| run.task.experiment == of.experiment).collect();
    let labels = duplicates::PointNames::of(&selected);
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let mut members: Vec<(&str, Vec<&Run>)> = Vec::new();
    for run in &selected {
        let label = labels.name(run);
        let place = *places.entry(label).or_insert(members.len());
        match members.get_mut(place) {
            Some((_, members)) => members.push(run),
            None => members.push((label, vec![run])),
        }
    }
    members
        .into_iter()
        .map(|(label, members)| Candidate {
            label: label.to_owned(),
            is_selected: members.iter().any(|run| is_selected(run, of)),
            sample: Sample::of_all(members, |_, metrics| Ok(sign * measure(metrics, y)?)),
        })
        .collect()
}

fn left_out(candidate: &[&Candidate<'_>], others: &[&Candidate<'_>]) -> String {
    let of = |point: &&Candidate<'_>| {
        let left_out = point.sample.basis().left_out.words();
        (!left_out.is_empty()).then(|| format!("{}: {left_out}", point.label))
    };
    let all: Vec<&Run> =
        candidate.iter().chain(others).flat_map(|point| point.sample.selected()).copied().collect();
    let gaps = candidate.iter().chain(others).filter_map(of);
    gaps.chain(duplicates::sentences(&all)).collect::<Vec<_>>().join("; ")
}
