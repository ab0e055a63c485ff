//! Defaults, profiles and `--set`: which value wins.

use super::{VALID, function, plan, planned, shown, source, tasks, with_overrides};
use crate::experiment::Experiment;
use crate::sweep::{Source, SweepFile};

fn refused(text: &str, overrides: &[&str]) -> String {
    shown(&plan(&with_overrides(text, overrides)).unwrap_err())
}

/// The epochs of the first task of each experiment.
fn epochs(source: &Source) -> Vec<u64> {
    let plan = plan(source).unwrap_or_else(|error| panic!("{error}"));
    let mut seen = Vec::new();
    let mut epochs = Vec::new();
    for task in plan.tasks {
        if !seen.contains(&task.experiment) {
            epochs.push(match &task.spec.experiment {
                Experiment::Classify(it) => it.budget.steps(1),
                Experiment::FitFunction(it) => it.budget.steps(1),
                other => panic!("{other:?}"),
            });
            seen.push(task.experiment);
        }
    }
    epochs
}

#[test]
fn an_experiments_own_value_wins_over_the_default() {
    let text = VALID.replace("[defaults]", "[defaults]\nepochs = 7").replace("epochs = 10\n", "");
    assert_eq!(epochs(&source(&text)), [3, 7]);
}

#[test]
fn a_profile_wins_over_the_file_and_set_over_the_profile() {
    let quick =
        |overrides: &[&str]| Source { profile: Some("quick".to_owned()), ..with_overrides(VALID, overrides) };
    assert_eq!(epochs(&quick(&[])), [1, 10]);
    assert_eq!(epochs(&quick(&["epochs=5"])), [5, 5]);
    assert_eq!(epochs(&quick(&["experiment.images.epochs=6"])), [6, 10]);
    assert_eq!(epochs(&quick(&["epochs=5", "experiment.function.epochs = 8"])), [5, 8]);
    assert_eq!(epochs(&quick(&["defaults.epochs=9"])), [1, 10]);
}

#[test]
fn a_profiles_defaults_are_defaults() {
    let text = VALID
        .replace("[defaults]", "[defaults]\nepochs = 7")
        .replace("epochs = 10\n", "")
        .replace("[profile.quick.experiment.images]\nepochs = 1", "[profile.quick.defaults]\nepochs = 2");
    assert_eq!(epochs(&Source { profile: Some("quick".to_owned()), ..source(&text) }), [3, 2]);
    assert_eq!(
        epochs(&Source {
            profile: Some("quick".to_owned()),
            ..with_overrides(&text, &["defaults.epochs=4"])
        }),
        [3, 4]
    );
}

#[test]
fn tables_merge_key_by_key() {
    let text = VALID.replace("epochs = 3", "epochs = 3\ndata = { label_noise = 0.5 }").replace(
        "[profile.quick.experiment.images]",
        "[profile.quick.experiment.images]\ndata = { train_limit = 10 }\nmodel = { conv = [8] }",
    );
    let plan = plan(&Source { profile: Some("quick".to_owned()), ..source(&text) }).unwrap();
    let Experiment::Classify(it) = &plan.tasks[0].spec.experiment else { unreachable!() };
    assert_eq!((it.data.label_noise, it.data.train_limit), (0.5, Some(10)));
    let net = it.model.conv_net().unwrap();
    assert_eq!((&net.conv, &net.dense), (&vec![8], &vec![128]));
    assert_eq!(plan.tasks[0].spec.data.as_ref().unwrap().name.as_str(), "shapes");
}

#[test]
fn a_fixed_value_of_a_later_layer_ends_a_variation() {
    let fixed = planned(
        &VALID
            .replace("grid = { optimizer = [\"adam\", \"sgd\"] }", "optimizer = \"sgd\"")
            .replace("\ngroup = \"optimizer\"", ""),
    );
    let set = with_overrides(
        &VALID.replace("\ngroup = \"optimizer\"", ""),
        &["optimizer=sgd", "experiment.function.optimizer=adam"],
    );
    let set = plan(&set).unwrap();
    assert_eq!(tasks(&set), ["images() seed 0", "function() seed 0"]);
    assert_eq!(set.tasks[0].id, fixed.tasks[0].id);
}

#[test]
fn a_variation_of_a_later_layer_replaces_a_fixed_value_and_keeps_its_place() {
    let varied = plan(&with_overrides(VALID, &["experiment.images.grid.epochs=[1, 2]"])).unwrap();
    let points = tasks(&varied);
    assert_eq!(
        points[..2],
        ["images(epochs 1, optimizer adam) seed 0", "images(epochs 2, optimizer adam) seed 0"]
    );
    let replaced = plan(&with_overrides(VALID, &["experiment.images.grid.optimizer=[\"sgd\"]"])).unwrap();
    assert_eq!(tasks(&replaced), ["images(optimizer sgd) seed 0", "function() seed 0"]);
}

#[test]
fn fixing_part_of_a_zip_or_list_leaves_the_rest() {
    let text = function(
        "hidden = [4]\nzip = { epochs = [1, 2], batch_size = [3, 4] }\nlist = [{ beta1 = 0.5, beta2 = 0.5 }, { beta1 = 0.6 }]",
    );
    let plan = plan(&with_overrides(&text, &["epochs=9", "beta2=0.9"])).unwrap();
    assert_eq!(
        tasks(&plan),
        [
            "f(batch_size 3, beta1 0.5) seed 0",
            "f(batch_size 3, beta1 0.6) seed 0",
            "f(batch_size 4, beta1 0.5) seed 0",
            "f(batch_size 4, beta1 0.6) seed 0",
        ]
    );
}

#[test]
fn a_set_value_wins_over_a_condition_of_the_file() {
    let text = function(
        "hidden = [4]\nepochs = 1\nbatch_size = 2\nwhen = [{ if = { batch_size = 2 }, set = { epochs = 5 } }]",
    );
    assert_eq!(epochs(&source(&text)), [5]);
    assert_eq!(epochs(&with_overrides(&text, &["epochs=7"])), [7]);
}

#[test]
fn a_random_axis_is_overridden_part_by_part() {
    let text = function(
        "hidden = [4]\nepochs = 1\nrandom = { count = 50, uniform = { learning_rate = [0.1, 0.2] } }",
    );
    let few = plan(&with_overrides(&text, &["experiment.f.random.count=2"])).unwrap();
    assert_eq!(few.tasks.len(), 2);
    assert_eq!(few.tasks[..], planned(&text).tasks[..2]);
    assert_eq!(plan(&with_overrides(&text, &["learning_rate=0.1"])).unwrap().tasks.len(), 1);
}

#[test]
fn seeds_have_a_default_and_can_be_set() {
    let text = VALID
        .replace("[defaults]", "[defaults]\nseeds = 2")
        .replace("epochs = 10", "epochs = 10\nseeds = [4]");
    let count =
        |overrides: &[&str]| SweepFile::parse(&with_overrides(&text, overrides)).unwrap().task_count();
    assert_eq!(count(&[]), 4 + 1);
    assert_eq!(count(&["seeds=3"]), 6 + 3);
    assert_eq!(count(&["experiment.images.seeds=1"]), 2 + 1);
}

#[test]
fn a_set_value_is_toml_or_text() {
    let plan = plan(&with_overrides(
        VALID,
        &["data.name = fashion-mnist", "data.train_limit=1_000", "model={dense=[7]}"],
    ))
    .unwrap();
    let Experiment::Classify(it) = &plan.tasks[0].spec.experiment else { unreachable!() };
    assert_eq!(it.data.train_limit, Some(1_000));
    assert_eq!(it.model.conv_net().unwrap().dense, [7]);
    assert_eq!(plan.tasks[0].spec.data.as_ref().unwrap().name.as_str(), "fashion-mnist");
}

#[test]
fn an_experiments_id_may_have_dots() {
    let text = VALID.replace("id = \"function\"", "id = \"images.more\"");
    assert_eq!(
        epochs(&with_overrides(&text, &["experiment.images.more.epochs=2", "experiment.images.epochs=4"])),
        [4, 2]
    );
}

#[test]
fn the_other_optimisers_default_is_ignored() {
    let text = VALID.replace("[defaults]", "[defaults]\nmomentum = 0.9\nbeta1 = 0.8");
    assert_eq!(planned(&text).tasks.len(), 3);
}

#[test]
fn wrong_overrides_are_refused_with_their_number() {
    let refused = |text: &str| refused(VALID, &["epochs=2", text]);
    for (text, expected) in [
        ("epochs", "--set:2: \"epochs\" has no value\nhint: --set epochs=3"),
        ("epoch=3", "--set:2: no experiment knows `epoch`; did you mean `epochs`?"),
        (
            "epochs=many",
            "--set:2: `epochs` must be a whole number from 1 to 1000000, not \"many\"\nhint: epochs = 10",
        ),
        (
            "epochs=[1",
            "--set:2: `epochs` must be a whole number from 1 to 1000000, not \"[1\"\nhint: epochs = 10",
        ),
        ("a..b=1", "--set:2: \"a..b\" is not a key\nhint: --set data.train_limit=1000"),
        ("=1", "--set:2: \"\" is not a key\nhint: --set data.train_limit=1000"),
        (
            "experiment.image.epochs=1",
            "--set:2: there is no experiment \"image\"; did you mean \"images\"?\nhint: the experiments are images, function",
        ),
        ("experiment.images=1", "--set:2: \"images\" names no key\nhint: --set experiment.images.epochs=3"),
        ("experiment.images.kind=classify", "--set:2: an experiment's `id` and `kind` can't be set"),
        ("defaults.epoch=3", "--set:2: no experiment knows `epoch`; did you mean `epochs`?"),
        ("defaults.grid.epochs=[3]", "--set:2: `grid` belongs to an experiment and has no default"),
        (
            "grid.epochs=[3]",
            "--set:2: `grid` can't be set for all experiments\nhint: --set experiment.ID.KEY=VALUE",
        ),
        (
            "name=other",
            "--set:2: `name` can't be set for all experiments\nhint: --set experiment.ID.KEY=VALUE",
        ),
        ("epochs=2024-01-01", "--set:2: 2024-01-01 is a date, and no parameter is one"),
        (
            "seeds=-1",
            "--set:2: `seeds` must be a whole number from 1 to 9223372036854775807, not -1\nhint: seeds = 3",
        ),
    ] {
        assert_eq!(refused(text), expected, "{text}");
    }
    let adam =
        VALID.replace("grid = { optimizer = [\"adam\", \"sgd\"] }", "").replace("group = \"optimizer\"", "");
    assert_eq!(
        self::refused(&adam, &["momentum=0.9"]),
        "--set:1: `momentum` makes no difference to any experiment"
    );
}

#[test]
fn an_unknown_profile_is_refused_with_those_there_are() {
    let unknown =
        |text: &str| shown(&plan(&Source { profile: Some("quik".to_owned()), ..source(text) }).unwrap_err());
    assert_eq!(
        unknown(VALID),
        "x.toml:30: unknown profile \"quik\"; did you mean \"quick\"?\nhint: the file's profiles are quick"
    );
    assert_eq!(
        unknown(&function("hidden = [4]\nepochs = 1")),
        "x.toml:1: unknown profile \"quik\"\nhint: the file has no profiles"
    );
}

#[test]
fn a_profile_says_whether_what_is_found_under_it_is_evidence() {
    let under = |text: &str, profile: Option<&str>| {
        SweepFile::parse(&Source { profile: profile.map(str::to_owned), ..source(text) })
    };
    let marked = VALID.replace(
        "[profile.quick.experiment.images]",
        "[profile.quick]\nevidence = false\n\n[profile.quick.experiment.images]",
    );
    assert!(under(VALID, Some("quick")).unwrap().is_evidence());
    assert!(!under(&marked, Some("quick")).unwrap().is_evidence());
    assert!(under(&marked, None).unwrap().is_evidence(), "the profile isn't applied");
    let whole = marked.replace("evidence = false", "evidence = true");
    assert!(under(&whole, Some("quick")).unwrap().is_evidence());
    let wrong = under(&marked.replace("evidence = false", "evidence = \"no\""), None).unwrap_err();
    assert!(shown(&wrong).contains("`evidence` must be true or false"), "{}", shown(&wrong));
}
