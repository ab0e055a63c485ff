//! `needs`: what an experiment needs of a worker.

use super::check;
use super::error::LocatedError;
use super::toml_value::{Node, TomlValue};
use crate::placement::{ByteSize, Requirements};

/// The devices that can be needed.
const DEVICES: [(&str, &str); 2] = [("cpu", "cpu"), ("cuda", "cuda")];

/// Reads `{ device = "cuda", memory = "8GiB", labels = { zone = "a" } }`.
pub(super) fn read(node: &Node) -> Result<Requirements, LocatedError> {
    let table = node.table("needs")?;
    table.only(&["device", "memory", "labels"], " in `needs`")?;
    let device = table.get("device").map(|node| check::one_of("device", DEVICES)("`needs.device`", node));
    let memory = table.get("memory").map(|node| {
        let bytes: Result<ByteSize, _> = node.text("needs.memory")?.parse();
        bytes.map(|bytes| bytes.0).map_err(|error| LocatedError::new(node.at, error.to_string()))
    });
    let mut needs = Requirements {
        device: device.transpose()?.map(str::to_owned),
        memory: memory.transpose()?,
        ..Requirements::default()
    };
    if let Some(labels) = table.get("labels") {
        for (key, value) in &labels.table("needs.labels")?.0 {
            let TomlValue::Text(text) = &value.value else {
                return Err(LocatedError::new(
                    value.at,
                    format!("the label `{key}` must be a text, not {value}"),
                ));
            };
            needs.labels.insert(key.clone(), text.clone());
        }
    }
    Ok(needs)
}
