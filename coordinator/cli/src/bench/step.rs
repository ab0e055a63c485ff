//! `basin bench step`: where the time of a training step goes, and what an update inside the gradient's last pass could save of it.

use basin_domain::optimizer::{Clipping, Optimizer};
use basin_worker::bench::{Machine, StepParts, StepRow, Windows, measured_steps, step_parts};
use serde_json::{Value, json};

use super::machine::{MACHINE_BUDGET, memory};
use crate::command_error::{CommandError, CommandResult, OrFail};
use crate::output::{Output, table};

/// The bound on the gradient's norm, where one is asked for: what is measured doesn't depend on it.
const BOUND: Clipping = Clipping::Norm { bound: 1.0 };

/// The optimiser of this name, with a bound on the gradient's norm or without.
pub(super) fn optimizer(name: &str, clips: bool) -> Optimizer {
    let plain = match name {
        "sgd" => Optimizer::sgd(1e-2, 0.9, 0.0),
        _ => Optimizer::adam(1e-3),
    };
    Optimizer { clipping: clips.then_some(BOUND), ..plain }
}

/// Measures the parts of every step by this optimiser, and prints them.
pub(super) fn step(threads: usize, by: &Optimizer, windows: Windows, output: Output) -> CommandResult {
    basin_worker::keep_freed_memory();
    basin_worker::set_threads(threads).or_input(format!("cannot use {threads} threads"))?;
    let machine = Machine::measured(threads, MACHINE_BUDGET);
    output.say(&format!("memory: {}", memory(&machine)));
    let (mut lines, mut rows) = (Vec::new(), Vec::new());
    for work in measured_steps() {
        let row = step_parts(work, by, windows).or_basin("cannot measure")?;
        let line = line(&row, &machine);
        output.say(&line.join("  "));
        rows.push(value(&row, &machine)?);
        lines.push(line);
    }
    let header = [
        "network",
        "batch",
        "µs a step",
        "forward",
        "loss",
        "backward",
        "norm",
        "update",
        "of roof",
        "fused at most",
    ];
    let text = format!(
        "{}shares of the step, in percent; of roof: norm and update, as a share of what memory ({}) allows\n\
         fused at most: what an update where each gradient becomes final could save, if memory alone took time\n",
        table(&header, &lines),
        memory(&machine)
    );
    let value = json!({
        "basin": env!("CARGO_PKG_VERSION"), "code_path": basin_worker::code_path(), "threads": threads,
        "optimizer": by.rule.name(), "clips_norm": by.clipping.is_some(), "rows": rows,
    });
    output.result(&value, &text)
}

/// Norm and update as a share of the roof.
fn share_of_roof(row: &StepRow, machine: &Machine) -> f64 {
    let StepParts { norm, update, .. } = row.seconds;
    row.least_update_seconds(machine) / (norm + update)
}

fn line(row: &StepRow, machine: &Machine) -> Vec<String> {
    let list = |widths: &[u32]| widths.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let network = if row.conv.is_empty() {
        format!("dense ({})", list(&row.dense))
    } else {
        format!("({}), {}", list(&row.conv), list(&row.dense))
    };
    let StepParts { forward, loss, backward, norm, update } = row.seconds;
    let total = row.seconds.total();
    let percent = |share: f64| format!("{:.1}", 100.0 * share);
    let parts = [forward, loss, backward, norm, update].map(|seconds| percent(seconds / total));
    let first = [network, row.batch.to_string(), format!("{:.1}", total * 1e6)];
    let last = [percent(share_of_roof(row, machine)), percent(row.saved_at_most())];
    first.into_iter().chain(parts).chain(last).collect()
}

fn value(row: &StepRow, machine: &Machine) -> Result<Value, CommandError> {
    let mut value = serde_json::to_value(row).or_basin("cannot measure")?;
    value["update_share_of_roof"] = json!((share_of_roof(row, machine) * 1000.0).round() / 1000.0);
    value["fused_saves_at_most"] = json!((row.saved_at_most() * 10_000.0).round() / 10_000.0);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use basin_worker::bench::MemoryLevel;

    use super::*;

    #[test]
    fn parts_are_shares_of_the_step_and_the_pass_of_the_optimiser_is_held_against_memory() {
        let row = StepRow {
            conv: vec![8, 16],
            dense: vec![32],
            batch: 64,
            parameters: 1_000_000,
            accumulators: 2.0,
            seconds: StepParts { forward: 0.002, loss: 0.001, backward: 0.003, norm: 0.001, update: 0.003 },
        };
        // Eight times 4 MB at 16 GB/s: two milliseconds.
        let memory = MemoryLevel { name: "memory", capacity: u64::MAX, gigabytes_per_s: 16.0 };
        let machine = Machine { threads: 2, gflops: 100.0, levels: vec![memory] };
        let expected =
            ["(8, 16), 32", "64", "10000.0", "20.0", "10.0", "30.0", "10.0", "30.0", "50.0", "15.0"];
        assert_eq!(line(&row, &machine), expected);
        let value = value(&row, &machine).unwrap();
        assert_eq!((&value["update_share_of_roof"], &value["batch"]), (&json!(0.5), &json!(64)));
        let dense = StepRow { conv: vec![], ..row };
        assert_eq!(line(&dense, &machine)[0], "dense (32)");
    }

    #[test]
    fn optimisers_are_known_by_their_names() {
        assert_eq!(optimizer("sgd", false).rule.name(), "sgd");
        assert_eq!(optimizer("adam", true).rule.name(), "adam");
        assert_eq!(
            (optimizer("adam", true).clipping, optimizer("adam", false).clipping),
            (Some(BOUND), None)
        );
    }
}
