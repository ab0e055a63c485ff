//! Ten files of the documented forms of other programs, and the sweep files that they become.

use basin_domain::sweep::{Datasets, Source, SweepFile};

use super::imported_sweep::ImportedSweep;
use super::naming::Naming;
use super::{hydra, wandb, yaml};

/// Reads an example.
fn imported(name: &str, text: &str) -> ImportedSweep {
    let naming = Naming::of_file(&format!("{name}.yaml"), None).unwrap();
    let root = yaml::parse(text).unwrap();
    match name.starts_with("wandb") {
        true => wandb::read(&root, &naming).unwrap(),
        false => hydra::read(Some(&root), &[], &naming).unwrap(),
    }
}

/// The text of a sweep file; it is read, and has so many runs.
fn sweep_file(sweep: &ImportedSweep, runs: usize) -> String {
    let text = sweep.to_toml("sweep.toml");
    let source = Source {
        file: "sweep.toml".to_owned(),
        text: text.clone(),
        profile: None,
        overrides: Vec::new(),
        kinds: Vec::new(),
    };
    let plan = SweepFile::parse(&source).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let plan = plan.expand(&Datasets::new(), 1_000).unwrap();
    assert_eq!(plan.tasks.len(), runs, "{text}");
    text
}

macro_rules! examples {
    ($($test:ident: $name:literal, $runs:literal, $complete:literal;)*) => {
        $(
            #[test]
            fn $test() {
                let sweep = imported($name, include_str!(concat!("examples/", $name, ".yaml")));
                assert_eq!(sweep.is_complete(), $complete);
                insta::assert_snapshot!($name, sweep_file(&sweep, $runs));
            }
        )*
    };
}

examples! {
    a_grid_becomes_a_grid: "wandb-grid", 12, true;
    a_random_search_draws_as_many_points: "wandb-random", 40, false;
    a_search_that_learns_becomes_one_that_does_not: "wandb-bayes", 20, false;
    nested_parameters_become_tables: "wandb-nested", 16, false;
    distributions_without_a_counterpart_become_lists: "wandb-distributions", 100, false;
    a_multirun_becomes_a_grid: "hydra-basic", 18, true;
    config_groups_become_names: "hydra-groups", 4, false;
    a_sweeper_that_draws_becomes_random: "hydra-optuna", 25, false;
    values_that_hydra_resolves_are_named: "hydra-values", 128, false;
    tables_stay_tables: "hydra-tables", 4, true;
}

#[test]
fn nothing_from_outside_leaves_its_comment_or_its_text() {
    let yaml = "program: \"a\\nname = 1\\n\\\"\\u202e\"\ndescription: \"one\\n[[claim]]\"\nmethod: grid\nparameters:\n  \"x\\ny\\\"\": {values: [\"a\\n[b]\", c]}\n  \"\\u00e9 z\": {value: 1}\n";
    let text = sweep_file(&imported("wandb-hostile", yaml), 2);
    assert!(!text.contains('\u{202e}'), "{text}");
    assert!(
        text.lines().all(|line| !line.starts_with("[[claim]]") && !line.starts_with("name = 1")),
        "{text}"
    );
    assert!(text.contains("parameters.\"x\\ny\\\"\" = [\"a\\n[b]\", \"c\"]"), "{text}");
}
