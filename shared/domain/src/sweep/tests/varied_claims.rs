//! Settings that a claim varies, and the rest of its analysis.

use super::claims::{OF_ALL, images};
use super::{each_has_the_error, planned, trained};
use crate::claim::{
    Analysis, BoundKey, Check, Condition, MeasureKey, Middle, RecomputedMeasure, Setting, Side, Variation,
};
use crate::value::Value;

const OF: &str = "of = { experiment = \"images\", batch_size = 64 }";
const GREATER: &str = "kind = \"greater\", a = { experiment = \"images\", batch_size = 64 }, b = { experiment = \"images\", batch_size = 128 }, y \
                       = \"test_loss\"";

/// A claim of one check: what is said of its analysis stands on line 16.
fn analysed(check: &str, analysis: &str) -> String {
    trained(&format!("[[claim]]\ntext = \"It is so\"\ncheck = {{ {check} }}\n{analysis}"))
}

fn analysis(check: &str, written: &str) -> Analysis {
    planned(&analysed(check, written)).claims.remove(0).analysis
}

fn within() -> String {
    format!("kind = \"within\", {OF}, y = \"test_loss\", low = 0.5, high = 1")
}

/// Searches for critical points: what is added stands on line 10 and beyond.
fn searched(lines: &str) -> String {
    format!(
        "name = \"e\"\n[[experiment]]\nid = \"e\"\nkind = \"critical-point\"\nfunction = \"sin\"\ninterval = [-3, 3]\npoints = 8\nhidden = \
         [3]\nepochs = 1\n{lines}\n"
    )
}

/// A correlation of this number with the loss, and what is said of its analysis, on line 13.
fn correlated(y: &str, analysis: &str) -> String {
    searched(&format!(
        "[[claim]]\ntext = \"It rises\"\ncheck = {{ kind = \"correlation\", of = {{ experiment = \"e\" }}, x = \"final_loss\", y = \"{y}\", \
         direction = \"rises\", only_if = \"converged\" }}\n{analysis}"
    ))
}

fn varied(name: &str, settings: Vec<Setting>) -> Variation {
    Variation { name: name.to_owned(), settings }
}

#[test]
fn a_claim_without_analysis_is_written_as_it_always_was() {
    let claim = planned(&analysed(GREATER, "")).claims.remove(0);
    assert!(claim.analysis.is_usual());
    assert!(!serde_json::to_string(&claim).unwrap().contains("analysis"));
}

#[test]
fn every_setting_is_read() {
    let of = |check: &str, vary: &str| analysis(check, &format!("vary = {{ {vary} }}")).vary;
    let cases = [
        (
            GREATER.to_owned(),
            "level = [0.9, 0.95]",
            varied("level", vec![Setting::Level(0.9), Setting::Level(0.95)]),
        ),
        (
            GREATER.to_owned(),
            "read_at = [1, 2.0]",
            varied("read_at", vec![Setting::ReadAt(1.0), Setting::ReadAt(2.0)]),
        ),
        (
            GREATER.to_owned(),
            "average_last = [0, 0.5]",
            varied("average_last", vec![Setting::AverageLast(0.0), Setting::AverageLast(0.5)]),
        ),
        (
            GREATER.to_owned(),
            "middle = [\"mean\", \"iqm\"]",
            varied("middle", vec![Setting::Middle(Middle::Mean), Setting::Middle(Middle::Iqm)]),
        ),
        (
            GREATER.to_owned(),
            "y = [\"test_loss\", \"train_loss\"]",
            varied(
                "y",
                ["test_loss", "train_loss"].map(|y| Setting::Measure(MeasureKey::Y, y.to_owned())).to_vec(),
            ),
        ),
        (
            format!("kind = \"trend\", {OF}, y = \"test_loss\", direction = \"falls\""),
            "smoothing = [1, 3]",
            varied("smoothing", vec![Setting::Smoothing(1), Setting::Smoothing(3)]),
        ),
        (
            format!("kind = \"together\", {OF}, at_most = 0.5"),
            "at_most = [0.5, 0.6]",
            varied("at_most", [0.5, 0.6].map(|bound| Setting::Bound(BoundKey::AtMost, bound)).to_vec()),
        ),
        (
            within(),
            "batch_size = [64, 1024]",
            varied(
                "batch_size",
                [64, 1024]
                    .map(|size| Setting::Parameter("batch_size".to_owned(), Value::Integer(size)))
                    .to_vec(),
            ),
        ),
        (
            format!(
                "kind = \"correlation\", {OF_ALL}, x = \"batch_size\", y = \"test_loss\", direction = \"rises\""
            ),
            "x = [\"batch_size\", \"parameters\"]",
            varied(
                "x",
                ["batch_size", "parameters"].map(|x| Setting::Measure(MeasureKey::X, x.to_owned())).to_vec(),
            ),
        ),
    ];
    for (check, vary, expected) in cases {
        assert_eq!(of(&check, vary), [expected], "{vary}");
    }
}

#[test]
fn thresholds_of_what_is_stored_are_varied_however_their_names_are_written() {
    let of = |vary: &str| {
        let text = correlated("minimal_ratio_positive_eigenvalues", &format!("vary = {{ {vary} }}"));
        planned(&text).claims.remove(0).analysis.vary
    };
    let positive = |threshold| Setting::Recomputed(RecomputedMeasure::PositiveEigenvalues, threshold);
    let expected = [varied("minimal_ratio.positive", vec![positive(1e-8), positive(1e-6)])];
    for written in [
        "minimal_ratio.positive = [1e-8, 1e-6]",
        "\"minimal_ratio.positive\" = [1e-8, 1e-6]",
        "minimal_ratio = { positive = [1e-8, 1e-6] }",
    ] {
        assert_eq!(of(written), expected, "{written}");
    }
    let converged = |threshold| Setting::Recomputed(RecomputedMeasure::Converged, threshold);
    assert_eq!(
        of("search.threshold = [1e-6, 1e-5]"),
        [varied("search.threshold", vec![converged(1e-6), converged(1e-5)])]
    );
}

#[test]
fn conditions_are_read_and_varied() {
    let text = correlated(
        "minimal_ratio_sampled",
        "only_where = { final_gradient_norm = { below = 1e-6 }, final_loss = { above = 0.1 } }\nvary = { \
         only_where.final_gradient_norm.below = [1e-8, 1e-6] }",
    );
    let analysis = planned(&text).claims.remove(0).analysis;
    let condition = |measure: &str, side, bound| Condition { measure: measure.to_owned(), side, bound };
    let norm = |bound| condition("final_gradient_norm", Side::Below, bound);
    assert_eq!(analysis.only_where, [norm(1e-6), condition("final_loss", Side::Above, 0.1)]);
    let settings = vec![Setting::Condition(norm(1e-8)), Setting::Condition(norm(1e-6))];
    assert_eq!(analysis.vary, [varied("only_where.final_gradient_norm.below", settings)]);
    assert!(norm(1e-6).is_met(1e-7) && !norm(1e-6).is_met(1e-6) && !norm(1e-6).is_met(f64::NAN));
}

#[test]
fn a_check_varies_over_a_bound_only_if_its_own_is_listed() {
    let low = |low| Check::Within { of: images(&[]), y: "test_loss".to_owned(), low, high: 1.0 };
    let variation =
        varied("low", vec![Setting::Bound(BoundKey::Low, 0.5), Setting::Bound(BoundKey::Low, 0.6)]);
    assert!(variation.is_of(&low(0.5)) && !variation.is_of(&low(0.1)));
    let mut check = low(0.5);
    variation.settings[1].apply(&mut check);
    assert_eq!(check, low(0.6));
}

#[test]
fn variations_that_are_written_wrongly_are_refused() {
    let example = "hint: vary = { average_last = [0, 0.1], level = [0.9, 0.95] }";
    let values = "hint: give the values to try, two or more: level = [..., ...]";
    each_has_the_error(
        |lines| analysed(GREATER, lines),
        &[
            ("vary = 3", &format!("x.toml:16: `vary` must be a table, not 3\n{example}")),
            ("vary = {}", &format!("x.toml:16: `vary` names no setting\n{example}")),
            (
                "vary = { level = 0.9 }",
                &format!("x.toml:16: `vary.level` must be a list of values, not 0.9\n{values}"),
            ),
            ("vary = { level = [] }", &format!("x.toml:16: `vary.level` lists nothing\n{values}")),
            (
                "vary = { level = [0.9] }",
                &format!("x.toml:16: `vary.level` lists 0.9 alone, and one value varies nothing\n{values}"),
            ),
            (
                "vary = { level = [0.9, 0.95, 0.9] }",
                "x.toml:16: `vary.level` lists 0.9 twice\nhint: take one of the two out",
            ),
            (
                "vary = { level = [0.9, 1.0] }",
                "x.toml:16: each item of `vary.level` must be a number from 0.5 up to but not including 1, not 1.0",
            ),
            (
                "vary = { middle = [\"mean\", \"median\"] }",
                "x.toml:16: unknown middle \"median\"; did you mean \"mean\"?\nhint: known are mean, geometric-mean, iqm",
            ),
            (
                "vary = { level = [0.8, 0.85, 0.9, 0.95, 0.99], average_last = [0, 0.05, 0.1, 0.15, 0.2], read_at = [1, 2, 3] }",
                "x.toml:16: `vary` makes 75 combinations, and 64 are the most\nhint: leave out values, or make several claims of it",
            ),
        ],
    );
}

#[test]
fn settings_that_a_claim_does_not_have_are_refused() {
    let known = "hint: this claim can vary level, read_at, average_last, middle, y, batch_size";
    each_has_the_error(
        |lines| analysed(GREATER, lines),
        &[
            (
                "vary = { levl = [0.9, 0.95] }",
                &format!("x.toml:16: unknown setting `vary.levl`; did you mean `level`?\n{known}"),
            ),
            (
                "vary = { smoothing = [1, 3] }",
                &format!(
                    "x.toml:16: `vary.smoothing` is a setting of trend, and this claim has no such check\n{known}"
                ),
            ),
            (
                "vary = { factor = [2, 3] }",
                &format!("x.toml:16: `vary.factor`: no check of this claim has a `factor`\n{known}"),
            ),
            (
                "vary = { learning_rate = [0.1, 0.2] }",
                "x.toml:16: `vary.learning_rate`: runs of experiment \"images\" were made with one value, and nothing stored gives \
                 another\nhint: grid = { learning_rate = [0.1, 0.2] } in that experiment makes runs of each, and the check names one",
            ),
            (
                "vary = { y = [\"test_accuracy\", \"train_loss\"] }",
                "x.toml:16: `vary.y` doesn't list the check's own `y`, test_loss\nhint: a check varies over a list that has its own \
                 value",
            ),
            (
                "vary = { y = [\"test_loss\", \"tst_los\"] }",
                "x.toml:16: experiment \"images\" doesn't record \"tst_los\"; did you mean \"test_loss\"?\nhint: it records \
                 test_accuracy, test_loss, train_accuracy, train_loss, final_train_accuracy, final_train_loss, parameters",
            ),
            (
                "vary = { batch_size = [64, 128] }",
                "x.toml:16: with this value `a` and `b` mean the same runs\nhint: take it out of the list",
            ),
        ],
    );
    each_has_the_error(
        |lines| analysed(&within(), lines),
        &[
            (
                "vary = { batch_size = [64, 65] }",
                "x.toml:16: experiment \"images\" has no run with batch_size = 65\nhint: batch_size is 64, 128 or 1024 there",
            ),
            (
                "vary = { low = [0.5, 1.5] }",
                "x.toml:16: `vary.low` lists 1.5, with which `low`, 1.5, isn't below `high`, 1\nhint: take it out of the list",
            ),
            (
                "vary = { low = [0.4, 0.6] }",
                "x.toml:16: `vary.low` doesn't list the check's own `low`, 0.5\nhint: a check varies over a list that has its own value",
            ),
        ],
    );
    each_has_the_error(
        |lines| analysed(&format!("kind = \"together\", {OF}"), lines),
        &[
            (
                "vary = { batch_size = [64, 128] }",
                "x.toml:16: `vary.batch_size`: a check of kind together reads the weights of one point\nhint: make a claim of each point",
            ),
            (
                "vary = { average_last = [0, 0.1] }",
                "x.toml:16: `vary.average_last` is a setting of equivalent, greater, correlation, within and best, and this claim has no \
                 such check\nhint: this claim can vary level, at_most",
            ),
        ],
    );
    each_has_the_error(
        |lines| analysed(&format!("kind = \"trend\", {OF}, y = \"test_loss\", direction = \"falls\""), lines),
        &[
            (
                "vary = { smoothing = [1, 4] }",
                "x.toml:16: each item of `vary.smoothing` must be odd, so that a value has as many neighbours on both sides, not \
                 4\nhint: 3 or 5",
            ),
            (
                "middle = \"iqm\"",
                "x.toml:16: `middle` is of greater, within and best, and this claim has none of these checks\nhint: leave out `middle`",
            ),
        ],
    );
    let numbers = format!("kind = \"within\", {OF}, y = \"parameters\", low = 0, high = 1");
    each_has_the_error(
        |lines| analysed(&numbers, lines),
        &[(
            "vary = { average_last = [0, 0.1] }",
            "x.toml:16: `vary.average_last` is of series, and this claim compares none: parameters\nhint: this claim can vary level, \
             middle, y, low, high, batch_size",
        )],
    );
}

#[test]
fn thresholds_of_other_measures_and_of_what_is_not_stored_are_refused() {
    each_has_the_error(
        |lines| correlated("minimal_ratio_sampled", lines),
        &[
            (
                "vary = { minimal_ratio.near_zero = [0.1, 0.2] }",
                "x.toml:13: `vary.minimal_ratio.near_zero` is a setting of minimal_ratio_near_zero, which no check of this claim \
                 names\nhint: this claim can vary level, x, y, only_if, search.threshold",
            ),
            (
                "vary = { minimal_ratio.radius = [0.1, 0.2] }",
                "x.toml:13: `vary.minimal_ratio.radius`: runs of experiment \"e\" were made with one value, and nothing stored gives \
                 another\nhint: grid = { minimal_ratio.radius = [0.1, 0.2] } in that experiment makes runs of each, and the check \
                 names one",
            ),
            (
                "vary = { search.threshold = [0.0, 1e-6] }",
                "x.toml:13: each item of `vary.search.threshold` must be a number above 0, not 0.0",
            ),
        ],
    );
}

#[test]
fn conditions_that_are_written_wrongly_are_refused() {
    let example = "hint: only_where = { final_gradient_norm = { below = 1e-6 } }";
    each_has_the_error(
        |lines| correlated("minimal_ratio_sampled", lines),
        &[
            ("only_where = {}", &format!("x.toml:13: `only_where` names no condition\n{example}")),
            (
                "only_where = { final_loss = 3 }",
                &format!("x.toml:13: `only_where.final_loss` must be a table, not 3\n{example}"),
            ),
            (
                "only_where = { final_loss = { under = 3 } }",
                "x.toml:13: unknown key `under` in a condition of `only_where`\nhint: the keys here are below, above",
            ),
            (
                "only_where = { final_loss = { below = \"3\" } }",
                "x.toml:13: `below` must be a number, not \"3\"",
            ),
        ],
    );
    each_has_the_error(
        |lines| analysed(GREATER, lines),
        &[(
            "only_where = { test_loss = { below = 3 } }",
            "x.toml:16: `only_where` is of correlation, and this claim has no such check\nhint: leave out `only_where`",
        )],
    );
}
