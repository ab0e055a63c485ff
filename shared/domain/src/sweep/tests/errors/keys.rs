//! Keys: unknown, missing, given twice, or of another optimiser.

use super::super::{VALID, error_of};
use super::{KNOWN_TO_CLASSIFY, each_has_the_error, error_with};

#[test]
fn unknown_keys() {
    let classify = |key: &str, near: &str| {
        format!(
            "x.toml:12: unknown key `{key}` in experiment \"images\" (classify){near}\n{KNOWN_TO_CLASSIFY}"
        )
    };
    assert_eq!(error_with("epochs = 3", "epoch = 3"), classify("epoch", "; did you mean `epochs`?"));
    assert_eq!(
        error_with("epochs = 3", "label_noise = 0.5"),
        classify("label_noise", "; did you mean `data.label_noise`?")
    );
    assert_eq!(
        error_with("epochs = 3", "seed = 3"),
        "x.toml:12: `seed` is a table with the keys noise, augmentation, initialization, order"
    );
    assert_eq!(error_with("epochs = 3", "colour = 3"), classify("colour", ""));
    assert_eq!(
        error_with("epochs = 3", "grid.epoch = [3]").lines().next(),
        Some("x.toml:13: this is not TOML: duplicate key")
    );
    each_has_the_error(&[
        (
            "[defaults]",
            "[default]",
            "x.toml:4: unknown key `default`; did you mean `defaults`?\nhint: the keys here are name, data, defaults, \
             experiment, figure, claim, profile",
        ),
        (
            "learning_rate",
            "learning_rat",
            "x.toml:5: no experiment knows `learning_rat`; did you mean `learning_rate`?",
        ),
        (
            "name = \"shapes\"",
            "nam = \"shapes\"",
            "x.toml:2: no experiment knows `data.nam`; did you mean `data.name`?",
        ),
        (
            "y = [",
            "z = [",
            "x.toml:27: unknown key `z` in a figure of kind curves\nhint: the keys here are kind, id, title, experiment, \
             experiments, facet, y, group, log_y, layout, each, middle",
        ),
        (
            "[profile.quick.experiment.images]",
            "[profile.quick.experiments.images]",
            "x.toml:30: unknown key `experiments` in a profile; did you mean `experiment`?\nhint: the keys here are data, \
             defaults, evidence, experiment",
        ),
        (
            "[profile.quick.experiment.images]",
            "[profile.quick.experiment.image]",
            "x.toml:30: there is no experiment \"image\"; did you mean \"images\"?\nhint: the experiments are images, function",
        ),
        (
            "epochs = 10",
            "epochs = 10\nrandom = { coun = 3 }",
            "x.toml:23: unknown key `coun` in `random`; did you mean `count`?\nhint: the keys here are count, seed, uniform, \
             log_uniform, choice",
        ),
    ]);
    assert_eq!(
        error_with("images]\nepochs = 1", "images]\nepoch = 1"),
        format!(
            "x.toml:31: unknown key `epoch` in experiment \"images\" (classify); did you mean `epochs`?\n{KNOWN_TO_CLASSIFY}"
        )
    );
}

#[test]
fn what_is_missing() {
    each_has_the_error(&[
        ("name = \"sample\"", "", "x.toml:1: the sweep has no name\nhint: name = \"my-sweep\""),
        ("id = \"images\"", "", "x.toml:7: this experiment has no `id`\nhint: id = \"batch-size\""),
        ("kind = \"classify\"", "", "x.toml:7: this experiment has no `kind`\nhint: kind = \"classify\""),
        ("epochs = 3", "", "x.toml:7: experiment \"images\" (classify) needs `epochs`\nhint: epochs = 10"),
        (
            "data = { name = \"shapes\" }",
            "",
            "x.toml:7: experiment \"images\" (classify) needs `data.name`\nhint: data = { name = \"shapes\" }",
        ),
        ("kind = \"curves\"", "", "x.toml:24: this figure has no `kind`\nhint: kind = \"curves\""),
        (
            "y = [\"train_loss\", \"test_loss\"]",
            "",
            "x.toml:24: this figure has no `y`\nhint: y = [\"train_loss\", \"train_accuracy\"]",
        ),
        (
            "learning_rate = 1e-3",
            "",
            "x.toml:7: experiment \"images\" (classify) needs `learning_rate`\nhint: learning_rate = 0.1",
        ),
    ]);
    assert_eq!(
        error_of("name = \"empty\""),
        "x.toml:1: the sweep has no experiment\nhint: [[experiment]]\nid = \"first\"\nkind = \"classify\""
    );
}

#[test]
fn keys_of_the_other_optimiser() {
    each_has_the_error(&[
        (
            "epochs = 3",
            "epochs = 3\nmomentum = 0.9",
            "x.toml:13: `momentum` belongs to the optimisers sgd, rmsprop and muon, and the optimiser here is adam",
        ),
        (
            "epochs = 10",
            "epochs = 10\noptimizer = \"sgd\"\nbeta1 = 0.9",
            "x.toml:24: `beta1` belongs to the optimisers adam, adamw and lion, and the optimiser here is sgd",
        ),
        (
            "epochs = 10",
            "epochs = 10\noptimizer = \"lion\"\nepsilon = 1e-6",
            "x.toml:24: `epsilon` belongs to the optimisers adam, adamw and rmsprop, and the optimiser here is lion",
        ),
        (
            "epochs = 10",
            "epochs = 10\noptimizer = \"adamw\"\ncentered = true",
            "x.toml:24: `centered` belongs to the optimiser rmsprop, and the optimiser here is adamw",
        ),
        (
            "epochs = 10",
            "epochs = 10\noptimizer = \"muon\"\nothers.momentum = 0.9",
            "x.toml:24: `others.momentum` belongs to the optimiser sgd, and that of the other parameters here is adamw",
        ),
        (
            "epochs = 10",
            "epochs = 10\noptimizer = \"muon\"\nothers.nesterov = true",
            "x.toml:24: `others.nesterov` belongs to the optimiser sgd, and that of the other parameters here is adamw",
        ),
        (
            "epochs = 10",
            "epochs = 10\nnormalized = true",
            "x.toml:23: `normalized` belongs to the optimiser muon, and the optimiser here is adam",
        ),
        (
            "epochs = 10",
            "epochs = 10\noptimizer = \"muon\"\nothers = { optimizer = \"sgd\", learning_rate = 0.1, beta1 = 0.9 }",
            "x.toml:24: `others.beta1` belongs to the optimiser adamw, and that of the other parameters here is sgd",
        ),
        (
            "epochs = 10",
            "epochs = 10\nclip_norm = 1.0\nclip_value = 0.5",
            "x.toml:24: `clip_value` is given beside `clip_norm`\nhint: a gradient is bounded by its norm or by its elements' \
             values: take one of the two out",
        ),
        (
            "epochs = 10",
            "epochs = 10\noptimizer = \"sgd\"\nnesterov = true\nmomentum = 0.9\ndampening = 0.5",
            "x.toml:26: `dampening` has no meaning beside `nesterov = true`\nhint: take one of the two out",
        ),
        (
            "epochs = 10",
            "epochs = 10\noptimizer = \"muon\"\nothers.optimizer = \"sgd\"",
            "x.toml:15: experiment \"function\" (fit-function) needs `others.learning_rate`\nhint: others.learning_rate = 0.1",
        ),
    ]);
}

#[test]
fn parameters_that_are_given_twice() {
    each_has_the_error(&[
        (
            "epochs = 3",
            "epochs = 3\nlist = [{ epochs = 4 }]",
            "x.toml:13: `epochs` is given twice: here and on line 12\nhint: take one of the two out",
        ),
        (
            "epochs = 3",
            "epochs = 3\nlist = [{ optimizer = \"sgd\" }]",
            "x.toml:13: `optimizer` is given twice: here and on line 14\nhint: take one of the two out",
        ),
        (
            "epochs = 3",
            "epochs = 3\n\"model.conv\" = [3]",
            "x.toml:13: `model.conv` is given twice: here and on line 10\nhint: take one of the two out",
        ),
        (
            "[defaults]",
            "[defaults]\ndata.name = \"shapes\"",
            "x.toml:5: `data.name` is given twice: here and on line 2\nhint: take one of the two out",
        ),
    ]);
}

#[test]
fn a_slip_in_the_defaults_is_told_apart_from_what_varies() {
    let text = VALID.replace("[defaults]", "[defaults]\ngird = { epochs = [1, 2] }");
    assert_eq!(
        error_of(&text),
        "x.toml:5: no experiment knows `gird`; did you mean `grid`?\nhint: what varies belongs into an [[experiment]]"
    );
}
