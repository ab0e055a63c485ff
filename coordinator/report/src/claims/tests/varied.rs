//! Claims that vary settings of their analysis: one set of runs, several verdicts.

use basin_domain::claim::{BoundKey, Condition, MeasureKey, RecomputedMeasure, Setting, Side, Variation};

use super::*;
use crate::{StoredNumbers, StoredNumbersByTask};

/// Twelve searches for a critical point whose loss rises with their seed. Of 24 eigenvalues there are as many more above 1e-6, and as
/// many fewer above 1e-4. The last two have a gradient a little too large to have converged.
fn searches() -> (Vec<Run>, StoredNumbersByTask) {
    let mut stored = StoredNumbersByTask::new();
    let of = |seed: u64| {
        let count = seed as usize;
        let mut eigenvalues = vec![1.0; 12 - count];
        eigenvalues.extend(vec![1e-5; 2 * count]);
        eigenvalues.resize(24, -1.0);
        let mut record = Metrics::default();
        record.set("final_loss", 1.0 + seed as f64);
        record.set("final_gradient_norm", if seed < 10 { 1e-7 } else { 5e-5 });
        record.set("converged", f64::from(seed < 10));
        record.set("minimal_ratio_positive_eigenvalues", (12 + count) as f64 / 24.0);
        let mut run = run(1, seed, record);
        run.task.spec.experiment = samples::critical_point();
        stored.insert(run.task.id, StoredNumbers { eigenvalues, weights: vec![0.05, 0.5] });
        run
    };
    let runs = (0..12).map(of).collect();
    (runs, stored)
}

fn rises(vary: Vec<Variation>) -> Claim {
    let check = Check::Correlation {
        of: all(),
        x: "final_loss".to_owned(),
        y: "minimal_ratio_positive_eigenvalues".to_owned(),
        direction: Direction::Rises,
        only_if: Some("converged".to_owned()),
    };
    Claim {
        text: "It rises".to_owned(),
        checks: vec![check],
        analysis: Analysis { vary, ..Analysis::default() },
    }
}

fn varied(name: &str, settings: Vec<Setting>) -> Variation {
    Variation { name: name.to_owned(), settings }
}

fn thresholds(of: RecomputedMeasure, thresholds: &[f64]) -> Variation {
    varied(of.parameter(), thresholds.iter().map(|&threshold| Setting::Recomputed(of, threshold)).collect())
}

fn results_of(claim: Claim) -> Results {
    let (runs, stored) = searches();
    Results { stored, ..crate::tests::results_with_claims(runs, vec![claim]) }
}

#[test]
fn a_verdict_that_hangs_on_a_threshold_says_on_which() {
    let claim = rises(vec![thresholds(RecomputedMeasure::PositiveEigenvalues, &[1e-8, 1e-6, 1e-4])]);
    let results = results_of(claim);
    let judged = evaluate(&results);
    let expected = "depends on minimal_ratio.positive: holds at 1e-8, 1e-6; refused at 1e-4";
    assert_eq!((judged[0].verdict, judged[0].depends_on()), (Undecided, Some(expected)));
    assert_eq!((judged[0].checks[0].verdict, judged[0].checks[0].why.as_str()), (Undecided, expected));
    let found = judged[0].varied.as_ref().unwrap();
    let verdicts: Vec<(&str, bool, Verdict)> =
        found.combinations.iter().map(|one| (one.values[0].as_str(), one.is_own, one.verdict)).collect();
    assert_eq!(verdicts, [("1e-8", false, Holds), ("1e-6", true, Holds), ("1e-4", false, DoesntHold)]);
    assert_eq!((found.bands[0].smallest, found.bands[0].largest), (Some(-1.0), Some(1.0)));
    assert_eq!(found.bands[0].interval.map(|band| (band.low, band.high)), Some((-1.0, 1.0)));
    // What the run recorded is what comes out at its own threshold.
    let own = Claim { analysis: Analysis::default(), ..results.claims[0].clone() };
    let alone = evaluate(&Results { claims: vec![own], ..results });
    assert_eq!(alone[0].checks[0].estimate, found.combinations[1].checks[0].estimate);
}

#[test]
fn what_depends_on_nothing_is_decided_as_ever_and_says_so_in_every_file() {
    let settings = vec![
        thresholds(RecomputedMeasure::PositiveEigenvalues, &[1e-8, 1e-6]),
        thresholds(RecomputedMeasure::Converged, &[1e-5, 1e-4]),
    ];
    let results = results_of(rises(settings));
    let judged = evaluate(&results);
    assert_eq!((judged[0].verdict, judged[0].depends_on()), (Holds, None));
    let found = judged[0].varied.as_ref().unwrap();
    let runs: Vec<(String, usize)> =
        found.combinations.iter().map(|one| (one.values.join(" "), one.checks[0].n[0])).collect();
    let expected = [("1e-8 1e-5", 10), ("1e-8 1e-4", 12), ("1e-6 1e-5", 10), ("1e-6 1e-4", 12)];
    assert_eq!(runs, expected.map(|(values, n)| (values.to_owned(), n)));
    let text = csv(&judged);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 1 + 1 + 4);
    assert!(lines[1].starts_with("1,It rises,holds,true,1,") && lines[1].contains(",,,1,1,"), "{}", lines[1]);
    assert!(lines[2].contains(",minimal_ratio.positive = 1e-8; search.threshold = 1e-5,"), "{}", lines[2]);
    let json: serde_json::Value = serde_json::from_str(&json(&judged)).unwrap();
    assert_eq!(
        json[0]["varied"]["settings"],
        serde_json::json!(["minimal_ratio.positive", "search.threshold"])
    );
    assert_eq!(json[0]["varied"]["combinations"][1]["verdict"], "holds");
    assert!(json[0]["varied"]["depends_on"].is_null());
    let folder = tempfile::tempdir().unwrap();
    let summary = results.write(folder.path()).unwrap();
    assert_eq!(summary.claims[0].to_string(), "holds         It rises");
    let page = std::fs::read_to_string(&summary.page).unwrap();
    assert!(page.contains("Over all settings") && page.contains("class=\"combinations\""), "{page}");
    assert!(page.contains("as the sweep has it") && page.contains("needs no correction for their number"));
}

#[test]
fn a_claim_that_depends_says_so_in_the_summary_and_on_the_page() {
    let claim = rises(vec![thresholds(RecomputedMeasure::PositiveEigenvalues, &[1e-6, 1e-4])]);
    let folder = tempfile::tempdir().unwrap();
    let summary = results_of(claim).write(folder.path()).unwrap();
    assert_eq!(
        summary.claims[0].to_string(),
        "undecided     It rises  (depends on minimal_ratio.positive: holds at 1e-6; refused at 1e-4)"
    );
    let page = std::fs::read_to_string(&summary.page).unwrap();
    assert!(page.contains("Depends on minimal_ratio.positive: holds at 1e-6; refused at 1e-4."), "{page}");
}

#[test]
fn a_run_whose_result_cannot_be_read_leaves_the_combination_undecided() {
    let claim = rises(vec![thresholds(RecomputedMeasure::PositiveEigenvalues, &[1e-8, 1e-6])]);
    let mut results = results_of(claim);
    let first = results.runs[0].task.id;
    results.stored.remove(&first);
    let judged = evaluate(&results);
    assert_eq!(judged[0].verdict, Undecided);
    assert_eq!(judged[0].checks[0].why, "1 of 10 runs has no value: 1 without the measure");
}

#[test]
fn conditions_on_measures_leave_runs_out_by_request_and_can_be_varied() {
    let norm = |bound| Condition { measure: "final_gradient_norm".to_owned(), side: Side::Below, bound };
    let mut claim = rises(vec![varied(
        "only_where.final_gradient_norm.below",
        vec![Setting::Condition(norm(1e-6)), Setting::Condition(norm(1e-4))],
    )]);
    let Check::Correlation { only_if, .. } = &mut claim.checks[0] else { panic!() };
    *only_if = None;
    claim.analysis.only_where = vec![norm(1e-6)];
    let judged = evaluate(&results_of(claim));
    let found = &judged[0].varied.as_ref().unwrap().combinations;
    let runs: Vec<(usize, &str)> =
        found.iter().map(|one| (one.checks[0].n[0], one.checks[0].left_out.as_str())).collect();
    assert_eq!(runs, [(10, "2 beyond the bound of a condition"), (12, "")]);
    assert_eq!((judged[0].verdict, found[0].is_own, found[1].is_own), (Holds, true, false));
}

#[test]
fn a_check_without_the_setting_is_the_same_under_all_of_its_values() {
    let within = |low| Check::Within { of: width(1), y: y(), low, high: 3.0 };
    let claim = Claim {
        text: "Both".to_owned(),
        checks: vec![within(0.5), within(0.1)],
        analysis: Analysis {
            vary: vec![varied("low", [0.5, 1.5].map(|low| Setting::Bound(BoundKey::Low, low)).to_vec())],
            ..Analysis::default()
        },
    };
    let results = crate::tests::results_with_claims(losses(1, &[0.9, 0.8, 0.85, 0.95]), vec![claim]);
    let judged = evaluate(&results);
    let verdicts: Vec<Verdict> = judged[0].checks.iter().map(|check| check.verdict).collect();
    assert_eq!(verdicts, [Undecided, Holds]);
    assert_eq!(judged[0].depends_on(), Some("depends on low: holds at 0.5; refused at 1.5"));
    let second = judged[0].varied.as_ref().unwrap().combinations.iter().map(|one| one.checks[1].clone());
    let second: Vec<CheckResult> = second.collect();
    assert_eq!(second[0], second[1]);
}

/// One run of a series that rises to 1, falls to 0, and ends at 0.6.
fn read_by(setting: &Setting) -> Option<f64> {
    let runs = series(&[&[0.0, 1.0, 0.0, 0.2, 0.6]]);
    let check = Check::Within { of: all(), y: "s".to_owned(), low: 0.0, high: 1.0 };
    let read = reading::read(&runs, &check, &[setting], &StoredNumbersByTask::new());
    read[0].metrics().unwrap().last("s")
}

#[test]
fn a_series_is_read_where_a_setting_says() {
    assert_eq!(read_by(&Setting::ReadAt(1.0)), Some(1.0));
    assert_eq!(read_by(&Setting::ReadAt(2.5)), Some(0.0));
    assert_eq!(read_by(&Setting::ReadAt(4.0)), Some(0.6));
    assert_eq!(read_by(&Setting::ReadAt(5.0)), None, "it ends before");
    assert_eq!(read_by(&Setting::AverageLast(0.0)), Some(0.6));
    assert_eq!(read_by(&Setting::AverageLast(0.4)), Some(0.4));
    assert_eq!(read_by(&Setting::Level(0.9)), Some(0.6));
}

#[test]
fn a_moving_mean_knows_nothing_beyond_the_end_of_its_trend() {
    let mut runs = series(&[&[0.0, 3.0, 0.0, 3.0, 99.0]]);
    samples::measure(&mut runs[0], |record| record.set("end", 3.0));
    let check = Check::Trend {
        of: all(),
        y: "s".to_owned(),
        direction: Direction::Rises,
        at_least: 0.0,
        until: Some("end".to_owned()),
    };
    let read = reading::read(&runs, &check, &[&Setting::Smoothing(3)], &StoredNumbersByTask::new());
    let values: Vec<f64> =
        read[0].metrics().unwrap().series["s"].points.iter().map(|point| point.1).collect();
    assert_eq!(values, [1.5, 1.0, 2.0, 1.5]);
}

/// A search that ended with a norm of 1e-5 after three iterations; two more led to 1e-12.
#[test]
fn a_search_has_converged_by_the_norm_with_which_it_ended_and_not_by_what_came_after() {
    let mut runs = losses(1, &[0.5]);
    samples::measure(&mut runs[0], |record| {
        for (x, norm) in [1.0, 1e-2, 1e-3, 1e-5, 1e-9, 1e-12].into_iter().enumerate() {
            record.push("gradient_norm", Axis::Iteration, x as f64, norm);
        }
        record.set("final_gradient_norm", 1e-12);
        record.set("polish_iterations", 2.0);
    });
    let check = Check::Within { of: all(), y: "converged".to_owned(), low: 0.0, high: 2.0 };
    let converged = |threshold| {
        let setting = Setting::Recomputed(RecomputedMeasure::Converged, threshold);
        let read = reading::read(&runs, &check, &[&setting], &StoredNumbersByTask::new());
        read[0].metrics().unwrap().last("converged")
    };
    assert_eq!([converged(1e-4), converged(1e-6)], [Some(1.0), Some(0.0)]);
}

#[test]
fn estimates_of_different_measures_make_no_band() {
    let mut runs = losses(1, &[0.9, 0.8, 0.85, 0.95]);
    for run in &mut runs {
        samples::measure(run, |record| record.set("other", 50.0));
    }
    let claim = Claim {
        text: String::new(),
        checks: vec![Check::Within { of: width(1), y: y(), low: 0.0, high: 100.0 }],
        analysis: Analysis {
            vary: vec![varied(
                "y",
                ["score", "other"].map(|y| Setting::Measure(MeasureKey::Y, y.to_owned())).to_vec(),
            )],
            ..Analysis::default()
        },
    };
    let judged = evaluate(&crate::tests::results_with_claims(runs, vec![claim]));
    assert_eq!(judged[0].verdict, Holds);
    assert_eq!(judged[0].varied.as_ref().unwrap().bands, [Band::default()]);
}

/// 0.875 with an interval of 0.772 to 0.978 at 95 %: a bound of 0.76 is left out at 95 %, and not at 99 %.
#[test]
fn the_level_may_be_varied() {
    let claim = Claim {
        text: String::new(),
        checks: vec![Check::Within { of: width(1), y: y(), low: 0.76, high: 2.0 }],
        analysis: Analysis {
            vary: vec![varied("level", [0.95, 0.99].map(Setting::Level).to_vec())],
            ..Analysis::default()
        },
    };
    let judged =
        evaluate(&crate::tests::results_with_claims(losses(1, &[0.9, 0.8, 0.85, 0.95]), vec![claim]));
    assert_eq!(judged[0].depends_on(), Some("depends on level: holds at 0.95; undecided at 0.99"));
}
