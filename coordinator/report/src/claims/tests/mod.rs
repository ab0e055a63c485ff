mod cautions;
mod coverage;
mod evidence;
mod middles;
mod varied;
mod written;

use std::collections::BTreeMap;

use basin_domain::claim::{Analysis, Best, Check, Claim, Direction, Selection};
use basin_domain::digest::Digest;
use basin_domain::id::{ExperimentId, TaskId};
use basin_domain::metrics::{Axis, Metrics, Outcome};
use basin_domain::value::Value;

use super::Verdict::{DoesntHold, Holds, Undecided};
use super::*;
use crate::statistics::ConfidenceInterval;
use crate::{PairDistance, RunDistance, RunState, samples};

/// A run of the experiment `made-up` with `width` and seed, that measured this.
pub(super) fn run(width: i64, seed: u64, record: Metrics) -> Run {
    let mut run = samples::images(1, 1).remove(0);
    run.task.experiment = ExperimentId::new("made-up").unwrap();
    run.task.point = [("width".to_owned(), Value::Integer(width))].into();
    run.task.spec.seed = seed;
    run.task.id = TaskId(Digest::of(format!("{width} {seed}").as_bytes()));
    samples::measure(&mut run, |measured| {
        *measured = record;
        // No run of another width is the same computation, whatever it ended with.
        measured.set("width_of_run", width as f64);
    });
    run
}

/// Runs of one width, seeds from 0, whose score ends at these values.
pub(super) fn losses(width: i64, values: &[f64]) -> Vec<Run> {
    let of = |(seed, &value): (u64, &f64)| {
        let mut record = Metrics::default();
        record.push("score", Axis::Epoch, 0.0, 9.0);
        record.push("score", Axis::Epoch, 1.0, value);
        run(width, seed, record)
    };
    (0..).zip(values).map(of).collect()
}

/// Runs of width 1 with this series each.
pub(super) fn series(of_runs: &[&[f64]]) -> Vec<Run> {
    let of = |(seed, values): (u64, &&[f64])| {
        let mut record = Metrics::default();
        for (i, &value) in values.iter().enumerate() {
            record.push("s", Axis::Iteration, i as f64, value);
        }
        run(1, seed, record)
    };
    (0..).zip(of_runs).map(of).collect()
}

pub(super) fn diverge(run: &mut Run) {
    let RunState::Committed { commit, .. } = &mut run.state else { unreachable!() };
    commit.outcome = Outcome::Diverged { iteration: 7 };
}

pub(super) fn all() -> Selection {
    Selection { experiment: ExperimentId::new("made-up").unwrap(), values: BTreeMap::new() }
}

pub(super) fn width(width: i64) -> Selection {
    Selection { values: [("width".to_owned(), Value::Integer(width))].into(), ..all() }
}

pub(super) fn y() -> String {
    "score".to_owned()
}

pub(super) fn found(check: &Check, runs: &[Run]) -> CheckResult {
    decide(check, runs, None, DecisionLevels::of_claim(1).into())
}

fn near(found: Option<ConfidenceInterval>, low: f64, high: f64) {
    let interval = found.unwrap();
    assert!((interval.low - low).abs() < 1e-9 && (interval.high - high).abs() < 1e-9, "{interval:?}");
}

#[test]
fn means_within_a_factor_are_equivalent() {
    let check = Check::Equivalent { a: width(1), b: width(2), y: y(), factor: 2.0 };
    let against = |values: &[f64]| found(&check, &[losses(1, &[1.0, 2.0, 4.0]), losses(2, values)].concat());
    let same = against(&[1.25, 2.5, 5.0]);
    assert_eq!((same.verdict, same.n.as_slice()), (Holds, &[3, 3][..]));
    assert_eq!(
        same.measured,
        "geometric mean of score: 2 against 2.500, ratio 0.8000 (paired by seed); should lie within 0.5000 and 2"
    );
    near(same.interval, 0.8, 0.8);
    assert_eq!(against(&[5.0, 10.0, 20.0]).verdict, DoesntHold);
    let unsure = against(&[0.5, 2.0, 9.0]);
    assert_eq!(unsure.verdict, Undecided);
    assert!(
        unsure.why.starts_with("the interval reaches over the bound; if the estimate is right,"),
        "{}",
        unsure.why
    );
    let without = against(&[1.0, 0.0, -3.0]);
    assert_eq!(without.verdict, Undecided);
    assert_eq!(without.why, "of the second: 2 of 3 runs have no value: 2 without a positive value");
    assert_eq!(without.left_out, "of the second: 2 without a positive value");
}

#[test]
fn a_mean_is_greater_if_the_whole_interval_of_the_difference_is() {
    let check = Check::Greater { a: width(1), b: width(2), y: y() };
    let a = [0.71, 0.74, 0.69, 0.80, 0.77];
    let against = |values: &[f64]| found(&check, &[losses(1, &a), losses(2, values)].concat());
    // The example of scipy's Welch interval in the tests of the statistics.
    let greater = against(&[0.66, 0.70, 0.67, 0.65]);
    assert_eq!((greater.verdict, greater.n.as_slice()), (Holds, &[5, 4][..]));
    assert!(greater.measured.ends_with("(Welch); should be above 0"), "{}", greater.measured);
    near(greater.interval, 0.016_741_020_727_060_546, 0.127_258_979_272_939_36);
    assert_eq!(against(&[0.66, 0.70, 0.67, 0.65, 0.73]).verdict, Undecided);
    assert_eq!(against(&[0.91, 0.95, 0.88, 0.99, 0.98]).verdict, DoesntHold);
}

#[test]
fn runs_are_paired_by_seed_whatever_else_their_experiments_vary() {
    let mut runs = Vec::new();
    for (experiment, function, less) in [("narrow", "sin", 0.1), ("wide", "cube", 0.0)] {
        for seed in 0..3 {
            let mut record = Metrics::default();
            record.set("score", 1.0 + less + 0.5 * seed as f64);
            let mut run = run(1, seed, record);
            run.task.experiment = ExperimentId::new(experiment).unwrap();
            run.task.point.insert("function".to_owned(), Value::Text(function.to_owned()));
            run.task.id = TaskId(Digest::of(format!("{experiment} {seed}").as_bytes()));
            runs.push(run);
        }
    }
    let of = |experiment| Selection { experiment: ExperimentId::new(experiment).unwrap(), ..all() };
    let paired = found(&Check::Greater { a: of("narrow"), b: of("wide"), y: y() }, &runs);
    assert_eq!((paired.verdict, paired.n.as_slice()), (Holds, &[3, 3][..]));
    near(paired.interval, 0.1, 0.1);
}

#[test]
fn diverged_missing_and_unmeasured_runs_leave_a_check_undecided_and_are_said() {
    let mut runs = losses(1, &[1.0, 1.1, 0.9, 1.0, f64::NAN, 1.0]);
    diverge(&mut runs[3]);
    runs[5].state = RunState::Missing;
    let within = found(&Check::Within { of: all(), y: y(), low: 0.5, high: 1.5 }, &runs);
    assert_eq!((within.verdict, within.n.as_slice()), (Undecided, &[3][..]));
    assert_eq!(within.left_out, "1 diverged, 1 missing, 1 without a finite value");
    assert_eq!(within.why, "3 of 6 runs have no value: 1 diverged, 1 missing, 1 without a finite value");
    diverge(&mut runs[2]);
    let few = found(&Check::Within { of: all(), y: y(), low: 0.5, high: 1.5 }, &runs);
    assert_eq!(few.verdict, Undecided);
    assert!(few.why.starts_with("4 of 6 runs have no value: 2 diverged"), "{}", few.why);
    let checks = every_check();
    for check in &checks {
        let nothing = found(check, &[]);
        assert_eq!(
            (nothing.verdict, nothing.estimate, nothing.interval),
            (Undecided, None, None),
            "{check:?}"
        );
        assert!(!nothing.why.is_empty(), "{check:?}");
    }
}

fn every_check() -> Vec<Check> {
    let (direction, of) = (Direction::Rises, all());
    vec![
        Check::Equivalent { a: width(1), b: width(2), y: y(), factor: 2.0 },
        Check::Greater { a: width(1), b: width(2), y: y() },
        Check::Trend { of: of.clone(), y: y(), direction, at_least: 0.0, until: None },
        Check::Correlation { of: of.clone(), x: "width".to_owned(), y: y(), direction, only_if: None },
        Check::Within { of: of.clone(), y: y(), low: 0.0, high: 1.0 },
        Check::Best { of: width(1), y: y(), best: Best::Lowest },
        Check::Together { of: of.clone(), at_most: 0.5 },
        Check::Smooth { of, y: y(), at_most: 0.05 },
    ]
}

#[test]
fn values_that_are_not_finite_never_panic_and_decide_nothing() {
    let runs = losses(1, &[f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::NAN]);
    for check in every_check() {
        let finding = found(&check, &runs);
        assert_eq!(finding.verdict, Undecided, "{check:?}");
        assert!(serde_json::to_string(&finding).is_ok());
    }
}

#[test]
fn a_parameter_that_a_point_does_not_give_selects_it_by_no_default() {
    let mut runs = losses(1, &[0.9, 0.8, 0.85, 0.95]);
    runs.extend(losses(2, &[7.0, 8.0, 9.0, 10.0]));
    // One point of a list says the step size that the other has by default.
    let rate = Value::Float(1e-3);
    for run in &mut runs[..4] {
        run.task.point.insert("learning_rate".to_owned(), rate.clone());
    }
    let of = Selection { values: [("learning_rate".to_owned(), rate)].into(), ..all() };
    let within = found(&Check::Within { of, y: y(), low: 0.5, high: 1.5 }, &runs);
    assert_eq!((within.verdict, within.n.as_slice()), (Holds, &[4][..]));
}

#[test]
fn a_mean_lies_within_bounds_or_beyond_them_with_its_interval() {
    let check = |low, high| Check::Within { of: all(), y: y(), low, high };
    // Mean 0.875, interval 0.772 to 0.978: the example of scipy in the tests of the statistics.
    let runs = losses(1, &[0.9, 0.8, 0.85, 0.95]);
    assert_eq!(found(&check(0.7, 1.0), &runs).verdict, Holds);
    assert_eq!(found(&check(0.8, 1.0), &runs).verdict, Undecided);
    let outside = found(&check(0.0, 0.5), &runs);
    assert_eq!(outside.verdict, DoesntHold);
    assert_eq!(outside.measured, "mean of score: 0.8750; should lie within 0 and 0.5000");
    near(outside.interval, 0.772_286_987_161_974, 0.977_713_012_838_026);
}

#[test]
fn a_trend_is_the_mean_rank_correlation_of_each_run() {
    let check =
        |direction, at_least| Check::Trend { of: all(), y: "s".to_owned(), direction, at_least, until: None };
    let rising: [&[f64]; 3] = [&[1.0, 2.0, 3.0, 4.0], &[1.0, 2.0, 4.0, 3.0], &[0.0, 1.0, 5.0, 9.0]];
    let runs = series(&rising);
    // Correlations 1, 0.8, 1: mean 0.933, half width 4.302 653·0.066 667 = 0.286 844; none is above 1.
    let risen = found(&check(Direction::Rises, 0.6), &runs);
    assert_eq!(risen.verdict, Holds);
    assert!((risen.estimate.unwrap() - 14.0 / 15.0).abs() < 1e-12);
    let ConfidenceInterval { low, high } = risen.interval.unwrap();
    assert!((low - 0.646_490).abs() < 1e-6 && high == 1.0, "{low} {high}");
    assert_eq!(found(&check(Direction::Rises, 0.7), &runs).verdict, Undecided);
    assert_eq!(found(&check(Direction::Falls, 0.0), &runs).verdict, DoesntHold);
    let flat = series(&[&[1.0; 3][..], &[1.0, 2.0, 3.0], &[2.0, 2.0, 3.0], &[1.0, 2.0, 2.0]]);
    let finding = found(&check(Direction::Rises, 0.0), &flat);
    assert_eq!((finding.verdict, finding.left_out.as_str()), (Undecided, "1 without a rank correlation"));
    let constant = found(&check(Direction::Rises, 0.0), &series(&[&[1.0; 5][..]; 6]));
    assert_eq!(constant.why, "6 of 6 runs have no value: 6 without a rank correlation");
    assert_eq!(constant.measured, "mean over runs of the rank correlation of s with its x");
}

#[test]
fn a_trend_ends_where_its_number_says_and_is_undecided_without_it() {
    let mut runs = series(&[&[1.0, 2.0, 2.5, 3.0, 0.0, f64::NAN, 0.0][..]; 4]);
    for run in &mut runs[..3] {
        samples::measure(run, |record| record.set("trained_iterations", 3.0));
    }
    let until = Some("trained_iterations".to_owned());
    let check =
        Check::Trend { of: all(), y: "s".to_owned(), direction: Direction::Rises, at_least: 0.5, until };
    let whole = found(&check, &runs[..3]);
    assert_eq!((whole.verdict, whole.estimate), (Holds, Some(1.0)), "what comes after the end doesn't count");
    let finding = found(&check, &runs);
    assert_eq!(finding.verdict, Undecided);
    assert_eq!(finding.why, "1 of 4 runs has no value: 1 without the number to look up to");
}

/// Runs whose loss is this at width 1, 2, 3, …
fn by_width(values: &[f64]) -> Vec<Run> {
    (1..).zip(values).flat_map(|(width, &value)| losses(width, &[value])).collect()
}

#[test]
fn a_correlation_across_runs_is_decided_by_its_interval() {
    let check =
        |direction| Check::Correlation { of: all(), x: "width".to_owned(), y: y(), direction, only_if: None };
    let rising = by_width(&[1.0, 3.0, 2.0, 4.0, 5.0, 7.0, 6.0, 8.0, 9.0, 10.0]);
    assert_eq!(found(&check(Direction::Rises), &rising).verdict, Holds);
    let falls = found(&check(Direction::Falls), &rising);
    assert_eq!(falls.verdict, DoesntHold);
    assert!(falls.measured.ends_with("; should be below 0"), "{}", falls.measured);
    // Ten runs in perfect order leave something to learn.
    let ordered =
        found(&check(Direction::Rises), &by_width(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0]));
    assert_eq!((ordered.verdict, ordered.estimate), (Holds, Some(1.0)));
    assert!(
        ordered.interval.is_some_and(|found| 0.0 < found.low && found.low < 0.99 && found.high == 1.0),
        "{ordered:?}"
    );
    let neither = by_width(&[5.0, 1.0, 8.0, 3.0, 9.0, 2.0, 7.0, 4.0, 6.0, 5.0]);
    assert_eq!(found(&check(Direction::Rises), &neither).verdict, Undecided);
    let few = found(&check(Direction::Rises), &rising[..4]);
    assert_eq!(few.verdict, Undecided);
    assert_eq!(few.why, "4 runs are too few for a rank correlation: it takes 5");
    let constant = found(&check(Direction::Rises), &by_width(&[2.0; 6]));
    assert_eq!((constant.verdict, constant.why.as_str()), (Undecided, "width or score doesn't vary"));
}

#[test]
fn runs_that_have_not_converged_are_no_part_of_a_correlation() {
    let mut runs = by_width(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, -7.0, -8.0]);
    for (place, run) in runs.iter_mut().enumerate() {
        let RunState::Committed { metrics: record, .. } = &mut run.state else { unreachable!() };
        record.set("converged", if place < 6 { 1.0 } else { 0.0 });
        record.set("share", place as f64);
    }
    let check = Check::Correlation {
        of: all(),
        x: "share".to_owned(),
        y: y(),
        direction: Direction::Rises,
        only_if: Some("converged".to_owned()),
    };
    let finding = found(&check, &runs);
    assert_eq!((finding.verdict, finding.estimate), (Holds, Some(1.0)));
    assert_eq!((finding.n.as_slice(), finding.left_out.as_str()), (&[6][..], "2 not converged"));
    for (place, run) in runs.iter_mut().enumerate() {
        let RunState::Committed { metrics: record, .. } = &mut run.state else { unreachable!() };
        record.set("certified", if place < 6 { 1.0 } else { 0.0 });
        record.set(if place == 7 { "cause_slow" } else { "cause_flat" }, f64::from(u8::from(place >= 6)));
    }
    let Check::Correlation { of, x, y, direction, .. } = check else { unreachable!() };
    let check = Check::Correlation { of, x, y, direction, only_if: Some("certified".to_owned()) };
    assert_eq!(found(&check, &runs).left_out, "1 not certified: flat, 1 not certified: slow");
}

#[test]
fn the_best_point_is_better_than_every_other() {
    let check = |of| Check::Best { of, y: y(), best: Best::Lowest };
    let runs =
        [losses(1, &[0.30, 0.31, 0.32]), losses(2, &[0.10, 0.12, 0.11]), losses(3, &[0.50, 0.51, 0.53])]
            .concat();
    let best = found(&check(width(2)), &runs);
    assert_eq!((best.verdict, best.why.as_str()), (Holds, ""));
    assert_eq!(
        best.measured,
        "mean of score, lowest of all points: width 2 is 0.1100 with rank 1 of 3; best is width 2 with 0.1100; \
         less the best other, width 1: −0.2000"
    );
    assert!(
        best.interval.is_some_and(|found| found.low < -0.2 && -0.2 < found.high && found.high < 0.0),
        "{best:?}"
    );
    let worse = found(&check(width(1)), &runs);
    assert_eq!(worse.verdict, DoesntHold);
    assert!(worse.measured.contains("width 1 is 0.3100 with rank 2 of 3; best is width 2 with 0.1100"));
    assert!(
        worse.measured.ends_with("; width 2 is better with its interval at 97.50 %"),
        "{}",
        worse.measured
    );
    assert_eq!(found(&Check::Best { of: width(3), y: y(), best: Best::Highest }, &runs).verdict, Holds);
    let close = [runs, losses(4, &[0.09, 0.13, 0.12])].concat();
    let unsure = found(&check(width(2)), &close);
    assert_eq!((unsure.verdict, unsure.why.as_str()), (Undecided, "not told apart from 1 of 3 other points"));
    let many = found(&check(all()), &close);
    assert_eq!((many.verdict, many.why.as_str()), (Undecided, "the selection means 4 points, not one"));
}

#[test]
fn of_several_points_that_are_better_the_one_that_is_better_by_most_is_named() {
    let runs =
        [losses(1, &[0.50, 0.51, 0.53]), losses(2, &[0.30, 0.31, 0.32]), losses(3, &[0.10, 0.12, 0.11])]
            .concat();
    let worst = found(&Check::Best { of: width(1), y: y(), best: Best::Lowest }, &runs);
    assert_eq!(worst.verdict, DoesntHold);
    assert!(
        worst.measured.ends_with("; width 3 is better with its interval at 97.50 %"),
        "{}",
        worst.measured
    );
    assert!((worst.estimate.unwrap() - 0.403_333).abs() < 1e-6, "{worst:?}");
}

#[test]
fn a_point_without_values_keeps_another_from_being_the_best() {
    let mut runs =
        [losses(1, &[0.30, 0.31, 0.32]), losses(2, &[0.10, 0.12, 0.11]), losses(3, &[1.0; 3])].concat();
    runs[6..].iter_mut().for_each(diverge);
    let finding = found(&Check::Best { of: width(2), y: y(), best: Best::Lowest }, &runs);
    assert_eq!(finding.verdict, Undecided);
    assert_eq!(finding.why, "3 runs have no value, at 1 point: 3 diverged");
    assert_eq!(finding.left_out, "width 3: 3 diverged");
}

fn distances(between: f64, spread: f64) -> Distances {
    let pairs = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)];
    let of = |(a, b): (u64, u64)| PairDistance { a, b, distance: between + spread * (a + b) as f64 };
    Distances {
        between_last: pairs.map(of).to_vec(),
        first_to_last: (0..4).map(|seed| RunDistance { seed, distance: 10.0 }).collect(),
        left_out: Vec::new(),
    }
}

#[test]
fn runs_are_together_if_their_ends_are_near_each_other() {
    let check = Check::Together { of: all(), at_most: 0.5 };
    let of = |distances: &Distances| decide(&check, &[], Some(distances), DecisionLevels::of_claim(1).into());
    let near_each_other = of(&distances(1.0, 0.1));
    assert_eq!((near_each_other.verdict, near_each_other.n.as_slice()), (Holds, &[4][..]));
    assert!((near_each_other.estimate.unwrap() - 0.13).abs() < 1e-12);
    let without = of(&Distances { left_out: vec!["seed 4: is missing".to_owned()], ..distances(1.0, 0.1) });
    assert_eq!((without.verdict, without.left_out.as_str()), (Undecided, "seed 4: is missing"));
    assert_eq!(without.why, "1 of 5 runs has no distances: seed 4: is missing");
    assert_eq!(of(&distances(14.0, 0.1)).verdict, DoesntHold);
    assert_eq!(of(&distances(1.0, 1.3)).verdict, Undecided);
    let mut two = distances(1.0, 0.1);
    two.between_last.truncate(1);
    two.first_to_last.truncate(2);
    assert_eq!(of(&two).why, "2 runs are too few: it takes 3");
    assert_eq!(of(&Distances::default()).verdict, Undecided);
    let nowhere = Distances {
        first_to_last: (0..4).map(|seed| RunDistance { seed, distance: 0.0 }).collect(),
        ..distances(1.0, 0.1)
    };
    assert_eq!(of(&nowhere).why, "the distances have no ratio");
}

#[test]
fn a_series_is_smooth_if_its_points_lie_near_the_cubic_through_their_neighbours() {
    let check = Check::Smooth { of: all(), y: "s".to_owned(), at_most: 0.05 };
    let curve = |amplitude: f64| -> Vec<f64> {
        (0..31)
            .map(|i| {
                let alpha = f64::from(i) / 10.0 - 1.0;
                alpha * alpha + amplitude * f64::from(i % 2)
            })
            .collect()
    };
    let of = |amplitudes: &[f64]| {
        let curves: Vec<Vec<f64>> = amplitudes.iter().map(|&amplitude| curve(amplitude)).collect();
        found(&check, &series(&curves.iter().map(Vec::as_slice).collect::<Vec<_>>()))
    };
    assert_eq!(of(&[0.0, 0.001, 0.002]).verdict, Holds);
    assert_eq!(of(&[2.0, 2.1, 2.2]).verdict, DoesntHold);
    assert_eq!(of(&[0.0, 0.1, 0.6]).verdict, Undecided);
    assert_eq!(of(&[0.0]).why, "1 run is too few: it takes 3");
    let gap = found(&check, &series(&[&[1.0, 2.0, f64::NAN, 4.0, 5.0]]));
    assert_eq!(gap.left_out, "1 without a finite value");
}
