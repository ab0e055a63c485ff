//! Runs as Weights & Biases keeps them where it has no network: a folder a run, in it the log that `wandb sync` sends.

mod history;
mod log;
mod records;

use basin_domain::id::{SweepId, SweepName};
use basin_domain::utc::Utc;
use prost::Message;
use serde_json::{Map, Value, json};

use self::history::rows;
use self::log::Log;
use self::records::{
    Config, Exit, Header, History, Item, Metric, MetricOptions, Record, Run, Step, Summary, Timestamp,
    Version,
};
use super::exported_file::ExportedFile;
use super::exported_run::ExportedRun;
use super::exported_sweep::ExportedSweep;
use super::notes::ExportNotes;
use crate::figures::names;

/// The oldest version of the program that can read these records.
const OLDEST_READER: &str = "0.16.0";

/// A log for each run. All are of the project that is called as the sweep is.
pub(super) fn files<'a>(sweep: ExportedSweep<'a>, _: &mut ExportNotes) -> Vec<ExportedFile<'a>> {
    sweep.runs.iter().map(|run| file(sweep.id, sweep.name, run)).collect()
}

fn file<'a>(sweep: &'a SweepId, project: &'a SweepName, run: &'a ExportedRun<'_>) -> ExportedFile<'a> {
    // `2026-11-24T17:05:00Z` as 20261124_170500.
    let begun = Utc::from_unix(run.started_unix_ms / 1000).to_string();
    let begun: String = begun.replace('T', "_").chars().filter(|c| c.is_ascii_digit() || *c == '_').collect();
    let name = format!("offline-run-{begun}-{id}/run-{id}.wandb", id = run.id);
    ExportedFile::of_bytes(name, move || {
        let mut log = Log::default();
        for (num, record) in (1..).zip(records_of(sweep, project, run)) {
            log.append(&Record { num, ..record }.encode_to_vec());
        }
        log.into_bytes()
    })
}

/// The records of a run, without their numbers.
fn records_of(sweep: &SweepId, project: &SweepName, run: &ExportedRun<'_>) -> Vec<Record> {
    let version = Version {
        producer: format!("basin {}", env!("CARGO_PKG_VERSION")),
        min_consumer: OLDEST_READER.to_owned(),
    };
    let mut records = vec![
        Record { header: Some(Header { version_info: Some(version) }), ..Record::default() },
        Record { run: Some(begun(sweep, project, run)), ..Record::default() },
    ];
    let (axes, rows) = rows(&run.series);
    let axis_of = |name: &str| axes.iter().find(|axis| axis.series.contains(name));
    for axis in &axes {
        records.push(metric(&axis.key, None));
    }
    for series in &run.series {
        records.push(metric(&series.name, axis_of(&series.name).map(|axis| axis.key.as_str())));
    }
    for (num, row) in (0..).zip(&rows) {
        let own = [
            ("_step", json!(num)),
            ("_timestamp", json!(run.finished())),
            ("_runtime", json!(run.seconds())),
        ];
        let own = own.into_iter().map(|(name, value)| Item::new(name, value.to_string()));
        let measured = row.iter().map(|(name, value)| Item::new(name, number(*value)));
        let history = History { item: own.chain(measured).collect(), step: Some(Step { num }) };
        records.push(Record { history: Some(history), ..Record::default() });
    }
    records.push(Record { summary: Some(summary(run)), ..Record::default() });
    let exit = Exit { exit_code: 0, runtime: run.seconds() as i32 };
    records.push(Record { exit: Some(exit), ..Record::default() });
    records
}

fn begun(sweep: &SweepId, project: &SweepName, run: &ExportedRun<'_>) -> Run {
    let task = &run.run.task;
    let update = config(sweep, run).into_iter().map(|(name, value)| Item::new(&name, value.to_string()));
    Run {
        run_id: run.id.clone(),
        project: project.to_string(),
        config: Some(Config { update: update.collect() }),
        run_group: run.point.clone(),
        job_type: task.experiment.to_string(),
        display_name: run.name.clone(),
        tags: vec![run.run.outcome().to_owned()],
        start_time: Some(Timestamp {
            seconds: (run.started_unix_ms / 1000) as i64,
            nanos: (run.started_unix_ms % 1000) as i32 * 1_000_000,
        }),
    }
}

/// What a run ran with, in tables as the program shows them. The sweep's own names of what it varies stand beside, where they are free,
/// and whence the run comes.
fn config(sweep: &SweepId, run: &ExportedRun<'_>) -> Map<String, Value> {
    let task = &run.run.task;
    let mut config = match names::parameters_of(&task.spec.experiment) {
        Value::Object(parameters) => parameters,
        other => Map::from_iter([("parameters".to_owned(), other)]),
    };
    let mut add = |name: &str, value: Value| {
        config.entry(name).or_insert(value);
    };
    for (name, value) in task.point.iter().filter(|(name, _)| !name.contains('.')) {
        add(name, json!(value));
    }
    add("experiment", json!(task.experiment.as_str()));
    add("seed", json!(task.spec.seed));
    let of_basin = json!({
        "sweep": sweep.as_str(), "experiment": task.experiment.as_str(), "point": run.point, "seed": task.spec.seed,
        "task": task.id.to_string(), "outcome": run.run.outcome(),
    });
    config.insert("basin".to_owned(), of_basin);
    config
}

/// How a series is drawn: against that of its axis.
fn metric(name: &str, axis: Option<&str>) -> Record {
    let metric = Metric {
        name: name.to_owned(),
        step_metric: axis.unwrap_or_default().to_owned(),
        options: Some(MetricOptions { step_sync: axis.is_some(), defined: true }),
    };
    Record { metric: Some(metric), ..Record::default() }
}

/// The last value of everything.
fn summary(run: &ExportedRun<'_>) -> Summary {
    let last = run.series.iter().filter_map(|series| {
        let (_, value) = series.points.last()?;
        Some(Item::new(&series.name, number(*value)))
    });
    let numbers = run.numbers.iter().map(|(name, value)| Item::new(name, number(*value)));
    let own = [("_timestamp", run.finished()), ("_runtime", run.seconds())];
    let own = own.map(|(name, value)| Item::new(name, number(value)));
    Summary { update: last.chain(numbers).chain(own).collect() }
}

/// A number in the program's JSON, which has those that aren't finite.
fn number(value: f64) -> String {
    if value.is_finite() {
        json!(value).to_string()
    } else if value.is_nan() {
        "NaN".to_owned()
    } else if value > 0.0 {
        "Infinity".to_owned()
    } else {
        "-Infinity".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    fn records(run: usize) -> Vec<Record> {
        let runs = samples::functions(5);
        let exported = ExportedRun::all(&runs);
        let (sweep, name) = (SweepId::new("homework-0123456789"), SweepName::new("homework"));
        let (sweep, name) = (sweep.unwrap(), name.unwrap());
        let file = file(&sweep, &name, &exported[run]);
        let id = &exported[run].id;
        assert_eq!(file.name, format!("offline-run-20231114_221320-{id}/run-{id}.wandb"));
        let mut bytes = Vec::new();
        (file.write)(&mut bytes).unwrap();
        log::read_all(&bytes).iter().map(|record| Record::decode(&record[..]).unwrap()).collect()
    }

    fn value<'a>(items: &'a [Item], name: &str) -> Option<&'a str> {
        items.iter().find(|item| item.key == name).map(|item| item.value_json.as_str())
    }

    #[test]
    fn a_log_has_the_run_its_axes_every_point_and_the_end() {
        let records = records(0);
        assert!(records.iter().zip(1..).all(|(record, num)| record.num == num));
        let run = records[1].run.as_ref().unwrap();
        assert_eq!((run.project.as_str(), run.job_type.as_str()), ("homework", "functions"));
        assert_eq!(run.run_group, "functions function=sin hidden=[32,64]");
        let config = &run.config.as_ref().unwrap().update;
        assert_eq!(value(config, "hidden"), Some("[32,64]"));
        assert!(value(config, "optimizer").unwrap().contains("\"learning_rate\":0.001"));
        assert_eq!(value(config, "seed"), Some("0"));
        assert!(value(config, "basin").unwrap().contains("\"sweep\":\"homework-0123456789\""));
        let metrics: Vec<_> = records.iter().filter_map(|record| record.metric.as_ref()).collect();
        let drawn = |name: &str| {
            metrics.iter().find(|metric| metric.name == name).map(|metric| metric.step_metric.as_str())
        };
        assert_eq!(
            [drawn("epoch"), drawn("train_loss"), drawn("target")],
            [Some(""), Some("epoch"), Some("input")]
        );
        let rows: Vec<_> = records.iter().filter_map(|record| record.history.as_ref()).collect();
        // 601 epochs, and 201 inputs of prediction and target.
        assert_eq!(rows.len(), 601 + 201);
        assert_eq!(value(&rows[600].item, "epoch"), Some("600.0"));
        assert_eq!(value(&rows[601].item, "input"), Some("-3.0"));
        assert!(value(&rows[601].item, "target").is_some() && value(&rows[601].item, "prediction").is_some());
        let last = records[records.len() - 2].summary.as_ref().unwrap();
        assert_eq!(value(&last.update, "parameters"), Some("2241.0"));
        assert_eq!(value(&last.update, "train_loss"), value(&rows[600].item, "train_loss"));
        assert_eq!(records.last().unwrap().exit.as_ref().unwrap().runtime, 12);
    }

    #[test]
    fn numbers_that_are_not_finite_are_said_as_the_program_reads_them() {
        assert_eq!(
            [number(f64::NAN), number(f64::INFINITY), number(f64::NEG_INFINITY), number(1e-7)],
            ["NaN", "Infinity", "-Infinity", "1e-7"]
        );
    }
}
