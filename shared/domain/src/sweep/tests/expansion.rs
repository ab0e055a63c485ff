//! The expansion of a space.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{function, plan, planned, shown, source, tasks};
use crate::digest::Digest;
use crate::experiment::Experiment;
use crate::optimizer::{Rule, Sgd};
use crate::sweep::{Datasets, SweepFile, SweepPlan};
use crate::value::Value;

#[test]
fn the_last_axis_changes_fastest_and_a_points_seeds_stand_together() {
    let plan = planned(
        &function("seeds = 2\nhidden = [4]\ngrid = { points = [8, 9], epochs = [1, 2] }")
            .replace("points = 8\n", ""),
    );
    assert_eq!(
        tasks(&plan),
        [
            "f(epochs 1, points 8) seed 0",
            "f(epochs 1, points 8) seed 1",
            "f(epochs 2, points 8) seed 0",
            "f(epochs 2, points 8) seed 1",
            "f(epochs 1, points 9) seed 0",
            "f(epochs 1, points 9) seed 1",
            "f(epochs 2, points 9) seed 0",
            "f(epochs 2, points 9) seed 1",
        ]
    );
}

#[test]
fn all_ways_to_vary_multiply() {
    let text = function(
        r#"grid = { beta1 = [0.8, 0.9] }
zip = { hidden = [[4], [8], [16]], batch_size = [1, 2, 4] }
list = [{ epochs = 5, learning_rate = 0.1 }, { epochs = 6 }]
random = { count = 4, log_uniform = { epsilon = [1e-9, 1e-7] } }
seeds = [7, 3, 5]"#,
    );
    let file = SweepFile::parse(&source(&text)).unwrap();
    assert_eq!(file.task_count(), 2 * 3 * 2 * 4 * 3);
    let plan = plan(&source(&text)).unwrap();
    assert_eq!(plan.tasks.len(), 144);
    let seeds: Vec<u64> = plan.tasks.iter().take(4).map(|task| task.spec.seed).collect();
    assert_eq!(seeds, [7, 3, 5, 7]);
    let names: Vec<_> = plan.tasks[0].point.keys().map(String::as_str).collect();
    assert_eq!(names, ["batch_size", "beta1", "epochs", "epsilon", "hidden", "learning_rate"]);
    assert_eq!(plan.tasks[143].point["hidden"].to_string(), "[16]");
}

#[test]
fn inline_tables_and_dotted_keys_mean_the_same() {
    let written = |model: &str| {
        let text = format!(
            "name = \"m\"\n[[experiment]]\nid = \"m\"\nkind = \"classify\"\nbatch_size = 8\nepochs = 1\n{model}\n"
        );
        planned(&text).tasks.into_iter().map(|task| (task.id, task.point)).collect::<Vec<_>>()
    };
    let inline = written(
        "data = { name = \"shapes\" }\nmodel = { dense = [4] }\ngrid = { model = { conv = [[2], [3]] } }",
    );
    let dotted = written("data.name = \"shapes\"\nmodel.dense = [4]\ngrid.model.conv = [[2], [3]]");
    let quoted =
        written("\"data.name\" = \"shapes\"\n\"model.dense\" = [4]\ngrid.\"model.conv\" = [[2], [3]]");
    let headers = written(
        "[experiment.data]\nname = \"shapes\"\n[experiment.model]\ndense = [4]\n[experiment.grid]\nmodel.conv = [[2], [3]]",
    );
    assert_eq!(inline.len(), 2);
    assert_eq!(inline, dotted);
    assert_eq!(inline, quoted);
    assert_eq!(inline, headers);
}

#[test]
fn a_whole_model_may_vary() {
    let plan = planned(
        r#"name = "m"
[[experiment]]
id = "m"
kind = "classify"
data.name = "shapes"
batch_size = 8
epochs = 1
model.kernel = 5
grid = { model = [{ conv = [2], dense = [4] }, { conv = [3], dense = [], kernel = 7 }] }

"#,
    );
    assert_eq!(
        tasks(&plan),
        [
            "m(model.conv [2], model.dense [4], model.kernel 5) seed 0",
            "m(model.conv [3], model.dense [], model.kernel 7) seed 0",
        ]
    );
    let kernels: Vec<u32> = plan
        .tasks
        .iter()
        .map(|task| match &task.spec.experiment {
            Experiment::Classify(it) => it.model.conv_net().unwrap().kernel,
            other => unreachable!("{other:?}"),
        })
        .collect();
    assert_eq!(kernels, [5, 7]);
}

#[test]
fn conditions_set_parameters_where_they_hold() {
    let plan = planned(&function(
        r#"hidden = [4]
epochs = 1
grid = { optimizer = ["adam", "sgd"], batch_size = [1, 2, 4] }
when = [
  { if = { optimizer = "sgd" }, set = { learning_rate = 0.1, momentum = 0.5 } },
  { if = { optimizer = "sgd", batch_size = [2, 4] }, set = { momentum = 0.9 } },
]"#,
    ));
    let momenta: Vec<Option<f64>> = plan
        .tasks
        .iter()
        .map(|task| match &task.spec.experiment {
            Experiment::FitFunction(it) => match it.training.optimizer.rule {
                Rule::Sgd(Sgd { momentum, .. }) => Some(momentum),
                _ => None,
            },
            other => unreachable!("{other:?}"),
        })
        .collect();
    assert_eq!(momenta, [None, None, None, Some(0.5), Some(0.9), Some(0.9)]);
    let coordinates: Vec<_> = plan.tasks[5].point.keys().map(String::as_str).collect();
    assert_eq!(coordinates, ["batch_size", "optimizer"]);
}

#[test]
fn whole_numbers_beside_fractions_are_numbers() {
    let plan = planned(&function("hidden = [4]\nepochs = 1\ngrid = { weight_decay = [0, 0.5, 1] }"));
    let values: Vec<_> = plan.tasks.iter().map(|task| task.point["weight_decay"].clone()).collect();
    assert_eq!(values, [Value::Float(0.0), Value::Float(0.5), Value::Float(1.0)]);
}

#[test]
fn seeds_may_start_anywhere() {
    let seeds = |seeds: &str| -> Vec<u64> {
        let plan = planned(&function(&format!("hidden = [4]\nepochs = 1\nseeds = {seeds}")));
        plan.tasks.iter().map(|task| task.spec.seed).collect()
    };
    assert_eq!(seeds("{ start = 10, count = 3 }"), [10, 11, 12]);
    assert_eq!(seeds("{ count = 2 }"), [0, 1]);
    assert_eq!(seeds("[9223372036854775807]"), [i64::MAX as u64]);
    assert_eq!(seeds("{ start = 9223372036854775806, count = 2 }"), [i64::MAX as u64 - 1, i64::MAX as u64]);
}

#[test]
fn more_seeds_keep_the_tasks_that_were_there() {
    let with = |seeds: u32| {
        let plan = planned(&function(&format!("hidden = [4]\nepochs = 1\nseeds = {seeds}")));
        plan.tasks.into_iter().map(|task| task.id).collect::<Vec<_>>()
    };
    assert_eq!(with(5)[..3], with(3));
}

#[test]
fn ten_to_the_thirtieth_tasks_are_counted_at_once_and_refused() {
    let axis = "[0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]";
    let text = function(&format!(
        "hidden = [4]\nepochs = 1\ngrid = {{ beta1 = {axis}, beta2 = {axis}, weight_decay = {axis} }}\n\
         random = {{ count = 1000000000000, uniform = {{ learning_rate = [0.1, 1.0] }} }}\nseeds = 1000000000000000"
    ));
    let file = SweepFile::parse(&source(&text)).unwrap();
    assert_eq!(file.task_count(), 10_u128.pow(30));
    let error = file.expand(&Datasets::new(), 100_000).unwrap_err();
    assert_eq!(
        shown(&error),
        "x.toml:2: the sweep has 1000000000000000000000000000000 tasks, and the limit is 100000\n\
         hint: --max-tasks N raises the limit, but not that far"
    );
}

#[test]
fn a_count_that_fits_no_number_is_the_greatest_number() {
    let axis = format!("[{}]", (1..1000).map(|i| format!("{i}")).collect::<Vec<_>>().join(", "));
    let keys = [
        "epochs",
        "batch_size",
        "points",
        "learning_rate",
        "epsilon",
        "weight_decay",
        "record.weights_every",
    ];
    let grid: Vec<_> = keys.iter().map(|key| format!("{key} = {axis}")).collect();
    let text = function(&format!(
        "hidden = [4]\nseeds = 1000000000000000000\nrandom = {{ count = 1000000000000, uniform = {{ beta1 = [0.1, 0.2] }} }}\ngrid = {{ {} }}",
        grid.join(", ")
    ))
    .replace("points = 8\n", "")
    .replace("points = [1, ", "points = [");
    let file = SweepFile::parse(&source(&text)).unwrap();
    assert_eq!(file.task_count(), u128::MAX);
    assert!(file.expand(&Datasets::new(), u64::MAX).is_err());
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the time that planning takes is what is tested")]
fn a_million_tasks_are_refused_above_the_limit_and_planned_below_it() {
    let text = function(
        "hidden = [4]\nseeds = 1000\nrandom = { count = 1000, uniform = { learning_rate = [0.1, 1.0], epochs = [1, 1000] } }",
    );
    let file = SweepFile::parse(&source(&text)).unwrap();
    assert_eq!(
        shown(&file.expand(&Datasets::new(), 100_000).unwrap_err()),
        "x.toml:2: the sweep has 1000000 tasks, and the limit is 100000\nhint: --max-tasks 1000000 raises the limit"
    );
    let began = std::time::Instant::now();
    assert_eq!(file.expand(&Datasets::new(), 1_000_000).unwrap().tasks.len(), 1_000_000);
    // Some 2 s in a release; the bound is for machines that do other things at the same time.
    let bound = Duration::from_secs(if cfg!(debug_assertions) { 120 } else { 30 });
    assert!(began.elapsed() < bound, "{:?}", began.elapsed());
}

#[test]
fn one_run_under_two_points_is_refused() {
    let text =
        function("hidden = [4]\nepochs = 1\nlist = [{ learning_rate = 0.001 }, { optimizer = \"adam\" }]");
    assert_eq!(
        shown(&plan(&source(&text)).unwrap_err()),
        "x.toml:2: experiment \"f\" has the same run twice: at (learning_rate 0.001) and at (optimizer adam)\n\
         hint: seeds = 2 repeats every run with another seed"
    );
}

#[test]
fn experiments_may_share_a_run() {
    let one = function("hidden = [4]\nepochs = 1");
    let (_, experiment) = one.split_once('\n').unwrap();
    let plan = planned(&format!("{one}{}", experiment.replace("\"f\"", "\"g\"")));
    assert_eq!(plan.tasks.len(), 2);
    assert_eq!(plan.tasks[0].id, plan.tasks[1].id);
}

#[test]
fn missing_data_is_named_with_the_way_to_get_it() {
    let text = super::VALID.replace("shapes", "cifar10");
    let file = SweepFile::parse(&source(&text)).unwrap();
    let names: Vec<_> = file.datasets().iter().map(ToString::to_string).collect();
    assert_eq!(names, ["cifar10"]);
    assert_eq!(
        shown(&file.expand(&Datasets::new(), 100).unwrap_err()),
        "x.toml:2: the data set \"cifar10\" isn't there\nhint: basin data import cifar10 PATH"
    );
}

#[test]
fn every_data_set_that_a_point_may_read_is_named() {
    let text = super::VALID.replace(
        "grid = {",
        "when = [{ if = { optimizer = \"sgd\" }, set = { data.name = \"cifar10\" } }]\ngrid = {",
    );
    let names = SweepFile::parse(&source(&text)).unwrap().datasets();
    assert_eq!(names.iter().map(ToString::to_string).collect::<Vec<_>>(), ["cifar10", "shapes"]);
}

#[test]
fn a_version_of_a_data_set_is_the_task_that_its_contents_are() {
    let text = super::VALID.replace("shapes", "cifar10");
    let named = Digest::of(b"cifar10");
    let version = format!("cifar10@{}", &named.to_string()[..8]);
    let by_version = SweepFile::parse(&source(&text.replace("cifar10", &version))).unwrap();
    let wanted: Vec<_> = by_version.datasets().into_iter().collect();
    assert_eq!(wanted.iter().map(ToString::to_string).collect::<Vec<_>>(), [&*version]);
    let by_version = by_version.expand(&[(wanted[0].clone(), named)].into(), 100).unwrap();
    let ids = |plan: &SweepPlan| {
        let images = plan.tasks.iter().filter(|task| task.spec.data.is_some());
        images.map(|task| task.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(&by_version), ids(&planned(&text)), "how it is named makes no difference");
    let other = SweepFile::parse(&source(&text)).unwrap();
    let other = other.expand(&[("cifar10".parse().unwrap(), Digest::of(b"else"))].into(), 100).unwrap();
    assert!(ids(&other).iter().all(|id| !ids(&by_version).contains(id)));
}

#[test]
fn a_version_that_is_none_is_refused_with_its_line() {
    let text = super::VALID.replace("shapes", "cifar10@xyz");
    let error = SweepFile::parse(&source(&text)).unwrap_err();
    assert!(error.iter().next().unwrap().message.contains("names no version"), "{error}");
    for (version, says) in
        [("cifar11@1a2b", "did you mean \"cifar10\""), ("shapes@0000", "made by Basin itself")]
    {
        let text = super::VALID.replace("shapes", version);
        let error = SweepFile::parse(&source(&text)).unwrap().expand(&Datasets::new(), 100).unwrap_err();
        assert!(shown(&error).contains(says), "{error}");
    }
}

#[test]
fn the_summary_counts_points_and_tasks() {
    let file = SweepFile::parse(&source(super::VALID)).unwrap();
    let lines: Vec<_> = file
        .experiments()
        .iter()
        .map(|it| format!("{} {} {} {}", it.id, it.kind, it.points, it.tasks))
        .collect();
    assert_eq!(lines, ["images classify 2 2", "function fit-function 1 1"]);
    assert_eq!(file.name().as_str(), "sample");
    assert_eq!(file.task_count(), 3);
}

#[test]
fn the_sweeps_id_changes_with_tasks_points_and_figures_only() {
    let id = |text: &str| planned(text).id.to_string();
    let valid = id(super::VALID);
    assert!(valid.starts_with("sample-") && valid.len() == "sample-".len() + 10, "{valid}");
    assert_eq!(valid, id(&super::VALID.replace("epochs = 3", "epochs   =   3 # three")));
    assert_ne!(valid, id(&super::VALID.replace("epochs = 3", "epochs = 4")));
    assert_ne!(valid, id(&super::VALID.replace("test_loss", "test_accuracy")));
    assert_ne!(
        valid,
        id(&super::VALID
            .replace("epochs = 3", "grid.epochs = [3]")
            .replace("grid = { optimizer", "grid.optimizer")
            .replace("\"sgd\"] }", "\"sgd\"]"))
    );
}

#[test]
fn a_point_holds_the_varied_parameters_alone() {
    let plan = planned(super::VALID);
    assert_eq!(
        plan.tasks[0].point,
        BTreeMap::from([("optimizer".to_owned(), Value::Text("adam".to_owned()))])
    );
    assert_eq!(plan.tasks[2].point, BTreeMap::new());
}
