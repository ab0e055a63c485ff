//! The sizes of a plan's networks, as `basin plan` prints them.

use std::collections::BTreeMap;

use basin_coordinator::launch::PreparedSweep;
use basin_domain::network::Graph;
use basin_domain::value::Value;
use serde_json::json;

use super::output::table;

/// Networks that are printed as text, at most; JSON has them all.
const MOST_PRINTED: usize = 40;

/// A network of a plan: an experiment, those of its coordinates that choose the network, and its size.
#[derive(Debug, PartialEq)]
pub(super) struct NetworkSize {
    experiment: String,
    point: BTreeMap<String, Value>,
    parameters: u64,
    /// Of a forward pass of one example.
    flops: u64,
    /// Of all intermediate results of one example.
    activation_bytes: u64,
}

/// The networks of a plan, in the order of the file, each once an experiment. A network whose data set isn't known is left out.
pub(super) fn sizes(prepared: &PreparedSweep) -> Vec<NetworkSize> {
    let mut sizes: Vec<NetworkSize> = Vec::new();
    for task in prepared.plan.runs() {
        let chooses =
            |name: &str| name.starts_with("model.") || ["hidden", "activation", "data.name"].contains(&name);
        let point: BTreeMap<String, Value> = task
            .point
            .iter()
            .filter(|(name, _)| chooses(name))
            .map(|(n, v)| (n.clone(), v.clone()))
            .collect();
        let experiment = task.experiment.to_string();
        let known = |size: &NetworkSize| size.experiment == experiment && size.point == point;
        if sizes.iter().rev().take_while(|size| size.experiment == experiment).any(known) {
            continue;
        }
        let contents = task.spec.contents(|dataset| prepared.stored_contents(dataset));
        if let Ok(Some(graph)) = task.spec.experiment.graph(contents.as_ref()) {
            sizes.push(NetworkSize::of(experiment, point, &graph));
        }
    }
    sizes
}

impl NetworkSize {
    fn of(experiment: String, point: BTreeMap<String, Value>, graph: &Graph) -> Self {
        Self {
            experiment,
            point,
            parameters: graph.parameter_count(),
            flops: graph.flops(),
            activation_bytes: graph.activation_bytes(),
        }
    }

    /// The size for programs.
    pub(super) fn json(&self) -> serde_json::Value {
        json!({ "experiment": self.experiment, "point": self.point, "parameters": self.parameters,
            "forward_flops": self.flops, "activation_bytes": self.activation_bytes })
    }

    fn cells(&self) -> Vec<String> {
        let point: Vec<String> = self.point.iter().map(|(name, value)| format!("{name} {value}")).collect();
        let megaflops = self.flops as f64 / 1e6;
        let megaflops = if megaflops < 10.0 { format!("{megaflops:.3}") } else { format!("{megaflops:.1}") };
        vec![self.experiment.clone(), point.join(", "), self.parameters.to_string(), megaflops]
    }
}

/// The sizes as a table; empty if there are none.
pub(super) fn text(sizes: &[NetworkSize]) -> String {
    if sizes.is_empty() {
        return String::new();
    }
    let rows: Vec<Vec<String>> = sizes.iter().take(MOST_PRINTED).map(NetworkSize::cells).collect();
    let rest = match sizes.len().saturating_sub(MOST_PRINTED) {
        0 => String::new(),
        more => format!("and {more} networks more: --json has them all\n"),
    };
    let header = ["network of", "point", "parameters", "MFLOP an example, forward"];
    format!("\n{}{rest}", table(&header, &rows))
}
