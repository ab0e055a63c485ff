//! Experiments of kind `command`: any parameters, typed as they are written; a name and never a path.

use super::*;
use crate::experiment::{Command, Experiment};

/// A sweep of a command with these lines, which begin on line 5.
fn command(lines: &str) -> String {
    format!("name = \"c\"\n[[experiment]]\nid = \"c\"\nkind = \"command\"\n{lines}\n")
}

fn commands(plan: &SweepPlan) -> Vec<&Command> {
    plan.tasks
        .iter()
        .map(|task| match &task.spec.experiment {
            Experiment::Command(command) => command,
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn parameters_of_any_name_are_kept_with_their_types_and_vary_like_others() {
    let plan = planned(&command(
        "command = \"train\"\nversion = \"2\"\nseeds = 2\nparameters = { width = 32, model = { depth = 2, names = [\"a\", \"b\"] } }\n\
         grid = { parameters.rate = [0.1, 1.0], \"parameters.fast\" = [true, false] }",
    ));
    assert_eq!(plan.tasks.len(), 8);
    let json = |index: usize| commands(&plan)[index].parameters_json();
    let model = "\"model\":{\"depth\":2,\"names\":[\"a\",\"b\"]}";
    assert_eq!(json(0), format!("{{\"fast\":true,{model},\"rate\":0.1,\"width\":32}}"));
    assert_eq!(json(7), format!("{{\"fast\":false,{model},\"rate\":1.0,\"width\":32}}"));
    let point = &plan.tasks[7].point;
    assert_eq!(point["parameters.rate"].to_string(), "1");
    assert_eq!(point["parameters.fast"].to_string(), "false");
    let set = with_overrides(
        &command("command = \"train\"\nparameters = { width = 32 }"),
        &["parameters.width=64"],
    );
    assert_eq!(commands(&super::plan(&set).unwrap())[0].parameters_json(), "{\"width\":64}");
}

#[test]
fn a_tasks_id_depends_on_name_parameters_seed_and_version_and_not_on_what_is_recorded() {
    let id = |lines: &str| planned(&command(lines)).tasks[0].id;
    let plain = id("command = \"train\"");
    assert_eq!(plain, id("command = \"train\"\nrecords = { loss = \"epoch\", size = \"once\" }"));
    assert_eq!(plain, id("command = \"train\"\nparameters = {}"));
    let others = [
        "command = \"eval\"",
        "command = \"train\"\nversion = \"2\"",
        "command = \"train\"\nparameters.a = 1",
        "command = \"train\"\nparameters.a = 1.0",
        "command = \"train\"\nseeds = [1]",
    ];
    let mut ids: Vec<_> = others.into_iter().map(id).chain([plain]).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), others.len() + 1);
    assert_eq!(
        planned(&command("command = \"train\"")).tasks[0].spec.canonical(),
        r#"{"experiment":{"kind":"command","command":"train"},"version":1,"seed":0}"#
    );
}

#[test]
fn a_worker_must_allow_the_command_whatever_else_is_needed() {
    let plan = planned(&command("command = \"train\"\nneeds = { labels = { zone = \"a\" } }"));
    let needs = plan.needs.values().next().unwrap();
    assert_eq!(needs.commands().collect::<Vec<_>>(), ["train"]);
    assert_eq!(needs.labels["zone"], "a");
}

#[test]
fn what_the_program_records_can_be_drawn_once_the_file_says_so() {
    let figure = "[[figure]]\nkind = \"curves\"\nexperiment = \"c\"\ny = [\"loss\"]";
    let recorded = format!("command = \"train\"\nrecords = {{ loss = \"epoch\" }}\n{figure}");
    assert_eq!(planned(&command(&recorded)).figures.len(), 1);
    each_has_the_error(
        command,
        &[(
            &format!("command = \"train\"\n{figure}"),
            "x.toml:9: experiment \"c\" doesn't record \"loss\"\nhint: records = { loss = \"epoch\" } says that the program \
             records it",
        )],
    );
}
