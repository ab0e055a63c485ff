//! The readers of what a command's program says and keeps.

use std::collections::HashMap;
use std::path::Path;

use basin_domain::digest::Digest;
use basin_domain::id::TaskId;
use basin_domain::metrics::Metrics;
use basin_experiments::ExperimentError;
use safetensors::SafeTensors;

use super::checkpoint::{self, DIGEST_LENGTH, NOTE, Note};
use super::line_reader::LineReader;
use super::program_message;
use super::record::Record;

/// Takes in the lines of a program out of the file `path`, which is written over with them; gives what was measured.
///
/// # Errors
/// In words what is wrong.
pub fn said(path: &Path, lines: &[u8]) -> Result<Metrics, String> {
    let mut reader = LineReader::create(path).map_err(|error| error.to_string())?;
    std::fs::write(path, lines).map_err(|error| error.to_string())?;
    let mut read = reader.read().map_err(|error| error.to_string())?;
    read.extend(reader.rest().map_err(|error| error.to_string())?);
    let mut record = Record::default();
    for (number, line) in read {
        let message = program_message::read(&line).map_err(|why| format!("line {number}: {why}"))?;
        record.add(message).map_err(|failure| failure.message)?;
    }
    Ok(record.metrics)
}

/// The checkpoint of a folder, by a program that said nothing.
///
/// # Errors
/// If it can't be read.
pub fn kept(task: TaskId, folder: &Path) -> Result<Vec<u8>, String> {
    checkpoint::encode(task, folder, &Record::default()).map_err(|error| error.to_string())
}

/// Opens a checkpoint into a folder, under the digests of what it has become; gives what was measured before it.
///
/// # Errors
/// As a command's run.
pub fn restored(bytes: &[u8], task: TaskId, folder: &Path) -> Result<Metrics, ExperimentError> {
    let resealed = resealed(bytes);
    let restored = checkpoint::restore(resealed.as_deref().unwrap_or(bytes), task, folder);
    restored.map(|record| record.metrics)
}

fn resealed(bytes: &[u8]) -> Option<Vec<u8>> {
    let (_, metadata) = SafeTensors::read_metadata(bytes).ok()?;
    let note = metadata.metadata().as_ref()?.get(NOTE)?;
    let (_, text) = note.split_at_checked(DIGEST_LENGTH)?;
    let tensors = SafeTensors::deserialize(bytes).ok()?;
    let mut text = text.to_owned();
    if let Ok(mut note) = serde_json::from_str::<Note>(&text) {
        for (name, digest) in &mut note.files {
            *digest = tensors.tensor(name).map_or(*digest, |view| Digest::of(view.data()));
        }
        text = serde_json::to_string(&note).ok()?;
    }
    let note = format!("{}{text}", Digest::of(text.as_bytes()));
    safetensors::serialize(tensors.tensors(), Some(HashMap::from([(NOTE.to_owned(), note)]))).ok()
}
