//! Points that are the same computation are one run.

use std::collections::BTreeSet;

use super::{datasets, function, plan, planned, shown, source, trained};
use crate::data::{Contents, InputKind, SplitSizes, TargetKind};
use crate::experiment::Experiment;
use crate::id::DatasetName;
use crate::optimizer::{OtherRule, Rule, Sgd};
use crate::sweep::{DatasetContents, SweepFile, SweepPlan};

/// An experiment of kind `classify` on shapes with these lines, and what isn't among them.
fn images(lines: &str) -> String {
    let given = [
        ("data.name", "\"shapes\""),
        ("data.train_limit", "200"),
        ("model.conv", "[2]"),
        ("model.dense", "[4]"),
        ("batch_size", "64"),
        ("epochs", "3"),
    ];
    let rest = given.iter().filter(|(name, _)| !lines.contains(&format!("{name} =")));
    let rest: Vec<_> = rest.map(|(name, value)| format!("{name} = {value}")).collect();
    format!("name = \"c\"\n[[experiment]]\nid = \"c\"\nkind = \"classify\"\n{}\n{lines}\n", rest.join("\n"))
}

/// The distinct runs of a text, and its points.
fn runs(text: &str) -> (usize, usize) {
    let plan = plan(&source(text)).unwrap_or_else(|error| panic!("{}\n{text}", shown(&error)));
    let ids: BTreeSet<_> = plan.tasks.iter().map(|task| task.id).collect();
    assert_eq!(plan.runs().count(), ids.len());
    assert!(plan.tasks.iter().all(|task| task.spec.id() == task.id));
    (ids.len(), plan.tasks.len())
}

#[test]
fn batches_above_the_training_data_are_one_run_with_their_coordinates() {
    let text = images("seeds = 2\ngrid = { batch_size = [16, 64, 256, 512, 1024, 2048] }");
    assert_eq!(runs(&text), (2 * 3, 2 * 6));
    let plan = planned(&text);
    let sizes: Vec<_> =
        plan.tasks.iter().step_by(2).map(|task| task.point["batch_size"].to_string()).collect();
    assert_eq!(sizes, ["16", "64", "256", "512", "1024", "2048"]);
    let Experiment::Classify(it) = &plan.tasks[11].spec.experiment else { unreachable!() };
    assert_eq!(it.batch_size, 200);
    let [same] = &plan.duplicate_runs()[..] else { panic!("{:?}", plan.duplicate_runs()) };
    assert_eq!((same.points.len(), same.task), (4, plan.tasks[4].id));
    assert_eq!(same.differ().keys().collect::<Vec<_>>(), [&"batch_size"]);
    assert!(same.shared().is_empty());
}

#[test]
fn what_muon_may_do_besides_is_in_a_task_where_it_is_asked_for_and_nowhere_else() {
    let muon = |lines: &str| images(&format!("optimizer = \"muon\"\n{lines}"));
    let task = |lines: &str| planned(&muon(lines)).tasks.remove(0);
    let by_sgd = "others = { optimizer = \"sgd\", learning_rate = 0.1, momentum = 0.9";
    let plain = task(&format!("{by_sgd} }}"));
    let written = plain.spec.canonical();
    assert!(
        !["normalized", "output_by_others", "nesterov\":false"].iter().any(|word| written.contains(word)),
        "{written}"
    );
    assert_eq!(
        task(&format!("normalized = false\n{by_sgd}, output = false, nesterov = false }}")).id,
        plain.id
    );
    let all = format!("normalized = true\n{by_sgd}, output = true, nesterov = true }}");
    let Experiment::Classify(it) = task(&all).spec.experiment else { panic!("it classifies") };
    let Rule::Muon(found) = it.training.optimizer.rule else { panic!("{:?}", it.training.optimizer) };
    let sgd = Sgd { nesterov: true, ..Sgd::new(0.1, 0.9, 0.0) };
    assert_eq!((found.others, found.output_by_others, found.normalized), (OtherRule::Sgd(sgd), true, true));
    let lines = ["normalized = true", "others.output = true", ""];
    let ids: BTreeSet<_> = lines.iter().map(|lines| task(lines).id).collect();
    assert_eq!(ids.len(), lines.len());
}

#[test]
fn every_parameter_that_cannot_matter_is_brought_to_one_form() {
    let fit = |lines: &str| function(&format!("hidden = [4]\n{lines}"));
    let critical = |lines: &str| {
        let rest: Vec<_> = [("hidden", "[2]"), ("epochs", "5")]
            .iter()
            .filter(|(name, _)| !lines.contains(&format!("{name} =")))
            .map(|(name, value)| format!("{name} = {value}"))
            .collect();
        function(&format!("{}\n{lines}", rest.join("\n"))).replace("fit-function", "critical-point")
    };
    for (text, distinct) in [
        // Without a limit, the data set's own size counts.
        (images("data.train_limit = 20000\ngrid = { batch_size = [19999, 20000, 20001] }"), 2),
        (images("grid = { data.train_limit = [19999, 20000, 60000] }"), 2),
        (images("grid = { data.test_limit = [3999, 4000, 9000] }"), 2),
        (images("model.conv = []\ngrid = { model.kernel = [1, 3, 5] }"), 1),
        (images("grid = { model.kernel = [1, 3, 5] }"), 3),
        (images("grid = { record.weights_every = [2, 3, 4, 5, 100] }"), 3),
        (images("probes = [\"sharpness\"]\ngrid = { probe.every = [1, 2, 3, 4, 50] }"), 3),
        (images("probes = [\"spectrum\"]\ngrid = { probe.every = [1, 2] }"), 1),
        (images("probes = [\"sharpness\"]\ngrid = { probe.train_examples = [199, 200, 201, 3000] }"), 2),
        (images("probes = [\"sensitivity\"]\ngrid = { probe.test_examples = [10, 4000, 5000] }"), 2),
        (
            images(
                "probes = [\"sensitivity\"]\ndata.test_limit = 7\ngrid = { probe.test_examples = [6, 7, 8] }",
            ),
            2,
        ),
        (fit("epochs = 1\ngrid = { batch_size = [4, 7, 8, 9, 100] }"), 3),
        (fit("epochs = 1\nprobes = [\"sensitivity\"]\ngrid = { probe.test_examples = [4, 8, 9] }"), 2),
        (critical("epochs = 0\ngrid = { learning_rate = [0.1, 0.2] }"), 1),
        (critical("grid = { learning_rate = [0.1, 0.2] }"), 2),
        (
            critical(
                "search.iterations = 0\ngrid = { search.method = [\"levenberg-marquardt\", \"gradient-norm\"] }",
            ),
            1,
        ),
        (critical("hidden = []\ngrid = { activation = [\"tanh\", \"relu\"] }"), 1),
        (critical("epochs = 0\ngrid = { search.start = [\"last\", \"random\"] }"), 1),
        (critical("grid = { search.start = [\"last\", \"random\"] }"), 2),
        (critical("grid = { polish.iterations = [0, 10], certificate.zero = [1e-9, 1e-10] }"), 4),
        (critical("grid = { activation = [\"tanh\", \"relu\"] }"), 2),
    ] {
        assert_eq!(runs(&text).0, distinct, "{text}");
    }
    // The default is written where it is among the values that are the same.
    let probes = "probes = [\"sharpness\"]";
    let id = |lines: &str| planned(&images(&format!("{probes}\n{lines}"))).tasks[0].id;
    assert_eq!(id("probe.train_examples = 200"), id(""));
    assert_eq!(
        planned(&fit("epochs = 1\nbatch_size = 8")).tasks[0].id,
        planned(&fit("epochs = 1")).tasks[0].id
    );
}

#[test]
fn what_reads_one_run_is_one_run_too() {
    let text = trained(
        "[[experiment]]\nid = \"line\"\nkind = \"interpolate\"\nfrom = { experiment = \"images\", batch_size = 64 }\n\
         to = { experiment = \"images\" }\ngrid = { to.batch_size = [128, 1024] }",
    )
    .replace("name = \"shapes\"", "name = \"shapes\", train_limit = 100");
    let plan = planned(&text);
    let line: Vec<_> = plan.tasks.iter().filter(|task| task.experiment.as_str() == "line").collect();
    assert_eq!((line.len(), line[0].id), (4, line[2].id));
    assert_eq!(plan.duplicate_runs().len(), 2);
    let examples = |of: &str| {
        let text = text.replace("grid = { to.batch_size = [128, 1024] }", of);
        planned(&text.replace(
            "to = { experiment = \"images\" }",
            "to = { experiment = \"images\", batch_size = 128 }",
        ))
    };
    let all = examples("grid = { examples = [99, 3999, 4000, 5000] }");
    let ids: BTreeSet<_> =
        all.runs().filter(|task| task.experiment.as_str() == "line").map(|task| task.id).collect();
    assert_eq!(ids.len(), 3 * 2, "the test images count as well");
}

#[test]
fn a_claim_that_holds_a_run_against_itself_is_refused() {
    let claim = "[[claim]]\ntext = \"Smaller is better\"\ncheck = { kind = \"greater\", a = { experiment = \"c\", batch_size = 256 }, \
                 b = { experiment = \"c\", batch_size = 512 }, y = \"test_accuracy\" }";
    let text = format!("{}{claim}", images("grid = { batch_size = [256, 512] }"));
    let error = super::error_of(&text);
    assert!(error.starts_with("x.toml:13: `a` and `b` mean the same runs\nhint: "), "{error}");
    assert_eq!(super::error_of(&text.replace("train_limit = 200", "train_limit = 300")), "nothing");
    // The size of a data set that was imported is known once its contents are.
    let text = text.replace("\"shapes\"", "\"cifar10\"").replace("data.train_limit = 200\n", "");
    assert_eq!(super::error_of(&text), "nothing");
    let refused = known(&text, 200).unwrap_err();
    assert!(refused.starts_with("x.toml:12: `a` and `b` mean the same runs"), "{refused}");
}

/// The plan where `cifar10` has so many training images.
fn known(text: &str, train: u64) -> Result<SweepPlan, String> {
    let name = DatasetName::new("cifar10").unwrap();
    let contents = Contents {
        sizes: SplitSizes { train, test: 100 },
        example: InputKind::Image([3, 32, 32]),
        target: TargetKind::Classes(10),
    };
    let contents = DatasetContents::from([(name.into(), contents)]);
    let file = SweepFile::parse(&source(text)).unwrap().with_contents(contents);
    file.expand(&datasets(), 1_000).map_err(|error| shown(&error))
}

#[test]
fn of_data_of_unknown_size_nothing_is_claimed() {
    let text = images("data.name = \"cifar10\"\ndata.test_limit = 50\ngrid = { batch_size = [256, 512] }")
        .replace("data.train_limit = 200\n", "");
    assert_eq!(runs(&text), (2, 2));
    let unknown = planned(&text);
    let large = known(&text, 50_000).unwrap();
    assert_eq!(unknown, large, "what is canonical stays");
    assert_eq!(known(&text, 256).unwrap().runs().count(), 1);
    assert_eq!(known(&text, 300).unwrap().runs().count(), 2);
}

#[test]
fn a_point_that_is_written_twice_stays_an_error() {
    let twice = images(
        "list = [{ batch_size = 256 }, { batch_size = 512 }, { batch_size = 512, optimizer = \"adam\" }]",
    );
    let error = super::error_of(&twice);
    assert!(
        error.starts_with("x.toml:2: experiment \"c\" has the same run twice: at (batch_size 512) and at (batch_size 512, optimizer adam)"),
        "{error}"
    );
}

mod property {
    use proptest::prelude::*;

    use super::{images, planned};

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]

        /// Two batch sizes are one run exactly where both take all training images at once.
        #[test]
        fn batches_are_one_run_where_both_hold_all_examples(one in 1..600_u32, other in 1..600_u32, limit in 1..500_u32) {
            let with = |size: u32| {
                planned(&images(&format!("data.train_limit = {limit}\nbatch_size = {size}"))).tasks[0].id
            };
            prop_assert_eq!(with(one) == with(other), one == other || one >= limit && other >= limit);
        }

        /// Canonical parameters stay as they are.
        #[test]
        fn the_canonical_form_is_its_own(size in 1..600_u32, limit in 1..40_000_u64, every in 1..9_u32, kernel in 0..8_u32) {
            let text = images(&format!(
                "data.train_limit = {limit}\nbatch_size = {size}\nrecord.weights_every = {every}\nmodel.kernel = {}\nprobes = [\"sharpness\", \"sensitivity\"]\nprobe.every = {every}",
                2 * kernel + 1
            ));
            let experiment = planned(&text).tasks[0].spec.experiment.clone();
            let all = crate::data::Contents::of_built_in("shapes").map(|it| it.sizes);
            prop_assert_eq!(experiment.clone().canonical(all), experiment);
        }
    }
}
