//! What is said of a sweep that can be run, before it runs.

use super::claims::claimed;
use super::{TRAINED, VALID, planned, source, trained};
use crate::sweep::{SweepFile, SweepPlan};

/// A plan's notes, each with its hint.
fn notes(plan: &SweepPlan) -> Vec<String> {
    let shown = |note: &crate::sweep::SweepNote| format!("{note}; {}", note.hint.as_deref().unwrap_or("-"));
    plan.notes.iter().map(shown).collect()
}

#[test]
fn a_sweep_without_surprises_has_no_notes() {
    assert_eq!(notes(&planned(VALID)), Vec::<String>::new());
    assert_eq!(notes(&planned(TRAINED)), Vec::<String>::new());
}

#[test]
fn a_limit_beyond_the_data_is_noted_where_it_is_written() {
    let text = VALID.replace(
        "data = { name = \"shapes\" }",
        "data = { name = \"shapes\", train_limit = 1000000000, test_limit = 8 }",
    );
    let notes = notes(&planned(&text));
    assert_eq!(notes.len(), 1, "{notes:?}");
    let begins = "x.toml:2: `data.train_limit` is 1000000000, and the data set has ";
    assert!(
        notes[0].starts_with(begins) && notes[0].contains("training examples: all are taken"),
        "{notes:?}"
    );
}

#[test]
fn of_limits_that_vary_those_that_are_too_large_are_noted() {
    let text = VALID.replace(
        "grid = { optimizer = [\"adam\", \"sgd\"] }",
        "grid = { data.test_limit = [\n8,\n2000000000,\n3000000000] }",
    );
    let text = text.replace("group = \"optimizer\"", "group = \"data.test_limit\"");
    let notes = notes(&planned(&text));
    let lines: Vec<&str> = notes.iter().filter_map(|note| note.split(": ").next()).collect();
    assert_eq!(lines, ["x.toml:15", "x.toml:16"], "{notes:?}");
}

#[test]
fn a_check_with_too_few_seeds_is_noted_and_one_with_enough_is_not() {
    let within = "kind = \"within\", of = { experiment = \"images\", batch_size = 64 }, y = \"test_loss\", low = 0.0, high = 9.0";
    let with_seeds = |seeds: &str| claimed(within).replace("seeds = 2", seeds);
    assert_eq!(
        notes(&planned(&with_seeds("seeds = 2"))),
        [
            "x.toml:15: this check has 2 runs of experiment \"images\" and takes 3 runs: it stays undecided, whatever they measure; \
          seeds = 3 in experiment \"images\""
        ]
    );
    assert_eq!(notes(&planned(&with_seeds("seeds = 3"))), Vec::<String>::new());
}

#[test]
fn both_sides_of_a_comparison_are_looked_at_and_one_experiment_is_noted_once() {
    let greater = "kind = \"greater\", a = { experiment = \"images\", batch_size = 64 }, b = { experiment = \"images\", batch_size = 128 }, y = \"test_loss\"";
    assert_eq!(notes(&planned(&claimed(greater))).len(), 1);
}

#[test]
fn a_correlation_counts_points_where_each_has_several_runs() {
    let of = |lines: &str| {
        claimed(&format!("kind = \"correlation\", {lines}, y = \"test_loss\", direction = \"falls\""))
    };
    assert_eq!(
        notes(&planned(&of("of = { experiment = \"images\" }, x = \"batch_size\""))),
        [
            "x.toml:15: this check has 3 points of experiment \"images\" and takes 5 points: it stays undecided, whatever they \
          measure; more values of what experiment \"images\" varies"
        ]
    );
    assert_eq!(
        notes(&planned(&of("of = { experiment = \"images\", batch_size = 64 }, x = \"train_loss\""))),
        [
            "x.toml:15: this check has 2 runs of experiment \"images\" and takes 5 runs: it stays undecided, whatever they \
          measure; seeds = 5 in experiment \"images\""
        ]
    );
}

#[test]
fn claims_of_a_profile_that_is_no_evidence_are_not_noted() {
    let within = "kind = \"within\", of = { experiment = \"images\", batch_size = 64 }, y = \"test_loss\", low = 0.0, high = 9.0";
    let text = format!("{}\n[profile.quick]\nevidence = false\n", claimed(within));
    let of = |profile: Option<&str>| {
        let source = crate::sweep::Source { profile: profile.map(str::to_owned), ..source(&text) };
        SweepFile::parse(&source).unwrap().expand(&super::datasets(), 100).unwrap()
    };
    assert_eq!((notes(&of(None)).len(), notes(&of(Some("quick"))).len()), (1, 0));
}

#[test]
fn what_is_needed_of_workers_is_known_with_its_place() {
    let text = trained("[defaults]\nneeds = { memory = \"64GiB\" }");
    let file = SweepFile::parse(&source(&text)).unwrap();
    let [needs] = &file.needs()[..] else { panic!("one experiment needs something") };
    assert_eq!((needs.experiment.as_str(), needs.file.as_str(), needs.line), ("images", "x.toml", 14));
    assert_eq!(needs.needs.to_string(), "64 GiB of memory");
    assert_eq!(SweepFile::parse(&source(TRAINED)).unwrap().needs(), []);
}
