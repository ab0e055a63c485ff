//! Claims: every kind of check, and every refusal.

use super::{TRAINED, each_has_the_error, line, plan, plane, planned, source, trained, with_overrides};
use crate::claim::{Best, Check, Claim, Direction, Selection};
use crate::sweep::Source;
use crate::value::Value;

/// [`TRAINED`] with a claim of one check: it stands on line 15.
pub(super) fn claimed(check: &str) -> String {
    trained(&format!("[[claim]]\ntext = \"It is so\"\ncheck = {{ {check} }}"))
}

pub(super) fn check(written: &str) -> Check {
    planned(&claimed(written)).claims.remove(0).checks.remove(0)
}

pub(super) fn images(values: &[(&str, i64)]) -> Selection {
    let values = values.iter().map(|&(name, value)| (name.to_owned(), Value::Integer(value)));
    Selection { experiment: "images".parse().unwrap(), values: values.collect() }
}

const A_AND_B: &str =
    "a = { experiment = \"images\", batch_size = 64 }, b = { experiment = \"images\", batch_size = 128 }";
const OF: &str = "of = { experiment = \"images\", batch_size = 64 }";
/// Every point of `images`, which only a correlation may be of.
pub(super) const OF_ALL: &str = "of = { experiment = \"images\" }";

#[test]
fn every_kind_of_check_is_read_with_all_its_keys() {
    let (a, b, of, y) =
        (images(&[("batch_size", 64)]), images(&[("batch_size", 128)]), images(&[]), "test_loss".to_owned());
    let one = a.clone();
    let cases = [
        (
            format!("kind = \"equivalent\", {A_AND_B}, y = \"test_loss\", factor = 1.5"),
            Check::Equivalent { a: a.clone(), b: b.clone(), y: y.clone(), factor: 1.5 },
        ),
        (format!("kind = \"greater\", {A_AND_B}, y = \"test_loss\""), Check::Greater { a: a.clone(), b, y: y.clone() }),
        (
            format!("kind = \"trend\", {OF}, y = \"test_loss\", direction = \"falls\", at_least = 0.5, until = \"parameters\""),
            Check::Trend {
                of: one.clone(),
                y: y.clone(),
                direction: Direction::Falls,
                at_least: 0.5,
                until: Some("parameters".to_owned()),
            },
        ),
        (
            format!(
                "kind = \"correlation\", {OF_ALL}, x = \"batch_size\", y = \"test_loss\", direction = \"rises\", only_if = \
                 \"parameters\""
            ),
            Check::Correlation {
                of,
                x: "batch_size".to_owned(),
                y: y.clone(),
                direction: Direction::Rises,
                only_if: Some("parameters".to_owned()),
            },
        ),
        (
            format!("kind = \"within\", {OF}, y = \"test_loss\", low = -1, high = 0.5"),
            Check::Within { of: one.clone(), y: y.clone(), low: -1.0, high: 0.5 },
        ),
        (
            "kind = \"best\", of = { experiment = \"images\", batch_size = 64 }, y = \"test_loss\", best = \"lowest\"".to_owned(),
            Check::Best { of: a, y: y.clone(), best: Best::Lowest },
        ),
        (format!("kind = \"together\", {OF}, at_most = 0.25"), Check::Together { of: one.clone(), at_most: 0.25 }),
        (
            format!("kind = \"smooth\", {OF}, y = \"test_loss\", at_most = 0.5"),
            Check::Smooth { of: one, y, at_most: 0.5 },
        ),
    ];
    let mut kinds = Vec::new();
    for (written, expected) in &cases {
        assert_eq!(check(written), *expected, "{written}");
        kinds.push(serde_json::to_value(expected).unwrap()["kind"].as_str().unwrap().to_owned());
    }
    assert_eq!(kinds, Check::KINDS);
}

#[test]
fn checks_have_their_defaults() {
    let measured = |check: Check| match check {
        Check::Equivalent { factor, .. } => (factor, None),
        Check::Trend { at_least, until, .. } => (at_least, until),
        Check::Correlation { only_if, .. } => (0.0, only_if),
        Check::Together { at_most, .. } | Check::Smooth { at_most, .. } => (at_most, None),
        other => unreachable!("{other:?}"),
    };
    for (written, expected) in [
        (format!("kind = \"equivalent\", {A_AND_B}, y = \"test_loss\""), 2.0),
        (format!("kind = \"trend\", {OF}, y = \"test_loss\", direction = \"rises\""), 0.0),
        (
            format!(
                "kind = \"correlation\", {OF}, x = \"train_loss\", y = \"test_loss\", direction = \"rises\""
            ),
            0.0,
        ),
        (format!("kind = \"together\", {OF}"), 0.5),
        (format!("kind = \"smooth\", {OF}, y = \"test_loss\""), 0.05),
    ] {
        assert_eq!(measured(check(&written)), (expected, None), "{written}");
    }
}

#[test]
fn a_claim_may_have_several_checks() {
    let one = format!("{{ kind = \"greater\", {A_AND_B}, y = \"test_loss\" }}");
    let text = |checks: &str| trained(&format!("[[claim]]\ntext = \"It is so\"\ncheck = {checks}"));
    let claims = planned(&text(&format!("[{one}, {{ kind = \"together\", {OF} }}]"))).claims;
    let [Claim { text: sentence, checks, .. }] = &claims[..] else { panic!("{claims:?}") };
    assert_eq!((sentence.as_str(), checks.len()), ("It is so", 2));
    assert_eq!(planned(&text(&format!("[{one}]"))).claims, planned(&text(&one)).claims);
    let tables = trained(&format!(
        "[[claim]]\ntext = \"It is so\"\n[[claim.check]]\nkind = \"together\"\n{OF}\n[[claim.check]]\nkind = \"smooth\"\n{OF}\ny = \
         \"test_loss\""
    ));
    assert_eq!(planned(&tables).claims[0].checks.len(), 2);
}

#[test]
fn claims_that_are_written_wrongly_are_refused() {
    let hint = "hint: check = { kind = \"greater\", a = { experiment = \"wide\" }, b = { experiment = \"narrow\" }, y = \
                \"test_accuracy\" }";
    each_has_the_error(
        |lines| trained(&format!("[[claim]]\n{lines}")),
        &[
            (
                "check = []",
                "x.toml:13: this claim has no `text`\nhint: text = \"Wider networks learn faster\"",
            ),
            ("text = 3", "x.toml:14: `text` must be text, not 3"),
            ("text = \"It is\"", &format!("x.toml:13: this claim has no `check`\n{hint}")),
            ("text = \"It is\"\ncheck = []", &format!("x.toml:15: `check` lists nothing\n{hint}")),
            ("text = \"It is\"\ncheck = 3", "x.toml:15: `check` must be a table, not 3"),
            (
                "text = \"It is\"\ncheks = []",
                "x.toml:15: unknown key `cheks` in a claim; did you mean `check`?\nhint: the keys here are text, check, middle, \
                 only_where, vary",
            ),
        ],
    );
    each_has_the_error(
        |text| format!("{text}\n{TRAINED}"),
        &[("claim = { text = \"It is\" }", "x.toml:1: each claim is a table of its own: [[claim]]")],
    );
}

#[test]
fn checks_that_are_written_wrongly_are_refused() {
    let within = format!("kind = \"within\", {OF}, y = \"test_loss\"");
    each_has_the_error(
        claimed,
        &[
            ("y = \"test_loss\"", "x.toml:15: this check has no `kind`\nhint: kind = \"greater\""),
            (
                "kind = \"grater\"",
                "x.toml:15: unknown kind of check \"grater\"; did you mean \"greater\"?\nhint: known are equivalent, greater, \
                 trend, correlation, within, best, together, smooth",
            ),
            (
                "kind = \"greater\", y = \"test_loss\"",
                "x.toml:15: this check has no `a`\nhint: a = { experiment = \"batch-size\", batch_size = 64 }",
            ),
            (
                "kind = \"greater\", a = { experiment = \"images\", batch_size = 64 }, y = \"test_loss\"",
                "x.toml:15: this check has no `b`\nhint: b = { experiment = \"batch-size\", batch_size = 1024 }",
            ),
            (
                "kind = \"together\"",
                "x.toml:15: this check has no `of`\nhint: of = { experiment = \"batch-size\", batch_size = 64 }",
            ),
            ("kind = \"together\", of = \"images\"", "x.toml:15: `of` must be a table, not \"images\""),
            (
                &format!("kind = \"smooth\", {OF}"),
                "x.toml:15: this check has no `y`\nhint: y = \"test_loss\"",
            ),
            (
                &format!("kind = \"correlation\", {OF}, y = \"test_loss\""),
                "x.toml:15: this check has no `x`\nhint: x = \"batch_size\"",
            ),
            (
                &format!("kind = \"trend\", {OF}, y = \"test_loss\""),
                "x.toml:15: this check has no `direction`\nhint: direction = \"rises\"",
            ),
            (
                &format!("kind = \"trend\", {OF}, y = \"test_loss\", direction = \"up\""),
                "x.toml:15: unknown direction \"up\"\nhint: known are rises, falls",
            ),
            (
                &format!("kind = \"trend\", {OF}, y = \"test_loss\", direction = \"rises\", at_least = 1"),
                "x.toml:15: `at_least` must be a number from 0 up to but not including 1, not 1",
            ),
            (&format!("{within}, high = 1"), "x.toml:15: this check has no `low`\nhint: low = 0.09"),
            (&format!("{within}, low = 1"), "x.toml:15: this check has no `high`\nhint: high = 0.11"),
            (&format!("{within}, low = 1, high = 1"), "x.toml:15: `low`, 1, isn't below `high`, 1"),
            (&format!("{within}, low = nan, high = 1"), "x.toml:15: `low` must be a number, not NaN"),
            (
                &format!("kind = \"equivalent\", {A_AND_B}, y = \"test_loss\", factor = 1.0"),
                "x.toml:15: `factor` must be a number above 1, not 1.0",
            ),
            (
                &format!("kind = \"best\", {OF}, y = \"test_loss\", best = \"low\""),
                "x.toml:15: unknown end \"low\"; did you mean \"lowest\"?\nhint: known are lowest, highest",
            ),
            (
                "kind = \"best\", of = { experiment = \"images\", batch_size = 64 }, y = \"test_loss\"",
                "x.toml:15: this check has no `best`\nhint: best = \"lowest\"",
            ),
            (
                &format!("kind = \"together\", {OF}, at_most = 0"),
                "x.toml:15: `at_most` must be a number above 0, not 0",
            ),
            (
                &format!("kind = \"greater\", {A_AND_B}, y = \"test_loss\", factor = 2"),
                "x.toml:15: unknown key `factor` in a check of kind greater\nhint: the keys here are kind, a, b, y",
            ),
        ],
    );
}

#[test]
fn claims_of_what_is_not_there_are_refused() {
    let smooth = |of: &str| format!("kind = \"smooth\", y = \"test_loss\", of = {of}");
    each_has_the_error(
        claimed,
        &[
            (
                &smooth("{ experiment = \"imges\" }"),
                "x.toml:15: there is no experiment \"imges\"; did you mean \"images\"?\nhint: the experiments are images",
            ),
            (
                &smooth("{ batch_size = 64 }"),
                "x.toml:15: `of` names no experiment\nhint: of = { experiment = \"batch-size\", batch_size = 64 }",
            ),
            (
                &smooth("{ experiment = \"images\", batch = 64 }"),
                "x.toml:15: experiment \"images\" has no parameter `batch`; did you mean `batch_size`?\nhint: it varies batch_size",
            ),
            (
                &smooth("{ experiment = \"images\", seed = 0 }"),
                "x.toml:15: experiment \"images\" has no parameter `seed`\nhint: a run reads those of its own seed, and \
                 `seeds` chooses them",
            ),
            (
                &smooth("{ experiment = \"images\", batch_size = 65 }"),
                "x.toml:15: experiment \"images\" has no run with batch_size = 65\nhint: batch_size is 64, 128 or 1024 there",
            ),
            (
                &format!("kind = \"smooth\", {OF}, y = \"parameters\""),
                "x.toml:15: experiment \"images\" records \"parameters\" as a single number, not as a series\nhint: its series \
                 are test_accuracy, test_loss, train_accuracy, train_loss",
            ),
            (
                &format!("kind = \"trend\", {OF}, y = \"gradient_norm\", direction = \"rises\""),
                "x.toml:15: experiment \"images\" doesn't record \"gradient_norm\"\nhint: record = { gradient_norm = true } \
                 records it",
            ),
            (
                &format!(
                    "kind = \"trend\", {OF}, y = \"test_loss\", direction = \"rises\", until = \"train_loss\""
                ),
                "x.toml:15: experiment \"images\" records \"train_loss\" as a series, not as a single number\nhint: its single \
                 numbers are final_train_accuracy, final_train_loss, parameters",
            ),
            (
                &format!(
                    "kind = \"correlation\", {OF}, x = \"epochs\", y = \"test_loss\", direction = \"rises\""
                ),
                "x.toml:15: `epochs` is no parameter that experiment \"images\" varies, and no measure that it records\nhint: \
                 there are batch_size, final_train_accuracy, final_train_loss, parameters, test_accuracy, test_loss, \
                 train_accuracy, train_loss",
            ),
            (
                &format!(
                    "kind = \"correlation\", {OF}, x = \"batch_size\", y = \"test_loss\", direction = \"rises\", only_if = \
                     \"converged\""
                ),
                "x.toml:15: experiment \"images\" doesn't record \"converged\"\nhint: its single numbers are \
                 final_train_accuracy, final_train_loss, parameters",
            ),
        ],
    );
    each_has_the_error(
        |_| claimed(&format!("kind = \"together\", {OF}")).replace("record = { weights_every = 1 }\n", ""),
        &[(
            "",
            "x.toml:14: experiment \"images\" doesn't record weights\nhint: record = { weights_every = 3 } records them",
        )],
    );
    each_has_the_error(
        |_| {
            claimed(&format!(
                "kind = \"correlation\", {OF}, x = \"model.dense\", y = \"test_loss\", direction = \"rises\""
            ))
            .replace("model = { conv = [4], dense = [8] }", "model = { conv = [4] }")
            .replace("grid = {", "grid = { model = { dense = [[8], [9]] },")
        },
        &[("", "x.toml:15: `model.dense` has values that are no numbers, such as [9]")],
    );
}

#[test]
fn a_claim_is_of_whole_runs_not_of_the_tiles_of_a_surface() {
    each_has_the_error(
        |tasks| {
            plane(&format!(
                "of = {{ experiment = \"images\", batch_size = 64 }}\ndirections = \"pca\"\n{tasks}\n[[claim]]\ntext = \"It is \
                 flat\"\ncheck = {{ kind = \"within\", of = {{ experiment = \"plane\" }}, y = \"explained_variance_alpha\", low = 0, \
                 high = 1 }}"
            ))
        },
        &[
            ("tasks = 1", "nothing"),
            (
                "",
                "x.toml:21: experiment \"plane\" splits each run into 4 tasks, and a claim is of whole runs\nhint: tasks = 1 in \
                 that experiment",
            ),
        ],
    );
}

#[test]
fn claims_speak_of_experiments_of_every_kind() {
    let claim = "[[claim]]\ntext = \"The line is smooth\"\ncheck = { kind = \"smooth\", y = \"test_loss\", of = { experiment = \"line\", \
                 examples = 10 } }";
    let text = line(&format!(
        "from = {{ experiment = \"images\", batch_size = 64 }}\nto = {{ experiment = \"images\", batch_size = 128 }}\n\
         grid.examples = [10, 20]\n{claim}"
    ));
    let selection = planned(&text).claims[0].checks[0].selections()[0].clone();
    assert_eq!(selection.values, [("examples".to_owned(), Value::Integer(10))].into());
}

#[test]
fn a_claim_makes_another_sweep_and_no_other_tasks() {
    let without = planned(TRAINED);
    let with = planned(&claimed(&format!("kind = \"together\", {OF}")));
    let other = planned(&claimed(&format!("kind = \"together\", {OF}, at_most = 0.75")));
    assert_eq!(without.tasks, with.tasks);
    assert!(without.claims.is_empty());
    assert!(without.id != with.id && with.id != other.id, "{} {} {}", without.id, with.id, other.id);
    assert_eq!(with, planned(&claimed(&format!("kind = \"together\", {OF}"))));
}

#[test]
fn a_sweep_without_claims_is_the_sweep_that_it_was_before_there_were_any() {
    let (head, _) = TRAINED.split_once("record").unwrap();
    assert_eq!(planned(&format!("{head}batch_size = 8\n")).id.as_str(), PINNED);
}

/// The id of this sweep as it would be if claims could not be written.
const PINNED: &str = "trained-6aa428623d";

#[test]
fn claims_are_neither_set_nor_in_a_profile() {
    let set = plan(&with_overrides(TRAINED, &["claim.text=no"])).unwrap_err();
    assert_eq!(set.to_string(), "--set:1: `claim` can't be set for all experiments");
    let text = trained("[profile.quick]\nclaim = []");
    let profile = plan(&Source { profile: Some("quick".to_owned()), ..source(&text) }).unwrap_err();
    assert_eq!(profile.to_string(), "x.toml:14: unknown key `claim` in a profile");
}
