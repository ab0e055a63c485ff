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
