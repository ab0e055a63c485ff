//! Runs that begin with the training of others.

use std::collections::{BTreeMap, BTreeSet};

use super::{each_has_the_error, function, plan, planned, shown, source, with_overrides};
use crate::experiment::{Branch, Experiment, Interval, RecordedStates, TrainingSettings};
use crate::id::TaskId;
use crate::sweep::{Datasets, SweepFile, SweepPlan};
use crate::task::Task;

/// A trunk of 40 steps, four an epoch, that keeps some states, and a branch with these lines, which begin on line 20.
fn branch(lines: &str) -> String {
    format!(
        "name = \"x\"\n[defaults]\nfunction = \"sin\"\ninterval = [-3, 3]\nhidden = [4]\npoints = 16\nbatch_size = 4\nepochs = 10\n\
         seeds = 2\n\n[[experiment]]\nid = \"trunk\"\nkind = \"fit-function\"\ngrid = {{ learning_rate = [0.1, 0.2] }}\n\
         record.states_at = [0, 8, 10]\n\n[[experiment]]\nid = \"branch\"\nkind = \"fit-function\"\n{lines}\n"
    )
}

const TRUNK: &str = "experiment = \"trunk\", learning_rate = 0.1";

fn of<'a>(plan: &'a SweepPlan, experiment: &'a str) -> Vec<&'a Task> {
    plan.tasks.iter().filter(|task| task.experiment.as_str() == experiment).collect()
}

fn settings(task: &Task) -> &TrainingSettings {
    task.spec.experiment.training().unwrap()
}

fn start_of(lines: &str) -> Branch {
    settings(of(&planned(&branch(lines)), "branch")[0]).start.unwrap()
}

#[test]
fn a_branch_reads_the_run_of_its_own_seed() {
    let plan = planned(&branch(&format!("start = {{ {TRUNK}, step = 8 }}")));
    let trunks = of(&plan, "trunk");
    for (seed, task) in (0..).zip(of(&plan, "branch")) {
        assert_eq!((task.spec.seed, task.id), (seed, task.spec.id()));
        let read = trunks.iter().find(|trunk| trunk.spec.seed == seed).unwrap().id;
        assert_eq!(task.spec.inputs, BTreeMap::from([("start".to_owned(), read)]));
    }
    assert_eq!(of(&plan, "branch").len(), 2);
}

#[test]
fn a_branch_may_read_the_run_of_another_seed() {
    let text = branch(&format!("seeds = 5\nstart = {{ {TRUNK}, step = 8, seed = 1 }}"));
    let plan = planned(&text);
    let trunk = of(&plan, "trunk").into_iter().find(|trunk| trunk.spec.seed == 1).unwrap().id;
    let branches = of(&plan, "branch");
    assert_eq!(branches.len(), 5);
    assert!(branches.iter().all(|branch| branch.spec.inputs["start"] == trunk));
    // Seeds that aren't said are one: those of the trunk have no meaning here.
    let alone = text.replace("seeds = 5\n", "").replace("seeds = 2\n", "");
    let alone = alone.replace("kind = \"fit-function\"\ngrid", "kind = \"fit-function\"\nseeds = 2\ngrid");
    assert_eq!(of(&planned(&alone), "branch").len(), 1);
    let own = alone.replace(", seed = 1", "");
    assert_eq!(of(&planned(&own), "branch").len(), 2, "seeds that aren't said are the trunk's");
}

#[test]
fn what_is_not_said_of_a_branch_has_its_meaning() {
    let at = |step, optimizer_state, restarts_clock| Branch { step, optimizer_state, restarts_clock };
    for (lines, expected) in [
        ("step = 8", at(Some(8), true, false)),
        ("epoch = 2", at(Some(8), true, false)),
        ("epoch = 0", at(Some(0), true, false)),
        ("step = 10, optimizer_state = false", at(Some(10), false, false)),
        ("step = 8, clock = \"restart\"", at(Some(8), true, true)),
        ("step = 0, clock = \"restart\"", at(Some(0), true, false)),
        ("clock = \"restart\"", at(None, false, false)),
        ("optimizer_state = false", at(None, false, false)),
    ] {
        assert_eq!(start_of(&format!("start = {{ {TRUNK}, {lines} }}")), expected, "{lines}");
    }
    assert_eq!(start_of(&format!("start = {{ {TRUNK} }}")), at(None, false, false));
}

#[test]
fn a_branch_is_identified_by_its_trunk() {
    let ids = |text: &str| of(&planned(text), "branch").iter().map(|task| task.id).collect::<Vec<TaskId>>();
    let text = branch(&format!("start = {{ {TRUNK}, step = 8 }}"));
    let other = ids(&text.replace("learning_rate = 0.1", "learning_rate = 0.2"));
    assert!(ids(&text).iter().all(|id| !other.contains(id)));
    // Two words for one step are one task.
    assert_eq!(ids(&text), ids(&text.replace("step = 8", "epoch = 2")));
    let fewer = ids(&text.replace("[0, 8, 10]", "[8]"));
    assert!(ids(&text).iter().all(|id| !fewer.contains(id)), "states are a part of what the trunk leaves");
}

#[test]
fn states_are_kept_at_steps_or_in_an_interval() {
    let states = |lines: &str| match &planned(&function(&format!("hidden = [2]\nsteps = 100\n{lines}"))).tasks
        [0]
    .spec
    .experiment
    {
        Experiment::FitFunction(it) => it.training.states.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(states(""), None);
    assert_eq!(states("record.states_at = []"), None);
    let listed = |at: &[u64]| Some(RecordedStates::Listed { at: at.to_vec() });
    assert_eq!(states("record.states_at = [30, 5, 30]"), listed(&[5, 30]));
    assert_eq!(
        states("record.states_at = [5, 100, 101]"),
        listed(&[5, 100]),
        "there is no step after the end"
    );
    assert_eq!(states("record.states_at = [101]"), None);
    let every = |interval| Some(RecordedStates::Every(interval));
    assert_eq!(states("record.states_every = 2"), every(Interval::Epochs(2)));
    assert_eq!(states("record.states_every.steps = 7"), every(Interval::Steps { steps: 7 }));
    assert_eq!(states("record.states_every.steps = 700"), every(Interval::Steps { steps: 101 }));
    assert_eq!(states("record.states_every = { log_steps = 4 }"), every(Interval::LogSteps { log_steps: 4 }));
    let recorded = states("record = { every = { steps = 9 }, states_every = \"recorded\" }");
    assert_eq!(recorded, every(Interval::Steps { steps: 9 }));
}

#[test]
fn steps_that_cannot_be_begun_with_are_refused_with_the_way_out() {
    each_has_the_error(
        |lines| branch(&format!("start = {{ {TRUNK}{lines} }}")),
        &[
            (
                ", step = 12",
                "x.toml:20: experiment \"trunk\" doesn't keep its state after step 12\nhint: record.states_at = [0, 8, 10, 12] \
                 in that experiment",
            ),
            (
                ", epoch = 3",
                "x.toml:20: experiment \"trunk\" doesn't keep its state after step 12\nhint: record.states_at = [0, 8, 10, 12] \
                 in that experiment",
            ),
            (
                ", step = 41",
                "x.toml:20: runs of experiment \"trunk\" have 40 steps, and step 41 is after them",
            ),
            (
                ", step = 8, epoch = 2",
                "x.toml:20: `start.epoch` is given beside `start.step`, and only one of them has a meaning\nhint: leave out \
                 `start.epoch` or `start.step`",
            ),
            (", step = -1", "x.toml:20: `start.step` must be a whole number from 0 to 1000000000, not -1"),
            (", step = 8.5", "x.toml:20: `start.step` must be a whole number from 0 to 1000000000, not 8.5"),
            (
                ", optimizer_state = true",
                "x.toml:20: `start.optimizer_state` is that of a recorded step, and `start` names none: it begins with the \
                 weights of the end\nhint: start.step = 1000, or start.epoch = 3",
            ),
            (
                ", clock = \"continue\"",
                "x.toml:20: `start.clock` can't go on from the end of a run, whose step isn't known beforehand\nhint: \
                 start.step = 1000, or start.clock = \"restart\"",
            ),
            (
                ", step = 8, clock = \"new\"",
                "x.toml:20: unknown clock \"new\"\nhint: known are continue, restart",
            ),
            (
                ", step = 8, optimizer_state = 1",
                "x.toml:20: `start.optimizer_state` must be true or false, not 1",
            ),
            (
                ", step = 8, seed = 2",
                "x.toml:20: seed 2 is read from experiment \"trunk\", which doesn't have it\nhint: a seed that it has",
            ),
            (
                ", stpe = 8",
                "x.toml:20: experiment \"trunk\" has no parameter `stpe`; did you mean `step`?\nhint: it varies learning_rate",
            ),
            (
                ", step = 8, seeds = 2",
                "x.toml:20: experiment \"trunk\" has no parameter `seeds`\nhint: `seed` chooses one, and the run's own is read \
                 without",
            ),
        ],
    );
}

#[test]
fn what_does_not_fit_its_trunk_is_refused_with_the_way_out() {
    each_has_the_error(
        |lines| branch(&format!("{lines}\nstart = {{ {TRUNK}, step = 8 }}")),
        &[
            ("", "nothing"),
            ("loss = \"huber\"", "nothing"),
            ("optimizer = \"adamw\"", "nothing"),
            ("schedule = \"cosine\"", "nothing"),
            ("batch_size = 8", "nothing"),
            (
                "hidden = [5]",
                "x.toml:21: the network here is another than that of experiment \"trunk\": `dense0.weight` isn't the same in \
                 both\nhint: training begins with the weights of a network of the same layers",
            ),
            (
                "hidden = [4, 4]",
                "x.toml:21: the network here is another than that of experiment \"trunk\": `dense1.weight` isn't the same in \
                 both\nhint: training begins with the weights of a network of the same layers",
            ),
            (
                "optimizer = \"lion\"",
                "x.toml:21: the optimiser here has no use for the state of the optimiser of experiment \"trunk\", which is \
                 another\nhint: start.optimizer_state = false",
            ),
            (
                "steps = 8",
                "x.toml:21: training begins at step 8, and its budget of 8 steps, which counts from the beginning of \
                 \"trunk\", ends before it takes one\nhint: a larger budget, or start.clock = \"restart\"",
            ),
            (
                "prune = { experiment = \"trunk\", learning_rate = 0.1, fraction = 0.5 }",
                "x.toml:20: `prune` is given beside `start`, and both say with which weights training begins\nhint: \
                 `prune.rewind = 1000` begins with those after step 1000 of the run that it names",
            ),
        ],
    );
    each_has_the_error(
        branch,
        &[
            (
                "start = { step = 8 }",
                "x.toml:20: `start` names no experiment\nhint: start = { experiment = \"batch-size\", batch_size = 64 }",
            ),
            (
                "start = \"trunk\"",
                "x.toml:20: `start` is a table with the keys step, epoch, optimizer_state, clock, seed",
            ),
            (
                "start = { experiment = \"trunk\", step = 8 }",
                "x.toml:20: experiment \"trunk\" has 2 different runs that fit here\nhint: learning_rate still varies there: { experiment = \"trunk\", learning_rate = 0.1 } means one of them",
            ),
            (
                "start = { experiment = \"trunc\", step = 8 }",
                "x.toml:20: there is no experiment \"trunc\"; did you mean \"trunk\"?\nhint: the experiments are trunk, branch",
            ),
        ],
    );
}

#[test]
fn states_are_asked_for_once() {
    each_has_the_error(
        |lines| function(&format!("hidden = [2]\nsteps = 100\n{lines}")),
        &[
            (
                "record = { states_at = [1], states_every = 2 }",
                "x.toml:10: `record.states_at` is given beside `record.states_every`, and both say when states are kept\nhint: \
                 take one of the two out",
            ),
            (
                "record.states_at = 5",
                "x.toml:10: `record.states_at` must be a list, not 5\nhint: without `record.states_at` its default holds",
            ),
            (
                "record.states_at = [1, -2]",
                "x.toml:10: each item of `record.states_at` must be a whole number from 0 to 1000000000, not -2\nhint: without \
                 `record.states_at` its default holds",
            ),
        ],
    );
}

#[test]
fn branches_of_branches_are_found_in_whatever_order_they_stand() {
    let twig = format!(
        "record.states_at = [20]\nstart = {{ {TRUNK}, step = 8 }}\n\n[[experiment]]\nid = \"twig\"\nkind = \"fit-function\"\n\
         start = {{ experiment = \"branch\", step = 20 }}\n[[experiment]]\nid = \"line\"\nkind = \"interpolate\"\n\
         from = {{ experiment = \"twig\" }}\nto = {{ experiment = \"branch\" }}"
    );
    let text = branch(&twig);
    let plan = planned(&text);
    let ids = |name: &str| of(&plan, name).iter().map(|task| task.id).collect::<Vec<_>>();
    for ((twig, branch), line) in of(&plan, "twig").iter().zip(ids("branch")).zip(of(&plan, "line")) {
        assert_eq!(twig.spec.inputs["start"], branch);
        assert_eq!((line.spec.inputs["from"], line.spec.inputs["to"]), (twig.id, branch));
        assert_eq!(line.id, line.spec.id());
    }
    // The same in the opposite order of the file.
    let (head, experiments) = text.split_once("\n\n[[experiment]]").unwrap();
    let mut parts: Vec<String> =
        experiments.split("[[experiment]]").map(|part| format!("[[experiment]]{part}\n")).collect();
    parts.reverse();
    let reversed = planned(&format!("{head}\n{}", parts.concat()));
    let all = |plan: &SweepPlan| plan.tasks.iter().map(|task| task.id).collect::<BTreeSet<_>>();
    assert_eq!(all(&plan), all(&reversed));
}

#[test]
fn circles_are_refused() {
    let experiment = |id: &str, of: &str| {
        format!(
            "[[experiment]]\nid = \"{id}\"\nkind = \"fit-function\"\nstart = {{ experiment = \"{of}\", step = 8 }}\n\
             record.states_at = [8]\n"
        )
    };
    let text = |experiments: &[(&str, &str)]| {
        let head = branch("start = { experiment = \"trunk\", step = 0, learning_rate = 0.1 }");
        let more: String = experiments.iter().map(|(id, of)| experiment(id, of)).collect();
        format!("{head}{more}")
    };
    let error = |experiments: &[(&str, &str)]| shown(&plan(&source(&text(experiments))).unwrap_err());
    assert_eq!(
        error(&[("a", "a")]),
        "x.toml:24: runs begin with one another in a circle: \"a\", which begins with \"a\"\nhint: one of them has to begin by \
         itself"
    );
    assert_eq!(
        error(&[("a", "b"), ("b", "c"), ("c", "a")]),
        "x.toml:24: runs begin with one another in a circle: \"b\", which begins with \"c\", which begins with \"a\", which \
         begins with \"b\"\nhint: one of them has to begin by itself"
    );
}

#[test]
fn a_state_before_a_branch_began_is_one_of_its_trunk() {
    let error = branch(&format!(
        "record.states_every = {{ steps = 3 }}\nstart = {{ {TRUNK}, step = 8 }}\n[[experiment]]\nid = \"twig\"\nkind = \"fit-function\"\n\
         start = {{ experiment = \"branch\", step = 6 }}"
    ));
    assert_eq!(
        super::error_of(&error),
        "x.toml:25: runs of experiment \"branch\" begin at step 8 themselves, after step 6\nhint: the experiment that they begin \
         with has the earlier ones"
    );
}

#[test]
fn steps_of_branches_may_vary_and_be_overridden() {
    let text =
        branch(&format!("start = {{ {TRUNK} }}\ngrid = {{ start.step = [0, 8], seed.order = [5, 6] }}"));
    let plan = planned(&text);
    let steps: Vec<_> =
        of(&plan, "branch").iter().map(|task| settings(task).start.unwrap().step.unwrap()).collect();
    assert_eq!(steps, [0, 0, 0, 0, 8, 8, 8, 8]);
    assert_eq!(of(&plan, "branch")[7].point["start.step"].to_string(), "8");
    let refused =
        super::plan(&with_overrides(&text, &["experiment.branch.grid.start.step=[0, 9]"])).unwrap_err();
    assert!(shown(&refused).contains("doesn't keep its state after step 9"), "{}", shown(&refused));
}

#[test]
fn the_steps_of_an_epoch_are_those_of_the_data() {
    let text = "name = \"x\"\n[defaults]\ndata.name = \"mine\"\nmodel.dense = [4]\nbatch_size = 8\nepochs = 4\n[[experiment]]\n\
                id = \"trunk\"\nkind = \"classify\"\nrecord.states_every = 1\n[[experiment]]\nid = \"branch\"\nkind = \"classify\"\n\
                start = { experiment = \"trunk\", epoch = 2 }";
    let digests: Datasets =
        [("mine".parse().unwrap(), crate::digest::Digest::of(b"mine"))].into_iter().collect();
    let file = SweepFile::parse(&source(text)).unwrap();
    assert_eq!(
        shown(&file.expand(&digests, 100).unwrap_err()),
        "x.toml:14: the steps of an epoch of experiment \"trunk\" aren't known, since its data set isn't there\nhint: start.step = \
         1000"
    );
    let shapes = planned(
        &text.replace("\"mine\"", "\"shapes\"").replace("epochs = 4", "epochs = 4\ndata.train_limit = 80"),
    );
    assert_eq!(settings(of(&shapes, "branch")[0]).start.unwrap().step, Some(20));
}
