//! What is done around each step of a rule: sharpness-aware minimisation, bounds on gradients, and weights that are held at zero.

use basin_domain::optimizer::{Optimizer, Sam};
use basin_kernels::network::{Mode, Program, Wanted};
use basin_kernels::optimizer::{BoundedGradients, Clipping, Mask, Optimizer as OptimizerState, Perturbation};
use basin_kernels::{Loss, squared_norm_of};

use super::Batch;
use crate::ExperimentError;
use crate::accelerator::PassSums;
use crate::model::Model;
use crate::optimizer::clipping;

/// What is done around each step of a rule.
#[derive(Debug, Clone, Default)]
pub(super) struct AroundStep {
    clipping: Option<Clipping>,
    perturbation: Option<Perturbation>,
    mask: Option<Mask>,
}

impl AroundStep {
    /// What these settings ask for.
    pub(super) fn of(settings: &Optimizer) -> Self {
        Self {
            clipping: settings.clipping.map(clipping),
            perturbation: settings.sam.map(|Sam { rho, adaptive }| Perturbation { rho, adaptive }),
            mask: None,
        }
    }

    /// Takes these weights out of every gradient, and sets them to zero after each step.
    pub(super) fn hold_at_zero(&mut self, mask: Mask) {
        self.mask = Some(mask);
    }

    /// Takes a step on a batch, whose learning rate is `learning_rate_factor` times that of the settings; gives the sums over it before
    /// the step, and ‖g‖₂ over all parameters: those of the weights before any perturbation, and of the gradient before it is clipped.
    ///
    /// If a gradient's norm isn't finite, no step is taken: the weights stay as they were before.
    ///
    /// # Errors
    /// [`ExperimentError::NoGradient`] if the network doesn't have one of the parameters.
    pub(super) fn step(
        &self,
        program: &mut Program<f32>,
        model: &Model,
        optimizer: &mut dyn OptimizerState,
        learning_rate_factor: f64,
        loss: Loss,
        batch: &Batch,
    ) -> Result<PassSums, ExperimentError> {
        let step = optimizer.steps();
        let mode = |updates_statistics| Mode::Training { step, updates_statistics };
        let mask = self.mask.as_ref();
        let found = gradients(program, model, mode(true), loss, batch, mask)?;
        if !found.gradient_norm.is_finite() {
            return Ok(found);
        }
        let mut norm = found.gradient_norm;
        if let Some(perturbation) = self.perturbation {
            let before = perturbation.apply(model.parameters().values(), &*program)?;
            let perturbed = gradients(program, model, mode(false), loss, batch, mask);
            before.restore()?;
            norm = perturbed?.gradient_norm;
            if !norm.is_finite() {
                return Ok(PassSums { gradient_norm: norm, ..found });
            }
        }
        match self.clipping {
            None => optimizer.step(learning_rate_factor, &*program)?,
            Some(bound) => {
                optimizer.step(learning_rate_factor, &BoundedGradients::new(bound, norm, &*program))?;
            }
        }
        // A rule may move what has no gradient: Muon turns whole matrices, and 0 / 0 is no number.
        if let Some(mask) = mask {
            mask.apply()?;
        }
        Ok(found)
    }
}

/// The sums over a batch, and ‖g‖₂ over all parameters but what is masked; the gradients stay in the program.
fn gradients(
    program: &mut Program<f32>,
    model: &Model,
    mode: Mode,
    loss: Loss,
    Batch { inputs, targets }: &Batch,
    mask: Option<&Mask>,
) -> Result<PassSums, ExperimentError> {
    let outputs = program.forward(inputs, mode)?;
    let sums = loss.sums(outputs, targets)?;
    let gradient = loss.gradient(outputs, targets)?;
    program.backward(&gradient, Wanted { input: false, parameters: true })?;
    if let Some(mask) = mask {
        mask.clear_gradients(program);
    }
    let mut squares = 0.0;
    for (name, parameter) in model.parameters() {
        let Some(gradient) = program.parameter_gradient(parameter) else {
            return Err(ExperimentError::NoGradient { parameter: name.clone() });
        };
        squares += squared_norm_of(gradient);
    }
    Ok(PassSums { sums, gradient_norm: squares.sqrt() })
}
