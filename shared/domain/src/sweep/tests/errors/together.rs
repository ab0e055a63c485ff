//! Files with several problems: all of them are told at once, each once, and none that follows from another.

use super::super::{VALID, error_of};

/// The first lines of the errors of the valid file with these replacements, without hints.
fn errors(replaced: &[(&str, &str)]) -> Vec<String> {
    let mut text = VALID.to_owned();
    for (right, wrong) in replaced {
        assert!(text.contains(right), "the valid file has no {right}");
        text = text.replacen(right, wrong, 1);
    }
    let shown = error_of(&text);
    shown.lines().filter(|line| line.starts_with("x.toml:")).map(str::to_owned).collect()
}

#[track_caller]
fn are(replaced: &[(&str, &str)], expected: &[&str]) {
    assert_eq!(errors(replaced), expected);
}

#[test]
fn wrong_values_of_one_experiment_and_of_another_are_told_together_in_the_order_of_the_lines() {
    are(
        &[
            ("batch_size = 64", "batch_size = 0"),
            ("epochs = 3", "epochs = \"3\""),
            ("points = 128", "points = 1"),
        ],
        &[
            "x.toml:11: `batch_size` must be a whole number from 1 to 4294967295, not 0",
            "x.toml:12: `epochs` must be a whole number from 1 to 1000000, not \"3\"",
            "x.toml:21: `points` must be a whole number from 2 to 1000000, not 1",
        ],
    );
}

#[test]
fn what_is_missing_is_told_beside_what_is_wrong() {
    are(
        &[("batch_size = 64\n", "\n"), ("epochs = 3\n", "\n"), ("1e-3", "-1")],
        &[
            "x.toml:5: `learning_rate` must be a number above 0, not -1",
            "x.toml:7: experiment \"images\" (classify) needs `batch_size`",
            "x.toml:7: experiment \"images\" (classify) needs `epochs`",
        ],
    );
}

#[test]
fn a_wrong_default_is_told_once_however_many_experiments_take_it() {
    are(&[("1e-3", "0")], &["x.toml:5: `learning_rate` must be a number above 0, not 0"]);
}

#[test]
fn several_unknown_keys_are_told_and_what_one_was_meant_for_is_not_called_missing() {
    are(
        &[("batch_size = 64", "bach_size = 64"), ("epochs = 3", "epoch = 3"), ("hidden = ", "hiden = ")],
        &[
            "x.toml:11: unknown key `bach_size` in experiment \"images\" (classify); did you mean `batch_size`?",
            "x.toml:12: unknown key `epoch` in experiment \"images\" (classify); did you mean `epochs`?",
            "x.toml:19: unknown key `hiden` in experiment \"function\" (fit-function); did you mean `hidden`?",
        ],
    );
}

#[test]
fn each_wrong_value_of_an_axis_is_told() {
    are(
        &[("[\"adam\", \"sgd\"]", "[\"adm\", \"sgd\", \"sdg\"]")],
        &[
            "x.toml:13: unknown optimiser \"adm\"; did you mean \"adam\"?",
            "x.toml:13: unknown optimiser \"sdg\"",
        ],
    );
}

#[test]
fn what_depends_on_a_wrong_value_is_left_for_when_that_is_right() {
    // `momentum` has no meaning for adam, which isn't what was meant.
    are(
        &[
            ("grid = { optimizer = [\"adam\", \"sgd\"] }", "optimizer = \"sdg\"\nmomentum = 0.9"),
            ("group = \"optimizer\"\n", ""),
        ],
        &["x.toml:13: unknown optimiser \"sdg\""],
    );
    // Of right values all that have no meaning are told.
    are(
        &[
            ("grid = { optimizer = [\"adam\", \"sgd\"] }", "momentum = 0.9\nnesterov = true"),
            ("group = \"optimizer\"\n", ""),
        ],
        &[
            "x.toml:13: `momentum` belongs to the optimisers sgd, rmsprop and muon, and the optimiser here is adam",
            "x.toml:14: `nesterov` belongs to the optimisers sgd and muon, and the optimiser here is adam",
        ],
    );
}

#[test]
fn a_figure_of_an_experiment_that_cannot_be_read_is_not_blamed_for_it() {
    are(
        &[("kind = \"classify\"", "kind = \"clasify\"")],
        &["x.toml:9: unknown kind of experiment \"clasify\"; did you mean \"classify\"?"],
    );
    are(&[("id = \"images\"\n", "\n")], &["x.toml:7: this experiment has no `id`"]);
    are(
        &[
            ("grid = { optimizer", "grid = { colour = [], optimizer"),
            ("experiment = \"images\"", "experiment = \"image\""),
        ],
        &["x.toml:13: `colour` lists no values", "x.toml:26: there is no experiment \"image\""],
    );
}

#[test]
fn figures_experiments_profiles_and_the_name_are_all_told() {
    are(
        &[
            ("\"sample\"", "\"../sample\""),
            ("batch_size = 64", "batch_size = -64"),
            ("kind = \"curves\"", "kind = \"curve\""),
            ("experiment.images]\nepochs = 1", "experiment.imags]\nepochs = 1"),
        ],
        &[
            "x.toml:1: `../sample` is not a sweep name: 1 to 60 letters, digits, `-`, `_` and `.` are expected, the first a \
             letter or a digit",
            "x.toml:11: `batch_size` must be a whole number from 1 to 4294967295, not -64",
            "x.toml:25: unknown kind of figure \"curve\"; did you mean \"curves\"?",
            "x.toml:30: there is no experiment \"imags\"; did you mean \"images\"?",
        ],
    );
}

#[test]
fn lines_that_are_not_toml_are_told_together() {
    are(
        &[("batch_size = 64", "batch_size = "), ("epochs = 10", "epochs = ten")],
        &[
            "x.toml:11: `batch_size` has no value",
            "x.toml:22: `ten` is neither a number nor true or false, and text stands in quotation marks",
        ],
    );
    are(
        &[("batch_size = 64", "batch_size = 99999999999999999999"), ("epochs = 10", "epochs = 2026-11-28")],
        &[
            "x.toml:11: 99999999999999999999 is out of range: whole numbers go from -9223372036854775808 to 9223372036854775807",
            "x.toml:22: 2026-11-28 is a date, and no parameter is one",
        ],
    );
}

#[test]
fn a_data_set_that_is_not_there_is_told_where_it_is_named_once_for_all_that_read_it() {
    let more = "\n[[experiment]]\nid = \"more\"\nkind = \"classify\"\nmodel = { dense = [8] }\nbatch_size = 64\nepochs = 3\n\n[[figure]]";
    are(
        &[("\"shapes\"", "\"flowers\""), ("\n[[figure]]", more)],
        &["x.toml:2: the data set \"flowers\" isn't there"],
    );
}

#[test]
fn networks_that_leave_no_pixel_are_told_of_every_experiment() {
    let more = "\n[[experiment]]\nid = \"more\"\nkind = \"classify\"\nmodel = { conv = [4, 4, 4, 4, 4, 4], dense = [8] }\nbatch_size = 64\nepochs = 3\n\n[[figure]]";
    let said = errors(&[("conv = [12, 32]", "conv = [4, 4, 4, 4, 4, 4, 4]"), ("\n[[figure]]", more)]);
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said.iter().all(|error| error.contains("leaves no pixel")), "{said:?}");
}

#[test]
fn an_axis_that_lists_a_value_twice_leads_to_no_other_error() {
    let claim = "[[claim]]\ntext = \"a\"\ncheck = { kind = \"within\", of = { experiment = \"images\", optimizer = \"sgd\" }, y = \"test_loss\", low = 0.0, high = 9.0 }\n\n[[figure]]";
    are(
        &[("[\"adam\", \"sgd\"]", "[\"sgd\", \"adam\", \"sgd\"]"), ("[[figure]]", claim)],
        &["x.toml:13: `optimizer` lists \"sgd\" twice"],
    );
}

#[test]
fn every_check_of_a_claim_is_looked_at() {
    let claim = "[[claim]]\ntext = \"a\"\ncheck = [{ kind = \"within\", of = { experiment = \"image\" }, y = \"test_loss\", low = 0.0, high = 9.0 },\n{ kind = \"withn\" }]\n\n[[figure]]";
    are(
        &[("[[figure]]", claim)],
        &[
            "x.toml:26: there is no experiment \"image\"; did you mean \"images\"?",
            "x.toml:27: unknown kind of check \"withn\"; did you mean \"within\"?",
        ],
    );
}

#[test]
fn no_more_are_told_than_somebody_reads() {
    let keys: String = (0..200).map(|number| format!("key_{number} = 1\n")).collect();
    assert_eq!(errors(&[("epochs = 3\n", &format!("epochs = 3\n{keys}"))]).len(), 100);
}
