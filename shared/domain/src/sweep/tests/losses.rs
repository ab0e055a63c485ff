//! Losses, and `regress`, as the sweep file writes them.

use super::{each_has_the_error, error_of, planned};
use crate::experiment::{ClassificationLoss, Experiment, Loss, TrainedModel, ValueLoss};

/// A file with these lines from line 7 on.
fn classifier(lines: &str) -> String {
    format!(
        "name = \"x\"\ndata.name = \"shapes\"\n\n[[experiment]]\nid = \"a\"\nkind = \"classify\"\n{lines}\nmodel = {{ dense = [8] }}\n\
         batch_size = 64\nepochs = 3\n"
    )
}

fn fit(lines: &str) -> String {
    format!(
        "name = \"x\"\n\n\n[[experiment]]\nid = \"a\"\nkind = \"fit-function\"\n{lines}\nfunction = \"sin\"\nhidden = [4]\n\
         interval = [-1, 1]\npoints = 8\nepochs = 3\n"
    )
}

fn students(lines: &str) -> String {
    format!(
        "name = \"x\"\ndata.name = \"teacher\"\n\n[[experiment]]\nid = \"a\"\nkind = \"regress\"\n{lines}\nmodel = {{ dense = [8] }}\n\
         batch_size = 64\nepochs = 3\n"
    )
}

#[test]
fn a_loss_is_read_with_its_settings_and_the_default_has_the_ids_of_before() {
    let of = |lines: &str| match &planned(&classifier(lines)).tasks[0].spec.experiment {
        Experiment::Classify(it) => it.loss,
        other => panic!("{other:?}"),
    };
    assert_eq!(of(""), ClassificationLoss::CrossEntropy { label_smoothing: 0.0 });
    assert_eq!(of("label_smoothing = 0.1"), ClassificationLoss::CrossEntropy { label_smoothing: 0.1 });
    assert_eq!(of("loss = \"mean-squared-error\""), ClassificationLoss::MeanSquaredError);
    let fitted = |lines: &str| match &planned(&fit(lines)).tasks[0].spec.experiment {
        Experiment::FitFunction(it) => it.loss,
        other => panic!("{other:?}"),
    };
    assert_eq!(fitted(""), ValueLoss::MeanSquaredError);
    assert_eq!(fitted("loss = \"huber\""), ValueLoss::Huber { delta: 1.0 });
    assert_eq!(fitted("loss = \"huber\"\nhuber_delta = 0.5"), ValueLoss::Huber { delta: 0.5 });
    let id = |text: &str| planned(text).tasks[0].id;
    assert_eq!(id(&classifier("loss = \"cross-entropy\"\nlabel_smoothing = 0")), id(&classifier("")));
    assert_ne!(id(&classifier("label_smoothing = 0.1")), id(&classifier("")));
    assert_eq!(id(&fit("loss = \"mean-squared-error\"")), id(&fit("")));
    let spec = |text: &str| serde_json::to_string(&planned(text).tasks[0].spec).unwrap();
    assert!(!spec(&classifier("")).contains("loss") && !spec(&fit("")).contains("loss"));
}

#[test]
fn losses_vary_like_any_parameter_and_have_units_of_their_own() {
    let plan = planned(&students(
        "grid = { loss = [\"mean-squared-error\", \"huber\"] }\nwhen = [{ if = { loss = \"huber\" }, set = { huber_delta = 0.3 } }]",
    ));
    let units: Vec<_> =
        plan.tasks.iter().filter_map(|task| task.spec.experiment.loss().map(Loss::unit)).collect();
    assert_eq!(units, ["mean squared error", "Huber loss"]);
    let series = |at: usize| plan.tasks[at].spec.experiment.series();
    assert_eq!(series(0), ["train_loss", "test_loss", "test_r_squared"]);
    assert_eq!(series(1), ["train_loss", "test_loss"]);
    let smoothed = planned(&classifier("label_smoothing = 0.1"));
    assert_eq!(smoothed.tasks[0].spec.experiment.loss(), Some(Loss::CrossEntropy));
}

#[test]
fn landscapes_know_the_loss_of_what_they_look_at() {
    let line = |of: &str| {
        format!(
            "{of}seeds = 2\n\n[[experiment]]\nid = \"b\"\nkind = \"interpolate\"\nfrom = {{ experiment = \"a\" }}\nto = {{ experiment = \"a\" }}\n"
        )
    };
    let trained = |text: &str| match &planned(&line(text)).tasks.last().unwrap().spec.experiment {
        Experiment::Interpolate(it) => it.trained.clone(),
        other => panic!("{other:?}"),
    };
    match trained(&students("loss = \"huber\"")) {
        TrainedModel::Regress { loss, .. } => assert_eq!(loss, ValueLoss::Huber { delta: 1.0 }),
        other => panic!("{other:?}"),
    }
    match trained(&classifier("loss = \"mean-squared-error\"")) {
        TrainedModel::Classify { loss, .. } => assert_eq!(loss, ClassificationLoss::MeanSquaredError),
        other => panic!("{other:?}"),
    }
    match trained(&fit("loss = \"huber\"")) {
        TrainedModel::FitFunction { loss, .. } => assert_eq!(loss, ValueLoss::Huber { delta: 1.0 }),
        other => panic!("{other:?}"),
    }
    let plan = planned(&line(&students("")));
    assert_eq!(plan.tasks.last().unwrap().spec.experiment.series(), ["train_loss", "test_loss"]);
}

#[test]
fn wrong_losses_are_refused_with_line_and_way_out() {
    each_has_the_error(
        classifier,
        &[
            (
                "loss = \"cross-entropi\"",
                "x.toml:7: unknown loss of classes \"cross-entropi\"; did you mean \"cross-entropy\"?\nhint: known are cross-entropy, mean-squared-error",
            ),
            (
                "loss = \"huber\"",
                "x.toml:7: unknown loss of classes \"huber\"\nhint: known are cross-entropy, mean-squared-error",
            ),
            (
                "label_smoothing = 1.0",
                "x.toml:7: `label_smoothing` must be a number from 0 up to but not including 1, not 1.0\nhint: without `label_smoothing` its default holds",
            ),
            (
                "loss = \"mean-squared-error\"\nlabel_smoothing = 0.1",
                "x.toml:8: `label_smoothing` belongs to cross-entropy, and the loss here is mean-squared-error\nhint: loss = \"cross-entropy\", or leave it out",
            ),
        ],
    );
    each_has_the_error(
        fit,
        &[
            (
                "loss = \"cross-entropy\"",
                "x.toml:7: unknown loss of values \"cross-entropy\"\nhint: known are mean-squared-error, huber",
            ),
            (
                "loss = \"huber\"\nhuber_delta = 0",
                "x.toml:8: `huber_delta` must be a number above 0, not 0\nhint: without `huber_delta` its default holds",
            ),
            (
                "huber_delta = 2",
                "x.toml:7: `huber_delta` belongs to huber, and the loss here is mean-squared-error\nhint: loss = \"huber\", or leave it out",
            ),
        ],
    );
}

#[test]
fn what_has_no_values_or_no_labels_is_refused_with_line_and_way_out() {
    each_has_the_error(
        students,
        &[(
            "stop.test_accuracy_above = 0.5",
            "x.toml:7: `stop.test_accuracy_above` looks at a series that regress doesn't record",
        )],
    );
    let misfit = error_of(&students("").replace("teacher", "shapes"));
    assert_eq!(
        misfit,
        "x.toml:4: experiment \"a\" can't be run on shapes: it learns values, and the data set has 10 classes\n\
         hint: kind = \"classify\" learns classes; or import it with a column of values to predict"
    );
    let noisy = error_of(&students("data.label_noise = 0.5"));
    assert!(noisy.starts_with("x.toml:7: unknown key `data.label_noise`"), "{noisy}");
    let smoothed = error_of(&students("label_smoothing = 0.5"));
    assert!(smoothed.starts_with("x.toml:7: unknown key `label_smoothing`"), "{smoothed}");
}
