//! Interquartile means, the probability of improvement, and how many runs a check would need.

use basin_domain::claim::Middle;

use super::*;
use crate::statistics::RunsNeeded;

fn by_iqm(check: &Check, runs: &[Run]) -> CheckResult {
    let rule = DecisionRule { middle: Some(Middle::Iqm), ..DecisionLevels::of_claim(1).into() };
    decide(check, runs, None, rule)
}

#[test]
fn an_interquartile_mean_forgets_a_run_apart_and_takes_six_runs() {
    let check = Check::Within { of: width(1), y: y(), low: 0.0, high: 0.5 };
    let mut values = vec![0.30, 0.31, 0.32, 0.33, 0.34, 0.35, 0.36, 9.0];
    let found = by_iqm(&check, &losses(1, &values));
    assert_eq!(
        (found.verdict, found.n.as_slice()),
        (Undecided, &[8][..]),
        "the run apart may be drawn three times"
    );
    assert!(found.measured.starts_with("interquartile mean of score: 0.3350;"), "{}", found.measured);
    values[7] = 0.37;
    assert_eq!(by_iqm(&check, &losses(1, &values)).verdict, Holds);
    let few = by_iqm(&check, &losses(1, &values[..5]));
    assert_eq!(
        (few.verdict, few.interval, few.why.as_str()),
        (Undecided, None, "an interquartile mean takes 6 runs for an interval at 95 %")
    );
}

#[test]
fn interquartile_means_are_compared_by_their_difference() {
    let low: Vec<f64> = (0..8).map(|i| 0.20 + 0.01 * f64::from(i)).collect();
    let high: Vec<f64> = low.iter().map(|value| value + 0.1).collect();
    let runs = [losses(1, &high), losses(2, &low)].concat();
    let greater = by_iqm(&Check::Greater { a: width(1), b: width(2), y: y() }, &runs);
    assert_eq!(greater.verdict, Holds);
    assert!(
        greater.measured.contains("difference 0.1000")
            && greater.measured.ends_with("(bootstrap, paired by seed); should be above 0"),
        "{}",
        greater.measured
    );
    let best = by_iqm(&Check::Best { of: width(2), y: y(), best: Best::Lowest }, &runs);
    assert_eq!(best.verdict, Holds);
    assert!(
        best.measured.starts_with("interquartile mean of score, lowest of all points: width 2"),
        "{}",
        best.measured
    );
}

#[test]
fn comparisons_say_how_probable_it_is_that_a_run_is_better() {
    let runs = [losses(1, &[0.9, 0.8, 0.7, 0.85, 0.95]), losses(2, &[0.6, 0.75, 0.5, 0.55, 0.65])].concat();
    let greater = found(&Check::Greater { a: width(1), b: width(2), y: y() }, &runs);
    let improvement = greater.probability_of_improvement.unwrap();
    assert!((improvement.estimate - 24.0 / 25.0).abs() < 1e-12, "{improvement:?}");
    assert!(
        improvement.interval.is_some_and(|interval| interval.low < 0.75 && interval.high == 1.0),
        "{improvement:?}"
    );
    let lowest = found(&Check::Best { of: width(2), y: y(), best: Best::Lowest }, &runs);
    let improvement = lowest.probability_of_improvement.unwrap();
    assert!((improvement.estimate - 24.0 / 25.0).abs() < 1e-12, "lower is better: {improvement:?}");
    let within = found(&Check::Within { of: width(1), y: y(), low: 0.0, high: 1.0 }, &runs);
    assert_eq!(within.probability_of_improvement, None);
}

/// Means 0.8 and 0.7 with deviations of 0.1 each and other seeds: a standardised difference of 1 takes 17 runs a side (Cohen
/// 1988, table 2.4.1).
#[test]
fn a_check_knows_how_many_runs_would_tell() {
    let mut runs = [losses(1, &[0.7, 0.8, 0.9]), losses(2, &[0.6, 0.7, 0.8])].concat();
    for run in &mut runs[3..] {
        run.task.spec.seed += 3;
    }
    let check = Check::Greater { a: width(1), b: width(2), y: y() };
    let apart = found(&check, &runs);
    assert_eq!((apart.runs_needed, apart.leaning), (RunsNeeded::Runs(17), Holds));
    let turned = found(&Check::Greater { a: width(2), b: width(1), y: y() }, &runs);
    assert_eq!((turned.runs_needed, turned.leaning), (RunsNeeded::Runs(17), DoesntHold));
    // Refused in one of two ways, at 97.5 %: more.
    let of_two = decide(
        &Check::Greater { a: width(2), b: width(1), y: y() },
        &runs,
        None,
        DecisionLevels::of_claim(2).into(),
    );
    assert!(matches!(of_two.runs_needed, RunsNeeded::Runs(runs) if runs > 17), "{of_two:?}");
    let of_one = found(&Check::Within { of: width(1), y: y(), low: 0.75, high: 9.0 }, &runs);
    assert_eq!(of_one.runs_needed, RunsNeeded::Runs(34), "half a deviation");
}

#[test]
fn a_best_point_takes_as_many_runs_as_its_nearest_rival() {
    let runs =
        [losses(1, &[0.30, 0.31, 0.29]), losses(2, &[0.31, 0.30, 0.29]), losses(3, &[0.90, 0.92, 0.95])]
            .concat();
    let check = |point| Check::Best { of: width(point), y: y(), best: Best::Highest };
    let far = found(&check(3), &runs);
    assert_eq!((far.verdict, far.runs_needed), (Holds, RunsNeeded::Runs(3)));
    let last = found(&check(1), &runs);
    assert_eq!((last.verdict, last.leaning, last.runs_needed), (DoesntHold, DoesntHold, RunsNeeded::Runs(3)));
}
