//! Sweeps of Weights & Biases: the configuration that `wandb sweep` takes.

mod distribution;

use self::distribution::Parameter;
use super::imported_sweep::{Draw, Goal, ImportedSweep, Metric, Space, without_repetitions};
use super::naming::{Naming, stem};
use super::note::{ImportError, Note, Place};
use super::setting::Setting;
use super::yaml::{Node, Yaml};

/// So many points are drawn where the other program draws until somebody stops it.
pub(super) const DRAWN: u64 = 20;

/// What a sweep's command is if it doesn't say.
const USUAL_COMMAND: [&str; 5] = ["${env}", "${interpreter}", "${program}", "${args}", "${args_no_hyphens}"];

/// How points are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Grid,
    Random,
}

/// Reads a configuration.
pub(super) fn read(root: &Node, naming: &Naming) -> Result<ImportedSweep, ImportError> {
    let mut notes = Vec::new();
    let method = method(root, &mut notes)?;
    let Some(parameters) = root.get("parameters") else { return Err(ImportError::NoParameters) };
    let mut found = Found::default();
    read_parameters("", parameters, method, &mut found, &mut notes)?;
    let Found { fixed, draws } = found;
    if fixed.is_empty() && draws.is_empty() {
        return Err(ImportError::NoParameters);
    }
    let space = space(root, method, draws, &mut notes)?;
    let metric = metric(root, &mut notes);
    note_the_rest(root, &mut notes);
    let program = root.get("program").and_then(Node::text).map(str::to_owned);
    let own_name = root.get("name").and_then(Node::text).or_else(|| program.as_deref().map(stem));
    Ok(ImportedSweep {
        origin: format!("{}, a sweep of Weights & Biases", naming.source),
        description: root.get("description").and_then(Node::text).map(str::to_owned),
        name: naming.sweep(own_name),
        command: naming.command(program.as_deref().map(stem).or(own_name)),
        program,
        fixed,
        space,
        metric,
        notes,
    })
}

fn method(root: &Node, notes: &mut Vec<Note>) -> Result<Method, ImportError> {
    let Some(node) = root.get("method") else {
        return Err(ImportError::at(root.line, "it has no `method`"));
    };
    match node.text() {
        Some("grid") => Ok(Method::Grid),
        Some("random") => Ok(Method::Random),
        Some("bayes") => {
            let text = "points are drawn at random: which are run is known before the first has a result";
            notes.push(Note::changed(Place::Line(node.line), "method: bayes", text));
            Ok(Method::Random)
        }
        _ => Err(ImportError::at(node.line, "`method` is `grid`, `random` or `bayes`")),
    }
}

/// The parameters of a sweep, by dotted names: the fixed, and those that vary.
#[derive(Default)]
struct Found {
    fixed: Vec<(String, Setting)>,
    draws: Vec<(String, Draw)>,
}

fn read_parameters(
    within: &str,
    parameters: &Node,
    method: Method,
    found: &mut Found,
    notes: &mut Vec<Note>,
) -> Result<(), ImportError> {
    for (key, node) in parameters.entries() {
        let name = if within.is_empty() { key.clone() } else { format!("{within}.{key}") };
        if !matches!(node.value, Yaml::Table(_)) {
            return Err(ImportError::at(
                node.line,
                format!("`{name}` is no table with `value`, `values` or bounds"),
            ));
        }
        let place = Place::Line(node.line);
        if let Some((table, last)) = key.rsplit_once('.') {
            let text = format!("the program finds it as `{last}` in the table `{table}`");
            notes.push(Note::changed(place, name.clone(), text));
        }
        if let Some(nested) = node.get("parameters") {
            read_parameters(&name, nested, method, found, notes)?;
            continue;
        }
        match distribution::read(&name, node, method == Method::Grid, notes)? {
            Some(Parameter::Fixed(value)) => found.fixed.extend(value.leaves(&name)),
            Some(Parameter::Varied(draw)) => found.draws.push((name, draw)),
            None => {}
        }
    }
    Ok(())
}

fn space(
    root: &Node,
    method: Method,
    draws: Vec<(String, Draw)>,
    notes: &mut Vec<Note>,
) -> Result<Space, ImportError> {
    let cap = match root.get("run_cap") {
        Some(node) => match node.integer().and_then(|cap| u64::try_from(cap).ok()).filter(|cap| *cap > 0) {
            Some(cap) => Some((Place::Line(node.line), cap)),
            None => return Err(ImportError::at(node.line, "`run_cap` is a number of runs")),
        },
        None => None,
    };
    if method == Method::Grid {
        if let Some((place, cap)) = cap {
            notes.push(Note::left_out(place, "run_cap", format!("all points are run, not {cap}")));
        }
        let axes = draws.into_iter().filter_map(|(name, draw)| match draw {
            Draw::Choice(values) => {
                let distinct = without_repetitions(&values);
                if distinct.len() < values.len() {
                    let text = "values that were listed twice stand once";
                    notes.push(Note::changed(Place::Line(root.line), name.clone(), text));
                }
                Some((name, distinct))
            }
            // A grid is of lists: `distribution::read` has refused everything else.
            Draw::Uniform(..) | Draw::LogUniform(..) => None,
        });
        return Ok(Space::Grid(axes.collect()));
    }
    let place = cap.map_or(Place::Line(root.line), |(place, _)| place);
    let count = cap.map_or(DRAWN, |(_, cap)| cap);
    if cap.is_none() && !draws.is_empty() {
        let text = format!("{DRAWN} points are drawn, where agents go on until they are stopped");
        notes.push(Note::changed(place, "run_cap", text));
    }
    Ok(Space::Random { count, draws }.with_points_that_are_there(place, notes))
}

fn metric(root: &Node, notes: &mut Vec<Note>) -> Option<Metric> {
    let node = root.get("metric")?;
    let place = Place::Line(node.line);
    let goal = match node.get("goal").and_then(Node::text) {
        Some("maximize") => Goal::Maximize,
        _ => Goal::Minimize,
    };
    if let Some(target) = node.get("target") {
        let text = "no result ends the sweep";
        notes.push(Note::left_out(Place::Line(target.line), "metric.target", text));
    }
    let name = node.get("name").and_then(Node::text)?;
    let metric = Metric::new(name, goal);
    match &metric {
        Some(metric) if metric.name == name => {}
        Some(metric) => {
            let text = format!("it is called `{}` here: letters, digits and `_`", metric.name);
            notes.push(Note::changed(place, name, text));
        }
        None => notes.push(Note::left_out(place, name, "it is no name that a measure can have")),
    }
    metric
}

/// Notes the keys that sweep files have nothing for.
fn note_the_rest(root: &Node, notes: &mut Vec<Note>) {
    for (key, node) in root.entries() {
        let place = Place::Line(node.line);
        let text = match key.as_str() {
            "program" | "method" | "metric" | "parameters" | "name" | "description" | "run_cap" => continue,
            "command" => {
                note_command(node, notes);
                continue;
            }
            "early_terminate" => "runs aren't ended by comparison with others",
            "project" | "entity" => "whose runs they are is the store's matter",
            "job" | "imageuri" | "image_uri" => {
                "the program is what a worker's `--allow-command` names, which may start an image"
            }
            _ => "it isn't known",
        };
        notes.push(Note::left_out(place, key.clone(), text));
    }
    notes.sort_by_key(|note| note.place);
}

/// A command that gives the program more than its parameters.
fn note_command(node: &Node, notes: &mut Vec<Note>) {
    let words: Vec<&str> = node.list().unwrap_or_default().iter().filter_map(Node::text).collect();
    let is_usual = |word: &&str| USUAL_COMMAND.contains(word) || word.starts_with("python");
    let others: Vec<&str> = words.into_iter().filter(|word| !is_usual(word)).collect();
    if others.is_empty() {
        return;
    }
    let text = format!("the program gets no arguments: {}", others.join(" "));
    notes.push(Note::left_out(Place::Line(node.line), "command", text));
}

#[cfg(test)]
mod tests {
    use super::super::yaml;
    use super::*;

    fn imported(yaml: &str) -> Result<ImportedSweep, String> {
        let naming = Naming::of_file("sweep.yaml", None).unwrap();
        read(&yaml::parse(yaml).unwrap(), &naming).map_err(|error| error.to_string())
    }

    fn notes(yaml: &str) -> Vec<String> {
        imported(yaml).unwrap().notes.iter().map(Note::to_string).collect()
    }

    #[test]
    fn names_come_from_the_sweep_and_its_program() {
        let parameters = "method: grid\nparameters: {x: {values: [1, 2]}}\n";
        let named = imported(&format!("program: src/train me.py\nname: My sweep!\n{parameters}")).unwrap();
        assert_eq!((named.name.as_str(), named.command.as_str()), ("My-sweep", "train-me"));
        let of_program = imported(&format!("program: train.py\n{parameters}")).unwrap();
        assert_eq!(of_program.name.as_str(), "train");
        let of_file = imported(parameters).unwrap();
        assert_eq!((of_file.name.as_str(), of_file.command.as_str()), ("sweep", "sweep"));
    }

    #[test]
    fn nested_parameters_have_dotted_names() {
        let sweep = imported(
            "method: grid\nparameters:\n  model:\n    parameters:\n      depth: {values: [1, 2]}\n      kind: {value: mlp}\n  opt.lr: {value: 0.1}\n",
        )
        .unwrap();
        assert_eq!(sweep.space.names(), ["model.depth"]);
        let fixed: Vec<&str> = sweep.fixed.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(fixed, ["model.kind", "opt.lr"]);
        assert_eq!(
            sweep.notes.iter().map(Note::to_string).collect::<Vec<_>>(),
            ["line 7, `opt.lr`: the program finds it as `lr` in the table `opt`"]
        );
        assert!(sweep.is_complete());
    }

    #[test]
    fn what_has_no_counterpart_is_named_line_by_line() {
        let text = "method: bayes\nmetric: {name: val/loss, goal: minimize, target: 0.1}\nparameters:\n  x: {min: 0.0, max: 1.0}\nearly_terminate: {type: hyperband, min_iter: 3}\ncommand: ['${env}', python3, '${program}', --fast, '${args}']\nproject: p\n";
        assert_eq!(
            notes(text),
            [
                "line 1, `method: bayes`: points are drawn at random: which are run is known before the first has a result",
                "line 1, `run_cap`: 20 points are drawn, where agents go on until they are stopped",
                "line 2, `metric.target`: no result ends the sweep",
                "line 2, `val/loss`: it is called `val_loss` here: letters, digits and `_`",
                "line 5, `early_terminate`: runs aren't ended by comparison with others",
                "line 6, `command`: the program gets no arguments: --fast",
                "line 7, `project`: whose runs they are is the store's matter",
            ]
        );
    }

    #[test]
    fn no_more_points_are_drawn_than_there_are() {
        let sweep =
            imported("method: random\nrun_cap: 50\nparameters: {x: {values: [1, 2]}, y: {min: 1, max: 3}}\n");
        assert!(matches!(sweep.unwrap().space, Space::Random { count: 6, .. }));
    }

    #[test]
    fn what_is_no_sweep_is_an_error_with_its_line() {
        for (yaml, expected) in [
            ("parameters: {x: {value: 1}}", "line 1: it has no `method`"),
            ("method: grid\nparameters: {}", "it has no parameters"),
            ("method: grid", "it has no parameters"),
            ("method: walk\nparameters: {x: {value: 1}}", "line 1: `method` is `grid`, `random` or `bayes`"),
            ("method: grid\nparameters:\n  x: 3\n", "line 3: `x` is no table"),
            ("method: random\nrun_cap: many\nparameters: {x: {value: 1}}", "line 2: `run_cap`"),
        ] {
            let error = imported(yaml).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
