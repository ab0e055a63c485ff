//! Axes of an experiment's space that are none.

use super::super::{error_of, function};
use super::error_with;

#[test]
fn spaces_that_are_none() {
    let error = |lines: &str| error_of(&function(&format!("hidden = [4]\nepochs = 1\n{lines}")));
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
        assert_eq!(error(lines), expected, "{lines}");
    }
    assert_eq!(
        error("when = [{ if = { epochs = 2 }, set = { epoch = 3 } }]").lines().next(),
        Some("x.toml:10: unknown key `epoch` in experiment \"f\" (fit-function); did you mean `epochs`?")
    );
}

#[test]
fn a_slip_in_the_name_of_a_part_of_the_space_is_recognised() {
    for (written, meant) in
        [("gird", "grid"), ("zpi", "zip"), ("radnom", "random"), ("lits", "list"), ("wehn", "when")]
    {
        let error = error_with("grid = { optimizer", &format!("{written} = {{ optimizer"));
        let expected = match written {
            "zpi" => "x.toml:13: unknown key `zpi".to_owned(),
            _ => format!(
                "x.toml:13: unknown key `{written}` in experiment \"images\" (classify); did you mean `{meant}`?"
            ),
        };
        assert!(error.starts_with(&expected), "{error}");
    }
}

#[test]
fn a_value_that_an_axis_lists_twice_is_named_with_its_line() {
    let hint = "hint: take one of them out; `seeds = 2` repeats every run with another seed";
    let error = |lines: &str| error_of(&function(&format!("hidden = [4]\nepochs = 1\n{lines}")));
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
        assert_eq!(error(lines), format!("{expected}\n{hint}"), "{lines}");
    }
    assert_eq!(error("zip = { beta1 = [0.5, 0.5], beta2 = [0.6, 0.7] }"), "nothing");
}
