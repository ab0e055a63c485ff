//! Whether a point of an experiment has the best mean of a measure.

use std::collections::{BTreeMap, BTreeSet};

use basin_domain::claim::{Best, Selection};
use basin_domain::value::Value;

use super::finding::Finding;
use super::pair;
use super::sample::{Sample, measure};
use super::verdict::Verdict;
use crate::report::chart::number::significant;
use crate::report::figures::names;
use crate::report::projection::is_selected;
use crate::report::runs::Run;
use crate::report::statistics::{Difference, LEVEL};

/// A point: runs that differ in their seed only.
struct Point<'a> {
    /// Its parameters, for people.
    label: String,
    /// Its runs; the measure is turned so that more is better.
    sample: Sample<'a, f64>,
    /// Whether the selection means it.
    is_meant: bool,
}

/// The differences between the selected point and each other one. It holds if each difference is above 0 with its own 95 %
/// interval: being better than all is an intersection of claims, each of which may err so often (Berger 1982,
/// "Multiparameter hypothesis testing and acceptance sampling"). It doesn't if one is below 0 with an interval at
/// 1 − 5 %/k for k others (Bonferroni): being worse than any is a union, where chances add up.
pub(super) fn decide(runs: &[Run], of: &Selection, y: &str, best: Best) -> Finding {
    let sign = match best {
        Best::Lowest => -1.0,
        Best::Highest => 1.0,
    };
    let points = points(runs, of, y, sign);
    let what = format!("mean of {y}, {} of all points", best.as_str());
    let (meant, others): (Vec<&Point<'_>>, Vec<&Point<'_>>) = points.iter().partition(|point| point.is_meant);
    let left_out = left_out(&meant, &others);
    let [meant] = meant[..] else {
        let why = format!("the selection means {} points, not one", meant.len());
        return Finding::undecided(what, why).of_runs(&[0], left_out);
    };
    let n = meant.sample.runs.len();
    let rivals: Vec<(&Point<'_>, Difference)> = others
        .iter()
        .filter_map(|other| Some((*other, pair::compare(&meant.sample, &other.sample, LEVEL)?)))
        .collect();
    // The best of the others, the first of equal ones.
    let nearest =
        rivals.iter().reduce(|near, rival| if rival.1.estimate < near.1.estimate { rival } else { near });
    let Some((nearest, found)) = nearest else {
        let why = if n == 0 { "the point has no value" } else { "no other point has a value" };
        return Finding::undecided(what, why).of_runs(&[n], left_out);
    };
    let rank = 1 + rivals.iter().filter(|(_, found)| found.estimate < 0.0).count();
    let first = if rank == 1 { meant } else { *nearest };
    let measured = format!(
        "{what}: {} is {} with rank {rank} of {}; best is {} with {}; less the best other, {}: {}",
        meant.label,
        significant(sign * meant.sample.mean()),
        rivals.len() + 1,
        first.label,
        significant(sign * first.sample.mean()),
        nearest.label,
        significant(sign * found.estimate),
    );
    let turned = |(low, high): (f64, f64)| if sign > 0.0 { (low, high) } else { (-high, -low) };
    let finding = |found: &Difference, verdict: Verdict| {
        Finding::new(measured.clone(), sign * found.estimate, found.interval.map(turned), |_| verdict)
            .of_runs(&[n], left_out.clone())
    };
    let all_level = 1.0 - (1.0 - LEVEL) / rivals.len() as f64;
    let better = rivals.iter().filter_map(|(other, _)| {
        let found = pair::compare(&meant.sample, &other.sample, all_level)?;
        found.interval.filter(|(_, high)| *high < 0.0).map(|_| (*other, found))
    });
    // Of those that are better beyond doubt, the one that is better by most; the first of equal ones.
    let best = better.reduce(|best, rival| if rival.1.estimate < best.1.estimate { rival } else { best });
    if let Some((other, found)) = best {
        let finding = finding(&found, Verdict::DoesntHold);
        let measured = format!(
            "{}; {} is better with its interval at {} %",
            finding.measured,
            other.label,
            significant(100.0 * all_level)
        );
        return Finding { measured, ..finding };
    }
    let is_beaten = |other: &Difference| other.interval.is_some_and(|(low, _)| low > 0.0);
    if rivals.len() == others.len() && rivals.iter().all(|(_, found)| is_beaten(found)) {
        return finding(found, Verdict::Holds);
    }
    let finding = finding(found, Verdict::Undecided);
    let unmeasured = others.len() - rivals.len();
    let small = rivals.iter().filter(|(_, found)| found.interval.is_none()).count();
    let open = rivals.iter().filter(|(_, found)| found.interval.is_some() && !is_beaten(found)).count();
    let why = match (finding.interval, unmeasured, small) {
        (None, ..) if n < super::finding::TOO_FEW => finding.why,
        (_, 0, 0) => format!("not told apart from {open} of {} other points", others.len()),
        _ => format!(
            "not told apart from {open} of {} other points; too few runs at {}",
            others.len(),
            unmeasured + small
        ),
    };
    Finding { why, ..finding }
}

/// The points of the selection's experiment, in plan order.
fn points<'a>(runs: &'a [Run], of: &Selection, y: &str, sign: f64) -> Vec<Point<'a>> {
    let mut known = BTreeSet::new();
    let mut order: Vec<BTreeMap<&str, &Value>> = Vec::new();
    let mut members: Vec<Vec<&Run>> = Vec::new();
    for run in runs.iter().filter(|run| run.task.experiment == of.experiment) {
        if !known.insert(run.task.id) {
            continue;
        }
        let varied: BTreeMap<&str, &Value> = run
            .task
            .point
            .iter()
            .filter(|(name, _)| *name != "seed")
            .map(|(name, value)| (name.as_str(), value))
            .collect();
        match order.iter().position(|point| *point == varied) {
            Some(index) => members[index].push(run),
            None => {
                order.push(varied);
                members.push(vec![run]);
            }
        }
    }
    let named = |varied: &BTreeMap<&str, &Value>| {
        let parts =
            varied.iter().map(|(name, value)| format!("{} {}", names::parameter(name), names::value(value)));
        parts.collect::<Vec<_>>().join(", ")
    };
    order
        .iter()
        .zip(members)
        .map(|(varied, members)| Point {
            label: named(varied),
            is_meant: members.iter().any(|run| is_selected(run, of)),
            sample: Sample::of_all(members, |_, record| Ok(sign * measure(record, y)?)),
        })
        .collect()
}

fn left_out(meant: &[&Point<'_>], others: &[&Point<'_>]) -> String {
    let of = |point: &&Point<'_>| {
        let left_out = point.sample.left_out();
        (!left_out.is_empty()).then(|| format!("{}: {left_out}", point.label))
    };
    meant.iter().chain(others).filter_map(of).collect::<Vec<_>>().join("; ")
}
