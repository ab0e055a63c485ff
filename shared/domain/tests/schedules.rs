//! Learning-rate schedules against those of PyTorch (`schedules.py` writes `schedules.txt`), and where they are known.

#![allow(clippy::unwrap_used)]

use basin_domain::experiment::TrainingTime::{Epochs, Steps};
use basin_domain::schedule::{
    Anneal, Cosine, InverseSquareRoot, LearningRateSchedule, Linear, OneCycle, Shape, StepDecay,
};

const PYTORCH: &str = include_str!("schedules.txt");

fn of(shape: Shape) -> LearningRateSchedule {
    LearningRateSchedule { warmup: None, shape }
}

/// The schedules of `schedules.py` by their names there.
fn named(name: &str) -> LearningRateSchedule {
    let warmed = |warmup, shape| LearningRateSchedule { warmup: Some(warmup), shape };
    let (linear, cosine) =
        (Shape::Linear(Linear { final_factor: 0.1 }), Shape::Cosine(Cosine { final_factor: 0.05 }));
    let one_cycle = OneCycle { peak: 0.3, initial_factor: 0.04, final_factor: 4e-6, anneal: Anneal::Cosine };
    match name {
        "linear" => of(linear),
        "cosine" => of(cosine),
        "steps" => of(Shape::Steps(StepDecay { milestones: vec![Epochs(2), Steps(35)], factor: 0.2 })),
        "one-cycle" => of(Shape::OneCycle(one_cycle)),
        "one-cycle-linear" => of(Shape::OneCycle(OneCycle {
            peak: 0.4,
            initial_factor: 0.1,
            final_factor: 1e-3,
            anneal: Anneal::Linear,
        })),
        "warmup" => warmed(Steps(10), Shape::Constant),
        "warmup-cosine" => warmed(Steps(10), cosine),
        "warmup-linear" => warmed(Epochs(2), linear),
        "inverse-square-root" => warmed(Steps(10), Shape::InverseSquareRoot(InverseSquareRoot {})),
        other => panic!("the fixture has {other}"),
    }
}

#[test]
fn every_schedule_has_the_rates_of_pytorch_at_every_step() {
    let mut schedules = 0;
    for line in PYTORCH.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let (steps, steps_an_epoch) = (words[1].parse().unwrap(), words[2].parse().unwrap());
        let schedule = named(words[0]);
        for (step, expected) in (0..).zip(&words[3..]) {
            let (found, expected) =
                (schedule.factor(step, steps, steps_an_epoch), expected.parse::<f64>().unwrap());
            assert!((found - expected).abs() < 1e-12, "{} at {step}: {found}, {expected}", words[0]);
        }
        assert_eq!(words.len() as u64, 3 + steps);
        schedules += 1;
    }
    assert_eq!(schedules, 9);
}

#[test]
fn known_values_of_each() {
    let at = |shape: Shape, step| of(shape).factor(step, 100, 10);
    let close = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-15, "{found} {expected}");
    close(at(Shape::Constant, 99), 1.0);
    close(at(Shape::Linear(Linear { final_factor: 0.0 }), 25), 0.75);
    close(at(Shape::Cosine(Cosine { final_factor: 0.0 }), 0), 1.0);
    close(at(Shape::Cosine(Cosine { final_factor: 0.2 }), 50), 0.6);
    let steps = StepDecay { milestones: vec![Epochs(3), Epochs(6)], factor: 0.1 };
    close(at(Shape::Steps(steps.clone()), 29), 1.0);
    close(at(Shape::Steps(steps.clone()), 30), 0.1);
    close(at(Shape::Steps(steps), 60), 0.1 * 0.1);
    close(at(Shape::InverseSquareRoot(InverseSquareRoot {}), 3), 0.5);
    let cycle = OneCycle { peak: 0.3, initial_factor: 0.04, final_factor: 4e-6, anneal: Anneal::Cosine };
    close(at(Shape::OneCycle(cycle), 0), 0.04);
    close(at(Shape::OneCycle(cycle), 29), 1.0);
    close(at(Shape::OneCycle(cycle), 99), 4e-6);
}

#[test]
fn runs_of_few_steps_have_finite_factors_whatever_the_schedule() {
    let shapes = ["linear", "cosine", "steps", "one-cycle", "one-cycle-linear", "warmup-cosine"];
    for name in shapes.into_iter().chain(["inverse-square-root", "warmup-linear"]) {
        for steps in 1..15 {
            for step in 0..steps {
                let factor = named(name).factor(step, steps, 2);
                assert!((0.0..=1.0).contains(&factor), "{name} {step} of {steps}: {factor}");
            }
        }
    }
}

#[test]
fn the_points_of_a_drawing_are_bounded_and_have_both_ends() {
    let schedule = named("warmup-cosine");
    let points = schedule.points(1_000, 10, 101);
    assert_eq!((points.len(), points[0].0, points[100].0), (101, 0, 999));
    assert!(points.iter().all(|(step, factor)| *factor == schedule.factor(*step, 1_000, 10)));
    assert_eq!(schedule.points(3, 1, 101).iter().map(|point| point.0).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(schedule.points(1, 1, 101).len(), 1);
    assert!(schedule.points(0, 1, 101).is_empty());
}

#[test]
fn a_schedule_is_written_with_its_name_and_settings() {
    let written = |schedule: &LearningRateSchedule| serde_json::to_string(schedule).unwrap();
    assert_eq!(
        written(&named("warmup-cosine")),
        r#"{"warmup":{"steps":10},"shape":{"name":"cosine","final_factor":0.05}}"#
    );
    assert_eq!(
        written(&of(Shape::InverseSquareRoot(InverseSquareRoot {}))),
        r#"{"shape":{"name":"inverse-square-root"}}"#
    );
    for line in PYTORCH.lines() {
        let schedule = named(line.split(' ').next().unwrap());
        assert_eq!(serde_json::from_str::<LearningRateSchedule>(&written(&schedule)).unwrap(), schedule);
        assert!(Shape::NAMES.contains(&schedule.shape.name()));
    }
}
