//! `basin bench`: the measurements that the README and docs quote.

use std::path::Path;
use std::time::Duration;

use basin_worker::bench::{
    ARCHITECTURES, BATCHES, DENSE, LANES, POINTS, Row, Windows, fit_throughput, lanes_throughput,
    train_throughput,
};
use serde_json::Value;

use super::arguments::Bench;
use super::failure::{Done, Failed, OrFail};
use super::output::{Output, table};

/// Dispatches.
pub(super) async fn bench(arguments: Bench, output: Output) -> Done {
    match arguments {
        Bench::Train { threads, seconds, windows, compare } => {
            let length = super::worker::seconds("--seconds", seconds)?;
            let reference = compare.as_deref().map(read_reference).transpose()?;
            let windows = Windows { count: windows.max(1), length: length.max(Duration::from_millis(1)) };
            tokio::task::spawn_blocking(move || train(threads, windows, reference.as_ref(), output))
                .await
                .or_basin("the measurement crashed")?
        }
    }
}

/// The other program's rows.
fn read_reference(path: &Path) -> Result<Value, Failed> {
    let what = format!("cannot compare with {}", path.display());
    let text = std::fs::read_to_string(path).or_input(what.clone())?;
    // A program that prints a remark before its JSON is forgiven.
    let start = text.find('{').unwrap_or(0);
    serde_json::from_str(&text[start..]).or_input(what)
}

/// What identifies a row: all of it but the measured figure.
fn identity(row: &Value) -> Value {
    let mut row = row.clone();
    if let Some(fields) = row.as_object_mut() {
        fields.retain(|key, _| !key.ends_with("_per_s"));
    }
    row
}

fn figure(row: &Value) -> Option<f64> {
    row.as_object()?.iter().find(|(key, _)| key.ends_with("_per_s"))?.1.as_f64()
}

fn train(threads: usize, windows: Windows, reference: Option<&Value>, output: Output) -> Done {
    // The kernels' pool is the process's: its size is set once, before the first operation.
    basin_worker::keep_freed_memory();
    basin_worker::set_threads(threads).or_input(format!("cannot use {threads} threads"))?;
    let mut rows = Vec::new();
    let mut measure = |row: Result<Row, basin_worker::ExperimentError>| -> Result<(), Failed> {
        let row = serde_json::to_value(row.or_basin("cannot measure")?).or_basin("cannot measure")?;
        output.say(&line(&row, reference).join("  "));
        rows.push(row);
        Ok(())
    };
    for [first, second, hidden] in ARCHITECTURES {
        for batch in BATCHES {
            measure(train_throughput(&[first, second], &[hidden], batch, windows))?;
        }
    }
    for hidden in DENSE {
        measure(fit_throughput(hidden, POINTS, windows))?;
        measure(lanes_throughput(hidden, POINTS, LANES, windows))?;
    }
    let mut text = table(
        &["work", "batch", "per second", "ratio"],
        &rows.iter().map(|row| line(row, reference)).collect::<Vec<_>>(),
    );
    let ratios: Vec<f64> =
        rows.iter().filter(|row| row["work"] == "cnn").filter_map(|row| ratio(row, reference)).collect();
    if !ratios.is_empty() {
        let mean = (ratios.iter().map(|ratio| ratio.ln()).sum::<f64>() / ratios.len() as f64).exp();
        let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
        text.push_str(&format!(
            "geometric mean of the convolutional rows' ratios {mean:.2}, least {least:.2}\n"
        ));
    }
    let value = serde_json::json!({
        "basin": env!("CARGO_PKG_VERSION"), "code_path": basin_worker::code_path(), "threads": threads, "rows": rows,
    });
    output.result(&value, &text);
    Ok(())
}

/// This program's figure over the other's, for the same work.
fn ratio(row: &Value, reference: Option<&Value>) -> Option<f64> {
    let rows = reference?.get("rows")?.as_array()?;
    let other = rows.iter().find(|other| identity(other) == identity(row))?;
    Some(figure(row)? / figure(other)?)
}

fn line(row: &Value, reference: Option<&Value>) -> Vec<String> {
    let list = |key: &str| match row.get(key).and_then(Value::as_array) {
        Some(items) => items.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
        None => String::new(),
    };
    let work = match row["work"].as_str() {
        Some("cnn") => format!("cnn ({}) ({})", list("conv"), list("dense")),
        other => format!("{} ({})", other.unwrap_or_default(), list("hidden")),
    };
    let batch = row.get("batch").or_else(|| row.get("points")).map(ToString::to_string).unwrap_or_default();
    let per_second = figure(row).map(|figure| format!("{figure:.0}")).unwrap_or_default();
    let ratio = ratio(row, reference).map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}"));
    vec![work, batch, per_second, ratio]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_ratio_is_taken_with_the_row_of_the_same_work() {
        let row = json!({ "work": "cnn", "conv": [8, 8], "dense": [8], "batch": 64, "images_per_s": 300 });
        let reference = json!({ "rows": [
            { "work": "cnn", "conv": [8, 8], "dense": [8], "batch": 512, "images_per_s": 1 },
            { "work": "cnn", "conv": [8, 8], "dense": [8], "batch": 64, "images_per_s": 100 },
        ]});
        assert_eq!(ratio(&row, Some(&reference)), Some(3.0));
        assert_eq!(ratio(&row, None), None);
    }
}
