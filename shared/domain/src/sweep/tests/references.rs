//! References: experiments that read the runs of others.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{
    TRAINED, each_has_the_error, line, plan, plane, planned, shown, source, trained, with_overrides,
};
use crate::id::TaskId;
use crate::sweep::{Datasets, Source, SweepFile, SweepPlan};
use crate::value::Value;

const ENDS: &str = "from = { experiment = \"images\", batch_size = 64 }\nto = { experiment = \"images\", batch_size = 1024 }";

fn of<'a>(plan: &'a SweepPlan, experiment: &'a str) -> impl Iterator<Item = &'a crate::task::Task> {
    plan.tasks.iter().filter(move |task| task.experiment.as_str() == experiment)
}

/// The run of `images` with this batch size and seed.
fn image(plan: &SweepPlan, batch_size: i64, seed: u64) -> TaskId {
    let is_it = |task: &&crate::task::Task| {
        task.point["batch_size"] == Value::Integer(batch_size) && task.spec.seed == seed
    };
    of(plan, "images").find(is_it).unwrap().id
}

#[test]
fn inputs_are_the_referenced_tasks_of_the_same_seed() {
    let plan = planned(&line(ENDS));
    let lines: Vec<_> = of(&plan, "line").collect();
    assert_eq!(lines.len(), 2);
    for (seed, task) in (0..).zip(lines) {
        let expected =
            [("from".to_owned(), image(&plan, 64, seed)), ("to".to_owned(), image(&plan, 1024, seed))];
        assert_eq!(task.spec.inputs, BTreeMap::from(expected));
        assert_eq!(task.spec.seed, seed);
        assert_eq!(task.spec.data.as_ref().unwrap().name.as_str(), "shapes");
        assert_eq!(task.id, task.spec.id());
    }
    let plan = planned(&plane("of = { experiment = \"images\", batch_size = 128 }"));
    for task in of(&plan, "plane") {
        assert_eq!(task.spec.inputs, BTreeMap::from([("of".to_owned(), image(&plan, 128, task.spec.seed))]));
    }
}

#[test]
fn a_reference_finds_a_run_however_its_numbers_are_written() {
    let with = |from: &str| planned(&line(&ENDS.replacen("batch_size = 64", from, 1)));
    let plain = with("batch_size = 64");
    for from in [
        "batch_size = 64.0",
        "batch_size = 6.4e1",
        "batch_size = 64, model.conv = [4]",
        "batch_size = 64, epochs = 3.0",
    ] {
        assert_eq!(
            of(&with(from), "line").map(|task| task.id).collect::<Vec<_>>(),
            of(&plain, "line").map(|task| task.id).collect::<Vec<_>>(),
            "{from}"
        );
    }
}

#[test]
fn references_that_lead_nowhere_are_refused() {
    each_has_the_error(
        |from| line(&format!("from = {from}\nto = {{ experiment = \"images\", batch_size = 1024 }}")),
        &[
            (
                "{ experiment = \"image\", batch_size = 64 }",
                "x.toml:16: there is no experiment \"image\"; did you mean \"images\"?\nhint: the experiments are images, line",
            ),
            ("{ experiment = 3 }", "x.toml:16: `from.experiment` must be text, not 3"),
            (
                "{ batch_size = 64 }",
                "x.toml:16: `from` names no experiment\nhint: from = { experiment = \"batch-size\", batch_size = 64 }",
            ),
            (
                "{}",
                "x.toml:16: `from` names no experiment\nhint: from = { experiment = \"batch-size\", batch_size = 64 }",
            ),
            (
                "\"images\"",
                "x.toml:16: `from` must be a table, not \"images\"\nhint: from = { experiment = \"batch-size\", batch_size \
                 = 64 }",
            ),
            (
                "{ experiment = \"images\", batchsize = 64 }",
                "x.toml:16: experiment \"images\" has no parameter `batchsize`; did you mean `batch_size`?\nhint: it varies batch_size",
            ),
            (
                "{ experiment = \"images\", seed = 1 }",
                "x.toml:16: experiment \"images\" has no parameter `seed`\nhint: a run reads those of its own seed, and \
                 `seeds` chooses them",
            ),
            (
                "{ experiment = \"images\", seeds = 1 }",
                "x.toml:16: experiment \"images\" has no parameter `seeds`\nhint: a run reads those of its own seed, and \
                 `seeds` chooses them",
            ),
            (
                "{ experiment = \"images\", batch_size = 65 }",
                "x.toml:16: experiment \"images\" has no run with batch_size = 65\nhint: batch_size is 64, 128 or 1024 there",
            ),
            (
                "{ experiment = \"images\", batch_size = nan }",
                "x.toml:16: experiment \"images\" has no run with batch_size = NaN\nhint: batch_size is 64, 128 or 1024 there",
            ),
            (
                "{ experiment = \"images\", batch_size = 64, optimizer = \"adam\" }",
                "x.toml:16: experiment \"images\" doesn't say `optimizer`\nhint: it varies batch_size",
            ),
            (
                "{ experiment = \"images\" }",
                "x.toml:16: experiment \"images\" has 3 different runs that fit here\nhint: batch_size still varies there: \
                 { experiment = \"images\", batch_size = 64 } means one of them",
            ),
            (
                "{ experiment = \"line\" }",
                "x.toml:16: experiment \"line\" (interpolate) reads other runs itself, and can't be read",
            ),
        ],
    );
    each_has_the_error(
        line,
        &[
            (
                "",
                "x.toml:13: experiment \"line\" (interpolate) needs `from`\nhint: from = { experiment = \"batch-size\", \
                 batch_size = 64 }",
            ),
            (
                "from = { experiment = \"images\", batch_size = 64 }",
                "x.toml:13: experiment \"line\" (interpolate) needs `to`\nhint: to = { experiment = \"batch-size\", \
                 batch_size = 1024 }",
            ),
        ],
    );
}

#[test]
fn only_experiments_that_keep_their_network_are_read() {
    let text = |kind: &str| {
        format!(
            "name = \"x\"\n[[experiment]]\nid = \"e\"\nkind = \"{kind}\"\nfunction = \"sin\"\nhidden = [2]\ninterval = [0, 1]\n\
             points = 8\nepochs = 1\n[[experiment]]\nid = \"s\"\nkind = \"surface\"\nof.experiment = \"e\"\n"
        )
    };
    each_has_the_error(
        text,
        &[
            ("fit-function", "nothing"),
            ("critical-point", "x.toml:13: a run of kind critical-point keeps no network that could be read"),
        ],
    );
    let circle = "[[experiment]]\nid = \"a\"\nkind = \"surface\"\nof = { experiment = \"b\" }\n\
                  [[experiment]]\nid = \"b\"\nkind = \"surface\"\nof = { experiment = \"a\" }";
    each_has_the_error(
        |lines| format!("name = \"x\"\n{lines}"),
        &[
            (
                circle,
                "x.toml:5: experiment \"b\" (surface) reads other runs itself, and can't be read\nx.toml:9: experiment \"a\" (surface) reads other runs itself, and can't be read",
            ),
            (
                "[[experiment]]\nid = \"a\"\nkind = \"surface\"\nof = { experiment = \"a\" }",
                "x.toml:5: experiment \"a\" (surface) reads other runs itself, and can't be read",
            ),
        ],
    );
}

#[test]
fn solutions_of_different_networks_or_data_are_not_interpolated() {
    let different = "x.toml:16: `from` and `to` are of different networks or examples: only solutions of one network on \
                     the same examples can be interpolated";
    each_has_the_error(
        |other| {
            let list = format!("list = [{{ batch_size = 64 }}, {{ batch_size = 1024, {other} }}]");
            line(ENDS).replace("grid = { batch_size = [64, 128, 1024] }", &list)
        },
        &[
            ("model.conv = [4]", "nothing"),
            ("learning_rate = 0.1", "nothing"),
            ("model.dense = [9]", different),
            ("data.label_noise = 0.5", different),
            ("data.name = \"cifar10\"", "x.toml:16: the runs that are read have different data sets"),
        ],
    );
}

#[test]
fn seeds_are_those_of_the_experiment_that_is_read() {
    let seeds = |lines: &str| -> Vec<u64> {
        of(&planned(&line(&format!("{ENDS}\n{lines}"))), "line").map(|task| task.spec.seed).collect()
    };
    assert_eq!(seeds(""), [0, 1]);
    assert_eq!(seeds("seeds = [1]"), [1]);
    let listed = planned(&line(ENDS).replace("seeds = 2", "seeds = [7, 3]"));
    assert_eq!(of(&listed, "line").map(|task| task.spec.seed).collect::<Vec<_>>(), [7, 3]);
    let defaults = line(ENDS).replace("seeds = 2\n", "").replacen("\n", "\n[defaults]\nseeds = 3\n", 1);
    assert_eq!(of(&planned(&defaults), "line").count(), 3);
    let set = plan(&with_overrides(&line(ENDS), &["experiment.images.seeds=4"])).unwrap();
    assert_eq!(of(&set, "line").count(), 4);
    let all = plan(&with_overrides(&line(ENDS), &["seeds=3"])).unwrap();
    assert_eq!((of(&all, "line").count(), of(&all, "images").count()), (3, 9));
}

#[test]
fn a_seed_that_the_experiment_that_is_read_does_not_have_is_refused() {
    each_has_the_error(
        |seeds| line(&format!("{ENDS}\nseeds = {seeds}")),
        &[
            ("[1, 0]", "nothing"),
            (
                "3",
                "x.toml:16: seed 2 is read from experiment \"images\", which doesn't have it\nhint: seeds = N in both",
            ),
            (
                "[9223372036854775807]",
                "x.toml:16: seed 9223372036854775807 is read from experiment \"images\", which doesn't have it\nhint: seeds \
                 = N in both",
            ),
        ],
    );
}

#[test]
fn a_seed_that_is_missing_is_found_when_the_file_is_read() {
    for (seeds, of_images, missing) in [
        ("3", "2", Some(2)),
        ("{ start = 1, count = 9000000000000000000 }", "2", Some(2)),
        ("2", "{ start = 1, count = 5 }", Some(0)),
        ("{ start = 7, count = 2 }", "5", Some(7)),
        ("4", "[0, 1, 3]", Some(2)),
        ("[1, 9]", "5", Some(9)),
        ("[3, 1]", "[1, 2, 3]", None),
        ("{ start = 1, count = 3 }", "4", None),
        ("9000000000000000000", "9000000000000000000", None),
    ] {
        let text = line(&format!("{ENDS}\nseeds = {seeds}")).replacen(
            "seeds = 2",
            &format!("seeds = {of_images}"),
            1,
        );
        let error = SweepFile::parse(&source(&text))
            .map_err(|errors| errors.iter().next().unwrap().message.clone())
            .err();
        let expected = missing
            .map(|seed| format!("seed {seed} is read from experiment \"images\", which doesn't have it"));
        assert_eq!(error, expected, "{seeds} of {of_images}");
    }
}

#[test]
fn a_reference_may_vary() {
    let plan = planned(&line(
        "from.experiment = \"images\"\nto = { experiment = \"images\", batch_size = 1024 }\ngrid.from.batch_size = [64, 128]",
    ));
    let inputs: Vec<_> = of(&plan, "line").map(|task| (task.spec.seed, task.spec.inputs["from"])).collect();
    let expected =
        [(64, 0), (64, 1), (128, 0), (128, 1)].map(|(size, seed)| (seed, image(&plan, size, seed)));
    assert_eq!(inputs, expected);
    let sizes: Vec<_> = of(&plan, "line").map(|task| task.point["from.batch_size"].to_string()).collect();
    assert_eq!(sizes, ["64", "64", "128", "128"]);
    let whole = planned(&line(
        "to = { experiment = \"images\", batch_size = 1024 }\ngrid = { from = [\n  { experiment = \"images\", batch_size = 64 },\n  \
         { experiment = \"images\", batch_size = 128 } ] }",
    ));
    let ids = |plan: &SweepPlan| of(plan, "line").map(|task| task.id).collect::<Vec<_>>();
    assert_eq!(ids(&whole), ids(&plan));
    each_has_the_error(
        line,
        &[(
            "to = { experiment = \"images\", batch_size = 1024 }\nfrom.experiment = \"images\"\ngrid = { from = { batch_size = [\n64,\n65] } }",
            "x.toml:20: experiment \"images\" has no run with batch_size = 65\nhint: batch_size is 64, 128 or 1024 there",
        )],
    );
}

#[test]
fn a_reference_may_follow_from_a_condition() {
    let plan = planned(&line(&format!(
        "{ENDS}\ngrid = {{ examples = [10, 20] }}\nwhen = [{{ if = {{ examples = 20 }}, set = {{ from = {{ batch_size = 128 }} }} }}]"
    )));
    let inputs: Vec<_> = of(&plan, "line").map(|task| task.spec.inputs["from"]).collect();
    assert_eq!(inputs, [(64, 0), (64, 1), (128, 0), (128, 1)].map(|(size, seed)| image(&plan, size, seed)));
}

#[test]
fn profiles_and_overrides_change_a_part_of_a_reference() {
    let text = line(ENDS) + "[profile.other.experiment.line]\nfrom.batch_size = 128\n";
    let inputs = |source: &Source| {
        let plan = plan(source).unwrap();
        let from = of(&plan, "line").next().unwrap().spec.inputs["from"];
        [64, 128, 1024].into_iter().find(|&size| image(&plan, size, 0) == from).unwrap()
    };
    assert_eq!(inputs(&source(&text)), 64);
    let other =
        |overrides: &[&str]| Source { profile: Some("other".to_owned()), ..with_overrides(&text, overrides) };
    assert_eq!(inputs(&other(&[])), 128);
    assert_eq!(inputs(&other(&["experiment.line.from.batch_size=1024"])), 1024);
    assert_eq!(inputs(&with_overrides(&text, &["from.batch_size=1024"])), 1024);
    let refused = |set: &str| shown(&plan(&with_overrides(&text, &[set])).unwrap_err());
    assert_eq!(
        refused("from.batchsize=1024"),
        "--set:1: experiment \"images\" has no parameter `batchsize`; did you mean `batch_size`?\nhint: it varies batch_size"
    );
    assert_eq!(
        refused("form.batch_size=1024"),
        "--set:1: no experiment knows `form.batch_size`; did you mean `batch_size`?"
    );
}

#[test]
fn an_experiment_of_data_that_is_read_names_its_data() {
    let text = line(ENDS).replace("shapes", "cifar10");
    let error = SweepFile::parse(&source(&text)).unwrap().expand(&Datasets::new(), 100).unwrap_err();
    assert_eq!(
        shown(&error),
        "x.toml:6: the data set \"cifar10\" isn't there\nhint: basin data import cifar10 PATH"
    );
}

#[test]
fn a_run_read_from_an_experiment_without_number_of_points_is_refused_at_once() {
    let text = line(ENDS).replace(
        "grid = {",
        "random = { count = 1000000000000, uniform = { learning_rate = [0.1, 0.9] } }\ngrid = {",
    );
    assert_eq!(
        shown(&SweepFile::parse(&source(&text)).unwrap_err()),
        "x.toml:17: experiment \"images\" has 3000000000000 points\nhint: runs of experiments of at most 100000 points can be \
         read"
    );
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the time that reading takes is what is tested")]
fn many_references_into_a_large_experiment_are_found_one_by_one() {
    let text = format!(
        "{}\n[[experiment]]\nid = \"planes\"\nkind = \"surface\"\nof.experiment = \"images\"\ngrid.of.epochs = EPOCHS\ngrid.of.batch_size = [64, 1024]",
        TRAINED.replace("epochs = 3\n", "").replace("grid = {", "grid = { epochs = EPOCHS,")
    );
    let epochs: Vec<_> = (1..=5_000).map(|epoch| epoch.to_string()).collect();
    let text = text.replace("EPOCHS", &format!("[{}]", epochs.join(", ")));
    let began = std::time::Instant::now();
    let file = SweepFile::parse(&source(&text)).unwrap();
    assert_eq!(file.task_count(), 5_000 * 3 * 2 + 5_000 * 2 * 2 * 4);
    // 15,000 points, read 10,000 times: a second if each reading is a look into an index, a minute if it is a search.
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
}

#[test]
fn expansion_with_references_is_deterministic() {
    let text = trained(
        "[[experiment]]\nid = \"plane\"\nkind = \"surface\"\nof.experiment = \"images\"\ngrid.of.batch_size = [64, 128]\n\
         [[experiment]]\nid = \"line\"\nkind = \"interpolate\"\nfrom = { experiment = \"images\", batch_size = 64 }\n\
         to = { experiment = \"images\", batch_size = 128 }",
    );
    let file = SweepFile::parse(&source(&text)).unwrap();
    let first = file.expand(&Datasets::new(), 100).unwrap();
    assert_eq!(first, file.expand(&Datasets::new(), 100).unwrap());
    assert_eq!(first, planned(&text));
    let ids: std::collections::BTreeSet<_> = first.tasks.iter().map(|task| task.id).collect();
    assert_eq!(ids.len(), first.tasks.len());
}
