//! Networks that train together: their parameters and moments, a row each.

use std::sync::Arc;

use basin_domain::optimizer::Optimizer;
use basin_kernels::optimizer::{ParameterOptions, Rule, StepAt};
use candle_core::{DType, Device, Result, Tensor};

use super::layout::{NetworkPlan, ParameterSlot};
use crate::optimizer::{clipping, options_of, rule, weight_decay_on};

/// One network's numbers on the host.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct NetworkState {
    /// Steps done.
    pub(super) steps: u64,
    /// Its parameters, then its optimiser's moments, each as a row.
    pub(super) rows: Vec<Vec<f32>>,
}

/// Networks of one plan and one optimiser.
pub(super) struct ModelBatch {
    pub(super) plan: Arc<NetworkPlan>,
    pub(super) optimizer: Optimizer,
    /// Whose the rows are.
    pub(super) lanes: Vec<u64>,
    /// Steps that each has done.
    steps: Vec<u64>,
    /// Parameters, then moments, `[networks, parameters]` each.
    matrices: Vec<Tensor>,
}

/// The moments that an optimiser keeps of each number, by the names under which its checkpoints have them.
pub(super) fn moments(optimizer: &Optimizer) -> &'static [&'static str] {
    rule(&optimizer.rule).accumulators(&[])
}

impl ModelBatch {
    /// A batch of one model.
    pub(super) fn of_one(
        plan: Arc<NetworkPlan>,
        optimizer: Optimizer,
        lane: u64,
        numbers: &NetworkState,
        device: &Device,
        dtype: DType,
    ) -> Result<Self> {
        let row = |row: &Vec<f32>| Tensor::from_slice(row, (1, row.len()), device)?.to_dtype(dtype);
        let matrices = numbers.rows.iter().map(row).collect::<Result<_>>()?;
        Ok(Self { plan, optimizer, lanes: vec![lane], steps: vec![numbers.steps], matrices })
    }

    /// Those of its networks that are wanted, and the others.
    pub(super) fn split(&self, wanted: &[u64]) -> Result<[Option<Self>; 2]> {
        let (taken, left): (Vec<usize>, Vec<usize>) =
            (0..self.lanes.len()).partition(|&row| wanted.contains(&self.lanes[row]));
        let some = |rows: Vec<usize>| (!rows.is_empty()).then(|| self.rows(&rows)).transpose();
        Ok([some(taken)?, some(left)?])
    }

    fn rows(&self, rows: &[usize]) -> Result<Self> {
        let device = self.matrices[0].device();
        let indices: Vec<u32> = rows.iter().map(|&row| row as u32).collect();
        let indices = Tensor::from_vec(indices, rows.len(), device)?;
        let matrices =
            self.matrices.iter().map(|matrix| matrix.index_select(&indices, 0)).collect::<Result<_>>()?;
        Ok(Self {
            plan: Arc::clone(&self.plan),
            optimizer: self.optimizer,
            lanes: rows.iter().map(|&row| self.lanes[row]).collect(),
            steps: rows.iter().map(|&row| self.steps[row]).collect(),
            matrices,
        })
    }

    /// Cohorts of one plan and one optimiser as one.
    pub(super) fn merge(batches: Vec<Self>) -> Result<Option<Self>> {
        let mut batches = batches.into_iter();
        let Some(mut merged) = batches.next() else { return Ok(None) };
        let mut stacks: Vec<Vec<Tensor>> = merged.matrices.drain(..).map(|matrix| vec![matrix]).collect();
        for models in batches {
            merged.lanes.extend(models.lanes);
            merged.steps.extend(models.steps);
            for (stack, matrix) in stacks.iter_mut().zip(models.matrices) {
                stack.push(matrix);
            }
        }
        merged.matrices = stacks
            .into_iter()
            .map(|mut stack| if stack.len() == 1 { Ok(stack.remove(0)) } else { Tensor::cat(&stack, 0) })
            .collect::<Result<_>>()?;
        Ok(Some(merged))
    }

    /// One network's numbers, brought to the processor's memory.
    pub(super) fn numbers(&self, row: usize) -> Result<NetworkState> {
        let of = |matrix: &Tensor| matrix.get(row)?.to_dtype(DType::F32)?.to_vec1::<f32>();
        Ok(NetworkState {
            steps: self.steps[row],
            rows: self.matrices.iter().map(of).collect::<Result<_>>()?,
        })
    }

    /// All networks' parameters, `[networks, parameters]`.
    pub(super) fn parameters(&self) -> &Tensor {
        &self.matrices[0]
    }

    /// A step for those networks whose gradient is finite; the others stay as they are. Each network's learning rate is its factor times
    /// that of the settings; `norms` are ‖gradient‖₂ of each.
    pub(super) fn step(
        &mut self,
        learning_rate_factors: &[f64],
        gradient: &Tensor,
        norms: &[f64],
    ) -> Result<()> {
        let is_finite: Vec<bool> = norms.iter().map(|norm| norm.is_finite()).collect();
        let clipped = self.clipped(gradient, norms)?;
        let stepped = self.stepped(learning_rate_factors, &clipped)?;
        self.matrices = if is_finite.iter().all(|finite| *finite) {
            stepped
        } else {
            let keep: Vec<u8> = is_finite.iter().map(|finite| u8::from(*finite)).collect();
            let keep = Tensor::from_vec(keep, (is_finite.len(), 1), gradient.device())?;
            let keep = keep.broadcast_as(gradient.shape())?.contiguous()?;
            let choose = |(new, old): (&Tensor, &Tensor)| keep.where_cond(new, old);
            stepped.iter().zip(&self.matrices).map(choose).collect::<Result<_>>()?
        };
        for (steps, finite) in self.steps.iter_mut().zip(is_finite) {
            *steps += u64::from(finite);
        }
        Ok(())
    }

    /// The gradients within their bound, if there is one.
    fn clipped(&self, gradient: &Tensor, norms: &[f64]) -> Result<Tensor> {
        match self.optimizer.clipping {
            None => Ok(gradient.clone()),
            Some(bound) => clipping(bound).clip_tensor(norms, gradient),
        }
    }

    /// Parameters and moments after a step of all networks: of all of their numbers at once, as far as they are treated alike.
    fn stepped(&self, learning_rate_factors: &[f64], gradient: &Tensor) -> Result<Vec<Tensor>> {
        let rule = rule(&self.optimizer.rule);
        let runs = self.runs();
        let mut parts: Vec<Vec<Tensor>> = self.matrices.iter().map(|_| Vec::new()).collect();
        for Run { slot, options } in &runs {
            let decays = weight_decay_on(self.optimizer.weight_decay_on).covers(options.is_weight);
            let at = |(steps, factor): (&u64, &f64)| StepAt {
                number: steps + 1,
                learning_rate_factor: factor * options.learning_rate_factor,
                decays,
            };
            let at: Vec<StepAt> = self.steps.iter().zip(learning_rate_factors).map(at).collect();
            let part = |matrix: &Tensor| matrix.narrow(1, slot.offset, slot.length)?.contiguous();
            let matrices: Vec<Tensor> = self.matrices.iter().map(part).collect::<Result<_>>()?;
            let (parameters, moments) =
                rule.step_tensors(&at, &matrices[0], &part(gradient)?, &matrices[1..])?;
            for (parts, moved) in parts.iter_mut().zip(std::iter::once(parameters).chain(moments)) {
                parts.push(moved);
            }
        }
        let whole = |mut parts: Vec<Tensor>| match parts.len() {
            1 => Ok(parts.remove(0)),
            _ => Tensor::cat(&parts, 1),
        };
        parts.into_iter().map(whole).collect()
    }

    /// The numbers of a row in runs that a step treats alike: one, where decay covers all and no parameter has a step size of its own.
    fn runs(&self) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        let covered = weight_decay_on(self.optimizer.weight_decay_on);
        for planned in &self.plan.slots {
            let options = options_of(&self.optimizer, planned.learning_rate_factor, planned.is_weight);
            let is_alike = |run: &Run| {
                run.options.learning_rate_factor == options.learning_rate_factor
                    && covered.covers(run.options.is_weight) == covered.covers(options.is_weight)
            };
            match runs.last_mut().filter(|run| is_alike(run)) {
                Some(run) => run.slot.length += planned.slot.length,
                None => runs.push(Run { slot: planned.slot, options }),
            }
        }
        runs
    }
}

/// Neighbouring numbers of a row that a step treats alike.
struct Run {
    slot: ParameterSlot,
    options: ParameterOptions,
}
