//! A run's network on a device.

use std::collections::BTreeMap;

use basin_domain::optimizer::Optimizer;
use basin_kernels::Loss;
use basin_kernels::optimizer::Optimizer as OptimizerState;
use candle_core::DType;

use super::layout::Layout;
use super::model_batch::{NetworkState, moments};
use super::server::{PassSums, Request};
use super::{Accelerator, Selection};
use crate::ExperimentError;
use crate::model::Model;

/// A network on a device, which is uploaded by its first pass.
#[derive(Debug)]
pub struct Lane {
    accelerator: Accelerator,
    optimizer: Optimizer,
    loss: Loss,
    copy: Option<DeviceCopy>,
}

#[derive(Debug)]
struct DeviceCopy {
    lane: u64,
    layout: Layout,
    /// Whether it has taken steps that the host's model doesn't have.
    is_ahead: bool,
}

impl Lane {
    /// A lane of a network that is trained by this optimiser.
    pub fn new(accelerator: Accelerator, optimizer: Optimizer, loss: Loss) -> Self {
        Self { accelerator, optimizer, loss, copy: None }
    }

    /// A pass over examples, with a step if it is asked for. If ‖g‖₂ isn't finite, no step is taken.
    ///
    /// # Errors
    /// [`ExperimentError::Accelerator`] if the device fails.
    pub fn pass(
        &mut self,
        model: &Model,
        state: &dyn OptimizerState,
        examples: Selection,
        with_step: bool,
    ) -> Result<PassSums, ExperimentError> {
        let copy = match &mut self.copy {
            Some(copy) => copy,
            None => {
                let copy = self.upload(model, state, examples.source.shape())?;
                self.copy.insert(copy)
            }
        };
        let lane = copy.lane;
        let passed = self.accelerator.ask(|answer| Request::Pass { lane, with_step, examples, answer })?;
        copy.is_ahead |= with_step && passed.gradient_norm.is_finite();
        Ok(passed)
    }

    fn upload(
        &self,
        model: &Model,
        state: &dyn OptimizerState,
        shape: [usize; 3],
    ) -> Result<DeviceCopy, ExperimentError> {
        let layout = Layout::of(model, shape, self.loss)?;
        let mut rows = vec![layout.to_row(&model.flat_parameters()?)];
        let kept = state.state()?;
        for moment in moments(&self.optimizer) {
            let mut flat = Vec::with_capacity(layout.plan.parameters);
            for name in model.parameters().keys() {
                let of_one = kept.get(&format!("{moment}/{name}"));
                let of_one = of_one.ok_or_else(|| ExperimentError::NoGradient { parameter: name.clone() })?;
                flat.extend(of_one.to_dtype(DType::F64)?.flatten_all()?.to_vec1::<f64>()?);
            }
            rows.push(layout.to_row(&flat));
        }
        let numbers = NetworkState { steps: state.steps(), rows };
        let (lane, plan, optimizer) = (self.accelerator.fresh_lane(), layout.plan.clone(), self.optimizer);
        self.accelerator.ask(|answer| Request::Join { lane, plan, optimizer, numbers, answer })?;
        Ok(DeviceCopy { lane, layout, is_ahead: false })
    }

    /// Downloads the weights and the optimiser's state, if the device is ahead of the host.
    ///
    /// # Errors
    /// [`ExperimentError::Accelerator`] if the device fails.
    pub fn sync_to_host(
        &mut self,
        model: &Model,
        state: &mut dyn OptimizerState,
    ) -> Result<(), ExperimentError> {
        let Some(copy) = self.copy.as_mut().filter(|copy| copy.is_ahead) else { return Ok(()) };
        let lane = copy.lane;
        let NetworkState { steps, rows } = self.accelerator.ask(|answer| Request::Read { lane, answer })?;
        let mut rows = rows.iter().map(|row| copy.layout.to_flat(row));
        let parameters = rows.next().unwrap_or_default();
        model.set_parameters(&parameters)?;
        let mut kept = BTreeMap::new();
        for (moment, flat) in moments(&self.optimizer).iter().zip(rows) {
            for ((name, parameter), (_, part)) in model.parameters().iter().zip(model.parts(&flat)?) {
                kept.insert(format!("{moment}/{name}"), part.to_dtype(parameter.dtype())?);
            }
        }
        state.restore(steps, &kept)?;
        copy.is_ahead = false;
        Ok(())
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        if let Some(DeviceCopy { lane, .. }) = self.copy {
            // A device that is gone has nothing left to be freed.
            let _ = self.accelerator.send(Request::Leave { lane });
        }
    }
}
