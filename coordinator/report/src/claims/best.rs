//! Whether a point of an experiment has the best middle of a measure.

use std::collections::{BTreeMap, BTreeSet};

use basin_domain::claim::{Best, Selection};

use super::cautions;
use super::check_result::{CheckResult, SampleSummary, formatted, percent};
use super::levels::DecisionLevels;
use super::middle;
use super::pair;
use super::requirement::Requirement;
use super::rule::DecisionRule;
use super::sample::{Sample, measure};
use super::test_examples::{Shares, in_view_of_test_examples};
use super::verdict::Verdict;
use crate::duplicates;
use crate::exclusions::Exclusions;
use crate::runs::{Computation, Run};
use crate::selection::is_selected;
use crate::statistics::{
    Center, ConfidenceInterval, Difference, Improvement, RunsNeeded, improvement, runs_needed,
};

/// A point: runs that differ in their seed only.
struct Candidate<'a> {
    /// Its parameters, for people.
    label: String,
    /// Its runs with the measure, on the scale of its middle.
    sample: Sample<'a, f64>,
    /// Whether the selection means it.
    is_selected: bool,
}

/// Which end of which middle is best.
#[derive(Clone, Copy)]
struct Order {
    center: Center,
    /// 1 where more is better, else −1.
    sign: f64,
}

impl Order {
    /// By how much a point is better than another one, on the scale of the middle; less than 0 where it is worse.
    fn compare(self, point: &Candidate<'_>, other: &Candidate<'_>, level: f64) -> Option<Difference> {
        let found = pair::compare(&point.sample, &other.sample, self.center, level)?;
        if self.sign > 0.0 {
            return Some(found);
        }
        let interval = found.interval.map(ConfidenceInterval::negated);
        Some(Difference { estimate: -found.estimate, interval, ..found })
    }

    /// A number that is greater where it is better, as files and people have it.
    fn shown(self, better: f64) -> f64 {
        middle::unscaled(self.center, self.sign * better)
    }

    /// The probability that a run of a point is better than one of another.
    fn improvement(self, point: &Candidate<'_>, other: &Candidate<'_>, level: f64) -> Option<Improvement> {
        let better = |point: &Candidate<'_>| {
            point.sample.values().iter().map(|value| self.sign * value).collect::<Vec<f64>>()
        };
        improvement(&better(point), &better(other), level)
    }

    /// How many runs would tell that a point is better than another one, or worse, whichever it seems to be; `usual` is how they compare at
    /// the level at which it holds.
    fn runs_needed(
        self,
        point: &Candidate<'_>,
        (other, usual): &(&Candidate<'_>, Difference),
        levels: DecisionLevels,
    ) -> RunsNeeded {
        let leaning = Requirement::Above(0.0).verdict(ConfidenceInterval::around(usual.estimate, 0.0));
        let level = levels.to_show(leaning);
        let half = if level == levels.to_hold() {
            usual.interval
        } else {
            self.compare(point, other, level).and_then(|found| found.interval)
        };
        half.map_or(RunsNeeded::Unknown, |found| {
            runs_needed(usual.design, (found.high - found.low) / 2.0, usual.estimate.abs(), level)
        })
    }

    fn shown_interval(self, better: ConfidenceInterval) -> ConfidenceInterval {
        let turned = if self.sign > 0.0 { better } else { better.negated() };
        middle::unscaled_interval(self.center, turned)
    }
}

/// The differences between the selected point and each other one; ratios, where the geometric mean is the measure's
/// middle. It holds if each difference is above 0 with its own 95 % interval: being better than all is an intersection
/// of claims. It doesn't if one is below 0 with an interval at the level of as many ways to be refused as there are
/// others: being worse than any is a union, where chances add up (see [`DecisionLevels`]).
///
/// It can't hold if a run of any point has no value, or if another point has runs that are those of the selected one: no
/// run is better than itself. It can fail to hold by a point of which neither is so. Points that are the same runs are one.
pub(super) fn decide(
    runs: &[Run],
    of: &Selection,
    y: &str,
    best: Best,
    rule: DecisionRule<'_>,
) -> CheckResult {
    let all: Vec<&Run> = runs.iter().filter(|run| run.task.experiment == of.experiment).collect();
    let order = Order {
        center: middle::chosen(rule.middle, y, &all),
        sign: match best {
            Best::Lowest => -1.0,
            Best::Highest => 1.0,
        },
    };
    let points = points(&all, of, y, order.center);
    let what = format!("{} of {y}, {} of all points", order.center.words(), best.as_str());
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
    let levels = rule.levels.of_each(others.len());
    let n = candidate.sample.n();
    let rests = |result: CheckResult| {
        let result = result.over_samples(&[SampleSummary { n, ..SampleSummary::default() }]);
        CheckResult { left_out: left_out.clone(), ..result }
    };
    let rivals: Vec<(&Candidate<'_>, Difference)> = others
        .iter()
        .filter_map(|other| Some((*other, order.compare(candidate, other, levels.to_hold())?)))
        .collect();
    // The best of the others, the first of equal ones.
    let nearest =
        rivals.iter().reduce(|near, rival| if rival.1.estimate < near.1.estimate { rival } else { near });
    let undecidable = undecidable(candidate, &same, &others);
    let Some(nearest_rival @ (nearest, found)) = nearest else {
        let why = if n == 0 { "the point has no value" } else { "no other point has a value" };
        return rests(CheckResult::undecided(what, undecidable.unwrap_or_else(|| why.to_owned())));
    };
    let rank = 1 + rivals.iter().filter(|(_, found)| found.estimate < 0.0).count();
    let first = if rank == 1 { candidate } else { *nearest };
    let mean = |point: &Candidate<'_>| {
        formatted(middle::unscaled(order.center, point.sample.middle(order.center).unwrap_or(f64::NAN)))
    };
    let beside = match order.center {
        Center::Mean | Center::InterquartileMean { .. } => "less",
        Center::GeometricMean => "as a multiple of",
    };
    let measured = format!(
        "{what}: {} is {} with rank {rank} of {}; best is {} with {}; {beside} the best other, {}: {}",
        candidate.label,
        mean(candidate),
        rivals.len() + 1,
        first.label,
        mean(first),
        nearest.label,
        formatted(order.shown(found.estimate)),
    );
    // To be the best, a point must beat every other; not to be, it is enough that one beats it.
    let all_beaten = || {
        let of_each = rivals.iter().map(|rival| order.runs_needed(candidate, rival, levels));
        of_each.reduce(RunsNeeded::max).unwrap_or_default()
    };
    let (leaning, runs_needed) = match rank {
        1 => (Verdict::Holds, all_beaten()),
        _ => (Verdict::DoesntHold, order.runs_needed(candidate, nearest_rival, levels)),
    };
    // What is shown is the difference to one other point, that by which the check was decided.
    let result = |other: &Candidate<'_>, found: &Difference, level: f64, verdict: Verdict, why: String| {
        let result = CheckResult {
            estimate: Some(order.shown(found.estimate)).filter(|estimate| estimate.is_finite()),
            interval: found.interval.map(|interval| order.shown_interval(interval)),
            level,
            verdict,
            probability_of_improvement: order.improvement(candidate, other, levels.to_hold()),
            runs_needed,
            leaning,
            ..CheckResult::undecided(measured.clone(), why)
        };
        in_context(rests(result), y, order, candidate, other)
    };
    let is_whole = |point: &Candidate<'_>| !point.sample.has_gaps();
    let better =
        rivals.iter().filter(|(other, _)| is_whole(candidate) && is_whole(other)).filter_map(|(other, _)| {
            let found = order.compare(candidate, other, levels.to_refuse())?;
            found.interval.filter(|interval| interval.high < 0.0).map(|_| (*other, found))
        });
    // Of those that are better beyond doubt, the one that is better by most; the first of equal ones.
    let best = better.reduce(|best, rival| if rival.1.estimate < best.1.estimate { rival } else { best });
    if let Some((other, found)) = best {
        let result = result(other, &found, levels.to_refuse(), Verdict::DoesntHold, String::new());
        let level = percent(levels.to_refuse());
        let measured = format!("{}; {} is better with its interval at {level}", result.measured, other.label);
        return CheckResult { measured, ..result };
    }
    // Where the usual interval speaks against the point, the one by which it would be refused is shown: the verdict follows from it.
    let speaks_against = found.interval.is_some_and(|interval| interval.high < 0.0);
    let level = if speaks_against { levels.to_refuse() } else { levels.to_hold() };
    let decisive = order.compare(candidate, nearest, level).unwrap_or(*found);
    let shown = |verdict, why| result(nearest, &decisive, level, verdict, why);
    if let Some(why) = undecidable {
        return shown(Verdict::Undecided, why);
    }
    let is_beaten = |other: &Difference| other.interval.is_some_and(|interval| interval.low > 0.0);
    if rivals.iter().all(|(_, found)| is_beaten(found)) {
        return shown(Verdict::Holds, String::new());
    }
    let small = rivals.iter().filter(|(_, found)| found.interval.is_none()).count();
    let open = rivals.iter().filter(|(_, found)| found.interval.is_some() && !is_beaten(found)).count();
    shown(
        Verdict::Undecided,
        match (found.interval, small) {
            (None, _) if n < super::check_result::MIN_RUNS => super::check_result::NO_INTERVAL.to_owned(),
            (_, 0) => format!("not told apart from {open} of {} other points", others.len()),
            _ => format!(
                "not told apart from {open} of {} other points; too few runs at {small}",
                others.len()
            ),
        },
    )
}

/// The result with what is to be borne in mind of the point and the one that it is held against.
fn in_context(
    result: CheckResult,
    y: &str,
    order: Order,
    candidate: &Candidate<'_>,
    other: &Candidate<'_>,
) -> CheckResult {
    let few = cautions::of_few_runs(&result, order.center, None);
    let apart = [candidate, other].into_iter().filter_map(|point| {
        cautions::of_runs_apart(&point.sample, order.center, &format!("{}: ", point.label))
    });
    let result = result.with_cautions(few.into_iter().chain(apart));
    let runs: Vec<&Run> =
        [candidate, other].iter().flat_map(|point| point.sample.runs()).map(|(run, _)| *run).collect();
    let requirement = if order.sign > 0.0 { Requirement::Above(0.0) } else { Requirement::Below(0.0) };
    match (candidate.sample.middle(order.center), other.sample.middle(order.center)) {
        (Some(a), Some(b)) => {
            in_view_of_test_examples(result, y, order.center, &runs, Shares::Difference(a, b), requirement)
        }
        _ => result,
    }
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
    let mut known: BTreeSet<BTreeSet<Computation<'_>>> = BTreeSet::new();
    points.into_iter().filter(|point| known.insert(point.sample.computations())).collect()
}

/// The points of these runs of the selection's experiment, in plan order.
fn points<'a>(selected: &[&'a Run], of: &Selection, y: &str, center: Center) -> Vec<Candidate<'a>> {
    let labels = duplicates::PointNames::of(selected);
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let mut members: Vec<(&str, Vec<&'a Run>)> = Vec::new();
    for run in selected {
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
            sample: Sample::of_all(members, |_, metrics| middle::scaled(center, measure(metrics, y)?)),
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

#[cfg(test)]
mod tests {
    use basin_domain::metrics::Axis;

    use super::*;
    use crate::samples;

    #[test]
    fn the_interval_beside_an_undecided_verdict_is_the_one_that_decides_nothing() {
        let mut runs = samples::points::architectures(3);
        for (place, run) in runs.iter_mut().enumerate() {
            let seed = run.task.spec.seed as f64;
            let accuracy = match place / 3 {
                0 => 0.5,
                1 => 0.58 + 0.04 * seed,
                _ => 0.1 + 0.001 * seed,
            };
            samples::measure(run, |metrics| metrics.push("test_accuracy", Axis::Epoch, 31.0, accuracy));
        }
        let first = &runs[0].task;
        let of = Selection { experiment: first.experiment.clone(), values: first.point.clone() };
        let levels = DecisionLevels::of_claim(1);
        let result = decide(&runs, &of, "test_accuracy", Best::Highest, levels.into());
        // Worse than the second by its own interval at 95 %; not by the one that nine rivals take.
        assert_eq!(result.verdict, Verdict::Undecided);
        let interval = result.interval.unwrap();
        assert!(interval.low < 0.0 && interval.high > 0.0, "{interval:?}");
        assert!((result.level - (1.0 - 0.05 / 9.0)).abs() < 1e-12, "{}", result.level);
    }
}
