//! `basin bench probes`: how fast evaluations and probes are, against training steps of the same network.

use std::time::Duration;

use basin_worker::bench::{
    Machine, PROBED, PassRow, RunPass, Windows, pass_throughput, peak_gflops_in_double,
};
use serde_json::{Value, json};

use super::machine::MACHINE_BUDGET;
use crate::command_error::{CommandError, CommandResult, OrFail};
use crate::output::{Output, table};

/// How long products in double precision are measured.
const DOUBLE_BUDGET: Duration = Duration::from_secs(2);

/// The peaks of a machine, in 10⁹ operations a second.
#[derive(Debug, Clone, Copy)]
struct Peaks {
    single: f64,
    double: f64,
}

impl Peaks {
    /// The share of the peak in the row's own precision.
    fn share(self, row: &PassRow, pass: RunPass) -> f64 {
        row.gflops / if pass.is_double() { self.double } else { self.single }
    }
}

/// Measures every pass of every network, and prints them.
pub(super) fn probes(threads: usize, windows: Windows, output: Output) -> CommandResult {
    basin_worker::keep_freed_memory();
    basin_worker::set_threads(threads).or_input(format!("cannot use {threads} threads"))?;
    let single = Machine::measured(threads, MACHINE_BUDGET).gflops;
    let peaks = Peaks { single, double: peak_gflops_in_double(threads, DOUBLE_BUDGET) };
    output.say(&format!(
        "a large matrix product: {:.0} GFLOP/s, in double precision {:.0}",
        peaks.single, peaks.double
    ));
    let (mut lines, mut rows) = (Vec::new(), Vec::new());
    for widths in PROBED {
        for pass in RunPass::ALL {
            let row = pass_throughput(widths, pass, windows).or_basin("cannot measure")?;
            let line = line(&row, peaks.share(&row, pass));
            output.say(&line.join("  "));
            rows.push(value(&row, peaks.share(&row, pass))?);
            lines.push(line);
        }
    }
    let header = ["network", "pass", "precision", "at a time", "examples a second", "GFLOP/s", "of peak"];
    let text = format!(
        "{}GFLOP/s count the products of the layers' definition, twice; the peak is that of a product in the pass's precision, {:.0} or {:.0}\n",
        table(&header, &lines),
        peaks.single,
        peaks.double
    );
    let value = json!({
        "basin": env!("CARGO_PKG_VERSION"), "code_path": basin_worker::code_path(), "threads": threads,
        "peak_gflops": peaks.single.round(), "peak_gflops_in_double": peaks.double.round(), "rows": rows,
    });
    output.result(&value, &text)
}

fn line(row: &PassRow, share: f64) -> Vec<String> {
    let [first, second, hidden] = row.widths;
    vec![
        format!("({first}, {second}), {hidden}"),
        row.pass.to_owned(),
        row.precision.to_owned(),
        row.examples.to_string(),
        format!("{:.0}", row.examples_per_s),
        format!("{:.1}", row.gflops),
        format!("{share:.2}"),
    ]
}

fn value(row: &PassRow, share: f64) -> Result<Value, CommandError> {
    let mut value = serde_json::to_value(row).or_basin("cannot measure")?;
    value["examples_per_s"] = json!(row.examples_per_s.round());
    value["gflops"] = json!((row.gflops * 10.0).round() / 10.0);
    value["share_of_peak"] = json!((share * 1000.0).round() / 1000.0);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_is_held_against_the_peak_of_its_own_precision() {
        let row = PassRow {
            widths: [16, 32, 64],
            pass: "trace",
            precision: "f64",
            examples: 250,
            examples_per_s: 1234.4,
            gflops: 20.04,
        };
        let peaks = Peaks { single: 400.0, double: 200.0 };
        assert!((peaks.share(&row, RunPass::Trace) - 0.1002).abs() < 1e-12);
        assert!((peaks.share(&row, RunPass::Evaluation) - 0.0501).abs() < 1e-12);
        let expected = ["(16, 32), 64", "trace", "f64", "250", "1234", "20.0", "0.10"];
        assert_eq!(line(&row, 0.1002), expected);
        let value = value(&row, 0.1002).unwrap();
        assert_eq!((&value["share_of_peak"], &value["gflops"]), (&json!(0.1), &json!(20.0)));
        assert_eq!(value["pass"], "trace");
    }
}
