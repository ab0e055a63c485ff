//! What is said of files that are wrong: whole outputs.

use super::{VALID, function, said_of};

const KNOWN_TO_CLASSIFY: &str = "hint: classify knows model.conv, model.kernel, model.dense, batch_size, epochs, data.name, \
    data.train_limit, data.test_limit, data.label_noise, optimizer, learning_rate, weight_decay, beta1, beta2, epsilon, \
    momentum, record.gradient_norm, record.weights_every, probes, probe.every, probe.train_examples, \
    probe.test_examples, probe.epsilon, probe.ascent_steps, probe.lanczos_steps, probe.vectors";

/// What is said of the valid file with `right` replaced by `wrong`.
fn said(right: &str, wrong: &str) -> String {
    assert!(VALID.contains(right), "the valid file has no {right}");
    said_of(&VALID.replacen(right, wrong, 1))
}

fn each_is_said(cases: &[(&str, &str, &str)]) {
    let mut differences = String::new();
    for (right, wrong, expected) in cases {
        let said = said(right, wrong);
        if said != *expected {
            differences += &format!("\n{right} -> {wrong}\nsaid: {said}\nexpected: {expected}\n");
        }
    }
    assert!(differences.is_empty(), "{differences}");
}

#[test]
fn the_valid_file_is_valid() {
    assert_eq!(said_of(VALID), "nothing");
}

#[test]
fn text_that_is_not_toml() {
    each_is_said(&[
        (
            "epochs = 3",
            "epochs = ",
            "x.toml:12: this is not TOML: string values must be quoted, expected literal string",
        ),
        ("epochs = 3", "epochs = 3\nepochs = 4", "x.toml:13: this is not TOML: duplicate key"),
        (
            "epochs = 3",
            "epochs = 99999999999999999999",
            "x.toml:12: 99999999999999999999 is out of range: whole numbers go from -9223372036854775808 to 9223372036854775807",
        ),
        ("epochs = 3", "epochs = 2024-01-01", "x.toml:12: 2024-01-01 is a date, and no parameter is one"),
    ]);
}

#[test]
fn unknown_keys() {
    let classify = |key: &str, near: &str| {
        format!(
            "x.toml:12: unknown key `{key}` in experiment \"images\" (classify){near}\n{KNOWN_TO_CLASSIFY}"
        )
    };
    assert_eq!(said("epochs = 3", "epoch = 3"), classify("epoch", "; did you mean `epochs`?"));
    assert_eq!(
        said("epochs = 3", "label_noise = 0.5"),
        classify("label_noise", "; did you mean `data.label_noise`?")
    );
    assert_eq!(said("epochs = 3", "seed = 3"), classify("seed", "; did you mean `seeds`?"));
    assert_eq!(said("epochs = 3", "colour = 3"), classify("colour", ""));
    assert_eq!(
        said("epochs = 3", "grid.epoch = [3]").lines().next(),
        Some("x.toml:13: this is not TOML: duplicate key")
    );
    each_is_said(&[
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
             experiments, facet, y, group, log_y, layout, each",
        ),
        (
            "[profile.quick.experiment.images]",
            "[profile.quick.experiments.images]",
            "x.toml:30: unknown key `experiments` in a profile; did you mean `experiment`?\nhint: the keys here are data, \
             defaults, experiment",
        ),
        (
            "[profile.quick.experiment.images]",
            "[profile.quick.experiment.image]",
            "x.toml:30: there is no experiment \"image\"; did you mean \"images\"?",
        ),
        (
            "epochs = 10",
            "epochs = 10\nrandom = { coun = 3 }",
            "x.toml:23: unknown key `coun` in `random`; did you mean `count`?\nhint: the keys here are count, seed, uniform, \
             log_uniform, choice",
        ),
    ]);
    assert_eq!(
        said("images]\nepochs = 1", "images]\nepoch = 1"),
        format!(
            "x.toml:31: unknown key `epoch` in experiment \"images\" (classify); did you mean `epochs`?\n{KNOWN_TO_CLASSIFY}"
        )
    );
}

#[test]
fn unknown_names() {
    each_is_said(&[
        (
            "\"adam\"",
            "\"adm\"",
            "x.toml:13: unknown optimiser \"adm\"; did you mean \"adam\"?\nhint: known are adam, sgd",
        ),
        (
            "\"sin\"",
            "\"sinus\"",
            "x.toml:18: unknown function \"sinus\"; did you mean \"sin\"?\nhint: known are sin, cube",
        ),
        (
            "\"shapes\"",
            "\"cifar\"",
            "x.toml:2: unknown data set \"cifar\"; did you mean \"cifar10\"?\nhint: known are cifar10, fashion-mnist, shapes",
        ),
        (
            "\"classify\"",
            "\"clasify\"",
            "x.toml:9: unknown kind of experiment \"clasify\"; did you mean \"classify\"?\nhint: known are fit-function, classify, \
             critical-point, interpolate, surface",
        ),
        (
            "\"curves\"",
            "\"curve\"",
            "x.toml:25: unknown kind of figure \"curve\"; did you mean \"curves\"?\nhint: known are curves, predictions, against, \
             scatter, trajectories, surface, interpolation, spectrum",
        ),
        ("\"adam\"", "\"xyz\"", "x.toml:13: unknown optimiser \"xyz\"\nhint: known are adam, sgd"),
    ]);
}

#[test]
fn wrong_types() {
    each_is_said(&[
        (
            "epochs = 3",
            "epochs = \"3\"",
            "x.toml:12: `epochs` must be a whole number from 1 to 1000000, not \"3\"\nhint: epochs = 10",
        ),
        (
            "epochs = 3",
            "epochs = 3.0",
            "x.toml:12: `epochs` must be a whole number from 1 to 1000000, not 3.0\nhint: epochs = 10",
        ),
        ("epochs = 3", "epochs = { a = 3 }", "x.toml:12: `epochs` is not a table"),
        (
            "epochs = 3",
            "epochs = {}",
            "x.toml:12: `epochs` must be a whole number from 1 to 1000000, not a table\nhint: epochs = 10",
        ),
        (
            "1e-3",
            "true",
            "x.toml:5: `learning_rate` must be a number above 0, not true\nhint: without `learning_rate` its default holds",
        ),
        (
            "data = { name = \"shapes\" }",
            "data = \"shapes\"",
            "x.toml:2: `data` is a table with the keys name, train_limit, test_limit, label_noise",
        ),
        (
            "dense = [128]",
            "dense = 128",
            "x.toml:10: `model.dense` must be a list, not 128\nhint: model = { conv = [12, 32], dense = [128, 64] }",
        ),
        (
            "optimizer = [\"adam\", \"sgd\"]",
            "optimizer = \"adam\"",
            "x.toml:13: `optimizer` must be a list of values, not \"adam\"\nhint: optimizer = [\"adam\"], or `optimizer = \"adam\"` outside",
        ),
        (
            "\"sin\"",
            "3",
            "x.toml:18: `function` must be the name of a known function, not 3\nhint: function = \"sin\"",
        ),
        (
            "epochs = 3",
            "epochs = 3\nrecord.gradient_norm = 1",
            "x.toml:13: `record.gradient_norm` must be true or false, not 1\nhint: without `record.gradient_norm` its default holds",
        ),
        (
            "[[experiment]]\nid = \"images\"",
            "[experiment]\nid = \"images\"",
            "x.toml:15: this is not TOML: duplicate key",
        ),
        ("[[figure]]", "[figure]", "x.toml:24: each figure is a table of its own: [[figure]]"),
        ("name = \"sample\"", "name = 3", "x.toml:1: `name` must be text, not 3"),
    ]);
}

#[test]
fn numbers_out_of_range() {
    let width = "x.toml:10: each item of `model.conv` must be a whole number from 1 to 65536, not";
    let default = "\nhint: without `model.conv` its default holds";
    assert_eq!(said("[12, 32]", "[12, -32]"), format!("{width} -32{default}"));
    assert_eq!(said("[12, 32]", "[0, 32]"), format!("{width} 0{default}"));
    assert_eq!(said("[12, 32]", "[12, 65537]"), format!("{width} 65537{default}"));
    let layers = format!("[{}]", vec!["1"; 17].join(", "));
    assert_eq!(
        said("[12, 32]", &layers),
        format!("x.toml:10: `model.conv` lists 17 items, and 16 are the most{default}")
    );
    for side in ["4", "17", "-1", "\"3\""] {
        let expected = format!(
            "x.toml:10: `model.kernel` must be an odd number from 1 to 15, not {side}\nhint: without `model.kernel` its default holds"
        );
        assert_eq!(said("dense = [128]", &format!("dense = [128], kernel = {side}")), expected);
    }
    each_is_said(&[
        (
            "batch_size = 64",
            "batch_size = 0",
            "x.toml:11: `batch_size` must be a whole number from 1 to 4294967295, not 0\nhint: batch_size = 64",
        ),
        (
            "epochs = 3",
            "epochs = 1000001",
            "x.toml:12: `epochs` must be a whole number from 1 to 1000000, not 1000001\nhint: epochs = 10",
        ),
        (
            "1e-3",
            "0.0",
            "x.toml:5: `learning_rate` must be a number above 0, not 0.0\nhint: without `learning_rate` its default holds",
        ),
        (
            "1e-3",
            "inf",
            "x.toml:5: `learning_rate` must be a number above 0, not inf\nhint: without `learning_rate` its default holds",
        ),
        (
            "1e-3",
            "nan",
            "x.toml:5: `learning_rate` must be a number above 0, not NaN\nhint: without `learning_rate` its default holds",
        ),
        (
            "1e-3",
            "1e999",
            "x.toml:5: `learning_rate` must be a number above 0, not inf\nhint: without `learning_rate` its default holds",
        ),
        (
            "\"shapes\"",
            "\"shapes\", label_noise = 1.5",
            "x.toml:2: `data.label_noise` must be a number from 0 to 1, not 1.5\nhint: without `data.label_noise` its default holds",
        ),
        (
            "\"shapes\"",
            "\"shapes\", train_limit = 0",
            "x.toml:2: `data.train_limit` must be a whole number from 1 to 1000000000000, not 0\nhint: without `data.train_limit` its default holds",
        ),
        (
            "[-3.0, 3.0]",
            "[3.0, -3.0]",
            "x.toml:20: `interval` must be [start, stop] with start below stop, not [3.0, -3.0]\nhint: interval = [-3.0, 3.0]",
        ),
        (
            "[-3.0, 3.0]",
            "[1]",
            "x.toml:20: `interval` must be [start, stop] with start below stop, not [1]\nhint: interval = [-3.0, 3.0]",
        ),
        (
            "[-3.0, 3.0]",
            "[-inf, 3.0]",
            "x.toml:20: each item of `interval` must be a number, not -inf\nhint: interval = [-3.0, 3.0]",
        ),
        (
            "points = 128",
            "points = 1",
            "x.toml:21: `points` must be a whole number from 2 to 1000000, not 1\nhint: points = 128",
        ),
        (
            "points = 128",
            "points = 128\nbeta1 = 1",
            "x.toml:22: `beta1` must be a number from 0 up to but not including 1, not 1\nhint: without `beta1` its default holds",
        ),
    ]);
}

#[test]
fn seeds_that_are_none() {
    let said = |seeds: &str| said_of(&function(&format!("hidden = [4]\nepochs = 1\nseeds = {seeds}")));
    for (seeds, expected) in [
        (
            "0",
            "x.toml:10: `seeds` must be a whole number from 1 to 9223372036854775807, not 0\nhint: seeds = 3",
        ),
        (
            "-3",
            "x.toml:10: `seeds` must be a whole number from 1 to 9223372036854775807, not -3\nhint: seeds = 3",
        ),
        (
            "1.5",
            "x.toml:10: `seeds` must be a count, a list of seeds, or { start = …, count = … }, not 1.5\nhint: seeds = 3",
        ),
        ("[]", "x.toml:10: `seeds` lists no seed\nhint: seeds = 3"),
        ("[1, -1]", "x.toml:10: a seed must be a whole number from 0 to 9223372036854775807, not -1"),
        ("[1, 2, 1]", "x.toml:10: `seeds` lists 1 twice"),
        (
            "[9223372036854775808]",
            "x.toml:10: 9223372036854775808 is out of range: whole numbers go from -9223372036854775808 to 9223372036854775807",
        ),
        (
            "{ start = 9223372036854775807, count = 2 }",
            "x.toml:10: seeds overflow: 2 from 9223372036854775807 on go beyond 9223372036854775807, the greatest",
        ),
        ("{ start = 3 }", "x.toml:10: `seeds` needs a count\nhint: seeds = { start = 0, count = 3 }"),
        (
            "{ begin = 3, count = 1 }",
            "x.toml:10: unknown key `begin` in `seeds`\nhint: the keys here are start, count",
        ),
    ] {
        assert_eq!(said(seeds), expected, "{seeds}");
    }
}

#[test]
fn what_is_missing() {
    each_is_said(&[
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
        said_of("name = \"empty\""),
        "x.toml:1: the sweep has no experiment\nhint: [[experiment]]\nid = \"first\"\nkind = \"classify\""
    );
}

#[test]
fn ids_that_are_none_or_not_unique() {
    each_is_said(&[
        (
            "\"sample\"",
            "\"../sample\"",
            "x.toml:1: `../sample` is not a sweep name: 1 to 60 letters, digits, `-`, `_` and `.` are expected, the first a \
             letter or a digit",
        ),
        (
            "\"function\"",
            "\"images\"",
            "x.toml:15: two experiments are called \"images\": this and that on line 7",
        ),
        (
            "[profile",
            "[[figure]]\nid = \"figure-1\"\nkind = \"predictions\"\nexperiment = \"function\"\n[profile",
            "x.toml:30: two figures are called \"figure-1\"",
        ),
    ]);
}

#[test]
fn keys_of_the_other_optimiser() {
    each_is_said(&[
        (
            "epochs = 3",
            "epochs = 3\nmomentum = 0.9",
            "x.toml:13: `momentum` belongs to the optimiser sgd, and the optimiser here is adam",
        ),
        (
            "epochs = 10",
            "epochs = 10\noptimizer = \"sgd\"\nbeta1 = 0.9",
            "x.toml:24: `beta1` belongs to the optimiser adam, and the optimiser here is sgd",
        ),
    ]);
}

#[test]
fn parameters_that_are_given_twice() {
    each_is_said(&[
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
fn spaces_that_are_none() {
    let said = |lines: &str| said_of(&function(&format!("hidden = [4]\nepochs = 1\n{lines}")));
    for (lines, expected) in [
        ("grid = { beta1 = [] }", "x.toml:10: `beta1` lists no values"),
        ("list = []", "x.toml:10: `list` lists no values"),
        ("list = [3]", "x.toml:10: `list` must be a table, not 3"),
        ("zip = {}", "x.toml:10: `zip` lists no values"),
        (
            "zip = { beta1 = [0.1, 0.2], beta2 = [0.1] }",
            "x.toml:10: `zip` takes lists of one length, and `beta2` has 1 values while `beta1` has 2",
        ),
        (
            "random = { uniform = { beta1 = [0, 0.5] } }",
            "x.toml:10: `random` needs a count\nhint: random = { count = 20, … }",
        ),
        (
            "random = { count = 0, uniform = { beta1 = [0, 0.5] } }",
            "x.toml:10: `random.count` must be a whole number from 1 to 1000000000000, not 0",
        ),
        (
            "random = { count = 2, uniform = { beta1 = [0.5, 0.1] } }",
            "x.toml:10: the range of `beta1` is empty: 0.5 is not below 0.1\nhint: beta1 = [0.1, 0.5]",
        ),
        ("random = { count = 2, uniform = { beta1 = 0.5 } }", "x.toml:10: `beta1` must be a list, not 0.5"),
        (
            "random = { count = 2, uniform = { beta1 = [0.5] } }",
            "x.toml:10: `beta1` must be the two bounds of a range, not [0.5]\nhint: beta1 = [1e-4, 1e-1] draws between the two",
        ),
        (
            "random = { count = 2, log_uniform = { beta1 = [0.0, 0.5] } }",
            "x.toml:10: the range of `beta1` must be above 0 to be drawn from by its logarithm\nhint: beta1 = [1e-4, 1e-1] draws between the two",
        ),
        (
            "random = { count = 2, uniform = { beta1 = [-1.7e308, 1.7e308] } }",
            "x.toml:10: the range of `beta1` is too wide\nhint: beta1 = [1e-4, 1e-1] draws between the two",
        ),
        (
            "when = [{ if = { beta1 = 0.5 }, set = { beta2 = 0.5 } }]",
            "x.toml:10: `when` asks for `beta1`, which experiment \"f\" doesn't set",
        ),
        (
            "when = [{ if = { epochs = 1 } }]",
            "x.toml:10: a rule of `when` needs `set`\nhint: when = [{ if = { optimizer = \"sgd\" }, set = { momentum = 0.9 } }]",
        ),
    ] {
        assert_eq!(said(lines), expected, "{lines}");
    }
    assert_eq!(
        said("when = [{ if = { epochs = 2 }, set = { epoch = 3 } }]").lines().next(),
        Some("x.toml:10: unknown key `epoch` in experiment \"f\" (fit-function); did you mean `epochs`?")
    );
}

#[test]
fn figures_of_what_is_not_there() {
    each_is_said(&[
        (
            "experiment = \"images\"",
            "experiment = \"image\"",
            "x.toml:26: there is no experiment \"image\"; did you mean \"images\"?",
        ),
        (
            "experiment = \"images\"",
            "experiments = [\"images\", \"images\"]",
            "x.toml:26: `experiments` lists \"images\" twice",
        ),
        (
            "experiment = \"images\"",
            "experiment = \"images\"\nexperiments = [\"images\"]",
            "x.toml:27: a figure has `experiment` or `experiments`, not both",
        ),
        (
            "\"test_loss\"]",
            "\"tset_loss\"]",
            "x.toml:27: experiment \"images\" doesn't record \"tset_loss\"; did you mean \"test_loss\"?\nhint: it records \
             test_accuracy, test_loss, train_accuracy, train_loss",
        ),
        (
            "\"test_loss\"]",
            "\"gradient_norm\"]",
            "x.toml:27: experiment \"images\" doesn't record \"gradient_norm\"\nhint: record = { gradient_norm = true } \
             records it",
        ),
        (
            "experiment = \"images\"",
            "",
            "x.toml:27: experiment \"function\" doesn't record \"test_loss\"\nhint: it records prediction, target, train_loss",
        ),
        (
            "group = \"optimizer\"",
            "group = \"optimiser\"",
            "x.toml:28: no experiment of this figure varies `optimiser`; did you mean `optimizer`?\nhint: they vary \
             optimizer, experiment, seed",
        ),
        (
            "group = \"optimizer\"",
            "facet = \"epochs\"",
            "x.toml:28: no experiment of this figure varies `epochs`\nhint: they vary optimizer, experiment, seed",
        ),
        (
            "group = \"optimizer\"",
            "log_y = [\"train_accuracy\"]",
            "x.toml:28: `log_y` names \"train_accuracy\", which `y` doesn't",
        ),
        (
            "group = \"optimizer\"",
            "layout = \"rows\"",
            "x.toml:28: unknown layout \"rows\"; did you mean \"row\"?\nhint: known are row, column",
        ),
        ("group = \"optimizer\"", "title = 3", "x.toml:28: `title` must be text, not 3"),
        ("y = [\"train_loss\", \"test_loss\"]", "y = []", "x.toml:27: `y` lists nothing"),
    ]);
}

#[test]
fn lists_outside_a_grid_are_led_into_one() {
    let whole = "a whole number from 1 to 4294967295";
    each_is_said(&[
        (
            "batch_size = 64",
            "batch_size = -1",
            &format!("x.toml:11: `batch_size` must be {whole}, not -1\nhint: batch_size = 64"),
        ),
        (
            "batch_size = 64",
            "batch_size = [1, 2]",
            &format!(
                "x.toml:11: `batch_size` must be {whole}, not [1, 2]\nhint: grid = {{ batch_size = [1, 2] }} makes a run of each"
            ),
        ),
        (
            "1e-3",
            "[1e-3, 1e-2]",
            "x.toml:5: `learning_rate` must be a number above 0, not [0.001, 0.01]\nhint: grid = { learning_rate = [0.001, 0.01] } \
             makes a run of each",
        ),
        (
            "hidden = [32, 64]",
            "hidden = [[32], [64]]",
            "x.toml:19: each item of `hidden` must be a whole number from 1 to 65536, not [32]\nhint: grid = { hidden = [[32], [64]] } \
             makes a run of each",
        ),
    ]);
}

#[test]
fn a_slip_in_the_name_of_a_part_of_the_space_is_recognised() {
    for (written, meant) in
        [("gird", "grid"), ("zpi", "zip"), ("radnom", "random"), ("lits", "list"), ("wehn", "when")]
    {
        let said = said("grid = { optimizer", &format!("{written} = {{ optimizer"));
        let expected = match written {
            "zpi" => "x.toml:13: unknown key `zpi".to_owned(),
            _ => format!(
                "x.toml:13: unknown key `{written}` in experiment \"images\" (classify); did you mean `{meant}`?"
            ),
        };
        assert!(said.starts_with(&expected), "{said}");
    }
}

#[test]
fn a_value_that_an_axis_lists_twice_is_named_with_its_line() {
    let hint = "hint: take one of them out; `seeds = 2` repeats every run with another seed";
    let said = |lines: &str| said_of(&function(&format!("hidden = [4]\nepochs = 1\n{lines}")));
    for (lines, expected) in [
        ("grid = { beta1 = [\n0.5,\n0.6,\n0.5] }", "x.toml:13: `beta1` lists 0.5 twice"),
        ("grid = { beta1 = [0, 0.0] }", "x.toml:10: `beta1` lists 0.0 twice"),
        (
            "grid = { record = [{ gradient_norm = true }, { gradient_norm = true }] }",
            "x.toml:10: `record` lists true twice",
        ),
        (
            "list = [\n{ beta1 = 0.5, beta2 = 0.6 },\n{ beta2 = 0.6, beta1 = 0.5 }]",
            "x.toml:12: `list` lists { beta1 = 0.5, beta2 = 0.6 } twice",
        ),
        (
            "zip = { beta1 = [0.5, 0.5], beta2 = [0.6, 0.6] }",
            "x.toml:10: `zip` lists { beta1 = 0.5, beta2 = 0.6 } twice",
        ),
    ] {
        assert_eq!(said(lines), format!("{expected}\n{hint}"), "{lines}");
    }
    assert_eq!(said("zip = { beta1 = [0.5, 0.5], beta2 = [0.6, 0.7] }"), "nothing");
}

#[test]
fn a_slip_in_the_defaults_is_told_apart_from_what_varies() {
    let text = VALID.replace("[defaults]", "[defaults]\ngird = { epochs = [1, 2] }");
    assert_eq!(
        said_of(&text),
        "x.toml:5: no experiment knows `gird`; did you mean `grid`?\nhint: what varies belongs into an [[experiment]]"
    );
}
