//! Networks that train together: their parameters and moments, a row each.

use std::sync::Arc;

use basin_domain::optimizer::Optimizer;
use basin_math::power;
use candle_core::{DType, Device, Result, Tensor};

use super::layout::NetworkPlan;

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

/// The moments that an optimiser keeps, by the names under which its checkpoints have them.
pub(super) const fn moments(optimizer: &Optimizer) -> &'static [&'static str] {
    match optimizer {
        Optimizer::Adam { .. } => &["first_moment", "second_moment"],
        Optimizer::Sgd { .. } => &["velocity"],
    }
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

    /// A step for those networks whose gradient is finite; the others stay as they are.
    pub(super) fn step(&mut self, gradient: &Tensor, is_finite: &[bool]) -> Result<()> {
        let stepped = self.stepped(gradient)?;
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
            *steps += u64::from(*finite);
        }
        Ok(())
    }

    /// Parameters and moments after a step: the rules of `basin_kernels::optimizer`, on all rows.
    fn stepped(&self, gradient: &Tensor) -> Result<Vec<Tensor>> {
        let parameters = &self.matrices[0];
        let decayed = |weight_decay: f64| match weight_decay {
            0.0 => Ok(gradient.clone()),
            _ => gradient + (parameters * weight_decay)?,
        };
        match self.optimizer {
            Optimizer::Adam { learning_rate, beta1, beta2, epsilon, weight_decay } => {
                let gradient = decayed(weight_decay)?;
                let first = ((&self.matrices[1] * beta1)? + (&gradient * (1.0 - beta1))?)?;
                let second = ((&self.matrices[2] * beta2)? + (gradient.sqr()? * (1.0 - beta2))?)?;
                let rates = self.column(|step| learning_rate / (1.0 - power(beta1, step)))?;
                let corrections = self.column(|step| 1.0 / (1.0 - power(beta2, step)).sqrt())?;
                let roots = (second.sqrt()?.broadcast_mul(&corrections)? + epsilon)?;
                let parameters = (parameters - (first.broadcast_mul(&rates)? / roots)?)?;
                Ok(vec![parameters, first, second])
            }
            Optimizer::Sgd { learning_rate, momentum, weight_decay } => {
                let gradient = decayed(weight_decay)?;
                let velocity = ((&self.matrices[1] * momentum)? + gradient)?;
                let parameters = (parameters - (&velocity * learning_rate)?)?;
                Ok(vec![parameters, velocity])
            }
        }
    }

    /// A number for each network that follows from the step that it takes now, `[networks, 1]`.
    fn column(&self, of: impl Fn(u64) -> f64) -> Result<Tensor> {
        let numbers: Vec<f64> = self.steps.iter().map(|steps| of(steps + 1)).collect();
        let parameters = &self.matrices[0];
        let column = Tensor::from_vec(numbers, (self.steps.len(), 1), &Device::Cpu)?;
        column.to_dtype(parameters.dtype())?.to_device(parameters.device())
    }
}
