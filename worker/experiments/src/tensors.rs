//! Named tensors as safetensors, the same bytes for the same tensors.

use std::collections::{BTreeMap, HashMap};

use basin_domain::metrics::Outcome;
use candle_core::safetensors::Load;
use candle_core::{DType, Device, Tensor, WithDType};
use safetensors::SafeTensors;
use safetensors::tensor::View;

use crate::ExperimentError;

/// Tensors by name.
pub(crate) type NamedTensors = BTreeMap<String, Tensor>;

/// The key of the one text that a file carries beside its tensors. One alone, since several would be written in an order
/// that differs from run to run.
const NOTE: &str = "basin";

/// The tensors as safetensors, with a note.
pub(crate) fn serialize(tensors: &NamedTensors, note: Option<String>) -> Result<Vec<u8>, ExperimentError> {
    let metadata = note.map(|note| HashMap::from([(NOTE.to_owned(), note)]));
    let bytes = safetensors::serialize(tensors, metadata).map_err(candle_core::Error::from)?;
    Ok(bytes)
}

/// A run's results as safetensors, with its outcome. In those of a run that diverged NaN has one pattern of bits: which of many an
/// operation gives differs between processors.
pub(crate) fn serialize_results(
    mut results: NamedTensors,
    outcome: Outcome,
) -> Result<Vec<u8>, ExperimentError> {
    if let Outcome::Diverged { .. } = outcome {
        for tensor in results.values_mut() {
            *tensor = match tensor.dtype() {
                DType::F32 => replaced(tensor, |value: f32| if value.is_nan() { f32::NAN } else { value })?,
                DType::F64 => replaced(tensor, |value: f64| if value.is_nan() { f64::NAN } else { value })?,
                _ => continue,
            };
        }
    }
    serialize(&results, Some(outcome.to_json()))
}

/// The results of a run that leaves no tensors.
///
/// # Errors
/// If they can't be written.
pub fn empty_result(outcome: Outcome) -> Result<Vec<u8>, ExperimentError> {
    serialize_results(NamedTensors::new(), outcome)
}

fn replaced<T: WithDType>(tensor: &Tensor, by: impl Fn(T) -> T) -> Result<Tensor, candle_core::Error> {
    let values = tensor.flatten_all()?.to_vec1::<T>()?;
    Tensor::from_vec(values.into_iter().map(by).collect::<Vec<T>>(), tensor.shape(), &Device::Cpu)
}

/// The tensors and the note of safetensors; in words what is wrong if they can't be read.
pub(crate) fn deserialize(bytes: &[u8]) -> Result<(NamedTensors, String), String> {
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|error| error.to_string())?;
    let note = metadata.metadata().as_ref().and_then(|texts| texts.get(NOTE)).cloned().unwrap_or_default();
    let tensors = SafeTensors::deserialize(bytes)
        .map_err(|error| error.to_string())?
        .iter()
        .map(|(name, view)| {
            Ok((name.to_owned(), view.load(&Device::Cpu).map_err(|error| error.to_string())?))
        })
        .collect::<Result<_, String>>()?;
    Ok((tensors, note))
}

/// Feeds names, types, shapes and values to `hasher`.
pub(crate) fn hash(tensors: &NamedTensors, hasher: &mut blake3::Hasher) {
    for (name, tensor) in tensors {
        hasher.update(format!("{name:?} {:?} {:?}\n", tensor.dtype(), tensor.dims()).as_bytes());
        hasher.update(&View::data(tensor));
    }
}

/// The tensors of `all` whose names start with `prefix`, which is cut off.
pub(crate) fn with_prefix(all: &NamedTensors, prefix: &str) -> NamedTensors {
    all.iter()
        .filter_map(|(name, tensor)| Some((name.strip_prefix(prefix)?.to_owned(), tensor.clone())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensors_and_note_come_back_and_bytes_do_not_change() {
        let tensors = NamedTensors::from([
            ("b".to_owned(), Tensor::new(&[1f32, f32::NAN], &Device::Cpu).unwrap()),
            ("a".to_owned(), Tensor::new(&[[1f64, 2.0]], &Device::Cpu).unwrap()),
        ]);
        let bytes = serialize(&tensors, Some("note".to_owned())).unwrap();
        assert_eq!(bytes, serialize(&tensors, Some("note".to_owned())).unwrap());
        let (read, note) = deserialize(&bytes).unwrap();
        assert_eq!(note, "note");
        let digest = |tensors: &NamedTensors| {
            let mut hasher = blake3::Hasher::new();
            hash(tensors, &mut hasher);
            hasher.finalize()
        };
        assert_eq!(digest(&read), digest(&tensors));
        assert!(deserialize(&bytes[..bytes.len() - 1]).is_err());
    }
}
