//! The state of a run as it is saved, and its numbers.

use std::collections::BTreeMap;

use candle_core::{DType, Device, Tensor};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::ExperimentError;
use crate::checkpoint::bad;
use crate::tensors::NamedTensors;

/// Numbers of a shape, the last axis fastest.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    shape: Vec<usize>,
    values: Vec<f64>,
}

impl Array {
    /// Numbers along one axis.
    pub fn vector(values: Vec<f64>) -> Self {
        Self { shape: vec![values.len()], values }
    }

    /// Numbers of this shape; none if it has room for more or for fewer.
    pub fn new(shape: &[usize], values: Vec<f64>) -> Option<Self> {
        let room = shape.iter().try_fold(1_usize, |room, length| room.checked_mul(*length))?;
        (room == values.len()).then(|| Self { shape: shape.to_vec(), values })
    }

    /// The lengths of the axes.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The numbers.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    pub(super) fn tensor(&self) -> Result<Tensor, ExperimentError> {
        Ok(Tensor::from_vec(self.values.clone(), self.shape.as_slice(), &Device::Cpu)?)
    }

    pub(super) fn of_tensor(tensor: &Tensor) -> Result<Self, ExperimentError> {
        let values = tensor.to_dtype(DType::F64)?.flatten_all()?.to_vec1::<f64>()?;
        Ok(Self { shape: tensor.dims().to_vec(), values })
    }
}

/// The state of a run between two steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Saved {
    pub(super) state: serde_json::Value,
    pub(super) arrays: BTreeMap<String, Array>,
}

impl Saved {
    /// This state, which becomes JSON: whole numbers and finite ones come back to the last bit, others don't, and belong into
    /// [arrays](Saved::with).
    ///
    /// # Errors
    /// If it can't be written as JSON.
    pub fn of(state: &impl Serialize) -> Result<Self, ExperimentError> {
        let state = serde_json::to_value(state).map_err(ExperimentError::UnsavedState)?;
        Ok(Self { state, arrays: BTreeMap::new() })
    }

    /// The same with numbers, any numbers.
    #[must_use]
    pub fn with(mut self, name: &str, array: Array) -> Self {
        self.arrays.insert(name.to_owned(), array);
        self
    }

    /// The state.
    ///
    /// # Errors
    /// [`ExperimentError::BadCheckpoint`] if it is another's.
    pub fn state<S: DeserializeOwned>(&self) -> Result<S, ExperimentError> {
        S::deserialize(&self.state).map_err(|error| bad(format!("its state: {error}")))
    }

    /// The numbers of this name.
    ///
    /// # Errors
    /// [`ExperimentError::BadCheckpoint`] if there are none.
    pub fn array(&self, name: &str) -> Result<&Array, ExperimentError> {
        self.arrays.get(name).ok_or_else(|| bad(format!("it has no numbers `{name}`")))
    }

    pub(super) fn tensors(&self) -> Result<NamedTensors, ExperimentError> {
        self.arrays.iter().map(|(name, array)| Ok((format!("run/{name}"), array.tensor()?))).collect()
    }

    pub(super) fn of_tensors(
        state: serde_json::Value,
        tensors: &NamedTensors,
    ) -> Result<Self, ExperimentError> {
        let own = crate::tensors::with_prefix(tensors, "run/");
        let arrays = own.iter().map(|(name, tensor)| Ok((name.clone(), Array::of_tensor(tensor)?)));
        Ok(Self { state, arrays: arrays.collect::<Result<_, ExperimentError>>()? })
    }
}
