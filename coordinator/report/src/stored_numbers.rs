//! Numbers of a run's result from which measures are computed again: what claims ask for that vary such a measure's threshold.

use std::collections::BTreeMap;

use basin_domain::claim::{Check, Claim, RecomputedMeasure, Setting};
use basin_domain::id::TaskId;
use basin_storage::{StorageError, Store};
use futures::{StreamExt, TryStreamExt};
use safetensors::{Dtype, SafeTensors};

use super::error::is_of_this_object;
use super::runs::{Run, RunState};
use super::selection::is_selected;

/// Results that are read at once.
const CONCURRENT: usize = 8;

/// The tensor of the Hessian's eigenvalues.
const EIGENVALUES: &str = "hessian/eigenvalues";
/// The tensors of the weights and biases are called `model/<parameter>`.
const MODEL: &str = "model/";

/// The numbers of one run's result.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StoredNumbers {
    /// The eigenvalues of the Hessian; empty if the result has none.
    pub eigenvalues: Vec<f64>,
    /// All weights and biases.
    pub weights: Vec<f64>,
}

/// The numbers of the runs that were asked for. A run whose result is damaged or gone isn't among them.
pub type StoredNumbersByTask = BTreeMap<TaskId, StoredNumbers>;

/// Reads the results of the completed runs of which a claim varies a threshold of stored numbers, each once.
///
/// # Errors
/// If the store can't be reached.
pub(super) async fn gather(
    store: &Store,
    claims: &[Claim],
    runs: &[Run],
) -> Result<StoredNumbersByTask, StorageError> {
    let mut wanted = BTreeMap::new();
    for run in runs {
        if run.completed().is_some()
            && claims.iter().any(|claim| asks_for(claim, run))
            && let RunState::Committed { commit, .. } = &run.state
        {
            wanted.insert(run.task.id, commit);
        }
    }
    let read: Vec<Option<(TaskId, StoredNumbers)>> = futures::stream::iter(wanted)
        .map(|(task, commit)| async move {
            match store.read_result(commit).await {
                Ok(bytes) => Ok(numbers_of(&bytes).map(|numbers| (task, numbers))),
                Err(error) if is_of_this_object(&error) => Ok(None),
                Err(error) => Err(error),
            }
        })
        .buffered(CONCURRENT)
        .try_collect()
        .await?;
    Ok(read.into_iter().flatten().collect())
}

/// Whether a claim varies a threshold of what this run's result holds.
fn asks_for(claim: &Claim, run: &Run) -> bool {
    claim.analysis.vary.iter().any(|variation| {
        let reads_result = variation.settings.iter().any(|setting| match setting {
            Setting::Recomputed(
                RecomputedMeasure::PositiveEigenvalues | RecomputedMeasure::WeightsNearZero,
                _,
            ) => true,
            Setting::Recomputed(RecomputedMeasure::Converged, _)
            | Setting::Level(_)
            | Setting::ReadAt(_)
            | Setting::AverageLast(_)
            | Setting::Smoothing(_)
            | Setting::Middle(_)
            | Setting::Measure(..)
            | Setting::Bound(..)
            | Setting::Condition(_)
            | Setting::Parameter(..) => false,
        });
        let is_of_run = |check: &Check| {
            check.selections().iter().any(|selection| is_selected(run, selection)) && variation.is_of(check)
        };
        reads_result && claim.checks.iter().any(is_of_run)
    })
}

/// The numbers in a file of safetensors; none if it is damaged or has no numbers of 64 bits.
fn numbers_of(bytes: &[u8]) -> Option<StoredNumbers> {
    let tensors = SafeTensors::deserialize(bytes).ok()?;
    let mut found = StoredNumbers::default();
    let mut all = tensors.tensors();
    all.sort_by(|(one, _), (other, _)| one.cmp(other));
    for (name, tensor) in all {
        let numbers = match name.as_str() {
            EIGENVALUES => &mut found.eigenvalues,
            name if name.starts_with(MODEL) => &mut found.weights,
            _ => continue,
        };
        if tensor.dtype() != Dtype::F64 {
            return None;
        }
        let number = |bytes: &[u8]| Some(f64::from_le_bytes(bytes.try_into().ok()?));
        numbers.extend(tensor.data().chunks_exact(size_of::<f64>()).filter_map(number));
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use safetensors::tensor::TensorView;

    use super::*;

    fn file(tensors: &[(&str, Dtype, &[u8])]) -> Vec<u8> {
        let views = tensors.iter().map(|(name, dtype, data)| {
            let size = if *dtype == Dtype::F64 { 8 } else { 4 };
            (*name, TensorView::new(*dtype, vec![data.len() / size], data).unwrap())
        });
        safetensors::serialize(views, None).unwrap()
    }

    fn bytes(numbers: &[f64]) -> Vec<u8> {
        numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
    }

    #[test]
    fn eigenvalues_and_weights_are_found_by_their_names() {
        let (spectrum, weight, bias) = (bytes(&[-1.0, 2.0]), bytes(&[0.5, -0.25]), bytes(&[0.125]));
        let written = file(&[
            ("hessian/eigenvalues", Dtype::F64, &spectrum),
            ("model/dense0.weight", Dtype::F64, &weight),
            ("model/dense0.bias", Dtype::F64, &bias),
            ("other", Dtype::F32, &[0; 4]),
        ]);
        let found = numbers_of(&written).unwrap();
        assert_eq!(
            (found.eigenvalues.as_slice(), found.weights.as_slice()),
            (&[-1.0, 2.0][..], &[0.125, 0.5, -0.25][..])
        );
        assert_eq!(numbers_of(&written[..20]), None);
        assert_eq!(numbers_of(&file(&[("model/dense0.bias", Dtype::F32, &[0; 4])])), None);
    }
}
