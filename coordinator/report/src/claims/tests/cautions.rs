//! Verdicts that say what they rest on: few runs, points, test examples, several checks, a first look.

use basin_domain::claim::{Analysis, Best, Check, Claim, Direction};
use basin_domain::metrics::Metrics;

use super::Verdict::{DoesntHold, Holds, Undecided};
use super::tests::{all, found, losses, run, width, y};
use super::*;
use crate::samples;

fn within(low: f64, high: f64) -> Check {
    Check::Within { of: width(1), y: y(), low, high }
}

/// Runs of one width that end with this measure.
fn measured(width: i64, name: &str, values: &[f64]) -> Vec<Run> {
    let of = |(seed, &value): (u64, &f64)| {
        let mut record = Metrics::default();
        record.set(name, value);
        run(width, seed, record)
    };
    (0..).zip(values).map(of).collect()
}

#[test]
fn a_verdict_of_few_runs_says_what_they_cannot_show() {
    let few = found(&within(0.0, 1.0), &losses(1, &[0.9, 0.8, 0.85]));
    assert_eq!(few.verdict, Holds);
    assert_eq!(
        few.cautions,
        [
            "rests on 3 runs: the interval is right if runs are distributed normally, which 3 runs can't show; up to 63 % of \
             all runs may end in another way without one of these doing so; whatever the distribution, the median lies within \
             0.8000 and 0.9000 with a probability of 75 %"
        ]
    );
    assert_eq!(
        found(&within(0.0, 0.85), &losses(1, &[0.9, 0.8, 0.85])).cautions,
        [""; 0],
        "nothing was decided"
    );
    let many = [0.9, 0.8, 0.85, 0.84, 0.86, 0.87, 0.83, 0.82];
    assert_eq!(found(&within(0.0, 1.0), &losses(1, &many)).cautions, [""; 0]);
}

#[test]
fn a_run_apart_from_the_others_is_named() {
    let runs = losses(1, &[0.41, 0.42, 0.43, 0.40, 0.93, 0.42, 0.41, 0.43]);
    let apart = found(&within(0.0, 1.0), &runs);
    assert_eq!(
        apart.cautions,
        [
            "seed 4 (0.9300) ends apart from the others (0.4000 to 0.4300): such runs are no sample of one normal \
          distribution, as the interval takes them for"
        ]
    );
    let other: Vec<f64> = (0..8).map(|i| 0.2 + 0.01 * f64::from(i % 3)).collect();
    let pair = found(
        &Check::Greater { a: width(1), b: width(2), y: y() },
        &[runs.clone(), losses(2, &other)].concat(),
    );
    assert!(
        pair.cautions.iter().any(|caution| caution.starts_with("of the first, seed 4 (0.9300) ends apart"))
    );
    let best = found(
        &Check::Best { of: width(1), y: y(), best: Best::Highest },
        &[runs, losses(2, &other)].concat(),
    );
    assert!(best.cautions.iter().any(|caution| caution.starts_with("width 1: seed 4 (0.9300)")), "{best:?}");
}

/// Three seeds at each of five points, that rise but for one exchange: pooled, 15 runs give ρ = 0.87 with an interval
/// far above 0.
#[test]
fn seeds_of_one_point_are_no_further_points_of_a_correlation() {
    let check = Check::Correlation {
        of: all(),
        x: "width".to_owned(),
        y: y(),
        direction: Direction::Rises,
        only_if: None,
    };
    let runs = |values: &[f64]| {
        let of = |(width, &value): (i64, &f64)| losses(width, &[value, value + 0.01, value + 0.02]);
        (1..).zip(values).flat_map(of).collect::<Vec<Run>>()
    };
    let exchanged = found(&check, &runs(&[2.0, 1.0, 3.0, 4.0, 5.0]));
    assert_eq!(
        (exchanged.verdict, exchanged.n.as_slice(), exchanged.points),
        (Undecided, &[15][..], Some(5))
    );
    assert!((exchanged.estimate.unwrap() - 0.9).abs() < 1e-12);
    let ordered = found(&check, &runs(&[1.0, 2.0, 3.0, 4.0, 5.0]));
    assert_eq!(ordered.verdict, Holds, "1 of 120 orders");
    let four = found(&check, &runs(&[1.0, 2.0, 3.0, 4.0]));
    assert_eq!(
        (four.verdict, four.why.as_str()),
        (Undecided, "4 points are too few for a rank correlation, however many runs each has: it takes 5")
    );
    // Between two measures, too: what differs between two points is one difference.
    let mut two = [losses(1, &[1.0; 20]), losses(2, &[2.0; 20])].concat();
    for (place, run) in two.iter_mut().enumerate() {
        let noise = (place * 7 % 20) as f64 / 100.0;
        samples::measure(run, |record| {
            let up = if place < 20 { 0.0 } else { 1.0 };
            record.set("a", up + noise);
            record.set("b", up - noise);
        });
    }
    let between = Check::Correlation {
        of: all(),
        x: "a".to_owned(),
        y: "b".to_owned(),
        direction: Direction::Rises,
        only_if: None,
    };
    assert_eq!(found(&between, &two).verdict, Undecided);
    let one = Check::Correlation {
        of: width(1),
        x: "a".to_owned(),
        y: "b".to_owned(),
        direction: Direction::Falls,
        only_if: None,
    };
    let seeds = found(&one, &two);
    assert_eq!((seeds.verdict, seeds.n.as_slice(), seeds.points), (Holds, &[20][..], None));
}

/// Student's interval of 0.9, 0.8, 0.85, 0.95 is 0.772 to 0.978 at 95 %, 0.740 to 1.010 at 97.5 %: the examples of SciPy.
#[test]
fn of_several_checks_each_is_refused_at_a_higher_level_and_shows_the_interval_that_decided() {
    let runs = losses(1, &[0.9, 0.8, 0.85, 0.95]);
    let of =
        |check: Check, checks: usize| decide(&check, &runs, None, DecisionLevels::of_claim(checks).into());
    let alone = of(within(0.0, 0.75), 1);
    assert_eq!((alone.verdict, alone.level), (DoesntHold, 0.95));
    let beside = of(within(0.0, 0.75), 2);
    assert_eq!((beside.verdict, beside.level), (Undecided, 0.975));
    assert_eq!(
        beside.why.split(';').next(),
        Some("the interval at 97.50 % reaches over the bound: the claim could be refused in 2 ways")
    );
    let ConfidenceIntervalEnds(low, high) = ends(&beside);
    assert!((low - 0.740_202_917).abs() < 1e-8 && (high - 1.009_797_083).abs() < 1e-8, "{low} {high}");
    // To hold, a check needs no more than its own 95 %: all must.
    let held = of(within(0.75, 1.0), 2);
    assert_eq!((held.verdict, held.level), (Holds, 0.95));
    assert_eq!(of(within(0.0, 0.5), 2).verdict, DoesntHold);
}

struct ConfidenceIntervalEnds(f64, f64);

fn ends(result: &CheckResult) -> ConfidenceIntervalEnds {
    let interval = result.interval.unwrap();
    ConfidenceIntervalEnds(interval.low, interval.high)
}

#[test]
fn losses_are_compared_by_their_ratio_and_so_is_what_spans_a_decade() {
    let check = |name: &str| Check::Greater { a: width(1), b: width(2), y: name.to_owned() };
    let of = |name: &str, a: &[f64], b: &[f64]| {
        found(&check(name), &[measured(1, name, a), measured(2, name, b)].concat())
    };
    let loss = of("test_loss", &[2.0, 4.0, 8.0], &[1.0, 2.0, 4.0]);
    assert_eq!((loss.verdict, loss.estimate.map(|ratio| (ratio * 1e9).round())), (Holds, Some(2e9)));
    assert!(
        loss.measured.ends_with(
            "geometric mean of test_loss: 4 against 2, ratio 2 (paired by seed); should be above 1"
        ),
        "{}",
        loss.measured
    );
    let accuracy = of("test_accuracy", &[0.5, 0.6, 0.55], &[0.01, 0.02, 0.03]);
    assert!(
        accuracy.measured.starts_with("mean of test_accuracy: 0.5500 against 0.02000, difference 0.5300")
    );
    let decade = of("made_up", &[10.0, 20.0, 30.0], &[1.0, 2.0, 3.0]);
    assert!(decade.measured.starts_with("geometric mean of made_up"), "{}", decade.measured);
    let less = of("made_up", &[2.0, 2.2, 2.4], &[1.0, 1.1, 1.2]);
    assert!(less.measured.starts_with("mean of made_up"), "{}", less.measured);
    let zero = of("test_loss", &[2.0, 4.0, 0.0], &[1.0, 2.0, 4.0]);
    assert_eq!(
        (zero.verdict, zero.left_out.as_str()),
        (Undecided, "of the first: 1 without a positive value")
    );
    let bounds = Check::Within { of: width(1), y: "test_loss".to_owned(), low: 0.0, high: 5.0 };
    let within = found(&bounds, &measured(1, "test_loss", &[2.0, 3.0, 4.0, 2.5]));
    // exp of `scipy.stats.t.interval(.95, 3, mean, sem)` of the logarithms, SciPy 1.17.1: 0.557 049 to 1.490 123.
    let ConfidenceIntervalEnds(low, high) = ends(&within);
    assert!((low.ln() - 0.557_048_858).abs() < 1e-8 && (high.ln() - 1.490_123_423).abs() < 1e-8);
    assert_eq!(within.verdict, Holds);
    let lowest = Check::Best { of: width(2), y: "test_loss".to_owned(), best: Best::Lowest };
    let runs =
        [measured(1, "test_loss", &[2.0, 2.1, 2.2]), measured(2, "test_loss", &[1.0, 1.1, 1.2])].concat();
    let best = found(&lowest, &runs);
    assert_eq!(best.verdict, Holds);
    assert!(best.measured.contains("as a multiple of the best other, width 1: 0.52"), "{}", best.measured);
    assert!(best.interval.is_some_and(|ratio| 0.0 < ratio.low && ratio.high < 1.0), "{best:?}");
}

/// Three networks with accuracies of 0.70 ± 0.01 on 300 images: other images would move that by 0.05.
#[test]
fn the_choice_of_the_test_examples_is_shown_beside_that_of_the_seeds() {
    let mut runs = [
        measured(1, "test_accuracy", &[0.69, 0.70, 0.71]),
        measured(2, "test_accuracy", &[0.66, 0.67, 0.68]),
    ]
    .concat();
    let check = Check::Within { of: width(1), y: "test_accuracy".to_owned(), low: 0.67, high: 0.75 };
    let unknown = found(&check, &runs);
    assert_eq!(unknown.over_test_examples, None);
    assert!(
        unknown
            .cautions
            .iter()
            .any(|caution| caution.ends_with("by how much others would differ isn't known")),
        "{unknown:?}"
    );
    for run in &mut runs {
        run.test_examples = Some(300);
    }
    let known = found(&check, &runs);
    assert_eq!(known.verdict, Holds, "for these images");
    // By hand: over seeds 0.70 ± 0.024 841, Wilson's 0.645 882 to 0.749 060 of 300; the roots of the sums of squares.
    let both = known.over_test_examples.unwrap();
    assert!((both.low - 0.640_453).abs() < 1e-6 && (both.high - 0.754_991).abs() < 1e-6, "{both:?}");
    let said = known.cautions.last().unwrap();
    assert!(said.starts_with("the interval is one over seeds, for these 300 test examples;"), "{said}");
    assert!(said.ends_with("which decides nothing"), "{said}");
    let pair = found(&Check::Greater { a: width(1), b: width(2), y: "test_accuracy".to_owned() }, &runs);
    assert_eq!(pair.verdict, Holds);
    let said = pair.cautions.last().unwrap();
    assert!(said.contains("300 test examples, the same on both sides; for others"), "{said}");
    assert!(pair.over_test_examples.is_some_and(|both| both.low < 0.0 && 0.1 < both.high), "{pair:?}");
}

#[test]
fn a_first_look_is_marked_as_no_evidence_wherever_its_verdicts_stand() {
    let claims = vec![Claim {
        text: "It is small".to_owned(),
        checks: vec![within(0.0, 1.0)],
        analysis: Analysis::default(),
    }];
    let mut results = crate::tests::results_with_claims(losses(1, &[0.9, 0.8, 0.85]), claims);
    results.is_evidence = false;
    let evaluated = evaluate(&results);
    assert_eq!((evaluated[0].verdict, evaluated[0].evidence), (Holds, false));
    assert!(csv(&evaluated).contains("1,It is small,holds,false,1,"));
    assert!(json(&evaluated).contains("\"evidence\": false"));
    let folder = tempfile::tempdir().unwrap();
    let summary = results.write(folder.path()).unwrap();
    assert_eq!(summary.claims[0].to_string(), "holds         It is small  (no evidence: a first look)");
    let page = std::fs::read_to_string(&summary.page).unwrap();
    assert!(page.contains("No evidence.") && page.contains("“quick”"), "{page}");
    assert!(!page.contains("verdict holds"), "no colour of a verdict that counts");
    results.is_evidence = true;
    let page = std::fs::read_to_string(results.write(folder.path()).unwrap().page).unwrap();
    assert!(page.contains("verdict holds") && !page.contains("No evidence."));
}
