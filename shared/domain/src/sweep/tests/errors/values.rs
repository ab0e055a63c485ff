//! Values of the wrong type, or out of range.

use super::super::{error_of, function};
use super::{each_has_the_error, error_with};

#[test]
fn wrong_types() {
    each_has_the_error(&[
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
            "x.toml:2: `data` is a table with the keys name, train_limit, test_limit, pixels, whitening, encoding, label_noise, label_matrix, label_copies, modulus, train_share, bits, relevant, classes, dimensions, separation, turns, noise, inputs, hidden, train, test, draw_seed",
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
            "x.toml:18: `function` must be the name of a function or an expression, not 3\nhint: function = \"sin\"",
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
    assert_eq!(error_with("[12, 32]", "[12, -32]"), format!("{width} -32{default}"));
    assert_eq!(error_with("[12, 32]", "[0, 32]"), format!("{width} 0{default}"));
    assert_eq!(error_with("[12, 32]", "[12, 65537]"), format!("{width} 65537{default}"));
    let layers = format!("[{}]", vec!["1"; 17].join(", "));
    assert_eq!(
        error_with("[12, 32]", &layers),
        format!("x.toml:10: `model.conv` lists 17 items, and 16 are the most{default}")
    );
    for side in ["4", "17", "-1", "\"3\""] {
        let expected = format!(
            "x.toml:10: `model.kernel` must be an odd number from 1 to 15, not {side}\nhint: without `model.kernel` its default holds"
        );
        assert_eq!(error_with("dense = [128]", &format!("dense = [128], kernel = {side}")), expected);
    }
    each_has_the_error(&[
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
    let error = |seeds: &str| error_of(&function(&format!("hidden = [4]\nepochs = 1\nseeds = {seeds}")));
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
        assert_eq!(error(seeds), expected, "{seeds}");
    }
}

#[test]
fn lists_outside_a_grid_are_led_into_one() {
    let whole = "a whole number from 1 to 4294967295";
    each_has_the_error(&[
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
fn wrong_values_of_optimisers() {
    let without = |key: &str| format!("\nhint: without `{key}` its default holds");
    let below_one = "must be a number from 0 up to but not including 1";
    let cases: Vec<(&str, &str, String)> = [
        ("sgd", "dampening = 1.0", format!("`dampening` {below_one}, not 1.0{}", without("dampening"))),
        ("sgd", "nesterov = 1", format!("`nesterov` must be true or false, not 1{}", without("nesterov"))),
        ("rmsprop", "rho = 1", format!("`rho` {below_one}, not 1{}", without("rho"))),
        ("rmsprop", "centered = 0", format!("`centered` must be true or false, not 0{}", without("centered"))),
        ("lion", "beta2 = -0.5", format!("`beta2` {below_one}, not -0.5{}", without("beta2"))),
        (
            "adamw",
            "weight_decay = -1",
            format!("`weight_decay` must be a number not below 0, not -1{}", without("weight_decay")),
        ),
        (
            "adamw",
            "weight_decay_on = \"weight\"",
            "unknown choice of parameters \"weight\"; did you mean \"weights\"?\nhint: known are all, weights".to_owned(),
        ),
        ("adamw", "clip_norm = 0", format!("`clip_norm` must be a number above 0, not 0{}", without("clip_norm"))),
        ("adamw", "clip_value = -1", format!("`clip_value` must be a number above 0, not -1{}", without("clip_value"))),
        (
            "muon",
            "newton_schulz_steps = 0",
            format!(
                "`newton_schulz_steps` must be a whole number from 1 to 20, not 0{}",
                without("newton_schulz_steps")
            ),
        ),
        (
            "muon",
            "others.optimizer = \"lion\"",
            "unknown optimiser of other parameters \"lion\"\nhint: known are adamw, sgd".to_owned(),
        ),
        ("adamw", "sam.rho = 0", format!("`sam.rho` must be a number above 0, not 0{}", without("sam.rho"))),
        (
            "adamw",
            "average.method = \"mean\"",
            "unknown method of averaging \"mean\"\nhint: known are ema, swa".to_owned(),
        ),
        (
            "adamw",
            "average = { method = \"ema\", decay = 1 }",
            format!("`average.decay` {below_one}, not 1{}", without("average.decay")),
        ),
        (
            "adamw",
            "average = { method = \"ema\", start = 3 }",
            "`average.start` belongs to the method swa, and the method here is ema".to_owned(),
        ),
        (
            "adamw",
            "average = { method = \"swa\", start = 3, warm_up = true }",
            "`average.warm_up` belongs to the method ema, and the method here is swa".to_owned(),
        ),
        ("adamw", "average.decay = 0.5", "`average.decay` needs `average.method`".to_owned()),
        (
            "muon",
            "others.epsilon = 0",
            format!("`others.epsilon` must be a number above 0, not 0{}", without("others.epsilon")),
        ),
    ]
    .into();
    for (optimizer, line, expected) in cases {
        let error = error_with("epochs = 10", &format!("epochs = 10\noptimizer = \"{optimizer}\"\n{line}"));
        assert_eq!(error, format!("x.toml:24: {expected}"), "{optimizer}: {line}");
    }
}

#[test]
fn commands_that_are_none() {
    let command =
        |lines: &str| format!("name = \"c\"\n[[experiment]]\nid = \"c\"\nkind = \"command\"\n{lines}\n");
    super::super::each_has_the_error(
        command,
        &[
            (
                "version = \"1\"",
                "x.toml:2: experiment \"c\" (command) needs `command`\nhint: command = \"train\"",
            ),
            (
                "command = \"/bin/sh\"",
                "x.toml:5: `/bin/sh` is not a command's name: 1 to 60 letters, digits, `-`, `_` and `.` are expected, the first \
                 a letter or a digit\nhint: command = \"train\"",
            ),
            (
                "command = \"train\"\nversion = 2",
                "x.toml:6: `version` must be text of 1 to 64 bytes, not 2\nhint: version = \"2\"",
            ),
            ("command = \"train\"\nparameters = 3", "x.toml:6: `parameters` is a table"),
            (
                "command = \"train\"\nparameters.rate = inf",
                "x.toml:6: `parameters.rate` must be finite: JSON has no other numbers, not inf",
            ),
            (
                "command = \"train\"\nparameters.layers = [{ width = 1 }]",
                "x.toml:6: `parameters.layers` must be a value, a list of values, or a table of them, not [a table]",
            ),
            (
                "command = \"train\"\nparameters.a = 1\ngrid = { parameters.a.b = [1, 2] }",
                "x.toml:7: `parameters.a.b` is a value here, and a table elsewhere",
            ),
            (
                "command = \"train\"\nrecords = { \"train loss\" = \"epoch\" }",
                "x.toml:6: `records.train loss` is no name of a series\nhint: a series' name has letters, digits and `_`, the \
                 first of them a letter",
            ),
            (
                "command = \"train\"\nrecords = { loss = \"epochs\" }",
                "x.toml:6: unknown axis \"epochs\"; did you mean \"epoch\"?\nhint: known are epoch, iteration, input, ratio, \
                 cell, eigenvalue, once",
            ),
            (
                "command = \"train\"\nargs = [\"-c\"]",
                "x.toml:6: unknown key `args` in experiment \"c\" (command)\nhint: command knows command, version, parameters, \
                 records, inputs",
            ),
        ],
    );
}
