//! Checks of runs that have no value, and of runs that are one computation.

use basin_domain::claim::{Best, Check, Direction};
use basin_domain::failure::{Failure, FailureKind};
use basin_domain::id::ExperimentId;
use basin_domain::metrics::{Axis, Metrics};
use basin_domain::value::Value;
use proptest::prelude::*;

use super::Verdict::{DoesntHold, Holds, Undecided};
use super::tests::{all, diverge, found, run, width, y};
use super::*;
use crate::{RunState, samples};

const SEEDS: u64 = 6;

/// Runs of width 1 to 6, with every value that a check could ask for.
fn whole() -> Vec<Run> {
    let of = |width: i64, seed: u64| {
        let mut record = Metrics::default();
        for step in 0..8 {
            let rise = f64::from(step) + 0.01 * seed as f64;
            record.push("s", Axis::Iteration, f64::from(step), rise);
            record.push(
                "score",
                Axis::Epoch,
                f64::from(step),
                width as f64 + 0.01 * (seed as f64) + 7.0 - f64::from(step),
            );
        }
        record.set("converged", 1.0);
        record.set("end", 7.0);
        run(width, seed, record)
    };
    (1..=6).flat_map(|width| (0..SEEDS).map(move |seed| of(width, seed))).collect()
}

/// Checks that hold of [`whole`], each of which looks at the runs of width 1 among others.
fn checks() -> Vec<Check> {
    let (rises, s) = (Direction::Rises, || "s".to_owned());
    vec![
        Check::Equivalent { a: width(1), b: width(2), y: y(), factor: 4.0 },
        Check::Equivalent { a: width(2), b: width(1), y: y(), factor: 4.0 },
        Check::Greater { a: width(2), b: width(1), y: y() },
        Check::Trend { of: width(1), y: s(), direction: rises, at_least: 0.5, until: Some("end".to_owned()) },
        Check::Correlation { of: all(), x: "width".to_owned(), y: y(), direction: rises, only_if: None },
        Check::Correlation {
            of: all(),
            x: "width".to_owned(),
            y: y(),
            direction: rises,
            only_if: Some("converged".to_owned()),
        },
        Check::Within { of: width(1), y: y(), low: 0.5, high: 1.5 },
        Check::Best { of: width(1), y: y(), best: Best::Lowest },
        Check::Best { of: width(6), y: y(), best: Best::Highest },
        Check::Smooth { of: width(1), y: s(), at_most: 0.05 },
    ]
}

/// How a run comes to have no value.
#[derive(Debug, Clone, Copy)]
enum Plant {
    Last(f64),
    NotRecorded,
    Diverged,
    Missing,
    Failed,
    Unreadable,
}

fn plant(run: &mut Run, plant: Plant) {
    match plant {
        Plant::Last(value) => samples::measure(run, |record| {
            for name in ["s", "score"] {
                record.series.get_mut(name).unwrap().points.last_mut().unwrap().1 = value;
            }
        }),
        Plant::NotRecorded => samples::measure(run, |record| {
            record.series.retain(|name, _| name != "s" && name != "score");
        }),
        Plant::Diverged => diverge(run),
        Plant::Missing => run.state = RunState::Missing,
        Plant::Failed => run.state = RunState::Failed(Some(Failure::new(FailureKind::Crashed, "it died"))),
        Plant::Unreadable => run.state = RunState::Unreadable { error: "rot".to_owned() },
    }
}

fn any_plant() -> impl Strategy<Value = Plant> {
    prop_oneof![
        prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY]).prop_map(Plant::Last),
        Just(Plant::NotRecorded),
        Just(Plant::Diverged),
        Just(Plant::Missing),
        Just(Plant::Failed),
        Just(Plant::Unreadable),
    ]
}

#[test]
fn every_check_holds_while_every_run_has_its_value() {
    for check in checks() {
        let finding = found(&check, &whole());
        assert_eq!((finding.verdict, finding.left_out.as_str()), (Holds, ""), "{check:?} {finding:?}");
    }
}

proptest! {
    #[test]
    fn a_check_never_holds_by_leaving_runs_out_and_counts_them(
        place in 0..10_usize,
        planted in any_plant(),
        seeds in prop::collection::btree_set(0..SEEDS as usize, 1..4),
    ) {
        let check = &checks()[place];
        let mut runs = whole();
        for &seed in &seeds {
            plant(&mut runs[seed], planted);
        }
        let finding = found(check, &runs);
        let count = seeds.len();
        prop_assert_eq!(finding.verdict, Undecided, "{:?} {:?}", check, finding);
        prop_assert!(
            finding.why.contains(&format!("{count} of ")) || finding.why.contains(&format!("{count} run")),
            "{:?} {:?}", check, finding
        );
        prop_assert!(!finding.left_out.is_empty());
        prop_assert!(!finding.measured.contains("NaN"), "{}", finding.measured);
    }

    #[test]
    fn values_without_a_logarithm_leave_an_equivalence_undecided(
        value in prop::sample::select(vec![0.0, -0.0, -1e-300, -5.0]),
        seeds in prop::collection::btree_set(0..SEEDS as usize, 1..6),
    ) {
        let mut runs = whole();
        for &seed in &seeds {
            plant(&mut runs[seed], Plant::Last(value));
        }
        let finding = found(&checks()[0], &runs);
        prop_assert_eq!(finding.verdict, Undecided);
        let expected = format!("{} of 6 runs ha", seeds.len());
        prop_assert!(finding.why.starts_with(&format!("of the first: {expected}")), "{}", finding.why);
    }
}

#[test]
fn runs_that_the_sweep_file_leaves_out_decide_nothing_by_their_absence() {
    let mut runs = whole();
    samples::measure(&mut runs[0], |record| record.set("converged", 0.0));
    let finding = found(&checks()[5], &runs);
    assert_eq!((finding.verdict, finding.n.as_slice()), (Holds, &[35][..]));
    assert_eq!(finding.left_out, "1 not converged");
    samples::measure(&mut runs[1], |record| record.set("converged", f64::NAN));
    let unknown = found(&checks()[5], &runs);
    assert_eq!(unknown.verdict, Undecided);
    assert_eq!(unknown.why, "1 of 35 runs has no value: 1 in which the condition isn't known");
}

#[test]
fn what_is_worse_than_a_whole_point_is_not_the_best_whatever_a_third_one_lacks() {
    let mut runs = whole();
    plant(&mut runs[2 * SEEDS as usize], Plant::Missing);
    let check = Check::Best { of: width(2), y: y(), best: Best::Lowest };
    assert_eq!(found(&check, &runs).verdict, DoesntHold);
}

/// Runs of these batch sizes on 200 images, two seeds each, with a loss that rises with the number of examples in a step.
/// Batches of all images are the same run: under one id (`has_one_id`), or under several with the same measures.
fn batch_sizes(sizes: &[i64], has_one_id: bool) -> Vec<Run> {
    let mut runs = Vec::new();
    for &size in sizes {
        for seed in 0..2 {
            let step = size.min(200);
            let mut record = Metrics::default();
            record.set("score", 1.0 + step as f64 + 0.1 * seed as f64);
            let mut one = run(step, seed, record);
            one.task.experiment = ExperimentId::new("made-up").unwrap();
            let id = Digest::of(format!("{size} {seed}").as_bytes());
            if !has_one_id {
                one.task.id = TaskId(id);
            }
            one.task.point = [("batch_size".to_owned(), Value::Integer(size))].into();
            runs.push(one);
        }
    }
    runs
}

fn size(size: i64) -> Selection {
    Selection { values: [("batch_size".to_owned(), Value::Integer(size))].into(), ..all() }
}

/// Three of the six batch sizes are different computations: 3 × 2 seeds.
#[test]
fn copies_of_one_run_count_once_in_a_correlation() {
    let check = Check::Correlation {
        of: all(),
        x: "batch_size".to_owned(),
        y: y(),
        direction: Direction::Rises,
        only_if: None,
    };
    for has_one_id in [true, false] {
        let finding = found(&check, &batch_sizes(&[16, 64, 256, 512, 1024, 2048], has_one_id));
        assert_eq!(finding.n, [6]);
        assert_eq!(finding.left_out, "batch size 256, 512, 1,024 and 2,048 are one run (of each of 2 seeds)");
        let alone = found(&check, &batch_sizes(&[16, 64, 256], has_one_id));
        assert_eq!((finding.verdict, finding.interval), (alone.verdict, alone.interval));
    }
}

#[test]
fn where_a_copy_stands_decides_no_correlation() {
    let direction = Direction::Rises;
    let check =
        Check::Correlation { of: all(), x: "batch_size".to_owned(), y: y(), direction, only_if: None };
    let mut runs = batch_sizes(&[1, 2, 3, 4, 5, 6], false);
    // The runs of the largest loss stand below all others, too.
    for mut copy in batch_sizes(&[6], false) {
        copy.task.point = [("batch_size".to_owned(), Value::Integer(0))].into();
        copy.task.id = TaskId(Digest::of(format!("{}", copy.task.spec.seed).as_bytes()));
        runs.push(copy);
    }
    let finding = found(&check, &runs);
    assert_eq!((finding.verdict, finding.n.as_slice()), (Undecided, &[12][..]));
    assert!(finding.why.ends_with("at the largest, the verdict would be: holds"), "{}", finding.why);
}

#[test]
fn runs_decide_nothing_between_selections_that_share_them() {
    for has_one_id in [true, false] {
        let runs = batch_sizes(&[16, 256, 512], has_one_id);
        let shared = "2 runs in common: batch size 256 and 512 are one run (of each of 2 seeds)";
        for check in [
            Check::Equivalent { a: size(256), b: size(512), y: y(), factor: 2.0 },
            Check::Greater { a: size(256), b: size(512), y: y() },
            Check::Best { of: size(256), y: y(), best: Best::Highest },
        ] {
            let finding = found(&check, &runs);
            assert_eq!((finding.verdict, finding.why.as_str()), (Undecided, shared), "{check:?}");
        }
    }
    let same = found(&Check::Greater { a: size(16), b: size(16), y: y() }, &batch_sizes(&[16], true));
    assert_eq!(same.why, "both sides are the same point: 2 runs in common");
}

#[test]
fn points_that_are_one_are_one_rival() {
    let mut runs = Vec::new();
    for (size, trace) in [(16, 1), (64, 2), (256, 3), (512, 3)] {
        for seed in 0..4 {
            let mut record = Metrics::default();
            record.set("score", trace as f64 + 0.01 * seed as f64);
            let mut one = run(trace, seed, record);
            one.task.id = TaskId(Digest::of(format!("{size} {seed}").as_bytes()));
            one.task.point = [("batch_size".to_owned(), Value::Integer(size))].into();
            runs.push(one);
        }
    }
    let best = found(&Check::Best { of: size(16), y: y(), best: Best::Lowest }, &runs);
    assert_eq!(best.verdict, Holds);
    assert!(best.measured.contains("rank 1 of 3"), "{}", best.measured);
    assert_eq!(best.left_out, "batch size 256 and 512 are one run (of each of 4 seeds)");
}
