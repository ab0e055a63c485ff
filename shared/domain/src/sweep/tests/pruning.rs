//! Rounds of pruning.

use std::collections::BTreeMap;

use super::{each_has_the_error, planned};
use crate::experiment::{PruneBy, PruneScope, Pruning, Rewind};
use crate::sweep::SweepPlan;
use crate::task::Task;

/// A dense run of 40 steps, and one that is pruned with these lines, which begin on line 19.
fn pruned(lines: &str) -> String {
    format!(
        "name = \"x\"\n[defaults]\nfunction = \"sin\"\ninterval = [-3, 3]\nhidden = [4]\npoints = 16\nbatch_size = 4\nepochs = 10\n\
         seeds = 2\n\n[[experiment]]\nid = \"dense\"\nkind = \"fit-function\"\nrecord.states_at = [0, 8]\n\n[[experiment]]\n\
         id = \"tickets\"\nkind = \"fit-function\"\n{lines}\n"
    )
}

fn of<'a>(plan: &'a SweepPlan, experiment: &'a str) -> Vec<&'a Task> {
    plan.tasks.iter().filter(|task| task.experiment.as_str() == experiment).collect()
}

fn pruning(task: &Task) -> Pruning {
    task.spec.experiment.training().unwrap().prune.unwrap()
}

const ROUNDS: &str =
    "prune = { experiment = \"dense\", fraction = 0.2, rewind = 8 }\ngrid = { prune.round = [1, 2, 3] }";

#[test]
fn each_round_reads_the_one_before_and_the_run_that_was_not_pruned() {
    let plan = planned(&pruned(ROUNDS));
    let dense = of(&plan, "dense");
    let tickets = of(&plan, "tickets");
    assert_eq!(tickets.len(), 6);
    for task in &tickets {
        let (seed, round) = (task.spec.seed, pruning(task).round);
        let dense = dense.iter().find(|dense| dense.spec.seed == seed).unwrap().id;
        let before = match round {
            1 => dense,
            _ => {
                let is_before = |it: &&&Task| it.spec.seed == seed && pruning(it).round == round - 1;
                tickets.iter().find(is_before).unwrap().id
            }
        };
        let expected = [("trained".to_owned(), before), ("rewound".to_owned(), dense)];
        assert_eq!(task.spec.inputs, BTreeMap::from(expected), "round {round}");
        assert_eq!(task.id, task.spec.id());
        assert_eq!(task.spec.experiment.numbers(), ["parameters", "final_train_loss", "remaining_weights"]);
    }
}

#[test]
fn rounds_that_are_not_rewound_read_no_earlier_weights() {
    for (word, rewind) in [("trained", Rewind::Trained), ("redrawn", Rewind::Redrawn)] {
        let plan = planned(&pruned(&ROUNDS.replace("rewind = 8", &format!("rewind = \"{word}\""))));
        for task in of(&plan, "tickets") {
            assert_eq!(pruning(task).rewind, rewind);
            assert_eq!(task.spec.inputs.keys().collect::<Vec<_>>(), ["trained"]);
        }
    }
}

#[test]
fn what_is_not_said_of_pruning_has_its_meaning() {
    let plan = planned(&pruned("prune = { experiment = \"dense\", fraction = 0.5 }"));
    let expected = Pruning {
        round: 1,
        fraction: 0.5,
        by: PruneBy::Magnitude,
        scope: PruneScope::Global,
        rewind: Rewind::Step(0),
    };
    assert_eq!(pruning(of(&plan, "tickets")[0]), expected);
    let plan = planned(&pruned(
        "prune = { experiment = \"dense\", fraction = 0.5, by = \"random\", scope = \"layer\", rewind = 8 }",
    ));
    let expected =
        Pruning { by: PruneBy::Random, scope: PruneScope::Layer, rewind: Rewind::Step(8), ..expected };
    assert_eq!(pruning(of(&plan, "tickets")[0]), expected);
}

#[test]
fn rounds_stay_among_the_runs_that_differ_in_nothing_else() {
    let plan = planned(&pruned(
        "prune = { experiment = \"dense\", fraction = 0.2 }\ngrid = { prune.by = [\"magnitude\", \"random\"], prune.round = [1, 2] }",
    ));
    let tickets = of(&plan, "tickets");
    for task in tickets.iter().filter(|task| pruning(task).round == 2) {
        let before = tickets.iter().find(|before| before.id == task.spec.inputs["trained"]).unwrap();
        assert_eq!((pruning(before).by, pruning(before).round), (pruning(task).by, 1));
    }
}

#[test]
fn a_ticket_may_be_branched_off_and_looked_at() {
    let plan = planned(&pruned(&format!(
        "{ROUNDS}\nrecord.states_at = [8]\n[[experiment]]\nid = \"branch\"\nkind = \"fit-function\"\n\
         start = {{ experiment = \"tickets\", prune.round = 3, step = 8 }}\n[[experiment]]\nid = \"line\"\nkind = \"interpolate\"\n\
         from = {{ experiment = \"branch\" }}\nto = {{ experiment = \"tickets\", prune.round = 3 }}\n"
    )));
    let third = of(&plan, "tickets").into_iter().find(|task| pruning(task).round == 3).unwrap().id;
    assert_eq!(of(&plan, "branch")[0].spec.inputs["start"], third);
    assert_eq!(of(&plan, "line")[0].spec.inputs["to"], third);
}

#[test]
fn rounds_that_cannot_be_are_refused_with_the_way_out() {
    each_has_the_error(
        |lines| pruned(&format!("prune = {{ experiment = \"dense\"{lines} }}")),
        &[
            (
                "",
                "x.toml:16: experiment \"tickets\" (fit-function) needs `prune.fraction`\nhint: prune = { experiment = \"dense\", \
                 fraction = 0.2 }",
            ),
            (", fraction = 1", "x.toml:19: `prune.fraction` must be a number above 0 and below 1, not 1"),
            (", fraction = 0", "x.toml:19: `prune.fraction` must be a number above 0 and below 1, not 0"),
            (
                ", fraction = 0.2, round = 0",
                "x.toml:19: `prune.round` must be a whole number from 1 to 100, not 0",
            ),
            (
                ", fraction = 0.2, round = 2",
                "x.toml:19: round 2 of experiment \"tickets\" prunes what round 1 trained, which it doesn't have\nhint: \
                 grid.prune.round = [1, 2]",
            ),
            (
                ", fraction = 0.2, by = \"magnitud\"",
                "x.toml:19: unknown choice of weights \"magnitud\"; did you mean \"magnitude\"?\nhint: known are magnitude, random",
            ),
            (
                ", fraction = 0.2, scope = \"all\"",
                "x.toml:19: unknown scope \"all\"\nhint: known are global, layer",
            ),
            (
                ", fraction = 0.2, rewind = \"start\"",
                "x.toml:19: unknown rewinding \"start\"\nhint: a step of the run that `prune` names, \"trained\" or \"redrawn\"",
            ),
            (
                ", fraction = 0.2, rewind = 5",
                "x.toml:19: experiment \"dense\" doesn't keep its state after step 5\nhint: record.states_at = [0, 5, 8] in that \
                 experiment",
            ),
            (
                ", fraction = 0.2, hidden = [5]",
                "x.toml:19: experiment \"dense\" has no run with hidden = [5]\nhint: hidden is [4] there",
            ),
            (
                ", fracton = 0.2",
                "x.toml:16: experiment \"tickets\" (fit-function) needs `prune.fraction`\nhint: prune = { experiment = \"dense\", \
                 fraction = 0.2 }",
            ),
        ],
    );
    each_has_the_error(
        pruned,
        &[
            (
                "prune = { experiment = \"dense\", fraction = 0.2 }\ngrid = { prune.round = [1, 3] }",
                "x.toml:19: round 3 of experiment \"tickets\" prunes what round 2 trained, which it doesn't have\nhint: \
                 grid.prune.round = [1, 2, 3]",
            ),
            (
                "hidden = [4, 4]\nprune = { experiment = \"dense\", fraction = 0.2 }",
                "x.toml:20: the network here is another than that of experiment \"dense\": `dense1.weight` isn't the same in \
                 both\nhint: training begins with the weights of a network of the same layers",
            ),
            (
                "steps = 8\nprune = { experiment = \"dense\", fraction = 0.2, rewind = 8 }",
                "x.toml:20: training begins again at step 8, and its budget of 8 steps, which counts from the beginning of \
                 \"dense\", ends before it takes one\nhint: a larger budget, or a smaller `prune.rewind`",
            ),
        ],
    );
}
