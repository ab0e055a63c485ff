//! Budgets, intervals, schedules and stop rules: every spelling, every wrong value.

use super::{each_has_the_error, error_of, function, plan, planned, source, with_overrides};
use crate::experiment::{
    Classify, Experiment, FitFunction, Interval, Recording, StopRule, TrainingTime, WatchedSeries,
};
use crate::metrics::Axis;
use crate::schedule::{
    Anneal, Cosine, InverseSquareRoot, LearningRateSchedule, Linear, OneCycle, Shape, StepDecay,
};

/// A fit of eight points in batches of three, with these lines: they begin on line 10.
fn fit(lines: &str) -> FitFunction {
    match planned(&function(&format!("hidden = [2]\nbatch_size = 3\n{lines}")))
        .tasks
        .remove(0)
        .spec
        .experiment
    {
        Experiment::FitFunction(it) => it,
        other => panic!("{other:?}"),
    }
}

fn images(lines: &str) -> String {
    format!(
        "name = \"t\"\ndata = {{ name = \"shapes\" }}\n[[experiment]]\nid = \"i\"\nkind = \"classify\"\nmodel = {{ dense = [2] }}\nbatch_size = 100\n{lines}\n"
    )
}

fn classify(lines: &str) -> Classify {
    match planned(&images(lines)).tasks.remove(0).spec.experiment {
        Experiment::Classify(it) => it,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_budget_is_of_epochs_or_of_steps() {
    assert_eq!(fit("epochs = 4").budget, TrainingTime::Epochs(4));
    assert_eq!(fit("steps = 7").budget, TrainingTime::Steps(7));
    assert_eq!(classify("steps = 201").budget, TrainingTime::Steps(201));
}

#[test]
fn steps_that_are_whole_epochs_are_the_same_run() {
    assert_eq!(fit("steps = 12").budget, TrainingTime::Epochs(4));
    assert_eq!(classify("steps = 400").budget, TrainingTime::Epochs(2));
    let id = |lines: &str| planned(&images(lines)).tasks[0].id;
    assert_eq!(id("steps = 400"), id("epochs = 2"));
    assert_eq!(
        id("steps = 400\nprobes = [\"sharpness\"]\nprobe.every = { steps = 200 }"),
        id("epochs = 2\nprobes = [\"sharpness\"]\nprobe.every = 1")
    );
    assert_ne!(id("epochs = 2\nrecord.every = { steps = 200 }"), id("epochs = 2"), "their axes differ");
}

#[test]
fn a_budget_on_the_command_line_wins_over_that_of_the_file() {
    let of = |overrides: &[&str]| {
        let plan = plan(&with_overrides(&images("epochs = 2"), overrides)).unwrap();
        match &plan.tasks[0].spec.experiment {
            Experiment::Classify(it) => it.budget,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(of(&["steps=9"]), TrainingTime::Steps(9));
    assert_eq!(of(&["defaults.steps=9"]), TrainingTime::Epochs(2));
}

#[test]
fn intervals_have_four_spellings() {
    let every = |lines: &str| fit(&format!("steps = 100\n{lines}")).training.record;
    for (written, interval) in [
        ("2", Interval::Epochs(2)),
        ("{ epochs = 2 }", Interval::Epochs(2)),
        ("{ steps = 10 }", Interval::Steps { steps: 10 }),
        ("{ log_steps = 5 }", Interval::LogSteps { log_steps: 5 }),
    ] {
        assert_eq!(every(&format!("record.every = {written}")).every, interval);
        assert_eq!(every(&format!("record.weights_every = {written}")).weights_every, Some(interval));
        let recorded = every(&format!("record = {{ every = {written}, weights_every = \"recorded\" }}"));
        assert_eq!(
            recorded,
            Recording { gradient_norm: false, weights_every: Some(interval), every: interval }
        );
        let axis = if interval.counts_steps() { Axis::Iteration } else { Axis::Epoch };
        assert_eq!(recorded.axis(), axis);
        let probes = format!(
            "steps = 100\nrecord.every = {written}\nprobes = [\"sensitivity\"]\nprobe.every = \"recorded\""
        );
        assert_eq!(fit(&probes).training.probes.every, Some(interval));
    }
    assert_eq!(every(""), Recording::default());
}

#[test]
fn every_schedule_is_read_with_all_its_keys() {
    let of = |lines: &str| fit(&format!("steps = 100\nschedule = {lines}")).training.schedule;
    let plain = |shape| LearningRateSchedule { warmup: None, shape };
    assert!(of("\"constant\"").is_constant());
    assert_eq!(of("\"linear\""), plain(Shape::Linear(Linear { final_factor: 0.0 })));
    assert_eq!(
        of("{ name = \"cosine\", final_factor = 0.25 }"),
        plain(Shape::Cosine(Cosine { final_factor: 0.25 }))
    );
    let milestones = vec![TrainingTime::Epochs(3), TrainingTime::Epochs(5)];
    assert_eq!(
        of("{ name = \"steps\", milestones = { epochs = [3, 5] }, factor = 0.5 }"),
        plain(Shape::Steps(StepDecay { milestones, factor: 0.5 }))
    );
    let milestones = vec![TrainingTime::Steps(10)];
    assert_eq!(
        of("{ name = \"steps\", milestones = { steps = [10] } }"),
        plain(Shape::Steps(StepDecay { milestones, factor: 0.1 }))
    );
    assert_eq!(
        of("{ name = \"inverse-square-root\", warmup = { steps = 8 } }"),
        LearningRateSchedule {
            warmup: Some(TrainingTime::Steps(8)),
            shape: Shape::InverseSquareRoot(InverseSquareRoot {})
        }
    );
    let one_cycle =
        OneCycle { peak: 0.3, initial_factor: 0.04, final_factor: 0.04 / 1e4, anneal: Anneal::Cosine };
    assert_eq!(of("\"one-cycle\""), plain(Shape::OneCycle(one_cycle)));
    assert_eq!(
        of(
            "{ name = \"one-cycle\", peak = 0.5, initial_factor = 0.5, final_factor = 0, anneal = \"linear\" }"
        ),
        plain(Shape::OneCycle(OneCycle {
            peak: 0.5,
            initial_factor: 0.5,
            final_factor: 0.0,
            anneal: Anneal::Linear
        }))
    );
    assert_eq!(of("{ warmup = { epochs = 2 } }").warmup, Some(TrainingTime::Epochs(2)));
}

#[test]
fn schedules_that_change_nothing_are_constant() {
    let id = |lines: &str| planned(&images(&format!("epochs = 2\n{lines}"))).tasks[0].id;
    let constant = id("");
    for same in [
        "\"constant\"",
        "{ name = \"cosine\", final_factor = 1 }",
        "{ name = \"linear\", final_factor = 1.0 }",
        "{ name = \"steps\", milestones = { epochs = [1] }, factor = 1 }",
        "{ warmup = { steps = 1 } }",
    ] {
        assert_eq!(id(&format!("schedule = {same}")), constant, "{same}");
    }
    assert_eq!(
        id("schedule = { name = \"cosine\", warmup = { steps = 200 } }"),
        id("schedule = { name = \"cosine\", warmup = { epochs = 1 } }")
    );
    assert_ne!(id("schedule = { warmup = { epochs = 1 } }"), constant);
}

#[test]
fn a_run_without_them_says_nothing_of_schedules_and_rules() {
    let spec = planned(&images("epochs = 2")).tasks.remove(0).spec;
    let text = spec.canonical();
    assert!(!["schedule", "stop", "steps", "\"every\""].iter().any(|word| text.contains(word)), "{text}");
    let all = "steps = 33\nschedule = { name = \"cosine\", warmup = { steps = 3 } }\nrecord = { every = { steps = 5 }, gradient_norm = true }\n\
               stop = { train_loss_below = 0.5, no_improvement = { of = \"test_loss\", for = 3 } }";
    let spec = planned(&images(all)).tasks.remove(0).spec;
    let read: crate::task::TaskSpec = serde_json::from_str(&spec.canonical()).unwrap();
    assert_eq!((read.canonical(), read.id()), (spec.canonical(), spec.id()));
    assert!(spec.canonical().contains("\"steps\":33,\"optimizer\""), "{}", spec.canonical());
}

#[test]
fn stop_rules_are_read_in_one_order() {
    let rules = classify(
        "epochs = 9\nrecord.gradient_norm = true\nstop = { no_improvement = { of = \"test_accuracy\", for = 4 }, \
         gradient_norm_below = 1e-3, test_accuracy_above = 0.5, test_loss_below = 0.25, train_accuracy_above = 0, train_loss_below = 1 }",
    )
    .training
    .stop;
    let expected = [
        StopRule::TrainLossBelow { value: 1.0 },
        StopRule::TrainAccuracyAbove { value: 0.0 },
        StopRule::TestLossBelow { value: 0.25 },
        StopRule::TestAccuracyAbove { value: 0.5 },
        StopRule::GradientNormBelow { value: 1e-3 },
        StopRule::NoImprovement { of: WatchedSeries::TestAccuracy, points: 4 },
    ];
    assert_eq!(rules, expected);
    assert_eq!(
        fit("epochs = 9\nstop.train_loss_below = 0.5").training.stop,
        [StopRule::TrainLossBelow { value: 0.5 }]
    );
}

#[test]
fn a_schedule_that_moves_records_its_learning_rate() {
    let series = |lines: &str| planned(&images(lines)).tasks.remove(0).spec.experiment.series();
    assert!(series("epochs = 2\nschedule = \"cosine\"").contains(&"learning_rate"));
    assert!(!series("epochs = 2").contains(&"learning_rate"));
}

#[test]
fn wrong_times_schedules_and_rules_are_refused_with_their_line() {
    let example = "stop = { no_improvement = { of = \"test_loss\", for = 10 } }";
    each_has_the_error(
        images,
        &[
            ("", "x.toml:3: experiment \"i\" (classify) needs `epochs`\nhint: epochs = 10"),
            (
                "epochs = 2\nsteps = 7",
                "x.toml:9: `steps` is given beside `epochs`, and only one of them has a meaning\nhint: leave out `epochs` or `steps`",
            ),
            (
                "steps = 0",
                "x.toml:8: `steps` must be a whole number from 1 to 1000000000, not 0\nhint: steps = 1000",
            ),
            (
                "epochs = 2\nrecord.every = 0",
                "x.toml:9: `record.every` must be a whole number from 1 to 1000000, not 0\nhint: record.every = 2 is every other \
                 epoch; others are { steps = 100 }, { log_steps = 20 }",
            ),
            (
                "epochs = 2\nrecord.every = \"recorded\"",
                "x.toml:9: `record.every` must be a whole number from 1 to 1000000, not \"recorded\"\nhint: record.every = 2 is \
                 every other epoch; others are { steps = 100 }, { log_steps = 20 }",
            ),
            (
                "epochs = 2\nrecord.every = { steps = 0 }",
                "x.toml:9: `record.every.steps` must be a whole number from 1 to 1000000000, not 0\nhint: without \
                 `record.every.steps` its default holds",
            ),
            (
                "epochs = 2\nrecord.every = { steps = 5, epochs = 1 }",
                "x.toml:9: `record.every.steps` is given beside `record.every.epochs`, and only one of them has a meaning\nhint: \
                 leave out `record.every.epochs` or `record.every.steps`",
            ),
            (
                "epochs = 2\nrecord.every = { log_steps = 10001 }",
                "x.toml:9: `record.every.log_steps` must be a whole number from 1 to 10000, not 10001\nhint: without \
                 `record.every.log_steps` its default holds",
            ),
            (
                "epochs = 2\nschedule = \"cosin\"",
                "x.toml:9: unknown schedule \"cosin\"; did you mean \"cosine\"?\nhint: known are constant, linear, cosine, \
                 steps, inverse-square-root, one-cycle",
            ),
            (
                "epochs = 2\nschedule = { name = \"cosine\", factor = 0.1 }",
                "x.toml:9: `schedule.factor` belongs to steps, and the schedule here is cosine",
            ),
            (
                "epochs = 2\nschedule = { name = \"one-cycle\", warmup = { epochs = 1 } }",
                "x.toml:9: `schedule.warmup.epochs` belongs to constant, linear, cosine, steps, inverse-square-root, and the \
                 schedule here is one-cycle",
            ),
            (
                "epochs = 2\nschedule = { name = \"linear\", final_factor = 2 }",
                "x.toml:9: `schedule.final_factor` must be a number from 0 to 1, not 2\nhint: without `schedule.final_factor` \
                 its default holds",
            ),
            (
                "epochs = 2\nschedule = \"steps\"",
                "x.toml:9: `schedule` named steps needs `schedule.milestones`\nhint: schedule = { name = \"steps\", milestones = \
                 { epochs = [100, 150] }, factor = 0.1 }",
            ),
            (
                "epochs = 9\nschedule = { name = \"steps\", milestones = { epochs = [5, 3] } }",
                "x.toml:9: `schedule.milestones` must rise from one to the next",
            ),
            (
                "epochs = 9\nschedule = { name = \"one-cycle\", peak = 1 }",
                "x.toml:9: `schedule.peak` must be a number above 0 and below 1, not 1\nhint: without `schedule.peak` its \
                 default holds",
            ),
            (
                "epochs = 9\nstop.train_accuracy_above = 1",
                "x.toml:9: `stop.train_accuracy_above` must be a number from 0 up to but not including 1, not 1\nhint: without \
                 `stop.train_accuracy_above` its default holds",
            ),
            (
                "epochs = 9\nstop.gradient_norm_below = 1e-3",
                "x.toml:9: `stop.gradient_norm_below` looks at the gradient norm, which isn't recorded: record = { \
                 gradient_norm = true }",
            ),
            (
                "epochs = 9\nstop.no_improvement.of = \"test_loss\"",
                &format!(
                    "x.toml:9: `stop.no_improvement` needs `for`, a number of recorded points\nhint: {example}"
                ),
            ),
            (
                "epochs = 9\nstop.no_improvement.for = 3",
                &format!("x.toml:9: `stop.no_improvement` needs `of`, a series\nhint: {example}"),
            ),
            (
                "epochs = 9\nstop.no_improvement = { of = \"loss\", for = 3 }",
                "x.toml:9: unknown series \"loss\"\nhint: known are train_loss, train_accuracy, test_loss, test_accuracy",
            ),
        ],
    );
    let fits = |lines: &str| error_of(&function(&format!("hidden = [2]\nepochs = 5\n{lines}")));
    assert!(
        fits("stop.test_loss_below = 0.5")
            .ends_with("`stop.test_loss_below` looks at a series that fit-function doesn't record")
    );
    assert!(plan(&source(&function("hidden = [2]\nsteps = 5"))).is_ok());
}
