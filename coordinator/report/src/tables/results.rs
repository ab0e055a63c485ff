//! The results: a row a task, in plan order.

use std::collections::BTreeSet;

use basin_domain::experiment::StopReason;
use basin_domain::experiment::series::{self, ValueRange};
use basin_domain::metrics::{Axis, Outcome};
use basin_domain::value::Value;
use basin_storage::table::{Column, Table};

use super::parameters;
use crate::endings;
use crate::runs::{Run, RunState};

/// The table of results as CSV and the page have it: task, experiment, a column a varied parameter, seed, outcome, how a run of `critical-point` ended, the iteration of a divergence, where a rule
/// stopped a run and which if one did, epochs, iterations, and the last value of every series that is against epochs or iterations, and every single number.
pub(crate) fn results(runs: &[Run]) -> Table {
    table(columns(runs, parameter, |_, values| Column::Float(values)))
}

/// The same with all parameters that the runs ran with: what is varied in types that hold lists, too, then, after all else, what is the
/// same for all runs of an experiment. Counts are whole numbers.
pub(crate) fn results_with_parameters(runs: &[Run]) -> Table {
    let mut columns = columns(runs, parameters::varied, |name, values| {
        let declared = series::find(name, []).is_some_and(|declared| declared.range == ValueRange::Count);
        if declared || name == "iterations" { counts(values) } else { Column::Float(values) }
    });
    for (name, column) in parameters::fixed(runs) {
        columns.push((free_name(&columns, &name, "parameter"), column));
    }
    table(columns)
}

fn table(columns: Vec<(String, Column)>) -> Table {
    Table::new(columns).expect("every column has a row a run and a name of its own")
}

/// Counts as whole numbers, as long as that is what they are.
fn counts(values: Vec<Option<f64>>) -> Column {
    let is_count = |value: &f64| value.fract() == 0.0 && (0.0..9e15).contains(value);
    if values.iter().flatten().all(is_count) {
        Column::Integer(values.into_iter().map(|value| value.map(|value| value as i64)).collect())
    } else {
        Column::Float(values)
    }
}

fn columns(
    runs: &[Run],
    parameter: fn(&[Run], &str) -> Column,
    numbers: fn(&str, Vec<Option<f64>>) -> Column,
) -> Vec<(String, Column)> {
    let mut columns = vec![
        column("task", Column::Text(of(runs, |run| Some(run.task.id.to_string())))),
        column("experiment", Column::Text(of(runs, |run| Some(run.task.experiment.to_string())))),
    ];
    let parameters: BTreeSet<&String> = runs.iter().flat_map(|run| run.task.point.keys()).collect();
    for name in parameters.into_iter().filter(|name| *name != "seed") {
        columns.push((free_name(&columns, name, "parameter"), parameter(runs, name)));
    }
    let mut own = vec![
        column("seed", Column::Unsigned(of(runs, |run| Some(run.task.spec.seed)))),
        column("outcome", Column::Text(of(runs, |run| Some(run.outcome().to_owned())))),
        column("diverged_at", Column::Unsigned(of(runs, diverged_at))),
        column("epochs", Column::Float(of(runs, |run| last_x(run, Axis::Epoch)))),
        column("iterations", numbers("iterations", of(runs, |run| last_x(run, Axis::Iteration)))),
    ];
    if runs.iter().any(|run| stopped(run).is_some()) {
        let rule = |run: &Run| stopped(run).map(|(_, rule)| rule.as_str().to_owned());
        let at = |run: &Run| stopped(run).map(|(iteration, _)| iteration);
        own.insert(3, column("stopped_at", Column::Unsigned(of(runs, at))));
        own.insert(4, column("stopped_by", Column::Text(of(runs, rule))));
    }
    let ending = |run: &Run| endings::of(run.metrics()?).map(|(name, _)| name.to_owned());
    if runs.iter().any(|run| ending(run).is_some()) {
        own.insert(2, column("ending", Column::Text(of(runs, ending))));
    }
    for (name, column) in own {
        columns.push((free_name(&columns, &name, "run"), column));
    }
    let series: BTreeSet<(&String, Axis)> = runs
        .iter()
        .filter_map(Run::metrics)
        .flat_map(|metrics| metrics.series.iter().map(|(name, series)| (name, series.axis)))
        .filter(|(_, axis)| matches!(axis, Axis::Epoch | Axis::Iteration | Axis::Once))
        .collect();
    for (name, axis) in series {
        let value = |run: &Run| {
            let series = run.metrics()?.series.get(name).filter(|series| series.axis == axis)?;
            series.points.last().map(|point| point.1)
        };
        columns.push((free_name(&columns, name, axis.as_str()), numbers(name, of(runs, value))));
    }
    columns
}

fn column(name: &str, column: Column) -> (String, Column) {
    (name.to_owned(), column)
}

fn of<T>(runs: &[Run], value: impl Fn(&Run) -> Option<T>) -> Vec<Option<T>> {
    runs.iter().map(value).collect()
}

/// `name`, with `prefix` before it as often as it takes to differ from the names of `columns`.
fn free_name(columns: &[(String, Column)], name: &str, prefix: &str) -> String {
    let mut free = name.to_owned();
    while columns.iter().any(|(taken, _)| *taken == free) {
        free = format!("{prefix}.{free}");
    }
    free
}

/// A parameter's values in the narrowest type that holds them all.
fn parameter(runs: &[Run], name: &str) -> Column {
    let value = |run: &Run| run.task.point.get(name).cloned();
    let all = |is: fn(&Value) -> bool| runs.iter().filter_map(value).all(|value| is(&value));
    if all(|value| matches!(value, Value::Integer(_))) {
        Column::Integer(of(runs, |run| match value(run)? {
            Value::Integer(number) => Some(number),
            Value::Boolean(_) | Value::Float(_) | Value::Text(_) | Value::List(_) => None,
        }))
    } else if all(|value| value.as_f64().is_some()) {
        Column::Float(of(runs, |run| value(run)?.as_f64()))
    } else if all(|value| matches!(value, Value::Boolean(_))) {
        Column::Boolean(of(runs, |run| match value(run)? {
            Value::Boolean(truth) => Some(truth),
            Value::Integer(_) | Value::Float(_) | Value::Text(_) | Value::List(_) => None,
        }))
    } else {
        Column::Text(of(runs, |run| Some(value(run)?.to_string())))
    }
}

fn diverged_at(run: &Run) -> Option<u64> {
    match &run.state {
        RunState::Committed { commit, .. } => match commit.outcome {
            Outcome::Diverged { iteration } => Some(iteration),
            Outcome::Completed | Outcome::Stopped { .. } => None,
        },
        RunState::Missing | RunState::Failed(_) | RunState::Unreadable { .. } => None,
    }
}

/// The step at which a rule stopped the run, and the rule.
fn stopped(run: &Run) -> Option<(u64, StopReason)> {
    match &run.state {
        RunState::Committed { commit, .. } => match commit.outcome {
            Outcome::Stopped { iteration, rule } => Some((iteration, rule)),
            Outcome::Completed | Outcome::Diverged { .. } => None,
        },
        RunState::Missing | RunState::Failed(_) | RunState::Unreadable { .. } => None,
    }
}

fn last_x(run: &Run, axis: Axis) -> Option<f64> {
    let series = run.metrics()?.series.values().filter(|series| series.axis == axis);
    series.filter_map(|series| series.points.last()).map(|point| point.0).reduce(f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;
    use crate::tables::csv;

    #[test]
    fn a_row_a_task_in_plan_order_with_gaps_where_nothing_is_known() {
        let runs = samples::functions(5);
        let text = csv::table(&results(&runs[18..]));
        let id = |run: usize| runs[run].task.id;
        assert_eq!(
            text,
            format!(
                "task,experiment,function,hidden,seed,outcome,diverged_at,epochs,iterations,parameters,train_loss\n\
                 {},functions,cube,\"[32, 32, 32]\",3,diverged,123,123,,2209,NaN\n\
                 {},functions,cube,\"[32, 32, 32]\",4,missing,,,,,\n",
                id(18),
                id(19)
            )
        );
    }

    #[test]
    fn a_run_that_a_rule_stopped_says_where_and_which_and_is_averaged() {
        let mut runs = samples::functions(3);
        let RunState::Committed { commit, .. } = &mut runs[0].state else { panic!("it is committed") };
        commit.outcome = Outcome::Stopped { iteration: 40, rule: StopReason::TrainLossBelow };
        let text = csv::table(&results(&runs[..3]));
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].contains("outcome,diverged_at,stopped_at,stopped_by,epochs"), "{}", lines[0]);
        assert!(lines[1].contains(",stopped,,40,train_loss_below,"), "{}", lines[1]);
        assert!(lines[2].contains(",completed,,,,"), "{}", lines[2]);
        let counts = crate::runs::Counts::of(&runs[..3]);
        assert_eq!((counts.completed, counts.stopped), (3, 1));
        assert!(runs[0].measured().is_ok() && runs[0].completed().is_some());
    }

    #[test]
    fn a_search_for_critical_points_says_how_it_ended() {
        let mut runs = samples::points::critical_points(2);
        samples::measure(&mut runs[0], |record| record.set("certified_saddle", 1.0));
        let text = csv::table(&results(&runs));
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].contains("seed,outcome,ending,diverged_at"), "{}", lines[0]);
        assert!(lines[1].contains(",0,completed,certified_saddle,,"), "{}", lines[1]);
        assert!(lines[2].contains(",1,completed,,,"), "{}", lines[2]);
    }

    #[test]
    fn with_parameters_there_are_all_that_a_run_ran_with_in_types_of_their_own() {
        let mut runs = samples::functions(1);
        runs.extend(samples::images(1, 10));
        let table = results_with_parameters(&runs);
        let column = |name: &str| table.column(name).unwrap_or_else(|| panic!("no column {name}"));
        let Column::Integers(hidden) = column("hidden") else { panic!("{:?}", column("hidden")) };
        assert_eq!((&hidden[0], &hidden[4]), (&Some(vec![32, 64]), &None));
        assert!(matches!(column("parameters"), Column::Integer(counts) if counts[0] == Some(2241)));
        assert!(matches!(column("iterations"), Column::Integer(counts) if counts[4] == Some(10)));
        assert!(
            matches!(column("batch_size"), Column::Integer(sizes) if sizes[0] == Some(32) && sizes[4] == Some(64))
        );
        assert!(matches!(column("optimizer.learning_rate"), Column::Float(rates) if rates[0] == Some(1e-3)));
        let Column::Integers(conv) = column("model.conv") else { panic!("{:?}", column("model.conv")) };
        assert_eq!((&conv[0], &conv[4]), (&None, &Some(vec![12, 32])));
        assert!(matches!(column("interval"), Column::Floats(ends) if ends[0] == Some(vec![-3.0, 3.0])));
        // The columns of the CSV come first, under the same names.
        let names =
            |table: &Table| -> Vec<String> { table.columns().iter().map(|(name, _)| name.clone()).collect() };
        assert!(names(&table).starts_with(&names(&results(&runs))));
        assert_eq!(Table::decode(&table.encode()).unwrap(), table);
    }

    #[test]
    fn results_hold_neither_hosts_nor_workers_nor_attempts() {
        let text = csv::table(&results(&samples::functions(5)));
        assert!(["node-7", "worker-1", "lease-1", "avx512"].iter().all(|word| !text.contains(word)));
    }

    #[test]
    fn a_parameter_that_is_called_like_a_column_gets_a_name_of_its_own() {
        let mut runs = samples::functions(1);
        for run in &mut runs {
            run.task.point.insert("task".to_owned(), Value::Integer(7));
            run.task.point.insert("outcome".to_owned(), Value::Float(0.5));
        }
        let table = results(&runs);
        let names: Vec<&str> = table.columns().iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names[..8],
            ["task", "experiment", "function", "hidden", "outcome", "parameter.task", "seed", "run.outcome"]
        );
    }
}
