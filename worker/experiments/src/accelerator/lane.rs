//! A run's network on a device.

use std::collections::BTreeMap;

use basin_domain::optimizer::Optimizer;
use basin_kernels::optimizer::Optimizer as OptimizerState;
use basin_kernels::{Loss, LossSums};
use candle_core::DType;

use super::layout::Layout;
use super::model_batch::{NetworkState, moments};
use super::server::Request;
use super::{Accelerator, Selection};
use crate::ExperimentError;
use crate::model::Model;

/// A network on a device, which is brought there by its first pass.
#[derive(Debug)]
pub struct Lane {
    accelerator: Accelerator,
    optimizer: Optimizer,
    loss: Loss,
    there: Option<DeviceCopy>,
}

#[derive(Debug)]
struct DeviceCopy {
    lane: u64,
    layout: Layout,
    /// Whether it has taken steps that the model at home doesn't know.
    is_ahead: bool,
}

impl Lane {
    /// A lane of a network that is trained by this optimiser.
    pub fn new(accelerator: Accelerator, optimizer: Optimizer, loss: Loss) -> Self {
        Self { accelerator, optimizer, loss, there: None }
    }

    /// A pass over examples, with a step if it is asked for: their sums before the step, and ‖g‖₂ (zero without a step). If ‖g‖₂ isn't
    /// finite, no step is taken.
    ///
    /// # Errors
    /// [`ExperimentError::Accelerator`] if the device fails.
    pub fn pass(
        &mut self,
        model: &Model,
        state: &dyn OptimizerState,
        examples: Selection,
        with_step: bool,
    ) -> Result<(LossSums, f64), ExperimentError> {
        let there = match &mut self.there {
            Some(there) => there,
            None => {
                let there = self.bring(model, state, examples.source.shape())?;
                self.there.insert(there)
            }
        };
        let lane = there.lane;
        let (sums, norm) =
            self.accelerator.ask(|answer| Request::Pass { lane, with_step, examples, answer })?;
        there.is_ahead |= with_step && norm.is_finite();
        Ok((sums, norm))
    }

    fn bring(
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

    /// Brings the weights and the optimiser's state home, if the device is ahead of them.
    ///
    /// # Errors
    /// [`ExperimentError::Accelerator`] if the device fails.
    pub fn sync_to_host(
        &mut self,
        model: &Model,
        state: &mut dyn OptimizerState,
    ) -> Result<(), ExperimentError> {
        let Some(there) = self.there.as_mut().filter(|there| there.is_ahead) else { return Ok(()) };
        let lane = there.lane;
        let NetworkState { steps, rows } = self.accelerator.ask(|answer| Request::Read { lane, answer })?;
        let mut rows = rows.iter().map(|row| there.layout.to_flat(row));
        let parameters = rows.next().unwrap_or_default();
        model.set_parameters(&parameters)?;
        let mut kept = BTreeMap::new();
        for (moment, flat) in moments(&self.optimizer).iter().zip(rows) {
            for ((name, parameter), (_, part)) in model.parameters().iter().zip(model.parts(&flat)?) {
                kept.insert(format!("{moment}/{name}"), part.to_dtype(parameter.dtype())?);
            }
        }
        state.restore(steps, &kept)?;
        there.is_ahead = false;
        Ok(())
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        if let Some(DeviceCopy { lane, .. }) = self.there {
            // A device that is gone has nothing left to be freed.
            let _ = self.accelerator.send(Request::Leave { lane });
        }
    }
}
