//! The points that a claim speaks of: one, two that differ, or several where a correlation is taken over them.

use super::claims::{OF_ALL, check, claimed, images};
use super::{TRAINED, each_has_the_error, plan, planned, shown, source, with_overrides};
use crate::sweep::{Source, SweepFile};

#[test]
fn a_selection_keeps_the_values_that_tell_points_apart() {
    let of = |values: &str| {
        let of = format!(
            "kind = \"correlation\", x = \"train_loss\", y = \"test_loss\", direction = \"rises\", of = {{ experiment = \
             \"images\"{values} }}"
        );
        check(&of).selections()[0].clone()
    };
    assert_eq!(of(", epochs = 3, model = { conv = [4] }, batch_size = 64"), images(&[("batch_size", 64)]));
    assert_eq!(of(", data.name = \"shapes\""), images(&[]));
}

#[test]
fn a_value_that_follows_from_others_selects_nothing() {
    let text = |of: &str| {
        claimed(&format!("kind = \"smooth\", y = \"test_loss\", of = {{ experiment = \"images\", {of} }}")).replace(
            "seeds = 2",
            "seeds = 2\nweight_decay = 0.0\nwhen = [{ if = { batch_size = 64 }, set = { weight_decay = 0.5 } }]",
        )
    };
    each_has_the_error(
        text,
        &[
            ("batch_size = 64", "nothing"),
            (
                "weight_decay = 0.5",
                "x.toml:17: `weight_decay` follows from other parameters of experiment \"images\"\nhint: it varies batch_size",
            ),
            (
                "weight_decay = 0.25",
                "x.toml:17: experiment \"images\" has no run with weight_decay = 0.25\nhint: weight_decay is 0.5 or 0.0 there",
            ),
        ],
    );
}

#[test]
fn a_correlation_over_more_points_than_can_be_looked_at_is_taken_as_it_is_and_one_of_them_is_not_found() {
    let text = |check: &str| {
        claimed(check).replace(
            "grid = {",
            "random = { count = 1000000000000, uniform = { learning_rate = [0.1, 0.9] } }\ngrid = {",
        )
    };
    let of = "of = { experiment = \"images\", batch_size = 65 }, y = \"test_loss\"";
    let correlation = format!("kind = \"correlation\", {of}, x = \"learning_rate\", direction = \"rises\"");
    let file = SweepFile::parse(&source(&text(&correlation))).unwrap();
    assert_eq!(*file.claims()[0].checks[0].selections()[0], images(&[("batch_size", 65)]));
    let smooth = SweepFile::parse(&source(&text(&format!("kind = \"smooth\", {of}")))).unwrap_err();
    assert_eq!(
        shown(&smooth),
        "x.toml:16: experiment \"images\" has 3000000000000 points\nhint: a check of kind smooth is of experiments of at most \
         100000 points"
    );
}

/// Two points are no two seeds: what is averaged over both has an interval that says nothing of either.
#[test]
fn a_check_that_is_no_correlation_is_of_one_point() {
    let several = |name: &str, kind: &str| {
        format!(
            "x.toml:15: `{name}` means 3 points of experiment \"images\", and a check of kind {kind} is of runs that differ in \
             their seed alone\nhint: batch_size still varies there: {{ experiment = \"images\", batch_size = 64 }} means one of \
             them"
        )
    };
    let one = "{ experiment = \"images\", batch_size = 64 }";
    each_has_the_error(
        claimed,
        &[
            (
                &format!(
                    "kind = \"correlation\", {OF_ALL}, x = \"batch_size\", y = \"test_loss\", direction = \"falls\""
                ),
                "nothing",
            ),
            (
                &format!(
                    "kind = \"equivalent\", a = {{ experiment = \"images\" }}, b = {one}, y = \"test_loss\""
                ),
                &several("a", "equivalent"),
            ),
            (
                &format!(
                    "kind = \"greater\", a = {one}, b = {{ experiment = \"images\" }}, y = \"test_loss\""
                ),
                &several("b", "greater"),
            ),
            (
                &format!("kind = \"trend\", {OF_ALL}, y = \"test_loss\", direction = \"falls\""),
                &several("of", "trend"),
            ),
            (
                &format!("kind = \"within\", {OF_ALL}, y = \"test_loss\", low = 0, high = 1"),
                &several("of", "within"),
            ),
            (
                &format!("kind = \"best\", {OF_ALL}, y = \"test_loss\", best = \"lowest\""),
                &several("of", "best"),
            ),
            (&format!("kind = \"together\", {OF_ALL}"), &several("of", "together")),
            (&format!("kind = \"smooth\", {OF_ALL}, y = \"test_loss\""), &several("of", "smooth")),
        ],
    );
    each_has_the_error(
        |of| {
            claimed(&format!("kind = \"together\", of = {{ experiment = \"images\"{of} }}"))
                .replace("grid = {", "grid = { learning_rate = [0.1, 0.2], weight_decay = [0.1, 0.2],")
        },
        &[
            (", learning_rate = 0.1, batch_size = 64, weight_decay = 0.2", "nothing"),
            (
                ", batch_size = 64",
                "x.toml:15: `of` means 4 points of experiment \"images\", and a check of kind together is of runs that differ in \
                 their seed alone\nhint: learning_rate, weight_decay still vary there: { experiment = \"images\", \
                 batch_size = 64, learning_rate = 0.1, weight_decay = 0.1 } means one of them",
            ),
        ],
    );
}

#[test]
fn what_is_compared_are_two_different_points() {
    let same = "x.toml:15: `a` and `b` mean the same runs\nhint: give them values in which they differ: a = { experiment = \"images\", \
                batch_size = 64 }, b = { experiment = \"images\", batch_size = 128 }";
    let b = |b: &str| {
        format!(
            "kind = \"greater\", a = {{ experiment = \"images\", batch_size = 64 }}, b = {{ {b} }}, y = \"test_loss\""
        )
    };
    each_has_the_error(
        claimed,
        &[
            (&b("experiment = \"images\", batch_size = 128"), "nothing"),
            (&b("experiment = \"images\", batch_size = 64"), same),
            (&b("experiment = \"images\", batch_size = 64.0, epochs = 3"), same),
            (&b("experiment = \"images\", batch_size = 64").replace("greater", "equivalent"), same),
        ],
    );
    // Another experiment may have the very runs of this one; those of other seeds are others.
    let again = |seeds: &str| {
        let again = TRAINED.split_once("[[experiment]]").unwrap().1.replace("\"images\"", "\"again\"");
        let again = again.replace("seeds = 2", &format!("seeds = {seeds}"));
        claimed(&b("experiment = \"again\", batch_size = 64")) + "\n[[experiment]]" + &again
    };
    each_has_the_error(
        again,
        &[
            ("2", same),
            ("[7, 1]", same),
            ("{ start = 1, count = 9 }", same),
            ("{ start = 2, count = 9 }", "nothing"),
            ("[7, 8]", "nothing"),
        ],
    );
}

#[test]
fn the_best_point_has_others_beside_it() {
    let text = |of: &str| {
        claimed(&format!(
            "kind = \"best\", of = {{ experiment = \"images\"{of} }}, y = \"test_loss\", best = \"lowest\""
        ))
    };
    assert_eq!(super::error_of(&text(", batch_size = 64")), "nothing");
    each_has_the_error(
        |of| text(of).replace("[64, 128, 1024]", "[64]"),
        &[("", "x.toml:15: experiment \"images\" has no other point to be better than")],
    );
}

#[test]
fn a_claim_of_a_point_that_a_profile_leaves_out_is_refused() {
    let text =
        claimed("kind = \"smooth\", y = \"test_loss\", of = { experiment = \"images\", batch_size = 1024 }")
            + "[profile.quick.experiment.images.grid]\nbatch_size = [64]\n";
    assert_eq!(planned(&text).claims.len(), 1);
    let quick = plan(&Source { profile: Some("quick".to_owned()), ..source(&text) }).unwrap_err();
    assert_eq!(quick.to_string(), "x.toml:15: experiment \"images\" has no run with batch_size = 1024");
    let fixed = plan(&with_overrides(&text, &["batch_size=1024"])).unwrap();
    assert!(fixed.claims[0].checks[0].selections()[0].values.is_empty());
}
