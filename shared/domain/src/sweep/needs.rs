//! `needs`: what an experiment needs of a worker.

use super::check;
use super::problem::Problem;
use super::tree::{Node, Tree};
use crate::placement::{Bytes, Needs};

/// The devices that can be needed.
const DEVICES: [(&str, &str); 2] = [("cpu", "cpu"), ("cuda", "cuda")];

/// Reads `{ device = "cuda", memory = "8GiB", labels = { zone = "a" } }`.
pub(super) fn read(node: &Node) -> Result<Needs, Problem> {
    let table = node.table("needs")?;
    table.only(&["device", "memory", "labels"], " in `needs`")?;
    let device = table.get("device").map(|node| check::one_of("device", DEVICES)("`needs.device`", node));
    let memory = table.get("memory").map(|node| {
        let bytes: Result<Bytes, _> = node.text("needs.memory")?.parse();
        bytes.map(|bytes| bytes.0).map_err(|error| Problem::new(node.at, error.to_string()))
    });
    let mut needs = Needs {
        device: device.transpose()?.map(str::to_owned),
        memory: memory.transpose()?,
        ..Needs::default()
    };
    if let Some(labels) = table.get("labels") {
        for (key, value) in &labels.table("needs.labels")?.0 {
            let Tree::Text(text) = &value.value else {
                return Err(Problem::new(value.at, format!("the label `{key}` must be a text, not {value}")));
            };
            needs.labels.insert(key.clone(), text.clone());
        }
    }
    Ok(needs)
}
