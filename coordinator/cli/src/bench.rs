//! `basin bench`: the measurements that the README and docs quote.

mod machine;
mod probes;
mod step;

use std::path::Path;
use std::time::Duration;

use basin_worker::ExperimentError;
use basin_worker::bench::{
    BenchRow, DENSE, FURTHER, LANES, Machine, POINTS, Windows, experiment_g, families, family_throughput,
    fit_throughput, lanes_throughput, train_throughput,
};
use serde_json::{Value, json};

use self::machine::{MACHINE_BUDGET, memory};
use super::arguments::{Bench, MeasuredRows};
use super::command_error::{CommandError, CommandResult, OrFail};
use super::output::{Output, table};

/// Dispatches.
pub(super) async fn bench(arguments: Bench, output: Output) -> CommandResult {
    match arguments {
        Bench::Train { threads, seconds, windows, compare, kernels } => {
            super::worker::force_code_path(&kernels)?;
            let reference = compare.as_deref().map(read_reference).transpose()?;
            let windows = windows_of(windows, seconds)?;
            measured(move || train(threads, windows, reference.as_ref(), output)).await
        }
        Bench::Step { threads, optimizer, clip_norm, rows } => {
            let windows = prepared(&rows)?;
            let by = step::optimizer(&optimizer, clip_norm);
            measured(move || step::step(threads, &by, windows, output)).await
        }
        Bench::Probes { threads, rows } => {
            let windows = prepared(&rows)?;
            measured(move || probes::probes(threads, windows, output)).await
        }
    }
}

/// Takes the instructions that were asked for, and gives the windows.
fn prepared(rows: &MeasuredRows) -> Result<Windows, CommandError> {
    super::worker::force_code_path(&rows.kernels)?;
    windows_of(rows.windows, rows.seconds)
}

fn windows_of(count: u32, seconds: f64) -> Result<Windows, CommandError> {
    let length = super::worker::seconds("--seconds", seconds)?;
    Ok(Windows { count: count.max(1), length: length.max(Duration::from_millis(1)) })
}

/// Measures on a thread that may be busy for long.
async fn measured(measure: impl FnOnce() -> CommandResult + Send + 'static) -> CommandResult {
    tokio::task::spawn_blocking(measure).await.or_basin("the measurement crashed")?
}

/// The other program's rows.
fn read_reference(path: &Path) -> Result<Value, CommandError> {
    let what = format!("cannot compare with {}", path.display());
    let text = std::fs::read_to_string(path).or_input(what.clone())?;
    // A program that prints a remark before its JSON is forgiven.
    let start = text.find('{').unwrap_or(0);
    serde_json::from_str(&text[start..]).or_input(what)
}

/// The identity of a row: all of it but the figures. Rows of a program that knows one kernel and one size of images, or calls
/// networks that train at once by another name, are understood.
fn identity(row: &Value) -> Value {
    let mut row = row.clone();
    if let Some(fields) = row.as_object_mut() {
        fields.retain(|key, _| !key.ends_with("_per_s") && !FIGURES.contains(&key.as_str()));
        if fields.get("work").is_some_and(|work| work == "cnn") {
            fields.entry("image").or_insert_with(|| json!([3, 32, 32]));
            fields.entry("kernel").or_insert_with(|| json!(3));
        }
        if fields.get("work").is_some_and(|work| work == "dense-vmap") {
            fields.insert("work".to_owned(), json!("dense"));
        }
    }
    row
}

/// The fields that are computed from a row's figure.
const FIGURES: [&str; 4] = ["gflops", "share_of_peak", "roof", "share_of_roof"];

fn figure(row: &Value) -> Option<f64> {
    row.as_object()?.iter().find(|(key, _)| key.ends_with("_per_s"))?.1.as_f64()
}

fn train(threads: usize, windows: Windows, reference: Option<&Value>, output: Output) -> CommandResult {
    // The kernels' pool is the process's: its size is set once, before the first operation.
    basin_worker::keep_freed_memory();
    basin_worker::set_threads(threads).or_input(format!("cannot use {threads} threads"))?;
    let machine = Machine::measured(threads, MACHINE_BUDGET);
    let peak = machine.gflops;
    output.say(&format!("a large matrix product: {peak:.0} GFLOP/s; {}", memory(&machine)));
    let measure = |row: Result<BenchRow, ExperimentError>| -> Result<Value, CommandError> {
        let row = row.or_basin("cannot measure")?;
        let (gflops, roof, per_s) = (row.gflops(), row.roof(&machine), row.per_s());
        let mut row = serde_json::to_value(row).or_basin("cannot measure")?;
        row["gflops"] = json!((gflops * 10.0).round() / 10.0);
        row["share_of_peak"] = json!((gflops / peak * 1000.0).round() / 1000.0);
        row["roof"] = json!(roof.round());
        row["share_of_roof"] = json!((per_s / roof * 1000.0).round() / 1000.0);
        output.say(&line(&row, reference).join("  "));
        Ok(row)
    };
    let measure_all = |work: &mut dyn Iterator<Item = Result<BenchRow, ExperimentError>>| {
        work.map(measure).collect::<Result<Vec<_>, _>>()
    };
    let twenty = measure_all(&mut experiment_g().map(|work| train_throughput(work, windows)))?;
    let further = measure_all(&mut FURTHER.into_iter().map(|work| train_throughput(work, windows)))?;
    let known = measure_all(&mut families().into_iter().map(|work| family_throughput(work, windows)))?;
    let dense = measure_all(&mut DENSE.into_iter().map(|hidden| fit_throughput(hidden, POINTS, windows)))?;
    let lanes =
        measure_all(&mut DENSE.into_iter().map(|hidden| lanes_throughput(hidden, POINTS, LANES, windows)))?;

    let compared = [("experiment G", &twenty), ("the further shapes", &further), ("the families", &known)];
    let ratios = compared.map(|(name, rows)| {
        let ratios = rows.iter().filter_map(|row| ratio(row, reference));
        (name, Ratios::of(&ratios.collect::<Vec<_>>()))
    });
    let rows = [twenty, further, known, dense, lanes].concat();
    let mut text = table(
        &["work", "batch", "per second", "GFLOP/s", "of peak", "of roof", "ratio"],
        &rows.iter().map(|row| line(row, reference)).collect::<Vec<_>>(),
    );
    text.push_str(&format!(
        "GFLOP/s count 2 (3 Σp − p₁) operations an image or point, for layers of p₁, p₂, … products; peak {peak:.0}\n\
         the roof is what arithmetic and memory ({}) allow\n",
        memory(&machine)
    ));
    for (name, ratios) in &ratios {
        if let Some(Ratios { rows, geometric_mean, least }) = ratios {
            text.push_str(&format!(
                "geometric mean of the {rows} ratios of {name} {geometric_mean:.2}, least {least:.2}\n"
            ));
        }
    }
    let value = json!({
        "basin": env!("CARGO_PKG_VERSION"), "code_path": basin_worker::code_path(), "threads": threads,
        "peak_gflops": peak.round(), "rows": rows,
        "memory": machine.levels.iter().map(|level| json!({
            "level": level.name, "gigabytes_per_s": level.gigabytes_per_s.round(),
            "bytes": (level.capacity < u64::MAX).then_some(level.capacity),
        })).collect::<Vec<_>>(),
        "ratios": ratios.map(|(name, ratios)| ratios.map(|it| json!({
            "of": name, "rows": it.rows, "geometric_mean": it.geometric_mean, "least": it.least,
        }))).into_iter().flatten().collect::<Vec<_>>(),
    });
    output.result(&value, &text)
}

/// Some rows' ratios in short.
#[derive(Debug, PartialEq)]
struct Ratios {
    rows: usize,
    geometric_mean: f64,
    least: f64,
}

impl Ratios {
    fn of(ratios: &[f64]) -> Option<Self> {
        let least = ratios.iter().copied().reduce(f64::min)?;
        let mean = ratios.iter().map(|ratio| ratio.ln()).sum::<f64>() / ratios.len() as f64;
        Some(Self { rows: ratios.len(), geometric_mean: mean.exp(), least })
    }
}

/// This program's figure over the other's, for the same work.
fn ratio(row: &Value, reference: Option<&Value>) -> Option<f64> {
    let rows = reference?.get("rows")?.as_array()?;
    let other = rows.iter().find(|other| identity(other) == identity(row))?;
    Some(figure(row)? / figure(other)?)
}

fn line(row: &Value, reference: Option<&Value>) -> Vec<String> {
    let list = |key: &str, between: &str| match row.get(key).and_then(Value::as_array) {
        Some(items) => items.iter().map(ToString::to_string).collect::<Vec<_>>().join(between),
        None => String::new(),
    };
    let work = match row["work"].as_str() {
        Some("cnn") => {
            format!(
                "cnn ({}) ({}) of {}, kernel {}",
                list("conv", ","),
                list("dense", ","),
                list("image", "×"),
                row["kernel"]
            )
        }
        Some("family") => row["network"].as_str().unwrap_or_default().to_owned(),
        other => format!("{} ({}), runs {}", other.unwrap_or_default(), list("hidden", ","), row["runs"]),
    };
    let batch = row.get("batch").or_else(|| row.get("points")).map(ToString::to_string).unwrap_or_default();
    let number = |key: &str, digits: usize| match row.get(key).and_then(Value::as_f64) {
        Some(number) => format!("{number:.digits$}"),
        None => String::new(),
    };
    let per_second = figure(row).map(|figure| format!("{figure:.0}")).unwrap_or_default();
    let ratio = ratio(row, reference).map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}"));
    vec![
        work,
        batch,
        per_second,
        number("gflops", 1),
        number("share_of_peak", 2),
        number("share_of_roof", 2),
        ratio,
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn cnn(batch: u32, figure: u32) -> Value {
        json!({ "work": "cnn", "conv": [8, 8], "dense": [8], "image": [3, 32, 32], "kernel": 3, "batch": batch,
            "images_per_s": figure })
    }

    #[test]
    fn a_ratio_is_taken_with_the_row_of_the_same_work() {
        let mut row = cnn(64, 300);
        row["gflops"] = json!(1.5);
        row["share_of_peak"] = json!(0.1);
        let reference = json!({ "rows": [cnn(512, 1), cnn(64, 100)] });
        assert_eq!(ratio(&row, Some(&reference)), Some(3.0));
        assert_eq!(ratio(&row, None), None);
    }

    #[test]
    fn rows_of_another_kernel_another_image_or_another_number_of_runs_are_other_work() {
        let reference = json!({ "rows": [
            cnn(64, 100),
            { "work": "dense", "hidden": [32, 64], "points": 128, "runs": 1, "steps_per_s": 10 },
            { "work": "dense-vmap", "hidden": [32, 64], "points": 128, "runs": 100, "steps_per_s": 40 },
        ]});
        for (key, value) in [("kernel", json!(5)), ("image", json!([1, 28, 28])), ("dense", json!([8, 8]))] {
            let mut other = cnn(64, 300);
            other[key] = value;
            assert_eq!(ratio(&other, Some(&reference)), None, "{key}");
        }
        let dense = |runs: u32| {
            let row = json!({ "work": "dense", "hidden": [32, 64], "points": 128, "runs": runs, "steps_per_s": 80 });
            ratio(&row, Some(&reference))
        };
        assert_eq!((dense(1), dense(100), dense(7)), (Some(8.0), Some(2.0), None));
    }

    #[test]
    fn a_reference_that_names_neither_image_nor_kernel_means_those_of_experiment_g() {
        let reference = json!({ "rows": [{ "work": "cnn", "conv": [8, 8], "dense": [8], "batch": 64, "images_per_s": 100 }] });
        assert_eq!(ratio(&cnn(64, 300), Some(&reference)), Some(3.0));
    }

    #[test]
    fn ratios_have_a_geometric_mean_and_a_least_one_if_there_are_any() {
        let ratios = Ratios::of(&[2.0, 8.0]).unwrap();
        assert!((ratios.geometric_mean - 4.0).abs() < 1e-12);
        assert_eq!((ratios.rows, ratios.least), (2, 2.0));
        assert_eq!(Ratios::of(&[]), None);
    }
}
