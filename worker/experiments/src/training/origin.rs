//! Where training begins: with a network as it is drawn, or with what other runs left of theirs.
//!
//! States that runs keep for others lie in their results as `states/<step>/…`: `model/…`, `optimizer/…`, `average/…` and `start/…` as a
//! checkpoint has them, and `counters`.

use std::collections::BTreeMap;

use basin_domain::experiment::{Branch, Pruning, Rewind, TrainingSettings};
use basin_domain::metrics::Outcome;
use basin_kernels::LossSums;
use candle_core::{DType, Device, Tensor};

use crate::model::Model;
use crate::pruning::WeightMask;
use crate::tensors::{self, NamedTensors};
use crate::{Assets, ExperimentError};

/// The tensor of a state's counters.
pub(super) const COUNTERS: &str = "counters";

/// The step at which training begins, and what was counted before.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Origin {
    /// The step.
    pub(super) step: u64,
    /// The steps that the optimiser had taken.
    pub(super) optimizer_steps: u64,
    /// The steps that the average of weights had seen.
    pub(super) average_steps: u64,
    /// The sums since the last point that was recorded before.
    pub(super) sums: LossSums,
    /// Whether it goes on as after any step; otherwise it is evaluated first, as at any beginning.
    pub(super) goes_on: bool,
}

/// All that a run takes up from others, beside the weights, which are the model's already.
#[derive(Default)]
pub(super) struct Beginning {
    pub(super) origin: Origin,
    /// The weights that remain, where not all do.
    pub(super) mask: Option<WeightMask>,
    pub(super) optimizer: Option<NamedTensors>,
    pub(super) average: Option<NamedTensors>,
    /// The directions from which probes start.
    pub(super) starts: BTreeMap<String, Vec<f64>>,
    pub(super) latest_loss: Option<f64>,
    /// Whether there is nothing to begin with, because a run that is read diverged before.
    pub(super) has_diverged: bool,
}

/// The counters of a state.
#[derive(Debug, Clone, Copy)]
pub(super) struct StateCounters {
    pub(super) optimizer_steps: u64,
    pub(super) average_steps: u64,
    pub(super) sums: LossSums,
    pub(super) latest_loss: Option<f64>,
}

impl StateCounters {
    /// The counters as a tensor; floats as their bits.
    pub(super) fn tensor(self) -> Result<Tensor, ExperimentError> {
        let loss = self.latest_loss.unwrap_or(f64::NAN);
        let LossSums { loss: sum, correct, count } = self.sums;
        let counters =
            [self.optimizer_steps, self.average_steps, sum.to_bits(), correct, count, loss.to_bits()];
        let counters = counters.map(u64::cast_signed);
        Ok(Tensor::from_slice(&counters, counters.len(), &Device::Cpu)?)
    }

    fn of(tensor: &Tensor) -> Option<Self> {
        let counters: Vec<u64> = tensor.to_vec1::<i64>().ok()?.into_iter().map(i64::cast_unsigned).collect();
        let [optimizer_steps, average_steps, sum, correct, count, loss] = counters[..] else { return None };
        let sums = LossSums { loss: f64::from_bits(sum), correct, count };
        let latest_loss = Some(f64::from_bits(loss)).filter(|loss| !loss.is_nan());
        Some(Self { optimizer_steps, average_steps, sums, latest_loss })
    }
}

/// The result of a run that is read.
struct Input {
    name: &'static str,
    tensors: NamedTensors,
    outcome: Outcome,
}

impl Input {
    fn read(assets: &Assets, name: &'static str) -> Result<Self, ExperimentError> {
        let bytes = assets.inputs.get(name).ok_or_else(|| unusable(name, "it isn't there"))?;
        let (tensors, note) = tensors::deserialize(bytes).map_err(|why| unusable(name, why))?;
        let outcome = note.parse().map_err(|_| unusable(name, "it doesn't say how its run ended"))?;
        Ok(Self { name, tensors, outcome })
    }

    const fn has_diverged(&self) -> bool {
        matches!(self.outcome, Outcome::Diverged { .. })
    }

    /// The state after a step; none if the run diverged before.
    fn state(&self, step: u64) -> Result<Option<(NamedTensors, StateCounters)>, ExperimentError> {
        let state = tensors::with_prefix(&self.tensors, &format!("states/{step}/"));
        match (state.get(COUNTERS), self.outcome) {
            (Some(counters), _) => match StateCounters::of(counters) {
                Some(counters) => Ok(Some((state, counters))),
                None => Err(unusable(self.name, format!("its state after step {step} has no counters"))),
            },
            (None, Outcome::Diverged { .. }) => Ok(None),
            (None, Outcome::Stopped { iteration, .. }) if iteration < step => {
                let why = format!("a rule ended its training at step {iteration}, before step {step}");
                Err(unusable(self.name, why))
            }
            (None, Outcome::Stopped { .. } | Outcome::Completed) => {
                Err(unusable(self.name, format!("it keeps no state after step {step}")))
            }
        }
    }

    /// Its mask, if it has one.
    fn mask(&self, model: &Model) -> Result<Option<WeightMask>, ExperimentError> {
        let tensors = tensors::with_prefix(&self.tensors, "mask/");
        if tensors.is_empty() {
            return Ok(None);
        }
        WeightMask::of_tensors(model, &tensors).map(Some).map_err(|why| unusable(self.name, why))
    }

    /// Gives the model these weights and running statistics, from below `model/`.
    fn set(&self, model: &Model, from: &NamedTensors) -> Result<(), ExperimentError> {
        let found = tensors::with_prefix(from, "model/");
        for (name, variable) in model.state() {
            let Some(tensor) = found.get(name) else {
                return Err(unusable(self.name, format!("it lacks `{name}`")));
            };
            if tensor.dims() != variable.dims() || tensor.dtype() != DType::F32 {
                let why = format!("`{name}` has the shape {:?}, not {:?}", tensor.dims(), variable.dims());
                return Err(unusable(self.name, why));
            }
            variable.set(tensor)?;
        }
        Ok(())
    }
}

impl Beginning {
    /// Gives the model the weights with which training begins, and reads the rest of what there is to begin with.
    ///
    /// # Errors
    /// [`ExperimentError::UnusableInput`] if the result of a run that is read isn't there or doesn't fit.
    pub(super) fn read(
        settings: &TrainingSettings,
        model: &Model,
        seed: u64,
        assets: &Assets,
    ) -> Result<Self, ExperimentError> {
        let beginning = match (settings.start, settings.prune) {
            (Some(branch), _) => Self::of_branch(branch, model, assets)?,
            (None, Some(pruning)) => Self::of_round(&pruning, model, seed, assets)?,
            (None, None) => return Ok(Self::default()),
        };
        if let Some(mask) = &beginning.mask {
            mask.of_model(model)?.apply()?;
        }
        Ok(beginning)
    }

    fn diverged() -> Self {
        Self { has_diverged: true, ..Self::default() }
    }

    fn of_branch(branch: Branch, model: &Model, assets: &Assets) -> Result<Self, ExperimentError> {
        let input = Input::read(assets, Branch::INPUT)?;
        let mask = input.mask(model)?;
        let Some(step) = branch.step else {
            if input.has_diverged() {
                return Ok(Self::diverged());
            }
            input.set(model, &input.tensors)?;
            return Ok(Self { mask, ..Self::default() });
        };
        let Some((state, counters)) = input.state(step)? else { return Ok(Self::diverged()) };
        input.set(model, &state)?;
        let mut beginning = Self { mask, ..Self::default() };
        beginning.origin.step = branch.first_step();
        if branch.optimizer_state {
            beginning.optimizer = Some(tensors::with_prefix(&state, "optimizer/"));
            beginning.origin.optimizer_steps = counters.optimizer_steps;
            let average = tensors::with_prefix(&state, "average/");
            if !average.is_empty() {
                beginning.average = Some(average);
                beginning.origin.average_steps = counters.average_steps;
            }
        }
        if branch.goes_on() {
            beginning.origin.goes_on = true;
            beginning.origin.sums = counters.sums;
            beginning.latest_loss = counters.latest_loss;
            for (name, start) in tensors::with_prefix(&state, "start/") {
                beginning.starts.insert(name, start.to_vec1::<f64>()?);
            }
        }
        Ok(beginning)
    }

    fn of_round(
        pruning: &Pruning,
        model: &Model,
        seed: u64,
        assets: &Assets,
    ) -> Result<Self, ExperimentError> {
        let trained = Input::read(assets, Pruning::TRAINED)?;
        if trained.has_diverged() {
            return Ok(Self::diverged());
        }
        trained.set(model, &trained.tensors)?;
        let mut mask = trained.mask(model)?.unwrap_or_else(|| WeightMask::whole(model));
        mask.prune(pruning, model, seed)?;
        match pruning.rewind {
            Rewind::Trained => {}
            Rewind::Redrawn => model.redraw(&format!("prune/{}/redrawn", pruning.round))?,
            Rewind::Step(step) => {
                let rewound = Input::read(assets, Pruning::REWOUND)?;
                let Some((state, _)) = rewound.state(step)? else { return Ok(Self::diverged()) };
                rewound.set(model, &state)?;
            }
        }
        let origin = Origin { step: pruning.first_step(), ..Origin::default() };
        Ok(Self { origin, mask: Some(mask), ..Self::default() })
    }
}

/// The error of an input that can't be used.
pub(super) fn unusable(name: &str, why: impl Into<String>) -> ExperimentError {
    ExperimentError::UnusableInput { name: name.to_owned(), reason: why.into() }
}
