//! How often a claim is refused that holds, by a hair.

use basin_domain::random::Stream;

use super::data::{self, SIZES};
use super::{Cell, Expected, Row, share};
use crate::claims::check_result::{CheckResult, Estimate};
use crate::claims::levels::DecisionLevels;
use crate::claims::requirement::Requirement;
use crate::claims::verdict::Verdict;
use crate::statistics::{
    Center, ConfidenceInterval, RankCorrelation, difference, interquartile_interval, mean_interval,
};

/// Of a check whose number is where it must be just so, the verdict.
fn verdict(
    levels: DecisionLevels,
    interval_at: impl Fn(f64) -> Option<ConfidenceInterval>,
    requirement: Requirement,
) -> Verdict {
    let estimate = Estimate { value: 0.0, interval_at, center: Center::Mean, design: None };
    CheckResult::decided(String::new(), &estimate, levels, requirement).verdict
}

/// The row of a claim of so many checks, each of which `check` decides from new runs.
fn of_claim(
    repetitions: usize,
    checks: usize,
    data: &str,
    check: impl Fn(&mut Stream, usize, DecisionLevels) -> Verdict,
) -> Row {
    let what = ["claim of 1 check, refused falsely", "claim of 2 checks", "claim of 3 checks"][checks - 1];
    let levels = DecisionLevels::of_claim(checks);
    let cell = |n: usize| {
        let share = share(&format!("{what} {data} {n}"), repetitions, |stream| {
            let verdicts: Vec<Verdict> = (0..checks).map(|_| check(stream, n, levels)).collect();
            Some(Verdict::of_all(verdicts.into_iter()) == Verdict::DoesntHold)
        });
        Cell { n, share, repetitions }
    };
    Row { what, data: data.to_owned(), cells: SIZES.map(cell).to_vec(), expected: Expected::SeldomRefuses }
}

pub(super) fn rows(repetitions: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    for checks in 1..=3 {
        rows.push(of_claim(repetitions, checks, "means, normal, at the bound", |stream, n, levels| {
            let values = data::normal(stream, n);
            verdict(levels, |level| mean_interval(&values, level), Requirement::AtMost(0.0))
        }));
        rows.push(of_claim(repetitions, checks, "differences by seed, none", |stream, n, levels| {
            let [a, b] = data::by_seed(stream, n);
            verdict(levels, |level| difference(&a, &b, level)?.interval, Requirement::Above(0.0))
        }));
        let data = "interquartile means, normal, at the bound";
        rows.push(of_claim(super::fewer(repetitions), checks, data, |stream, n, levels| {
            let values = data::normal(stream, n);
            verdict(levels, |level| interquartile_interval(&values, level), Requirement::AtMost(0.0))
        }));
        let data = "rank correlations of n points of 3 runs, none";
        rows.push(of_claim(super::fewer(repetitions), checks, data, |stream, n, levels| {
            let found = RankCorrelation::of(&data::grouped(stream, n, 1.0));
            verdict(levels, |level| found.interval(level), Requirement::Above(0.0))
        }));
    }
    rows.push(of_best(repetitions));
    rows
}

/// Six points that are the same: that one is the best of all is refused if any of the other five is better beyond doubt.
fn of_best(repetitions: usize) -> Row {
    const OTHERS: usize = 5;
    let level = DecisionLevels::of_claim(1).of_each(OTHERS).to_refuse();
    let what = "best of six equal points, refused falsely";
    let cell = |n: usize| {
        let share = share(&format!("{what} {n}"), repetitions, |stream| {
            let mut sample = |_| data::normal(stream, n).into_iter().enumerate().collect::<Vec<_>>();
            let first = sample(0);
            let is_worse = |other: usize| {
                let found = difference(&first, &sample(other), level)?.interval?;
                Some(found.high < 0.0)
            };
            Some((1..=OTHERS).map(is_worse).filter(|worse| *worse == Some(true)).count() > 0)
        });
        Cell { n, share, repetitions }
    };
    Row {
        what,
        data: "normal, paired by seed".to_owned(),
        cells: SIZES.map(cell).to_vec(),
        expected: Expected::SeldomRefuses,
    }
}
